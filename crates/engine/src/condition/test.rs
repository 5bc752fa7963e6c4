//! Tests of one value.

use super::{Condition, Context, Truth, passes};
use crate::codec::{Reader, Wire, wire_enum, wire_parts};
use crate::nfa::Nfa;
use splitlight_protocol::Value;

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

wire_parts!(Test {
    0 => Unsupported,
    1 => All(tests),
    2 => Any(tests),
    3 => Not(test),
    4 => Equal(value),
    5 => In(values),
    6 => Less(bound),
    7 => LessOrEqual(bound),
    8 => Greater(bound),
    9 => GreaterOrEqual(bound),
    10 => Exists(wanted),
    11 => Type(wanted),
    12 => Member(test),
    13 => Element(test),
    14 => Size(test),
    15 => Fields(condition),
    16 => Finds(nfa),
    17 => Version(orders, version, number),
    18 => Never,
});
wire_enum!(Type { 0 => Null, 1 => Boolean, 2 => Number, 3 => String, 4 => Array, 5 => Object });
crate::codec::wire_struct!(Orders { less, equal, greater });

impl Test {
    /// As [`passes()`] has it, for who has no bytes.
    pub(crate) fn passes(&self, value: &Value, context: &Context<'_>) -> Truth {
        let mut bytes = Vec::new();
        self.write(&mut bytes);
        passes(&mut Reader::new(&bytes), value, context)
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
