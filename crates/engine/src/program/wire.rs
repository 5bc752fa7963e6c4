//! The compact binary form of a program.

use super::{Cap, Context, Item, ItemKind, Program, Tracked, Variation};
use crate::change::{Edit, MOVE_LEVEL};
use crate::code::{Code, FORMAT};
use crate::codec::{
    Entry, Reader, Wire, read_entries, read_part, wire_enum, wire_struct, write_entries, write_part,
};
use crate::condition::Condition;
use crate::feature::Feature;
use crate::hash::HashVersion;
use crate::history::Meter;
use crate::score::Score;
use crate::unit::{Holdout, Unit};
use splitlight_protocol::Value;

impl Wire for Item {
    fn write(&self, out: &mut Vec<u8>) {
        self.key.write(out);
        self.kind.write(out);
        self.start.write(out);
        self.end.write(out);
        self.is_constant().write(out);
        self.unit.write(out);
        self.fallback.write(out);
        self.sticky.write(out);
        write_part(&self.pages, out);
        write_part(&self.holdouts, out);
        write_part(&self.filters, out);
        write_part(&self.when, out);
        write_part(&self.prerequisites, out);
        write_part(&self.caps, out);
        write_part(&self.contexts, out);
        write_part(&self.variations, out);
        self.seed.write(out);
        self.hash_version.write(out);
        self.ranges.write(out);
    }

    fn read(from: &mut Reader<'_>) -> Self {
        let (key, kind) = (Wire::read(from), Wire::read(from));
        let (start, end, constant) = (Wire::read(from), Wire::read(from), bool::read(from));
        let item = Self {
            key,
            kind,
            start,
            end,
            unit: Wire::read(from),
            fallback: Wire::read(from),
            sticky: Wire::read(from),
            pages: read_part(from),
            holdouts: read_part(from),
            filters: read_part(from),
            when: read_part(from),
            prerequisites: read_part(from),
            caps: read_part(from),
            contexts: read_part(from),
            variations: read_part(from),
            seed: Wire::read(from),
            hash_version: Wire::read(from),
            ranges: Wire::read(from),
        };
        if constant != item.is_constant() {
            from.fail();
        }
        item
    }
}

wire_enum!(ItemKind { 0 => Experiment, 1 => Personalization { slot } });
// A part, so that who looks for another variation can pass over it.
impl Wire for Variation {
    fn write(&self, out: &mut Vec<u8>) {
        let mut bytes = Vec::new();
        self.key.write(&mut bytes);
        write_part(&self.value, &mut bytes);
        self.redirect.write(&mut bytes);
        self.changes.write(&mut bytes);
        (bytes.len() as u64).write(out);
        out.extend(bytes);
    }

    fn read(from: &mut Reader<'_>) -> Self {
        let mut part = from.part();
        let variation = Self {
            key: Wire::read(&mut part),
            value: read_part(&mut part),
            redirect: Wire::read(&mut part),
            changes: Wire::read(&mut part),
        };
        if part.failed() || !part.is_empty() {
            from.fail();
        }
        variation
    }
}

wire_struct!(Cap { tracked, window, times });
wire_struct!(Tracked { key, event, days, minutes, meter, filter });

impl Wire for Context {
    fn write(&self, out: &mut Vec<u8>) {
        self.leaf.write(out);
        self.when.write(out);
        write_part(&self.ranges, out);
    }

    fn read(from: &mut Reader<'_>) -> Self {
        Self { leaf: Wire::read(from), when: Wire::read(from), ranges: read_part(from) }
    }
}

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

    fn level(&self) -> u8 {
        let mut changes = self.variations.iter().flat_map(|variation| &variation.changes);
        if changes.any(|change| matches!(change.edit, Edit::Move(..))) { MOVE_LEVEL } else { 0 }
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
    /// The program with the bytes of what is in it now.
    pub(crate) fn with_code(mut self, slim: bool) -> Self {
        let mut out = FORMAT.to_vec();
        write_entries(&self.audiences, &mut out);
        write_entries(&self.tracked, &mut out);
        write_entries(&self.items, &mut out);
        write_entries(&self.features, &mut out);
        write_entries(&self.holdouts, &mut out);
        write_entries(&self.units, &mut out);
        write_entries(&self.scores, &mut out);
        self.code.asks_sessions.write(&mut out);
        self.code.asks_touches.write(&mut out);
        self.segment_numbers().write(&mut out);
        slim.write(&mut out);
        // What was written here can be read; a program that could not would decide nothing.
        self.code = Code::new(out, crate::number_text).unwrap_or_default();
        self
    }

    /// Reads [`Code::to_bytes`], also of a newer release, whose sections may be followed by others: an entry that this
    /// one does not know is closed, the others run.
    ///
    /// # Errors
    /// When the bytes are of another form, cut or damaged.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ProgramError> {
        let code = Code::new(bytes.to_vec(), crate::number_text)?;
        let mut from = Reader::new(bytes.strip_prefix(&FORMAT).unwrap_or_default());
        let program = Self {
            audiences: read_entries(&mut from),
            tracked: read_entries(&mut from),
            items: read_entries(&mut from),
            features: read_entries(&mut from),
            holdouts: read_entries(&mut from),
            units: read_entries(&mut from),
            scores: read_entries(&mut from),
            code,
        };
        if !from.failed() && program.is_sound() { Ok(program) } else { Err(ProgramError::Damaged) }
    }

    /// Whether every index is one, and no audience can come back to itself: what [`decide()`](crate::decide()) relies on.
    fn is_sound(&self) -> bool {
        // What is slim may have nothing that is passed over in it.
        let slim = !self.code.is_slim() || self.has_nothing_rare();
        let known = |when: &Condition| when.uses_only_before(self.audiences.len());
        let mut audiences = self.audiences.iter().enumerate();
        slim && audiences.all(|(index, audience)| audience.uses_only_before(index))
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
