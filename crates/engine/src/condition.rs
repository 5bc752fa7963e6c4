//! Conditions, compiled, with the semantics of GrowthBook's public contract 0.12: strictly typed, three-valued.

use crate::codec::wire_enum;
use crate::history::Measure;
use crate::program::Program;
use crate::template::lookup;
use crate::visitor::Visitor;
use core::cmp::Ordering;
use splitlight_protocol::{Map, Timestamp, Value};

/// A condition about a visitor.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Condition {
    /// All hold; none means true.
    All(Vec<Condition>),
    /// One holds; none means true, as in the contract.
    Any(Vec<Condition>),
    Not(Box<Condition>),
    /// A test of the attribute at a path.
    Attribute(Vec<String>, Test),
    /// The program's audience with this index.
    Audience(u32),
    History {
        /// Index into the program's tracked events.
        tracked: u32,
        days: i32,
        measure: Measure,
        test: Test,
    },
}

/// A test of one value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Test {
    All(Vec<Test>),
    Not(Box<Test>),
    Equal(Value),
    Less(Value),
    LessOrEqual(Value),
    Greater(Value),
    GreaterOrEqual(Value),
    In(Vec<Value>),
    Exists(bool),
}

wire_enum!(Condition {
    0 => All(parts),
    1 => Any(parts),
    2 => Not(part),
    3 => Attribute(path, test),
    4 => Audience(index),
    5 => History { tracked, days, measure, test },
});

wire_enum!(Test {
    0 => All(tests),
    1 => Not(test),
    2 => Equal(value),
    3 => Less(bound),
    4 => LessOrEqual(bound),
    5 => Greater(bound),
    6 => GreaterOrEqual(bound),
    7 => In(values),
    8 => Exists(wanted),
});

/// True, false, or not to be known here; `Unknown` closes whatever depends on it, also under `$not`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Truth {
    False,
    Unknown,
    True,
}

impl From<bool> for Truth {
    fn from(truth: bool) -> Self {
        if truth { Self::True } else { Self::False }
    }
}

impl core::ops::Not for Truth {
    type Output = Self;

    fn not(self) -> Self {
        match self {
            Self::False => Self::True,
            Self::Unknown => Self::Unknown,
            Self::True => Self::False,
        }
    }
}

/// Kleene's conjunction: the least of the truths.
fn all(truths: impl Iterator<Item = Truth>) -> Truth {
    let mut least = Truth::True;
    for truth in truths {
        match truth {
            Truth::False => return Truth::False,
            Truth::Unknown => least = Truth::Unknown,
            Truth::True => {}
        }
    }
    least
}

/// What a condition is asked about.
#[derive(Clone, Copy)]
pub(crate) struct Context<'a> {
    pub(crate) program: &'a Program,
    pub(crate) visitor: &'a Visitor,
    pub(crate) attributes: &'a Map,
    pub(crate) now: Timestamp,
}

impl Condition {
    /// A condition that everybody meets.
    pub(crate) const fn everybody() -> Self {
        Self::All(Vec::new())
    }

    pub(crate) fn holds(&self, context: &Context<'_>) -> Truth {
        match self {
            Self::All(parts) => all(parts.iter().map(|part| part.holds(context))),
            Self::Any(parts) if parts.is_empty() => Truth::True,
            Self::Any(parts) => !all(parts.iter().map(|part| !part.holds(context))),
            Self::Not(part) => !part.holds(context),
            Self::Attribute(path, test) => {
                test.passes(lookup(context.attributes, path).unwrap_or(&Value::Null)).into()
            }
            Self::Audience(index) => match context.program.audiences.get(*index as usize) {
                Some(audience) => audience.holds(context),
                None => Truth::Unknown,
            },
            Self::History { tracked, days, measure, test } => {
                match (&context.visitor.history, context.program.tracked.get(*tracked as usize)) {
                    (Some(history), Some(tracked)) => {
                        test.passes(&Value::Number(history.ask(tracked, *days, *measure, context.now))).into()
                    }
                    _ => Truth::Unknown,
                }
            }
        }
    }
}

impl Condition {
    /// Whether it refers only to audiences before an index, or to the one that nobody is in.
    pub(crate) fn uses_only_before(&self, index: usize) -> bool {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().all(|part| part.uses_only_before(index)),
            Self::Not(part) => part.uses_only_before(index),
            Self::Audience(other) => (*other as usize) < index || *other == UNKNOWN_AUDIENCE,
            Self::Attribute(..) | Self::History { .. } => true,
        }
    }
}

/// The audience that could not be understood: neither true nor false, so that it closes whatever uses it.
pub(crate) const UNKNOWN_AUDIENCE: u32 = u32::MAX;

impl Test {
    pub(crate) fn passes(&self, value: &Value) -> bool {
        match self {
            Self::All(tests) => tests.iter().all(|test| test.passes(value)),
            Self::Not(test) => !test.passes(value),
            Self::Equal(wanted) => matches_value(value, wanted),
            Self::Less(bound) => compare(value, bound) == Some(Ordering::Less),
            Self::Greater(bound) => compare(value, bound) == Some(Ordering::Greater),
            Self::LessOrEqual(bound) => {
                matches!(compare(value, bound), Some(Ordering::Less | Ordering::Equal))
            }
            Self::GreaterOrEqual(bound) => {
                matches!(compare(value, bound), Some(Ordering::Greater | Ordering::Equal))
            }
            Self::In(wanted) => match value {
                Value::Array(items) => items.iter().any(|item| wanted.contains(item)),
                _ => wanted.contains(value),
            },
            Self::Exists(wanted) => (*value != Value::Null) == *wanted,
        }
    }
}

/// Equality as in the contract: the same type and the same value, at any depth.
pub(crate) fn matches_value(value: &Value, wanted: &Value) -> bool {
    value == wanted
}

/// Two numbers, or two strings by UTF-16 code units; anything else has no order.
fn compare(value: &Value, bound: &Value) -> Option<Ordering> {
    match (value, bound) {
        (Value::Number(a), Value::Number(b)) => a.partial_cmp(b),
        (Value::String(a), Value::String(b)) => Some(a.encode_utf16().cmp(b.encode_utf16())),
        _ => None,
    }
}
