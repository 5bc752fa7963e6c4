//! Conditions, compiled, with the semantics of GrowthBook's public contract 0.12: strictly typed, three-valued.

mod test;

use crate::attributes::is_of_page;
use crate::codec::wire_enum;
use crate::history::{Measure, Window};
use crate::local::Local;
use crate::place::Near;
use crate::program::Program;
use crate::score::Ask;
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
    /// It is such a time.
    Local(Local),
    /// The program's score with this index passes a test.
    Score(u32, Ask, Test),
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
    9 => Local(local),
    10 => Score(index, ask, test),
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
    /// Those that may be asked for.
    pub(crate) audiences: &'a [Condition],
    pub(crate) visitor: &'a Visitor,
    pub(crate) attributes: &'a Map,
    /// Whether attributes that are missing may be known later.
    pub(crate) partial: bool,
    /// Whether this is asked for a score.
    pub(crate) in_score: bool,
    pub(crate) now: Timestamp,
}

impl<'a> Context<'a> {
    /// What is asked about a visitor.
    pub(crate) fn new(program: &'a Program, visitor: &'a Visitor, now: Timestamp) -> Self {
        let (attributes, partial) = (&visitor.attributes, visitor.partial);
        Self { program, audiences: &program.audiences, visitor, attributes, partial, in_score: false, now }
    }

    /// The same about other attributes, all of which are known.
    pub(crate) fn about(&self, attributes: &'a Map) -> Self {
        Self { attributes, partial: false, ..*self }
    }

    /// The attribute at a path, null when it is missing.
    ///
    /// # Errors
    /// That it may be known later.
    pub(crate) fn attribute(&self, path: &[String]) -> Result<&'a Value, Truth> {
        match lookup(self.attributes, path) {
            Some(value) => Ok(value),
            None if self.partial && !path.first().is_some_and(|name| is_of_page(name)) => Err(Truth::Unknown),
            None => Ok(&Value::Null),
        }
    }
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
            Self::Attribute(path, test) => match context.attribute(path) {
                Ok(value) => test.passes(value, context),
                Err(unknown) => unknown,
            },
            Self::Audience(index) => match context.audiences.split_at_checked(*index as usize) {
                // It may ask for those before it only, so that it cannot come back to itself.
                Some((audiences, [audience, ..])) => match audience.holds(&Context { audiences, ..*context })
                {
                    Truth::Unknown => context.visitor.is_in_segment(context.program, *index),
                    known => known,
                },
                _ => Truth::Unsupported,
            },
            Self::History { test, .. } | Self::Score(_, _, test) => match self.found(context) {
                Ok(value) => test.passes(&value, context),
                Err(unknown) => unknown,
            },
            Self::Local(local) => {
                local.holds(context.visitor, context.now).map_or(Truth::Unknown, Truth::from)
            }
            Self::Unsupported => Truth::Unsupported,
            Self::Never => Truth::False,
            Self::Near(near) => near.holds(context.attributes).into(),
        }
    }

    /// The number or text that a question about the history or a score finds; null for other conditions.
    ///
    /// # Errors
    /// Why there is none.
    pub(crate) fn found(&self, context: &Context<'_>) -> Result<Value, Truth> {
        match self {
            Self::History { tracked, window, measure, .. } => {
                let history = context.visitor.history.as_ref().ok_or(Truth::Unknown)?;
                let tracked = context.program.tracked(*tracked)?;
                Ok(Value::Number(history.ask(tracked, *window, *measure, context.now)))
            }
            Self::Score(index, ask, _) => match context.program.scores.get(*index as usize) {
                Some(score) if !context.in_score => score.ask(ask, context),
                _ => Err(Truth::Unsupported),
            },
            _ => Ok(Value::Null),
        }
    }

    /// Whether it refers only to audiences before an index.
    pub(crate) fn uses_only_before(&self, index: usize) -> bool {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().all(|part| part.uses_only_before(index)),
            Self::Not(part) => part.uses_only_before(index),
            Self::Audience(other) => (*other as usize) < index,
            Self::Attribute(_, test) | Self::History { test, .. } | Self::Score(_, _, test) => {
                test.uses_only_before(index)
            }
            Self::Unsupported | Self::Never | Self::Near(_) | Self::Local(_) => true,
        }
    }
}
