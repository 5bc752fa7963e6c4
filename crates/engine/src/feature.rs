//! Features, compiled: rules tried in order, with other features as prerequisites.

use crate::codec::wire_struct;
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

wire_struct!(Feature { key, default, rules });
wire_struct!(Rule { start, end, prerequisites, filters, when, unit, rollout, value, item });
wire_struct!(Rollout { seed, hash_version, range });
wire_struct!(Prerequisite { feature, when, gate });

impl Feature {
    pub(crate) fn is_sound(&self, known: &impl Fn(&Condition) -> bool) -> bool {
        self.rules.iter().all(|rule| {
            known(&rule.when) && rule.prerequisites.iter().all(|prerequisite| known(&prerequisite.when))
        })
    }
}
