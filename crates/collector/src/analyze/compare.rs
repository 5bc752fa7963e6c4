//! One metric over all variations: each compared with control, by several methods.

use super::record::{Sums, planned};
use splitlight_protocol::config::Metric;
use splitlight_protocol::results::{Analysis, LiftStatus, Method, MetricResults, Role, VariationResults};
use splitlight_stats::bayes::NormalPosterior;
use splitlight_stats::special::normal_quantile;
use splitlight_stats::verdict::{Decision, MetricReading, Plan, PlannedMethod, Reading, Record, Values};
use splitlight_stats::{Comparison, Direction, Estimate, Kind, LiftInterval, Moments, PairMoments};

/// What every method says of a record, in the order of the methods.
pub(super) struct Read {
    record: Record,
    methods: Vec<Method>,
    /// By how a method reads the plan, which several have in common; the plan's own way first.
    decisions: Vec<(PlannedMethod, Decision)>,
}

impl Read {
    pub(super) fn new(record: Record, methods: &[Method]) -> Self {
        let own = (record.plan.method.clone(), record.decide());
        let mut read = Self { record, methods: methods.to_vec(), decisions: vec![own] };
        for method in methods {
            let way = planned(*method);
            if read.decisions.iter().all(|(known, _)| *known != way) {
                let plan = Plan { method: way.clone(), ..read.record.plan.clone() };
                let decision = Record { plan, ..read.record.clone() }.decide();
                read.decisions.push((way, decision));
            }
        }
        read
    }

    /// What the plan's own method decides.
    pub(super) fn decision(&self) -> &Decision {
        &self.decisions[0].1
    }

    fn reading(&self, method: Method, metric: &str) -> Option<&MetricReading> {
        let way = planned(method);
        let (_, decision) = self.decisions.iter().find(|(known, _)| *known == way)?;
        decision.metrics.iter().find(|reading| reading.key == metric)
    }

    /// One metric over all variations, control first.
    pub(super) fn metric(&self, metric: &Metric, role: Role, sums: &Sums<'_>) -> Option<MetricResults> {
        let values = &self.record.metrics.iter().find(|known| known.key == metric.key)?.values;
        let read = |method: &Method| (*method, self.reading(*method, &metric.key));
        let readings: Vec<(Method, Option<&MetricReading>)> = self.methods.iter().map(read).collect();
        let variations =
            (0_u32..).zip(&sums.subject.variations).enumerate().map(|(at, (index, variation))| {
                let own = shown(values, at);
                // Control has no reading: it is what the others are compared with.
                let of = |readings: &[Reading]| at.checked_sub(1).and_then(|at| readings.get(at)).cloned();
                let analysis = |(method, reading): &(Method, Option<&MetricReading>)| {
                    let found = reading.and_then(|reading| of(&reading.variations));
                    analysis(*method, own, at == 0, found.as_ref(), metric)
                };
                let uncapped = readings.first().and_then(|(method, reading)| {
                    let found = of(&reading.as_ref()?.uncapped);
                    let Values::Capped(twins) = values else { return None };
                    let own = plain(&twins.get(at)?.uncapped, Kind::Mean);
                    Some(self::analysis(*method, own, at == 0, found.as_ref(), metric))
                });
                VariationResults {
                    variation_id: index.to_string(),
                    variation_name: variation.key.to_owned(),
                    users: sums.users(index),
                    analyses: readings.iter().map(analysis).collect(),
                    uncapped,
                }
            });
        Some(MetricResults {
            metric_id: metric.key.clone(),
            metric_name: metric.name.clone().unwrap_or_else(|| metric.key.clone()),
            kind: metric.kind,
            role,
            direction: metric.direction,
            format: metric.format.clone(),
            variations: variations.collect(),
        })
    }
}

/// What a variation has by itself.
#[derive(Clone, Copy, Default)]
struct Shown {
    numerator: f64,
    denominator: f64,
    mean: f64,
    stddev: f64,
}

fn plain(moments: &Moments, kind: Kind) -> Shown {
    Shown {
        numerator: moments.sum.to_f64(),
        denominator: moments.n as f64,
        mean: moments.mean(),
        stddev: moments.variance(kind).unwrap_or(0.0).sqrt(),
    }
}

