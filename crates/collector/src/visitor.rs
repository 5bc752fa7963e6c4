//! What is kept of a visitor: enough to count them anew whenever another event of theirs arrives.

use crate::aggregates::{Aggregates, Key, first_form};
use crate::plan::{Asked, Plan};
use crate::received::{Fact, Received, Traits};
use serde::{Deserialize, Serialize};
use splitlight_protocol::event::{EventId, PAGE_VIEW};
use splitlight_protocol::{Map, Timestamp};
use splitlight_stats::Moments;
use std::collections::BTreeMap;

/// Conversions kept of one visitor: the earliest by time, then id.
///
/// "The n smallest" does not depend on the order of arrival, as "the first n to arrive" would. A visitor with more
/// relevant conversions is a machine or an abuse, and keeps a state of tens of kilobytes at most.
pub const CONVERSIONS_MAX: usize = 1000;

/// Minor units that one conversion can count; larger values count as this one.
///
/// With [`CONVERSIONS_MAX`] it keeps a visitor's square below 10^30, so 10^8 visitors fit `i128` whatever is sent.
pub const VALUE_ABS_MAX: i64 = 1_000_000_000_000;

/// Days kept of one visitor, the earliest: some two years of coming every day.
const DAYS_MAX: usize = 800;

/// Days after which a visitor without any news is written again, so that retention knows they still come.
pub(crate) const SEEN_DAYS: i32 = 30;

/// Sums of quarantined exposures kept of one visitor; who has more is a machine, and forgetting leaves its excess.
const QUARANTINED_MAX: usize = 1000;

/// What is kept of a visitor.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct VisitorState {
    /// First valid exposure, by experiment and variation.
    pub(crate) exposures: BTreeMap<String, BTreeMap<String, First>>,
    /// Events that some metric or funnel counts, by time, then id.
    pub(crate) conversions: Vec<Conversion>,
    /// This visitor's part of the aggregates, as it is in them.
    pub(crate) counted: Aggregates,
    /// Exposures of theirs that the hash does not give, and events that their browser lost, as they are in the aggregates.
    pub(crate) quarantined: Aggregates,
    /// The day their newest event arrived on, to within [`SEEN_DAYS`].
    pub(crate) seen: i32,
    /// The days they came on, in order, where the plan asks for it.
    pub(crate) days: Vec<i32>,
}

/// A first exposure, and what was known of the visitor then.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct First {
    pub(crate) time: Timestamp,
    pub(crate) id: EventId,
    pub(crate) traits: Traits,
}

/// What the bytes of a state begin with. Those of the first two schemas had no such beginning: it would be the number
/// of their experiments, which nobody has as many of.
const FORM: [u8; 6] = [0xff, 0xff, 0xff, 0xff, 0x0f, 3];

/// Variations with the time of the first exposure, by experiment, as the first two schemas had them.
type FirstTimes = BTreeMap<String, BTreeMap<String, Timestamp>>;

/// The form of the first schema, which is still read.
#[derive(Deserialize)]
struct FirstForm {
    exposures: FirstTimes,
    conversions: Vec<Conversion>,
    #[serde(deserialize_with = "first_form")]
    counted: Aggregates,
}

/// The form of the second schema, which is still read.
#[derive(Deserialize)]
struct SecondForm {
    exposures: FirstTimes,
    conversions: Vec<Conversion>,
    counted: Aggregates,
    quarantined: Aggregates,
    seen: i32,
}

/// Reads bytes that are one value to their end: the beginning of one form may read as another.
fn whole<'b, T: Deserialize<'b>>(bytes: &'b [u8]) -> Option<T> {
    postcard::take_from_bytes(bytes).ok().and_then(|(value, rest)| rest.is_empty().then_some(value))
}

/// First exposures of which nothing but the time was kept.
fn first_met(exposures: FirstTimes) -> BTreeMap<String, BTreeMap<String, First>> {
    let first = |time| First { time, id: EventId::from_bytes([0; 16]), traits: Traits::new() };
    let met =
        |met: BTreeMap<String, Timestamp>| met.into_iter().map(|(key, time)| (key, first(time))).collect();
    exposures.into_iter().map(|(experiment, all)| (experiment, met(all))).collect()
}

/// What is kept of a visitor, as the visitor may read it; times are in milliseconds since 1970.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Export {
    exposures: Vec<Met>,
    conversions: Vec<Converted>,
    /// The experiments whose results they are a part of.
    counted_in: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Met {
    experiment: String,
    variation: String,
    first_at: Timestamp,
    /// What the results can be broken down by, as it was then.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    traits: Traits,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
struct Converted {
    id: EventId,
    name: String,
    time: Timestamp,
    value: Option<i64>,
}

/// A conversion, without what no metric asks about.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Conversion {
    pub(crate) time: Timestamp,
    pub(crate) id: EventId,
    pub(crate) name: String,
    pub(crate) value: Option<i64>,
    /// Digests of the properties that a metric asks about.
    pub(crate) properties: Vec<(String, u64)>,
}

