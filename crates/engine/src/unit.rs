//! What is hashed, and the hash ranges that let a unit in.

use crate::codec::{wire_enum, wire_struct};
use crate::hash::{HashVersion, bucket};
use crate::program::Digits;
use crate::template::lookup;
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

wire_enum!(Unit { 0 => Visitor, 1 => User, 2 => Attribute(path) });
wire_struct!(Filter { seed, hash_version, ranges, unit });
wire_struct!(Holdout { key, share, unit });

/// Whether a place is in a half-open range.
pub(crate) fn holds((from, to): (f64, f64), place: f64) -> bool {
    from <= place && place < to
}

impl Unit {
    /// The visitor's id for this unit: only texts that are not empty and numbers other than zero are ids.
    pub(crate) fn id(&self, visitor: &Visitor, digits: Digits) -> Option<String> {
        match self {
            Self::Visitor => visitor.id.clone(),
            Self::User => visitor.user.clone(),
            Self::Attribute(path) => match lookup(&visitor.attributes, path)? {
                Value::String(text) if !text.is_empty() => Some(text.clone()),
                Value::Number(number) if *number != 0.0 => Some((digits.0)(*number)),
                _ => None,
            },
        }
    }
}

impl Filter {
    pub(crate) fn holds(&self, id: &str) -> bool {
        let place = bucket(&self.seed, id, self.hash_version);
        self.ranges.iter().any(|range| holds(*range, place))
    }
}

impl Holdout {
    pub(crate) fn holds(&self, id: &str) -> bool {
        bucket(&self.key, id, HashVersion::V2) < self.share
    }
}
