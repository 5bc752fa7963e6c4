//! What is kept of a visitor: enough to count them anew whenever another event of theirs arrives.

use crate::aggregates::Aggregates;
use crate::plan::{Measured, Plan};
use crate::received::{Fact, Received};
use serde::{Deserialize, Serialize};
use splitlight_protocol::Timestamp;
use splitlight_protocol::event::EventId;
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

/// What is kept of a visitor.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct VisitorState {
    /// First valid exposure, by experiment and variation.
    pub(crate) exposures: BTreeMap<String, BTreeMap<String, Timestamp>>,
    /// Conversions that some metric counts, by time, then id.
    pub(crate) conversions: Vec<Conversion>,
    /// This visitor's part of the aggregates, as it is in them.
    pub(crate) counted: Aggregates,
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
        postcard::to_allocvec(self).unwrap_or_default()
    }

    /// Reads [`Self::to_bytes`]; `None` when the bytes are something else.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        postcard::from_bytes(bytes).ok()
    }

    /// Remembers an event that has not been received before, if the plan counts it; whether anything changed.
    pub(crate) fn remember(&mut self, plan: &Plan, event: &Received) -> bool {
        match &event.fact {
            Fact::Exposure { experiment, variation, valid: true } if plan.has(experiment) => {
                let first = self.exposures.entry(experiment.clone()).or_default();
                let known = first.get(variation).copied();
                if known.is_some_and(|known| known <= event.time) {
                    return false;
                }
                first.insert(variation.clone(), event.time);
                true
            }
            Fact::Conversion { name, value, properties } => {
                let Some(properties) = plan.asked(name, properties) else { return false };
                let (time, id) = (event.time, event.id);
                self.convert(Conversion { time, id, name: name.clone(), value: *value, properties })
            }
            Fact::Exposure { .. } | Fact::PageView => false,
        }
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
    pub(crate) fn feeds(&self, metric: &Measured) -> bool {
        let digest = |name: &String| {
            self.properties.iter().find(|(known, _)| known == name).map(|(_, digest)| *digest)
        };
        self.name == metric.event && metric.filter.iter().all(|(name, wanted)| digest(name) == *wanted)
    }
}
