//! What was declared and counted of an experiment, as the verdict reads it.

use super::subject::Subject;
use crate::aggregates::{Aggregates, Part, What};
use splitlight_protocol::Timestamp;
use splitlight_protocol::config::{Config, Dimension, Direction, Metric, MetricKind};
use splitlight_protocol::results::{Method, Role};
use splitlight_stats::verdict::{self, Plan, PlannedMethod, Record, Spending, Values};
use splitlight_stats::{
    Capped, MISMATCH_P_VALUE, Moments, PairMoments, Quantile, RatioMoments, Sketch, Total,
};

/// Whose sums of a subject are meant: everybody's, or those of a dimension's value.
#[derive(Clone, Copy)]
pub(super) struct Sums<'a> {
    pub(super) subject: &'a Subject<'a>,
    pub(super) aggregates: &'a Aggregates,
    pub(super) slice: Option<(Dimension, &'a str)>,
}

impl Sums<'_> {
    pub(super) fn users(&self, variation: u32) -> u64 {
        let what = What::users(variation, self.slice);
        self.aggregates.over_days(self.subject.key, &what).n.try_into().unwrap_or(0)
    }

    fn places(&self) -> impl Iterator<Item = u32> + use<> {
        0..u32::try_from(self.subject.variations.len()).unwrap_or(0)
    }

    /// The moments of a value, with the visitors as `n`.
    fn moments(&self, variation: u32, metric: &str, part: Part) -> Moments {
        let what = What::part(variation, self.slice, metric, part);
        let sums = self.aggregates.over_days(self.subject.key, &what);
        Moments { n: self.users(variation).try_into().unwrap_or(i64::MAX), ..sums }
    }

    fn product(&self, variation: u32, metric: &str, (one, other): (u8, u8)) -> Total {
        self.moments(variation, metric, Part::Product(one, other)).sum
    }

    fn pair(&self, variation: u32, metric: &str, (one, other): (u8, u8)) -> PairMoments {
        PairMoments {
            first: self.moments(variation, metric, Part::Value(one)),
            second: self.moments(variation, metric, Part::Value(other)),
            product: self.product(variation, metric, (one, other)),
        }
    }

    fn sketch(&self, variation: u32, metric: &str) -> Sketch {
        let mut sketch = Sketch::default();
        // Distributions are kept of everybody alone.
        if self.slice.is_some() {
            return sketch;
        }
        for (bucket, count) in self.aggregates.buckets(self.subject.key, variation, metric) {
            sketch.add_bucket(bucket, count);
        }
        sketch
    }

    /// What was counted of a metric, control first.
    pub(super) fn values(&self, metric: &Metric) -> Values {
        let key = metric.key.as_str();
        let places = || self.places();
        let plain = |part| places().map(|at| self.moments(at, key, part)).collect::<Vec<_>>();
        let adjusted = || places().map(|at| self.pair(at, key, (0, 2))).collect();
        match metric.kind {
            MetricKind::Proportion if metric.lookback.is_some() => Values::AdjustedProportion(adjusted()),
            MetricKind::Proportion | MetricKind::Bounce => Values::Proportion(plain(Part::Value(0))),
            MetricKind::Mean if metric.lookback.is_some() => Values::AdjustedMean(adjusted()),
            MetricKind::Mean => self.mean(metric),
            MetricKind::Ratio if metric.lookback.is_some() => {
                let of = |at| RatioMoments {
                    after: self.pair(at, key, (0, 1)),
                    before: self.pair(at, key, (2, 3)),
                    numerators: self.product(at, key, (0, 2)),
                    denominators: self.product(at, key, (1, 3)),
                    numerator_denominator: self.product(at, key, (0, 3)),
                    denominator_numerator: self.product(at, key, (1, 2)),
                };
                Values::AdjustedRatio(places().map(of).collect())
            }
            MetricKind::Ratio => Values::Ratio(places().map(|at| self.pair(at, key, (0, 1))).collect()),
            MetricKind::Quantile => {
                let level = metric.quantile.unwrap_or(0.5);
                let of = |at| {
                    let nothing = Quantile { n: 0, n_star: 0, level, value: 0.0, lower: 0.0, upper: 0.0 };
                    self.sketch(at, key).order_statistics(level).unwrap_or(nothing)
                };
                Values::Quantile(places().map(of).collect())
            }
        }
    }

    fn mean(&self, metric: &Metric) -> Values {
        let key = metric.key.as_str();
        let plain = |at| self.moments(at, key, Part::Value(0));
        let Some(cap) = metric.cap else { return Values::Mean(self.places().map(plain).collect()) };
        let Some(level) = cap.percentile.filter(|_| self.slice.is_none()) else {
            if cap.value.is_none() {
                return Values::Mean(self.places().map(plain).collect());
            }
            let twin = |at| Capped { capped: plain(at), uncapped: self.moments(at, key, Part::Uncapped) };
            return Values::Capped(self.places().map(twin).collect());
        };
        // The level is of all variations together, so that the cap does not favor one of them.
        let sketches: Vec<Sketch> = self.places().map(|at| self.sketch(at, key)).collect();
        let all = sketches.iter().fold(Sketch::default(), Sketch::merge);
        let capped = |(at, sketch): (u32, &Sketch)| {
            let uncapped = plain(at);
            let sample = all.quantile(level).and_then(|cap| sketch.capped(cap));
            let capped = sample.map_or(uncapped, |sample| approximate(uncapped.n, sample));
            Capped { capped, uncapped }
        };
        Values::Capped(self.places().zip(&sketches).map(capped).collect())
    }
}

