//! Conditions, compiled, with the semantics of GrowthBook's public contract 0.12: strictly typed, three-valued.

mod holds;
mod test;

use crate::codec::{Reader, Wire, wire_parts};
use crate::history::{Measure, Window};
use crate::local::Local;
use crate::place::Near;
use crate::score::Ask;
use splitlight_protocol::Value;

use holds::found;
pub(crate) use holds::{Context, asked, every, find, holds, is_ordered, lookup, passes};
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

wire_parts!(Condition {
    0 => Unsupported,
    1 => All(parts),
    2 => Any(parts),
    3 => Not(part),
    4 => Attribute(path, test),
    5 => Audience(index),
    6 => History { tracked, window, measure, test },
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

impl Condition {
    /// A condition that everybody meets.
    pub(crate) const fn everybody() -> Self {
        Self::All(Vec::new())
    }

    /// As [`holds()`] has it, for who has no bytes.
    pub(crate) fn holds(&self, context: &Context<'_>) -> Truth {
        holds(&mut Reader::new(&self.bytes()), context)
    }

    /// As [`found()`] has it, for who has no bytes; null for conditions that look for nothing.
    ///
    /// # Errors
    /// Why there is none.
    pub(crate) fn found(&self, context: &Context<'_>) -> Result<Value, Truth> {
        let bytes = self.bytes();
        let mut part = Reader::new(&bytes).part();
        found(part.byte(), &mut part, context)
    }

    fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.write(&mut bytes);
        bytes
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
