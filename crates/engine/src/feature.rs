//! Features, compiled: rules tried in order, with other features as prerequisites.

use crate::codec::{Reader, Wire, read_part, wire_struct, write_part};
use crate::condition::Condition;
use crate::hash::HashVersion;
use crate::unit::Filter;
use splitlight_protocol::{Timestamp, Value};

/// A value that the site's own code asks for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Feature {
    pub(crate) key: String,
    pub(crate) default: Value,
    pub(crate) rules: Vec<Rule>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Rule {
    pub(crate) start: Option<Timestamp>,
    pub(crate) end: Option<Timestamp>,
    pub(crate) prerequisites: Vec<Prerequisite>,
    pub(crate) filters: Vec<Filter>,
    pub(crate) when: Condition,
    /// Index into the program's units.
    pub(crate) unit: u32,
    pub(crate) rollout: Option<Rollout>,
    pub(crate) value: Value,
    /// Index into the program's items: an experiment that gives the value instead.
    pub(crate) item: Option<u32>,
}

/// The part of a unit that gets a rule's value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Rollout {
    pub(crate) seed: String,
    pub(crate) hash_version: HashVersion,
    pub(crate) range: (f64, f64),
}

/// What another feature has to be.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Prerequisite {
    /// Index into the program's features; one that is not there closes.
    pub(crate) feature: u32,
    /// A condition on `{ "value": ... }`.
    pub(crate) when: Condition,
    /// Whether a failure ends the whole feature.
    pub(crate) gate: bool,
}

impl Wire for Feature {
    fn write(&self, out: &mut Vec<u8>) {
        self.key.write(out);
        write_part(&self.default, out);
        self.rules.write(out);
    }

    fn read(from: &mut Reader<'_>) -> Self {
        Self { key: Wire::read(from), default: read_part(from), rules: Wire::read(from) }
    }
}

// The value, and then the rest as a part, so that who looks for the value of another rule can pass over both.
impl Wire for Rule {
    fn write(&self, out: &mut Vec<u8>) {
        write_part(&self.value, out);
        let mut rest = Vec::new();
        self.start.write(&mut rest);
        self.end.write(&mut rest);
        write_part(&self.prerequisites, &mut rest);
        write_part(&self.filters, &mut rest);
        self.when.write(&mut rest);
        self.unit.write(&mut rest);
        self.item.write(&mut rest);
        self.rollout.write(&mut rest);
        (rest.len() as u64).write(out);
        out.extend(rest);
    }

    fn read(from: &mut Reader<'_>) -> Self {
        let value = read_part(from);
        let mut rest = from.part();
        let rule = Self {
            value,
            start: Wire::read(&mut rest),
            end: Wire::read(&mut rest),
            prerequisites: read_part(&mut rest),
            filters: read_part(&mut rest),
            when: Wire::read(&mut rest),
            unit: Wire::read(&mut rest),
            item: Wire::read(&mut rest),
            rollout: Wire::read(&mut rest),
        };
        if rest.failed() || !rest.is_empty() {
            from.fail();
        }
        rule
    }
}

wire_struct!(Rollout { seed, hash_version, range });
wire_struct!(Prerequisite { feature, when, gate });

impl Feature {
    pub(crate) fn is_sound(&self, known: &impl Fn(&Condition) -> bool) -> bool {
        self.rules.iter().all(|rule| {
            known(&rule.when) && rule.prerequisites.iter().all(|prerequisite| known(&prerequisite.when))
        })
    }
}
