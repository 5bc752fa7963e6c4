//! The verdict: what to do, from the declared plan and nothing else.
//!
//! Reasons weigh in this order: a broken split, a proven winner that does no harm, proven harm, the end of the plan, and
//! otherwise patience. A verdict goes by the badges, a badge by the interval, and the p-value agrees with the interval;
//! so none of them contradicts another.

mod read;
mod record;

pub use read::{Badge, Belief, MarginBadge, MetricReading, Reading};
pub use record::{Metric, Plan, PlannedMethod, Record, Role, Spending, Values, Variation};

use serde::Serialize;

use crate::{Direction, EXPECTED_MIN, sample_ratio};

/// What to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "verdict", rename_all = "camelCase")]
pub enum Verdict {
    /// Go on.
    Continue,
    /// Give everybody this variation.
    Ship {
        /// Its key.
        variation: String,
    },
    /// End it.
    Stop {
        /// The key of the variation that does harm; `None` where the numbers cannot be trusted.
        #[serde(skip_serializing_if = "Option::is_none")]
        variation: Option<String>,
    },
    /// The plan is at its end, and nothing is proven that could be shipped.
    Inconclusive,
}

/// Why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Reason {
    /// The visitors did not fall on the variations as the weights say.
    BrokenSplit,
    /// The primary metric is better, and no guardrail is worse.
    Winner,
    /// The primary metric or a guardrail is worse.
    Harm,
    /// There is no primary metric, or fewer than two variations.
    NothingToDecide,
    /// The plan wants more days or more visitors before anything is decided.
    TooEarly,
    /// The primary metric is better, but a guardrail is worse or not yet sure to be within its margin.
    Guardrail,
    /// Nothing is proven yet, and visitors are still missing.
    NotYet,
    /// All planned visitors are in, and nothing is proven.
    NoDifference,
}

impl Reason {
    /// The name in documents.
    ///
    /// ```
    /// assert_eq!(splitlight_stats::verdict::Reason::BrokenSplit.name(), "brokenSplit");
    /// ```
    pub const fn name(self) -> &'static str {
        match self {
            Self::BrokenSplit => "brokenSplit",
            Self::Winner => "winner",
            Self::Harm => "harm",
            Self::NothingToDecide => "nothingToDecide",
            Self::TooEarly => "tooEarly",
            Self::Guardrail => "guardrail",
            Self::NotYet => "notYet",
            Self::NoDifference => "noDifference",
        }
    }
}

/// A verdict and everything it was read from.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Decision {
    /// What to do.
    #[serde(flatten)]
    pub verdict: Verdict,
    /// Why.
    pub reason: Reason,
    /// Whether the split can be trusted.
    pub split: Split,
    /// Visitors of all variations.
    pub visitors: u64,
    /// Planned visitors that are missing, 0 when all are in.
    pub visitors_missing: f64,
    /// The metrics, in the order of the record.
    pub metrics: Vec<MetricReading>,
}

/// Whether the visitors fell on the variations as the weights say.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Split {
    /// Chance of a split at least as uneven when the weights hold.
    pub p_value: f64,
    /// Visitors were seen in a variation without a weight.
    pub leak: bool,
    /// The split is broken, and nothing below can be trusted.
    pub broken: bool,
}

impl Record {
    /// The verdict on this record; a pure function of it.
    ///
    /// Of several variations each is compared with control at a confidence of `1 - (1 - confidence) / comparisons`
    /// (Bonferroni). With planned looks the bounds are those of the looks that there really were (Lan and `DeMets` 1983).
    ///
    /// ```
    /// use splitlight_stats::verdict::{Plan, PlannedMethod, Reason, Record};
    ///
    /// let plan = Plan {
    ///     confidence: 0.95,
    ///     method: PlannedMethod::AlwaysValid,
    ///     visitors: 10_000.0,
    ///     days_min: 7.0,
    ///     visitors_min: 100,
    ///     split_p_value_min: 0.001,
    /// };
    /// let record = Record { plan, days: 3.0, looks: vec![], variations: vec![], metrics: vec![] };
    /// assert_eq!(record.decide().reason, Reason::NothingToDecide);
    /// ```
    pub fn decide(&self) -> Decision {
        let terms = read::Terms::new(self);
        let split = self.split();
        let metrics: Vec<MetricReading> =
            self.metrics.iter().map(|metric| read::metric(self, metric, &terms)).collect();
        let visitors = self.variations.iter().fold(0_u64, |sum, v| sum.saturating_add(v.visitors));
        let visitors_missing = (self.plan.visitors - visitors as f64).max(0.0);
        let complete = visitors as f64 >= self.plan.visitors;
        let (verdict, reason) = self.weigh(&split, &metrics, &terms, complete);
        Decision { verdict, reason, split, visitors, visitors_missing, metrics }
    }

