//! The sum of the shards, of which each has sent a snapshot that replaces its last one.

use crate::aggregates::Aggregates;
use serde::{Deserialize, Serialize};
use splitlight_protocol::Timestamp;
use std::collections::BTreeMap;

/// The present sums of a shard, of those experiments that changed since its last snapshot.
///
/// Sent twice it changes nothing, because it replaces and does not add.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// Which shard.
    pub shard: u32,
    /// When it was taken; grows with every snapshot of a shard.
    pub at: Timestamp,
    /// By experiment, all its sums.
    pub parts: Vec<(String, Aggregates)>,
}

/// The sum of the shards, over all days.
///
/// ```
/// use splitlight_collector::{Aggregates, Key, Rollup, Snapshot, What};
/// use splitlight_protocol::Timestamp;
/// use splitlight_stats::Moments;
/// let mut part = Aggregates::default();
/// let key = Key { experiment: "hero".into(), what: What::Users(0), day: 1 };
/// part.add(key, Moments { n: 3, ..Moments::default() });
/// let at = Timestamp::from_ms(1);
/// let snapshot = Snapshot { shard: 0, at, parts: vec![("hero".into(), part)] };
/// let mut rollup = Rollup::default();
/// for _ in 0..2 {
///     for (experiment, part) in &snapshot.parts {
///         rollup.replace(snapshot.shard, experiment, snapshot.at, part);
///     }
/// }
/// assert_eq!(rollup.merged(None).over_days("hero", &What::Users(0)).n, 3);
/// ```
#[derive(Clone, Debug, Default)]
pub struct Rollup {
    parts: BTreeMap<(String, u32), (Timestamp, Aggregates)>,
}

impl Rollup {
    /// Replaces what a shard has of an experiment, unless what is there is newer; whether it did.
    pub fn replace(&mut self, shard: u32, experiment: &str, at: Timestamp, part: &Aggregates) -> bool {
        let place = (experiment.to_owned(), shard);
        if self.parts.get(&place).is_some_and(|(known, _)| *known > at) {
            return false;
        }
        self.parts.insert(place, (at, part.totals()));
        true
    }

    /// The sum of the shards, of one experiment or of all.
    pub fn merged(&self, experiment: Option<&str>) -> Aggregates {
        let parts = self.parts.iter().filter(|((key, _), _)| experiment.is_none_or(|wanted| wanted == key));
        parts.fold(Aggregates::default(), |sum, (_, (_, part))| sum.merge(part))
    }

    /// When the newest snapshot was taken.
    pub fn updated(&self) -> Option<Timestamp> {
        self.parts.values().map(|(at, _)| *at).max()
    }
}
