//! What runs: a config compiled, immutable, with a compact binary form.

use crate::change::Change;
use crate::codec::{Wire, read_all, wire_enum, wire_struct};
use crate::condition::{Condition, matches_value};
use crate::hash::{HashVersion, bucket};
use crate::page::Pattern;
use splitlight_protocol::{Map, Timestamp, Value};

/// A config, compiled. It holds only live items: drafts, names, metrics and analysis settings are not in it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Program {
    pub(crate) audiences: Vec<Condition>,
    pub(crate) tracked: Vec<Tracked>,
    /// Experiments in the order of the document, then personalizations in the order in which they fill slots.
    pub(crate) items: Vec<Item>,
}

/// Something to decide about: an experiment or a personalization.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    pub(crate) key: String,
    pub(crate) kind: ItemKind,
    pub(crate) start: Option<Timestamp>,
    pub(crate) end: Option<Timestamp>,
    pub(crate) pages: Vec<Pattern>,
    pub(crate) when: Condition,
    pub(crate) layer: Option<Layer>,
    pub(crate) seed: String,
    pub(crate) hash_version: HashVersion,
    /// A range of `[0, 1)` per variation; who falls in none is not covered.
    pub(crate) ranges: Vec<(f64, f64)>,
    pub(crate) variations: Vec<Variation>,
}

/// What an [`Item`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ItemKind {
    /// An A/B test.
    Experiment,
    /// A rule that fills a slot; its variations are `holdout` and `shown`.
    Personalization {
        /// Which slot, as a number within the program.
        slot: u32,
    },
}

/// One version of the page.
#[derive(Clone, Debug, PartialEq)]
pub struct Variation {
    /// Unique within the item.
    pub key: String,
    /// Anything the site's own code wants to know.
    pub value: Value,
    /// Edits to the page.
    pub changes: Vec<Change>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Layer {
    pub(crate) key: String,
    pub(crate) from: f64,
    pub(crate) to: f64,
}

/// A kind of event that a live rule asks about.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Tracked {
    /// Event and filter as text; the same question has the same key in every program.
    pub(crate) key: String,
    pub(crate) event: String,
    pub(crate) filter: Vec<(String, Value)>,
    /// The longest window asked for.
    pub(crate) days: i32,
}

wire_struct!(Program { audiences, tracked, items });
wire_struct!(Item { key, kind, start, end, pages, when, layer, seed, hash_version, ranges, variations });
wire_enum!(ItemKind { 0 => Experiment, 1 => Personalization { slot } });
wire_struct!(Variation { key, value, changes });
wire_struct!(Layer { key, from, to });
wire_struct!(Tracked { key, event, filter, days });

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
const FORMAT: [u8; 4] = *b"SPL\x01";

impl Program {
    /// The compact binary form, which is what browsers download.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = FORMAT.to_vec();
        self.write(&mut out);
        out
    }

    /// Reads [`Self::to_bytes`].
    ///
    /// # Errors
    /// When the bytes are of another form, cut or damaged.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ProgramError> {
        let rest = bytes.strip_prefix(&FORMAT).ok_or(ProgramError::Format)?;
        let program: Self = read_all(rest).ok_or(ProgramError::Damaged)?;
        if program.is_sound() { Ok(program) } else { Err(ProgramError::Damaged) }
    }

    /// Whether every index is one, and no audience can come back to itself: what [`decide()`](crate::decide()) relies on.
    fn is_sound(&self) -> bool {
        let mut audiences = self.audiences.iter().enumerate();
        audiences.all(|(index, audience)| audience.uses_only_before(index))
            && self.items.iter().all(|item| {
                !item.variations.is_empty()
                    && item.variations.len() == item.ranges.len()
                    && item.when.uses_only_before(self.audiences.len())
            })
    }

    /// What there is to decide about. Decisions have the same order.
    pub fn items(&self) -> &[Item] {
        &self.items
    }

    /// The item with a key.
    pub fn item(&self, key: &str) -> Option<&Item> {
        self.items.iter().find(|item| item.key == key)
    }

    /// Whether any rule asks what the visitor did, so that a shell need not read a history nobody asks for.
    pub fn asks_history(&self) -> bool {
        !self.tracked.is_empty()
    }
}

impl Item {
    /// Unique within the program.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// What it is.
    pub fn kind(&self) -> ItemKind {
        self.kind
    }

    /// The variations, control first.
    pub fn variations(&self) -> &[Variation] {
        &self.variations
    }

    /// The index of the variation that the hash gives a visitor, whoever the item is for.
    ///
    /// This is what an exposure is checked against: a visitor can only have met this one.
    pub fn assignment(&self, id: &str) -> Option<usize> {
        self.in_layer(id).then(|| self.covered(id)).flatten()
    }

    pub(crate) fn in_layer(&self, id: &str) -> bool {
        self.layer.as_ref().is_none_or(|layer| {
            let place = bucket(&layer.key, id, HashVersion::V2);
            layer.from <= place && place < layer.to
        })
    }

    pub(crate) fn covered(&self, id: &str) -> Option<usize> {
        let place = bucket(&self.seed, id, self.hash_version);
        self.ranges.iter().position(|(from, to)| *from <= place && place < *to)
    }

    /// Whether everybody gets the same variation, so that no id is needed.
    pub(crate) fn is_constant(&self) -> bool {
        matches!(self.kind, ItemKind::Personalization { .. }) && self.ranges[0].0 >= self.ranges[0].1
    }
}

impl Tracked {
    pub(crate) fn asks_for(&self, event: &str, properties: &Map) -> bool {
        self.event == event
            && self
                .filter
                .iter()
                .all(|(name, wanted)| matches_value(properties.get(name).unwrap_or(&Value::Null), wanted))
    }
}
