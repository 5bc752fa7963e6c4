//! Tests of one value.

use super::{Condition, Context, Truth, all};
use crate::codec::wire_enum;
use crate::nfa::Nfa;
use crate::version::padded;
use core::cmp::Ordering;
use splitlight_protocol::{Map, Value};

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
    /// One passes; none means false.
    Any(Vec<Test>),
    /// The value passes, or an element of the list that it is.
    Member(Box<Test>),
    /// It is a list with an element other than null that passes.
    Element(Box<Test>),
    /// It is a list whose length passes.
    Size(Box<Test>),
    /// Its members meet a condition.
    Fields(Box<Condition>),
    Type(Type),
    /// It is a text in which a pattern is found.
    Finds(Nfa),
    /// It is a version, a number if the flag is set and else a text, whose order to this one is one of these.
    Version(Orders, String, bool),
    /// Something this release does not know.
    Unsupported,
    /// Something that cannot be meant: nothing passes.
    Never,
}

/// The type of a value, as the contract names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Type {
    Null,
    Boolean,
    Number,
    String,
    Array,
    Object,
}

/// Which orders pass: -1 less, 0 equal, 1 greater, each allowed or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Orders {
    pub(crate) less: bool,
    pub(crate) equal: bool,
    pub(crate) greater: bool,
}

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
    9 => Any(tests),
    10 => Member(test),
    11 => Element(test),
    12 => Size(test),
    13 => Fields(condition),
    14 => Type(wanted),
    15 => Finds(nfa),
    16 => Version(orders, version, number),
    17 => Unsupported,
    18 => Never,
});
wire_enum!(Type { 0 => Null, 1 => Boolean, 2 => Number, 3 => String, 4 => Array, 5 => Object });
crate::codec::wire_struct!(Orders { less, equal, greater });

impl Test {
    pub(crate) fn passes(&self, value: &Value, context: &Context<'_>) -> Truth {
        let ordered =
            |bound, wanted: [Ordering; 2]| compare(value, bound).is_some_and(|it| wanted.contains(&it));
        let passed = match self {
            Self::All(tests) => return all(tests.iter().map(|test| test.passes(value, context))),
            Self::Any(tests) => return any(tests.iter().map(|test| test.passes(value, context))),
            Self::Not(test) => return !test.passes(value, context),
            Self::Member(test) => {
                return match value {
                    Value::Array(items) => any(items.iter().map(|item| test.passes(item, context))),
                    _ => test.passes(value, context),
                };
            }
            Self::Element(test) => {
                let Value::Array(items) = value else { return Truth::False };
                let items = items.iter().filter(|item| **item != Value::Null);
                return any(items.map(|item| test.passes(item, context)));
            }
            Self::Size(test) => {
                let Value::Array(items) = value else { return Truth::False };
                return test.passes(&Value::Number(items.len() as f64), context);
            }
            Self::Fields(condition) => {
                let none = Map::new();
                let attributes = if let Value::Object(members) = value { members } else { &none };
                return condition.holds(&context.about(attributes));
            }
            Self::Unsupported => return Truth::Unsupported,
            Self::Never => false,
            Self::Equal(wanted) => value == wanted,
            Self::Less(bound) => ordered(bound, [Ordering::Less; 2]),
            Self::Greater(bound) => ordered(bound, [Ordering::Greater; 2]),
            Self::LessOrEqual(bound) => ordered(bound, [Ordering::Less, Ordering::Equal]),
            Self::GreaterOrEqual(bound) => ordered(bound, [Ordering::Greater, Ordering::Equal]),
            Self::In(wanted) => match value {
                Value::Array(items) => items.iter().any(|item| wanted.contains(item)),
                _ => wanted.contains(value),
            },
            Self::Exists(wanted) => (*value != Value::Null) == *wanted,
            Self::Type(wanted) => Type::of(value) == *wanted,
            Self::Finds(nfa) => value.as_str().is_some_and(|text| nfa.finds(text)),
            Self::Version(orders, version, number) => match padded(value, context.program.digits) {
                Some(text) if *number == matches!(value, Value::Number(_)) => {
                    orders.allow(text.encode_utf16().cmp(version.encode_utf16()))
                }
                // What is no version is unequal to every one.
                _ => orders.less && orders.greater,
            },
        };
        passed.into()
    }

    pub(crate) fn uses_only_before(&self, index: usize) -> bool {
        match self {
            Self::All(tests) | Self::Any(tests) => tests.iter().all(|test| test.uses_only_before(index)),
            Self::Not(test) | Self::Member(test) | Self::Element(test) | Self::Size(test) => {
                test.uses_only_before(index)
            }
            Self::Fields(condition) => condition.uses_only_before(index),
            _ => true,
        }
    }
}

impl Type {
    fn of(value: &Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(_) => Self::Boolean,
            Value::Number(_) => Self::Number,
            Value::String(_) => Self::String,
            Value::Array(_) => Self::Array,
            Value::Object(_) => Self::Object,
        }
    }
}

impl Orders {
    fn allow(self, order: Ordering) -> bool {
        match order {
            Ordering::Less => self.less,
            Ordering::Equal => self.equal,
            Ordering::Greater => self.greater,
        }
    }
}

/// Kleene's disjunction: none is false.
fn any(truths: impl Iterator<Item = Truth>) -> Truth {
    !all(truths.map(|truth| !truth))
}

/// Two numbers, or two strings by UTF-16 code units; anything else has no order.
fn compare(value: &Value, bound: &Value) -> Option<Ordering> {
    match (value, bound) {
        (Value::Number(a), Value::Number(b)) => a.partial_cmp(b),
        (Value::String(a), Value::String(b)) => Some(a.encode_utf16().cmp(b.encode_utf16())),
        _ => None,
    }
}
