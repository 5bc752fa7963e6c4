//! What runs: a config compiled, immutable, with a compact binary form.

mod slim;
mod wire;

use crate::change::Change;
use crate::code::Code;
use crate::condition::{Condition, Test};
use crate::decide::FeatureDecision;
use crate::feature::{Feature, Prerequisite};
use crate::hash::{HashVersion, bucket};
use crate::history::{Meter, Window};
use crate::page::{Pattern, Url, takes_part};
use crate::reason::Reason;
use crate::score::Score;
use crate::sticky::StickyRule;
use crate::unit::{Filter, Holdout, Unit, holds};
use splitlight_protocol::{Timestamp, Value};

pub use wire::ProgramError;

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
    pub(crate) scores: Vec<Score>,
    /// All of it in bytes, which is what is decided from.
    pub(crate) code: Code,
}

/// A program is its code wherever one is asked for.
impl core::ops::Deref for Program {
    type Target = Code;

    fn deref(&self) -> &Code {
        &self.code
    }
}

/// Who writes numbers as JavaScript does.
#[derive(Clone, Copy)]
pub(crate) struct Digits(pub(crate) fn(f64) -> String);

impl Default for Digits {
    fn default() -> Self {
        Self(crate::number_text)
    }
}

impl PartialEq for Digits {
    fn eq(&self, _: &Self) -> bool {
        // All of them write the same.
        true
    }
}

impl core::fmt::Debug for Digits {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Digits")
    }
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
    pub(crate) caps: Vec<Cap>,
    pub(crate) variations: Vec<Variation>,
}

impl Item {
    /// Whether a moment is within its schedule.
    ///
    /// ```
    /// use splitlight_engine::compile;
    /// use splitlight_protocol::{Timestamp, config};
    /// let config = config::parse(r#"{ "version": 1, "project": "shop", "experiments": [
    ///   { "key": "hero", "start": "2026-11-01", "variations": [{ "key": "a" }, { "key": "b" }] }] }"#).config;
    /// let program = compile(&config).program;
    /// assert!(program.item("hero").is_some_and(|item| !item.is_open(Timestamp::from_ms(0))));
    /// ```
    pub fn is_open(&self, now: Timestamp) -> bool {
        self.start.is_none_or(|start| start <= now) && self.end.is_none_or(|end| now < end)
    }
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

impl ItemKind {
    pub(crate) fn slot(self) -> Option<u32> {
        match self {
            Self::Experiment => None,
            Self::Personalization { slot } => Some(slot),
        }
    }
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

/// How often an item may be shown within a window that ends now.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Cap {
    /// Index into the program's tracked events.
    pub(crate) tracked: u32,
    pub(crate) window: Window,
    pub(crate) times: u32,
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
    pub(crate) meter: Meter,
}

impl Program {
    /// What there is to decide about. Decisions have the same order.
    pub fn items(&self) -> &[Item] {
        &self.items
    }

    /// The keys of the features. Decisions have the same order.
    pub fn features(&self) -> impl Iterator<Item = &str> {
        self.features.iter().map(|feature| &*feature.key)
    }

    /// The item with a key.
    pub fn item(&self, key: &str) -> Option<&Item> {
        self.items.iter().find(|item| item.key == key)
    }

    /// Whether anything runs on a page, whoever looks at it. If not, every decision there says so by its reason.
    ///
    /// ```
    /// use splitlight_protocol::{Timestamp, config};
    /// let parsed = config::parse(r#"{ "version": 1, "project": "shop", "experiments": [
    ///   { "key": "hero", "pages": [{ "include": "/" }], "variations": [{ "key": "a" }, { "key": "b" }] }] }"#);
    /// let program = splitlight_engine::compile(&parsed.config).program;
    /// assert!(program.concerns("https://shop.test/", Timestamp::from_ms(0)));
    /// assert!(!program.concerns("https://shop.test/cart", Timestamp::from_ms(0)));
    /// ```
    pub fn concerns(&self, url: &str, now: Timestamp) -> bool {
        let url = Url::parse(url);
        (0..self.code.items()).any(|at| {
            let mut item = self.code.item(at);
            runs_at(item.start, item.end, now) && takes_part(&mut item.pages, &url, self)
        })
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
}

/// Whether a time is within a schedule, whose end is not a part of it.
pub(crate) fn runs_at(start: Option<Timestamp>, end: Option<Timestamp>, now: Timestamp) -> bool {
    start.is_none_or(|start| start <= now) && end.is_none_or(|end| now < end)
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

    /// Whether it has started and has not ended.
    pub(crate) fn runs_at(&self, now: Timestamp) -> bool {
        runs_at(self.start, self.end, now)
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
            && self.caps.is_empty()
            && self.ranges.first().is_some_and(|(from, to)| from >= to)
    }
}
