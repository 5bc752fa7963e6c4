//! When an experiment with `autoStop` is looked at, and what a look decides.
//!
//! Looks are at equal parts of the planned visitors, so they do not depend on what was seen. What decides is the verdict on
//! a [`Record`], which holds all of its inputs; no belief has a say, and a broken split ends an experiment without shipping.

use crate::aggregates::Aggregates;
use crate::analyze::record;
use serde::Serialize;
use splitlight_protocol::Timestamp;
use splitlight_protocol::config::{Analysis, Config, Spending, Status};
use splitlight_stats::group_sequential::INFORMATION_STEP_MIN;
use splitlight_stats::verdict::{self, Decision, PlannedMethod, Record, Verdict};

/// Days before anything is shipped when `daysMin` is not written: a whole week.
const DAYS_MIN: u32 = 7;
/// Visitors of each variation before anything is decided when `visitorsMin` is not written.
const VISITORS_MIN: u64 = 100;

/// A look, with everything it was decided from.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Look {
    /// What was declared and counted; deciding on it again gives the same.
    pub record: Record,
    /// What was decided.
    pub decision: Decision,
}

/// How an experiment ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// Everybody gets this variation.
    Ship(String),
    /// Everybody gets the original page.
    Stop,
}

impl Look {
    /// How the experiment ends by this look; `None` when it goes on.
    pub fn end(&self) -> Option<End> {
        match &self.decision.verdict {
            Verdict::Continue => None,
            Verdict::Ship { variation } => Some(End::Ship(variation.clone())),
            Verdict::Stop { .. } | Verdict::Inconclusive => Some(End::Stop),
        }
    }

    /// The visitors at each look so far, this one included.
    pub fn taken(&self) -> &[f64] {
        &self.record.looks
    }
}

/// The next look at a running experiment with `autoStop`, when it is due; `None` otherwise.
///
/// `taken` are the visitors at each look before.
///
/// ```
/// use splitlight_collector::{Aggregates, look};
/// use splitlight_protocol::Timestamp;
/// let config = splitlight_protocol::config::parse(r#"{ "version": 1, "project": "shop",
///   "experiments": [{ "key": "hero", "variations": [{ "key": "a" }, { "key": "b" }],
///     "analysis": { "sampleSize": 1000, "looks": 10, "autoStop": true } }] }"#).config;
/// // Before the first 100 visitors nobody looks.
/// assert_eq!(look(&config, &Aggregates::default(), "hero", Timestamp::from_ms(0), &[]), None);
/// ```
pub fn look(
    config: &Config,
    aggregates: &Aggregates,
    key: &str,
    now: Timestamp,
    taken: &[f64],
) -> Option<Look> {
    let experiment = config.experiments.iter().find(|experiment| experiment.key == key)?;
    let analysis = &experiment.analysis;
    if experiment.status != Status::Running || !analysis.auto_stop {
        return None;
    }
    let mut record = record(config, aggregates, now, key)?;
    record.plan.method = analysis.spending.map_or(PlannedMethod::AlwaysValid, |spending| {
        PlannedMethod::GroupSequential(match spending {
            Spending::ObrienFleming => verdict::Spending::OBrienFleming,
            Spending::Pocock => verdict::Spending::Pocock,
        })
    });
    record.plan.days_min = f64::from(analysis.days_min.unwrap_or(DAYS_MIN));
    record.plan.visitors_min = analysis.visitors_min.unwrap_or(VISITORS_MIN);
    let visitors = record.variations.iter().map(|variation| variation.visitors).sum::<u64>() as f64;
    if !is_due(analysis, visitors, record.days >= record.plan.days_min, taken) {
        return None;
    }
    record.looks = taken.iter().copied().chain([visitors]).collect();
    let decision = record.decide();
    Some(Look { record, decision })
}

/// Whether another part of the planned visitors came in since the last look.
fn is_due(analysis: &Analysis, visitors: f64, days_are_in: bool, taken: &[f64]) -> bool {
    let planned = analysis.sample_size as f64;
    let looks = f64::from(analysis.looks);
    let part = |visitors: f64| (visitors * looks / planned).floor();
    let last = taken.last().copied().unwrap_or(0.0);
    if analysis.spending.is_none() {
        return part(visitors) > part(last);
    }
    // The last planned look is the end, so it waits until the plan allows to decide.
    let allowed = part(visitors) < looks || days_are_in;
    let apart = (visitors.min(planned) - last) / planned >= INFORMATION_STEP_MIN;
    part(visitors).min(looks) > part(last).min(looks) && apart && allowed
}
