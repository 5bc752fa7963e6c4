//! What is hashed, and the hash ranges that let a unit in.

use crate::code::{Code, Section};
use crate::codec::{Reader, Wire, wire_enum, wire_struct};
use crate::condition::lookup;
use crate::hash::{HashVersion, bucket};
use crate::program::Digits;
use crate::visitor::Visitor;
use splitlight_protocol::Value;

/// What is hashed.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Unit {
    /// The anonymous id of a browser.
    Visitor,
    /// The id of a signed-in person.
    User,
    /// The attribute at a path.
    Attribute(Vec<String>),
}

/// Hash ranges that a unit has to be in.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Filter {
    pub(crate) seed: String,
    pub(crate) hash_version: HashVersion,
    pub(crate) ranges: Vec<(f64, f64)>,
    /// Index into the program's units; the item's own when missing.
    pub(crate) unit: Option<u32>,
}

/// A share of a unit that sees nothing.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Holdout {
    pub(crate) key: String,
    pub(crate) share: f64,
    /// Index into the program's units.
    pub(crate) unit: u32,
}

/// A [`Holdout`] in a program's bytes.
pub(crate) struct Held<'a> {
    pub(crate) key: &'a str,
    pub(crate) share: f64,
    pub(crate) unit: u32,
}

wire_enum!(Unit { 0 => Attribute(path), 1 => Visitor, 2 => User });
wire_struct!(Filter { seed, hash_version, unit, ranges });
wire_struct!(Holdout { key, share, unit });

/// Whether a place is in a half-open range.
pub(crate) fn holds((from, to): (f64, f64), place: f64) -> bool {
    from <= place && place < to
}

/// The visitor's id for the unit that is next: only texts that are not empty and numbers other than zero are ids.
pub(crate) fn id(unit: &mut Reader<'_>, visitor: &Visitor, digits: Digits) -> Option<String> {
    match unit.byte() {
        0 => match lookup(&visitor.facts.attributes, unit).found? {
            Value::String(text) if !text.is_empty() => Some(text.clone()),
            Value::Number(number) if *number != 0.0 => Some((digits.0)(*number)),
            _ => None,
        },
        1 => visitor.facts.id.clone(),
        2 => visitor.facts.user.clone(),
        _ => None,
    }
}

/// The hash range that holds a place, among those that are next.
pub(crate) fn range(ranges: &mut Reader<'_>, place: f64) -> Option<usize> {
    let mut found = None;
    for at in 0..ranges.length() {
        if holds(<(f64, f64)>::read(ranges), place) && found.is_none() {
            found = Some(at);
        }
    }
    found
}

/// Whether the filter that is next lets an id in, given what is the id of a unit, or of the item's own.
pub(crate) fn lets_in<'i>(
    filter: &mut Reader<'_>,
    id: &mut dyn FnMut(Option<u32>) -> Option<&'i str>,
) -> bool {
    let (seed, version) = (filter.text(), HashVersion::read(filter));
    let id = id(Option::read(filter));
    // Nothing has no place in any range.
    let place = id.map_or(-1.0, |id| bucket(seed, id, version));
    range(filter, place).is_some() && id.is_some()
}

impl Filter {
    pub(crate) fn holds(&self, id: &str) -> bool {
        let place = bucket(&self.seed, id, self.hash_version);
        self.ranges.iter().any(|range| holds(*range, place))
    }
}

impl Held<'_> {
    pub(crate) fn holds(&self, id: &str) -> bool {
        bucket(self.key, id, HashVersion::V2) < self.share
    }
}

impl Code {
    /// The holdout with an index; one that this release cannot read holds everything out.
    pub(crate) fn holdout(&self, at: usize) -> Held<'_> {
        let mut from = self.entry(Section::Holdouts, at);
        let (key, share, unit) = (from.text(), f64::read(&mut from), u32::read(&mut from));
        Held { key, share: if from.failed() { 1.0 } else { share }, unit }
    }
}