fn ratio(pair: &PairMoments) -> Shown {
    let (numerator, denominator) = (pair.first.sum.to_f64(), pair.second.sum.to_f64());
    let mean = if denominator == 0.0 { 0.0 } else { numerator / denominator };
    let stddev = splitlight_stats::Measured::ratio(pair, Kind::Mean, Kind::Mean)
        .map_or(0.0, |measured| measured.sample.variance.sqrt());
    Shown { numerator, denominator, mean, stddev }
}

fn shown(values: &Values, at: usize) -> Shown {
    let of = |moments: Option<&Moments>, kind| moments.map(|moments| plain(moments, kind));
    let found = match values {
        Values::Proportion(all) => of(all.get(at), Kind::Proportion),
        Values::Mean(all) => of(all.get(at), Kind::Mean),
        Values::Capped(all) => of(all.get(at).map(|twins| &twins.capped), Kind::Mean),
        Values::AdjustedProportion(all) => of(all.get(at).map(|pair| &pair.first), Kind::Proportion),
        Values::AdjustedMean(all) => of(all.get(at).map(|pair| &pair.first), Kind::Mean),
        Values::Ratio(all) => all.get(at).map(ratio),
        Values::AdjustedRatio(all) => all.get(at).map(|moments| ratio(&moments.after)),
        Values::Quantile(all) => all.get(at).map(|quantile| Shown {
            numerator: quantile.value,
            denominator: quantile.n as f64,
            mean: quantile.value,
            stddev: 0.0,
        }),
    };
    found.unwrap_or_default()
}

fn analysis(
    method: Method,
    own: Shown,
    is_control: bool,
    reading: Option<&Reading>,
    metric: &Metric,
) -> Analysis {
    let mut analysis = Analysis {
        engine: if method == Method::Bayesian { "bayesian" } else { "frequentist" },
        method,
        numerator: own.numerator,
        denominator: own.denominator,
        mean: own.mean,
        stddev: own.stddev,
        percent_change: None,
        ci_low: None,
        ci_high: None,
        lift_status: if is_control { LiftStatus::Control } else { LiftStatus::Insufficient },
        p_value: None,
        difference: None,
        difference_low: None,
        difference_high: None,
        chance_to_beat_control: None,
        risk: None,
    };
    let Some((reading, comparison)) = reading.and_then(|it| Some((it, it.comparison.as_ref()?))) else {
        return analysis;
    };
    fill(&mut analysis, comparison);
    if method == Method::Bayesian {
        believe(&mut analysis, reading, comparison, metric);
    } else {
        analysis.p_value = reading.p_value;
    }
    analysis
}

fn fill(analysis: &mut Analysis, comparison: &Comparison) {
    let (low, high) = comparison.difference_interval;
    analysis.difference = Some(comparison.difference);
    analysis.difference_low = Some(low);
    analysis.difference_high = Some(high);
    analysis.percent_change = comparison.lift;
    analysis.lift_status = match (comparison.lift, comparison.lift_interval) {
        (Some(_), LiftInterval::Bounded(low, high)) => {
            (analysis.ci_low, analysis.ci_high) = (Some(low), Some(high));
            LiftStatus::Bounded
        }
        (Some(_), LiftInterval::Unbounded | LiftInterval::Outside(..)) => LiftStatus::Unbounded,
        _ => LiftStatus::Undefined,
    };
}

/// Without anything believed before, the belief about the difference is normal around what was measured.
fn believe(analysis: &mut Analysis, reading: &Reading, comparison: &Comparison, metric: &Metric) {
    let (low, high) = comparison.difference_interval;
    let quantile = normal_quantile(0.5 + 0.5 * comparison.confidence);
    let estimate = Estimate { value: comparison.difference, standard_error: (high - low) / 2.0 / quantile };
    let wanted = match metric.direction {
        splitlight_protocol::config::Direction::Increase => Direction::Increase,
        splitlight_protocol::config::Direction::Decrease => Direction::Decrease,
    };
    let Ok(posterior) = NormalPosterior::new(&estimate, None) else { return };
    let exact = reading.belief.map(|belief| belief.chance_to_win);
    analysis.chance_to_beat_control = exact.or(Some(posterior.chance_to_win(wanted)));
    let shipping = reading.belief.map_or(posterior.loss_of_shipping(wanted), |it| it.loss_of_shipping);
    analysis.risk = Some([posterior.loss_of_keeping(wanted), shipping]);
}