/// Moments with the mean and variance of those visitors who have a value, and 0 for the others.
#[expect(
    clippy::cast_possible_truncation,
    reason = "sums of at most 10^9 visitors with 10^15 each fit in 128 bits"
)]
fn approximate(n: i64, sample: splitlight_stats::Sample) -> Moments {
    let squares = sample.variance * (sample.n - 1.0).max(0.0) + sample.n * sample.mean * sample.mean;
    Moments::new(n, (sample.mean * sample.n).round() as i128, squares.round() as i128)
}

/// The record of a subject, by its plan; `days` since its first visitor.
pub(super) fn record(config: &Config, sums: &Sums<'_>, days: f64) -> Record {
    let subject = sums.subject;
    let variations = (0_u32..).zip(&subject.variations).map(|(at, variation)| verdict::Variation {
        key: variation.key.to_owned(),
        weight: variation.weight,
        visitors: sums.users(at),
    });
    let metrics = subject.roles.iter().filter_map(|(key, role)| {
        let metric = config.metrics.iter().find(|metric| metric.key == *key)?;
        Some(verdict::Metric {
            key: metric.key.clone(),
            role: match role {
                Role::Primary => verdict::Role::Primary,
                Role::Secondary => verdict::Role::Secondary,
                Role::Guardrail => verdict::Role::Guardrail,
            },
            direction: match metric.direction {
                Direction::Increase => splitlight_stats::Direction::Increase,
                Direction::Decrease => splitlight_stats::Direction::Decrease,
            },
            margin: metric.margin,
            values: sums.values(metric),
        })
    });
    let plan = Plan {
        confidence: subject.confidence,
        method: planned(Method::AlwaysValid),
        visitors: subject.sample_size as f64,
        days_min: 0.0,
        visitors_min: 0,
        split_p_value_min: MISMATCH_P_VALUE,
    };
    Record { plan, days, looks: Vec::new(), variations: variations.collect(), metrics: metrics.collect() }
}

/// How a plan is read by a method; belief goes by what was measured, like a single look.
pub(super) fn planned(method: Method) -> PlannedMethod {
    match method {
        Method::AlwaysValid => PlannedMethod::AlwaysValid,
        Method::Welch | Method::Bayesian => PlannedMethod::Welch,
        Method::GroupSequential => PlannedMethod::GroupSequential(Spending::OBrienFleming),
    }
}

/// Days between the first visitor's and a moment.
pub(super) fn days_since_first(aggregates: &Aggregates, key: &str, now: Timestamp) -> f64 {
    aggregates.first_day(key).map_or(0.0, |first| f64::from(now.day().saturating_sub(first).max(0)))
}