impl VisitorState {
    /// The compact form, for a storage.
    pub fn to_bytes(&self) -> Vec<u8> {
        postcard::to_extend(self, FORM.to_vec()).unwrap_or_default()
    }

    /// Reads [`Self::to_bytes`], of this release or an earlier one; `None` when the bytes are something else.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        if let Some(bytes) = bytes.strip_prefix(&FORM) {
            return whole(bytes);
        }
        if let Some(SecondForm { exposures, conversions, counted, quarantined, seen }) = whole(bytes) {
            let exposures = first_met(exposures);
            return Some(Self { exposures, conversions, counted, quarantined, seen, days: Vec::new() });
        }
        let FirstForm { exposures, conversions, counted } = whole(bytes)?;
        Some(Self { exposures: first_met(exposures), conversions, counted, ..Self::default() })
    }

    /// The day their newest event arrived on, to within 30 days; 0 when an earlier release wrote the state.
    pub const fn seen(&self) -> i32 {
        self.seen
    }

    /// What is kept, for the visitor who asks.
    pub fn export(&self) -> Export {
        let met = self.exposures.iter().flat_map(|(experiment, met)| {
            met.iter().map(|(variation, first)| Met {
                experiment: experiment.clone(),
                variation: variation.clone(),
                first_at: first.time,
                traits: first.traits.clone(),
            })
        });
        let conversions = self.conversions.iter().map(|kept| Converted {
            id: kept.id,
            name: kept.name.clone(),
            time: kept.time,
            value: kept.value,
        });
        let part = self.part();
        let counted_in = part.experiments().filter(|key| !key.is_empty()).map(str::to_owned);
        Export {
            exposures: met.collect(),
            conversions: conversions.collect(),
            counted_in: counted_in.collect(),
        }
    }

    /// Notes that something arrived; whether that is news.
    pub(crate) fn see(&mut self, day: i32) -> bool {
        let news = day >= self.seen.saturating_add(SEEN_DAYS);
        self.seen = self.seen.max(day);
        news
    }

    /// Notes what was counted beside the results, so that forgetting takes it back.
    pub(crate) fn set_aside(&mut self, key: &Key, n: i64) {
        if self.quarantined.iter().count() < QUARANTINED_MAX || self.quarantined.at(key).n > 0 {
            self.quarantined.add(key.clone(), Moments { n, ..Moments::default() });
        }
    }

    /// All of the aggregates that is theirs.
    pub(crate) fn part(&self) -> Aggregates {
        self.counted.clone().merge(&self.quarantined)
    }

    /// Remembers an event that has not been received before, if the plan counts it; whether anything changed.
    pub(crate) fn remember(&mut self, plan: &Plan, event: &Received, traits: &Traits) -> bool {
        let came = plan.asks_days() && self.come(event.time.day());
        came | match &event.fact {
            Fact::Exposure { experiment, variation, valid: true } if plan.has(experiment) => {
                let first = self.exposures.entry(experiment.clone()).or_default();
                let known = first.get(variation).map(|known| (known.time, known.id));
                if known.is_some_and(|known| known <= (event.time, event.id)) {
                    return came;
                }
                let here = First { time: event.time, id: event.id, traits: traits.clone() };
                first.insert(variation.clone(), here);
                true
            }
            Fact::Conversion { name, value, properties } => {
                let Some(properties) = plan.asked(name, properties) else { return came };
                let (time, id) = (event.time, event.id);
                self.convert(Conversion { time, id, name: name.clone(), value: *value, properties })
            }
            Fact::PageView => {
                let Some(properties) = plan.asked(PAGE_VIEW, &Map::new()) else { return came };
                let (time, id, name) = (event.time, event.id, PAGE_VIEW.to_owned());
                self.convert(Conversion { time, id, name, value: None, properties })
            }
            Fact::Exposure { .. } | Fact::Dropped { .. } => false,
        }
    }

    /// Notes a day; whether it is a new one.
    fn come(&mut self, day: i32) -> bool {
        let at = self.days.partition_point(|known| *known < day);
        if self.days.get(at) == Some(&day) || at >= DAYS_MAX {
            return false;
        }
        self.days.insert(at, day);
        self.days.truncate(DAYS_MAX);
        true
    }

    fn convert(&mut self, conversion: Conversion) -> bool {
        let at = self
            .conversions
            .partition_point(|other| (other.time, other.id) < (conversion.time, conversion.id));
        if at >= CONVERSIONS_MAX {
            return false;
        }
        self.conversions.insert(at, conversion);
        self.conversions.truncate(CONVERSIONS_MAX);
        true
    }
}

impl Conversion {
    pub(crate) fn is(&self, asked: &Asked) -> bool {
        let digest = |name: &String| {
            self.properties.iter().find(|(known, _)| known == name).map(|(_, digest)| *digest)
        };
        self.name == asked.event && asked.filter.iter().all(|(name, wanted)| digest(name) == *wanted)
    }
}
