//! Conditions, compiled, with the semantics of GrowthBook's public contract 0.12: strictly typed, three-valued.

mod test;

use crate::codec::wire_enum;
use crate::history::{Measure, Window};
use crate::place::Near;
use crate::program::Program;
use crate::template::lookup;
use crate::visitor::Visitor;
use splitlight_protocol::{Map, Timestamp, Value};

pub(crate) use test::{Orders, Test, Type};

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
        window: Window,
        measure: Measure,
        test: Test,
    },
    /// Something this release does not know.
    Unsupported,
    /// Something that cannot be meant: it does not hold.
    Never,
    /// The visitor is near a point.
    Near(Near),
}

wire_enum!(Condition {
    0 => All(parts),
    1 => Any(parts),
    2 => Not(part),
    3 => Attribute(path, test),
    4 => Audience(index),
    5 => History { tracked, window, measure, test },
    6 => Unsupported,
    7 => Never,
    8 => Near(near),
});

/// Whether something holds; what is not known closes whatever depends on it, also under `$not`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Truth {
    False,
    /// Not to be known here, such as the history at the edge; elsewhere it may be.
    Unknown,
    /// Not to be known by this release.
    Unsupported,
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
            Self::True => Self::False,
            unknown => unknown,
        }
    }
}

/// Kleene's conjunction: the least of the truths.
fn all(truths: impl Iterator<Item = Truth>) -> Truth {
    let mut least = Truth::True;
    for truth in truths {
        if truth < least {
            least = truth;
        }
        if least == Truth::False {
            break;
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
                test.passes(lookup(context.attributes, path).unwrap_or(&Value::Null), context)
            }
            Self::Audience(index) => match context.program.audiences.get(*index as usize) {
                Some(audience) => audience.holds(context),
                None => Truth::Unsupported,
            },
            Self::History { tracked, window, measure, test } => {
                match (&context.visitor.history, context.program.tracked.get(*tracked as usize)) {
                    (Some(history), Some(tracked)) => {
                        let answer = history.ask(tracked, *window, *measure, context.now);
                        test.passes(&Value::Number(answer), context)
                    }
                    _ => Truth::Unknown,
                }
            }
            Self::Unsupported => Truth::Unsupported,
            Self::Never => Truth::False,
            Self::Near(near) => near.holds(context.attributes).into(),
        }
    }

    /// Whether it refers only to audiences before an index.
    pub(crate) fn uses_only_before(&self, index: usize) -> bool {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().all(|part| part.uses_only_before(index)),
            Self::Not(part) => part.uses_only_before(index),
            Self::Audience(other) => (*other as usize) < index,
            Self::Attribute(_, test) | Self::History { test, .. } => test.uses_only_before(index),
            Self::Unsupported | Self::Never | Self::Near(_) => true,
        }
    }
}
