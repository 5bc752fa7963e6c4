//! What runs: a config compiled, immutable, with a compact binary form.

use crate::change::Change;
use crate::codec::{Wire, read_all, wire_enum, wire_struct};
use crate::condition::{Condition, Context as Asked, Test, Truth};
use crate::decide::FeatureDecision;
use crate::feature::{Feature, Prerequisite};
use crate::hash::{HashVersion, bucket};
use crate::page::Pattern;
use crate::reason::Reason;
use crate::sticky::StickyRule;
use crate::unit::{Filter, Holdout, Unit, holds};
use crate::visitor::{Facts, Visitor};
use splitlight_protocol::{Map, Timestamp, Value};

/// A config, compiled. It holds only live items: drafts, names, metrics and analysis settings are not in it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Program {
    pub(crate) audiences: Vec<Condition>,
    pub(crate) tracked: Vec<Tracked>,
    /// Experiments in the order of the document, then personalizations in the order in which they fill slots.
    pub(crate) items: Vec<Item>,
    pub(crate) features: Vec<Feature>,
    pub(crate) holdouts: Vec<Holdout>,
    /// What is hashed by anything of the above; the first is the visitor.
    pub(crate) units: Vec<Unit>,
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
    pub(crate) prerequisites: Vec<Prerequisite>,
    /// Indexes into the program's units.
    pub(crate) unit: u32,
    pub(crate) fallback: Option<u32>,
    /// Indexes into the program's holdouts.
    pub(crate) holdouts: Vec<u32>,
    /// The layer, and filters of imported documents.
    pub(crate) filters: Vec<Filter>,
    pub(crate) seed: String,
    pub(crate) hash_version: HashVersion,
    /// A range of `[0, 1)` per variation; who falls in none is not covered.
    pub(crate) ranges: Vec<(f64, f64)>,
    pub(crate) contexts: Vec<Context>,
    pub(crate) sticky: Option<StickyRule>,
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
    /// The address to send the visitor to instead, and whether the page's query parameters go along.
    pub redirect: Option<(String, bool)>,
}

/// Other ranges for a part of the audience: a leaf of a contextual bandit.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Context {
    pub(crate) leaf: i64,
    pub(crate) when: Condition,
    pub(crate) ranges: Vec<(f64, f64)>,
}

/// A kind of event that a live rule asks about.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Tracked {
    /// Event and filter as text; the same question has the same key in every program.
    pub(crate) key: String,
    pub(crate) event: String,
    /// Tests of properties, all of which have to pass.
    pub(crate) filter: Vec<(String, Test)>,
    /// The longest window of days asked for, 0 without one.
    pub(crate) days: i32,
    /// Whether a window of minutes is asked for.
    pub(crate) minutes: bool,
}

wire_struct!(Program { audiences, tracked, items, features, holdouts, units });
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
    variations,
});
wire_enum!(ItemKind { 0 => Experiment, 1 => Personalization { slot } });
wire_struct!(Variation { key, value, changes, redirect });
wire_struct!(Context { leaf, when, ranges });
wire_struct!(Tracked { key, event, filter, days, minutes });

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
const FORMAT: [u8; 4] = *b"SPL\x03";

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
            && self.features.iter().all(|feature| feature.is_sound(&known))
            && self
                .tracked
                .iter()
                .flat_map(|tracked| &tracked.filter)
                .all(|(_, test)| test.uses_only_before(self.audiences.len()))
    }

    /// What there is to decide about. Decisions have the same order.
    pub fn items(&self) -> &[Item] {
        &self.items
    }

    /// The item with a key.
    pub fn item(&self, key: &str) -> Option<&Item> {
        self.items.iter().find(|item| item.key == key)
    }

    /// The value that a feature's answer stands for.
    pub(crate) fn value(&self, feature: usize, answer: FeatureDecision) -> &Value {
        let Some(feature) = self.features.get(feature) else { return &Value::Null };
        if matches!(answer.reason, Reason::Cyclic | Reason::Prerequisite) {
            return &Value::Null;
        }
        if let Some((item, variation)) = answer.item {
            let item = self.items.get(item);
            return item.and_then(|item| item.variations.get(variation)).map_or(&Value::Null, |it| &it.value);
        }
        answer
            .rule
            .and_then(|rule| feature.rules.get(rule))
            .filter(|_| answer.reason == Reason::Rule)
            .map_or(&feature.default, |rule| &rule.value)
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

    /// The index of the variation that the hash gives to an id, whoever the item is for.
    ///
    /// This is what an exposure is checked against: a visitor whose variation is not kept can only have met this one.
    pub fn assignment(&self, id: &str) -> Option<usize> {
        let own = self.filters.iter().filter(|filter| filter.unit.is_none());
        let mut passed = own.map(|filter| filter.holds(id));
        passed.all(|passed| passed).then(|| self.covered(&self.ranges, id)).flatten()
    }

    /// Whether [`Self::assignment`] tells what anybody can have met.
    ///
    /// It does not where another unit than the visitor is hashed, where variations are kept, and where parts of the
    /// audience have other weights.
    pub fn is_assigned_by_visitor(&self) -> bool {
        self.unit == 0
            && self.fallback.is_none()
            && self.sticky.is_none()
            && self.contexts.is_empty()
            && self.filters.iter().all(|filter| filter.unit.is_none())
    }

    pub(crate) fn bucket(&self, id: &str) -> f64 {
        bucket(&self.seed, id, self.hash_version)
    }

    pub(crate) fn covered(&self, ranges: &[(f64, f64)], id: &str) -> Option<usize> {
        let place = self.bucket(id);
        ranges.iter().position(|range| holds(*range, place))
    }

    /// Whether everybody gets the same variation, so that no id is needed.
    pub(crate) fn is_constant(&self) -> bool {
        matches!(self.kind, ItemKind::Personalization { .. })
            && self.holdouts.is_empty()
            && self.ranges.first().is_some_and(|(from, to)| from >= to)
    }
}

impl Tracked {
    pub(crate) fn asks_for(&self, program: &Program, event: &str, properties: &Map, now: Timestamp) -> bool {
        if self.event != event {
            return false;
        }
        // Filters are about the event, so that nobody's attributes answer them.
        let visitor = Visitor::new(Facts::default());
        let context = Asked { program, visitor: &visitor, attributes: properties, now };
        self.filter.iter().all(|(name, test)| {
            test.passes(properties.get(name).unwrap_or(&Value::Null), &context) == Truth::True
        })
    }
}