    fn split(&self) -> Split {
        let visitors: Vec<u64> = self.variations.iter().map(|variation| variation.visitors).collect();
        let weights: Vec<f64> = self.variations.iter().map(|variation| variation.weight).collect();
        let ratio = sample_ratio(&visitors, &weights);
        let enough =
            ratio.expected.iter().zip(&weights).all(|(n, weight)| *weight <= 0.0 || *n >= EXPECTED_MIN);
        let broken = ratio.leak || enough && ratio.p_value < self.plan.split_p_value_min;
        Split { p_value: ratio.p_value, leak: ratio.leak, broken }
    }

    fn weigh(
        &self,
        split: &Split,
        metrics: &[MetricReading],
        terms: &read::Terms,
        complete: bool,
    ) -> (Verdict, Reason) {
        if split.broken {
            return (Verdict::Stop { variation: None }, Reason::BrokenSplit);
        }
        let primary = self.metrics.iter().zip(metrics).find(|(metric, _)| metric.role == Role::Primary);
        let (Some((declared, primary)), true) = (primary, self.variations.len() >= 2) else {
            return (Verdict::Continue, Reason::NothingToDecide);
        };
        let shippable = self.days >= self.plan.days_min;
        let winners = better(primary).filter(|place| harmless(metrics, *place));
        let gain = |place: &usize| gain(primary, declared.direction, *place);
        let best = winners.reduce(|best, next| if gain(&next) > gain(&best) { next } else { best });
        if let Some(best) = best.filter(|_| shippable) {
            let variation = primary.variations[best].variation.clone();
            return (Verdict::Ship { variation }, Reason::Winner);
        }
        if let Some(variation) = harm(metrics).filter(|_| best.is_none()) {
            return (Verdict::Stop { variation: Some(variation) }, Reason::Harm);
        }
        let reason = match (terms.open && (best.is_none() || shippable), better(primary).next()) {
            (false, _) => Reason::TooEarly,
            (true, Some(_)) => Reason::Guardrail,
            (true, None) if complete => Reason::NoDifference,
            (true, None) => Reason::NotYet,
        };
        let over = complete && shippable && terms.open;
        (if over { Verdict::Inconclusive } else { Verdict::Continue }, reason)
    }
}

/// The places of the variations that a metric is better in.
fn better(metric: &MetricReading) -> impl Iterator<Item = usize> {
    let readings = metric.variations.iter().enumerate();
    readings.filter(|(_, reading)| reading.badge == Badge::Better).map(|(place, _)| place)
}

/// Whether no guardrail is worse in a variation, or in doubt where it has a margin.
fn harmless(metrics: &[MetricReading], place: usize) -> bool {
    let guards = metrics.iter().filter(|metric| metric.role == Role::Guardrail);
    guards.filter_map(|guard| guard.variations.get(place)).all(|reading| match reading.margin {
        Some(margin) => margin == MarginBadge::Within,
        None => reading.badge != Badge::Worse,
    })
}

/// The first variation that makes the primary metric worse, or a guardrail, and by more than its margin if it has one.
fn harm(metrics: &[MetricReading]) -> Option<String> {
    let deciding = metrics.iter().filter(|metric| metric.role != Role::Secondary);
    let mut readings = deciding.flat_map(|metric| &metric.variations);
    let worse = readings.find(|reading| {
        reading.badge == Badge::Worse && reading.margin.is_none_or(|margin| margin == MarginBadge::Beyond)
    });
    worse.map(|reading| reading.variation.clone())
}

/// How far ahead of control a variation is.
fn gain(metric: &MetricReading, direction: Direction, place: usize) -> f64 {
    let comparison = metric.variations.get(place).and_then(|reading| reading.comparison);
    let sign = if direction == Direction::Increase { 1.0 } else { -1.0 };
    comparison.map_or(f64::NEG_INFINITY, |comparison| sign * comparison.difference)
}
