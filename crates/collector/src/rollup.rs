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

/// The sum of the shards, over all days and for each of them.
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
    parts: BTreeMap<(String, u32), Part>,
}

/// What a shard has of an experiment.
#[derive(Clone, Debug, Default)]
struct Part {
    at: Timestamp,
    /// Over all days, because most questions are about these.
    sums: Aggregates,
    days: BTreeMap<i32, Aggregates>,
}

impl Rollup {
    /// Replaces what a shard has of an experiment: the days whose sums changed, with these; `None` when what is there is
    /// newer.
    pub fn replace(
        &mut self,
        shard: u32,
        experiment: &str,
        at: Timestamp,
        part: &Aggregates,
    ) -> Option<BTreeMap<i32, Aggregates>> {
        let known = self.parts.entry((experiment.to_owned(), shard)).or_default();
        if known.at > at {
            return None;
        }
        let days = part.by_day();
        let gone = known.days.keys().filter(|day| !days.contains_key(day));
        let mut changed: BTreeMap<i32, Aggregates> = gone.map(|day| (*day, Aggregates::default())).collect();
        for (day, sums) in &days {
            if known.days.get(day) != Some(sums) {
                changed.insert(*day, sums.clone());
            }
        }
        *known = Part { at, sums: part.over_all_days(), days };
        Some(changed)
    }

    /// Puts back what was kept: the sums over all days.
    pub fn restore(&mut self, shard: u32, experiment: &str, at: Timestamp, sums: Aggregates) {
        let part = self.parts.entry((experiment.to_owned(), shard)).or_default();
        (part.at, part.sums) = (at, sums);
    }

    /// Puts back what was kept: the sums of a day.
    pub fn restore_day(&mut self, shard: u32, experiment: &str, day: i32, sums: Aggregates) {
        let part = self.parts.entry((experiment.to_owned(), shard)).or_default();
        part.days.insert(day, sums);
    }

    /// What a shard has of an experiment, over all days.
    pub fn part(&self, shard: u32, experiment: &str) -> Option<&Aggregates> {
        self.parts.get(&(experiment.to_owned(), shard)).map(|part| &part.sums)
    }

    /// The sum of the shards over all days, of one experiment or of all.
    pub fn merged(&self, experiment: Option<&str>) -> Aggregates {
        self.of(experiment).fold(Aggregates::default(), |mut sum, part| {
            sum.merge_in(&part.sums);
            sum
        })
    }

    /// The sum of the shards day by day, of one experiment or of all.
    pub fn daily(&self, experiment: Option<&str>) -> Aggregates {
        let days = self.of(experiment).flat_map(|part| part.days.values());
        days.fold(Aggregates::default(), |mut sum, day| {
            sum.merge_in(day);
            sum
        })
    }

    fn of<'r>(&'r self, experiment: Option<&'r str>) -> impl Iterator<Item = &'r Part> {
        let parts = self.parts.iter();
        parts.filter(move |((key, _), _)| experiment.is_none_or(|wanted| wanted == key)).map(|(_, part)| part)
    }

    /// When the newest snapshot was taken.
    pub fn updated(&self) -> Option<Timestamp> {
        self.parts.values().map(|part| part.at).max()
    }
}
