//! The compact binary form of a program.

use super::{Cap, Context, Digits, Item, ItemKind, Program, Tracked, Variation};
use crate::codec::{
    Entry, Reader, Wire, let_go, read_entries, read_front, wire_enum, wire_struct, write_entries,
};
use crate::condition::Condition;
use crate::feature::Feature;
use crate::hash::HashVersion;
use crate::history::Meter;
use crate::score::Score;
use crate::unit::{Holdout, Unit};
use core::mem::ManuallyDrop;
use splitlight_protocol::Value;

wire_struct!(Item {
    key,
    kind,
    start,
    end,
    pages,
    when,
    prerequisites,
    unit,
    fallback,
    holdouts,
    filters,
    seed,
    hash_version,
    ranges,
    contexts,
    sticky,
    caps,
    variations,
});
wire_enum!(ItemKind { 0 => Experiment, 1 => Personalization { slot } });
wire_struct!(Variation { key, value, changes, redirect });
wire_struct!(Context { leaf, when, ranges });
wire_struct!(Cap { tracked, window, times });
wire_struct!(Tracked { key, event, filter, days, minutes, meter });

/// Bytes that are not a program of this release.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProgramError {
    /// Written by a release with another binary form.
    Format,
    /// Cut or damaged.
    Damaged,
}

impl core::fmt::Display for ProgramError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Format => "the program has another binary form; publish the config again with this release",
            Self::Damaged => "the program's bytes are cut or damaged",
        })
    }
}

impl core::error::Error for ProgramError {}

/// The first bytes of every program; the last one counts the forms.
const FORMAT: [u8; 4] = *b"SPL\x04";

/// What a newer release writes and this one cannot read has its place, closed, so that nothing else moves.
impl Entry for Item {
    fn closed(key: String) -> Self {
        let control =
            Variation { key: "control".to_owned(), value: Value::Null, changes: Vec::new(), redirect: None };
        Self {
            key,
            kind: ItemKind::Experiment,
            start: None,
            end: None,
            pages: Vec::new(),
            when: Condition::Unsupported,
            prerequisites: Vec::new(),
            unit: 0,
            fallback: None,
            holdouts: Vec::new(),
            filters: Vec::new(),
            seed: String::new(),
            hash_version: HashVersion::V2,
            ranges: vec![(0.0, 0.0)],
            contexts: Vec::new(),
            sticky: None,
            caps: Vec::new(),
            variations: vec![control],
        }
    }
}

impl Entry for Condition {
    fn closed(_: String) -> Self {
        Self::Unsupported
    }
}

impl Entry for Score {
    fn closed(_: String) -> Self {
        Self::Unsupported
    }
}

impl Entry for Feature {
    fn closed(key: String) -> Self {
        Self { key, default: Value::Null, rules: Vec::new() }
    }
}

impl Entry for Holdout {
    fn closed(key: String) -> Self {
        Self { key, share: 1.0, unit: 0 }
    }
}

impl Entry for Unit {
    fn closed(_: String) -> Self {
        // Nobody has an attribute without a name.
        Self::Attribute(Vec::new())
    }
}

impl Entry for Tracked {
    fn closed(key: String) -> Self {
        // Nothing that happens is called so.
        let event = String::new();
        Self { key, event, filter: Vec::new(), days: 0, minutes: false, meter: Meter::None }
    }
}

impl Program {
    /// The compact binary form, which is what browsers download.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = FORMAT.to_vec();
        write_entries(&self.audiences, &mut out);
        write_entries(&self.tracked, &mut out);
        write_entries(&self.items, &mut out);
        write_entries(&self.features, &mut out);
        write_entries(&self.holdouts, &mut out);
        write_entries(&self.units, &mut out);
        write_entries(&self.scores, &mut out);
        self.asks_sessions.write(&mut out);
        self.asks_touches.write(&mut out);
        out
    }

    /// Reads [`Self::to_bytes`], also of a newer release, whose sections may be followed by others: an entry that this
    /// one does not know is closed, the others run.
    ///
    /// # Errors
    /// When the bytes are of another form, cut or damaged.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ProgramError> {
        Self::read::<false>(bytes, Digits::default())
    }

    /// As [`Self::from_bytes`], for who keeps one program as long as the process lives, such as a page: neither it nor what
    /// could not be read is ever freed, and the code that would free it is not linked.
    ///
    /// `digits` writes a number as [`number_text`](crate::number_text) does, because JavaScript can do that already.
    ///
    /// # Errors
    /// As [`Self::from_bytes`].
    pub fn from_bytes_forever(
        bytes: &[u8],
        digits: fn(f64) -> String,
    ) -> Result<ManuallyDrop<Self>, ProgramError> {
        Self::read::<true>(bytes, Digits(digits)).map(ManuallyDrop::new)
    }

    fn read<const FOREVER: bool>(bytes: &[u8], digits: Digits) -> Result<Self, ProgramError> {
        let rest = bytes.strip_prefix(&FORMAT).ok_or(ProgramError::Format)?;
        let read = |from: &mut Reader<'_>| Self {
            audiences: read_entries::<_, FOREVER>(from),
            tracked: read_entries::<_, FOREVER>(from),
            items: read_entries::<_, FOREVER>(from),
            features: read_entries::<_, FOREVER>(from),
            holdouts: read_entries::<_, FOREVER>(from),
            units: read_entries::<_, FOREVER>(from),
            scores: read_entries::<_, FOREVER>(from),
            asks_sessions: bool::read(from),
            asks_touches: bool::read(from),
            digits,
        };
        let program = read_front::<_, FOREVER>(rest, read).ok_or(ProgramError::Damaged)?;
        // What lives forever is decided about by one shell only, which never takes a variation that is not there.
        if FOREVER || program.is_sound() {
            return Ok(program);
        }
        let_go::<_, FOREVER>(program);
        Err(ProgramError::Damaged)
    }

    /// Whether every index is one, and no audience can come back to itself: what [`decide()`](crate::decide()) relies on.
    fn is_sound(&self) -> bool {
        let known = |when: &Condition| when.uses_only_before(self.audiences.len());
        let mut audiences = self.audiences.iter().enumerate();
        audiences.all(|(index, audience)| audience.uses_only_before(index))
            && self.items.iter().all(|item| {
                !item.variations.is_empty()
                    && item.variations.len() == item.ranges.len()
                    && known(&item.when)
                    && item.prerequisites.iter().all(|prerequisite| known(&prerequisite.when))
                    && item.contexts.iter().all(|context| known(&context.when))
            })
            && self.scores.iter().all(|score| match score {
                Score::Engagement(_, fit, _) => fit.iter().all(|(when, _)| known(when)),
                _ => true,
            })
            && self.features.iter().all(|feature| feature.is_sound(&known))
            && self
                .tracked
                .iter()
                .flat_map(|tracked| &tracked.filter)
                .all(|(_, test)| test.uses_only_before(self.audiences.len()))
    }
}
