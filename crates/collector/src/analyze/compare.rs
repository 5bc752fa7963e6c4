//! One metric over all variations: each compared with control, by both methods.

use splitlight_protocol::config::{Metric, MetricKind};
use splitlight_protocol::results::{Analysis, LiftStatus, Method, MetricResults, Role, VariationResults};
use splitlight_stats::{self as stats, Comparison, Kind, LiftInterval, Moments};

/// A variation and its sums.
pub(super) struct Arm<'a> {
    pub(super) index: u32,
    pub(super) key: &'a str,
    pub(super) weight: f64,
    pub(super) users: u64,
    /// Without `n`, which is `users`.
    pub(super) sums: Moments,
}

impl Arm<'_> {
    fn moments(&self) -> Moments {
        Moments { n: self.users.try_into().unwrap_or(i64::MAX), ..self.sums }
    }
}

/// One metric over all variations, control first.
pub(super) fn metric_results(
    metric: &Metric,
    role: Role,
    arms: &[Arm<'_>],
    confidence: f64,
    sample_size: u64,
) -> MetricResults {
    let comparisons = arms.len().saturating_sub(1).max(1) as f64;
    let variations = arms.iter().enumerate().map(|(position, arm)| {
        let rival = (position > 0).then(|| &arms[0]);
        let analyses = [Method::AlwaysValid, Method::Welch].map(|method| {
            let planned = sample_size as f64 * share(arms, position);
            analyze(metric, arm, rival, &Terms { method, confidence, comparisons, planned })
        });
        VariationResults {
            variation_id: arm.index.to_string(),
            variation_name: arm.key.to_owned(),
            users: arm.users,
            analyses: analyses.to_vec(),
        }
    });
    MetricResults {
        metric_id: metric.key.clone(),
        metric_name: metric.name.clone().unwrap_or_else(|| metric.key.clone()),
        kind: metric.kind,
        role,
        direction: metric.direction,
        format: metric.format.clone(),
        variations: variations.collect(),
    }
}

/// The part of the planned visitors that falls on control and this variation; all of them when there are only two.
fn share(arms: &[Arm<'_>], position: usize) -> f64 {
    let all: f64 = arms.iter().map(|arm| arm.weight).sum();
    if arms.len() > 2 && all > 0.0 { (arms[0].weight + arms[position].weight) / all } else { 1.0 }
}

/// How to compare.
struct Terms {
    method: Method,
    confidence: f64,
    comparisons: f64,
    planned: f64,
}

impl Terms {
    fn compare(&self, kind: MetricKind, control: &Moments, variation: &Moments) -> Option<Comparison> {
        let kind = match kind {
            MetricKind::Proportion => Kind::Proportion,
            MetricKind::Mean => Kind::Mean,
        };
        let method = match self.method {
            Method::AlwaysValid => stats::Method::AlwaysValid { planned_total: self.planned.max(2.0) },
            Method::Welch => stats::Method::Welch,
        };
        let confidence = 1.0 - (1.0 - self.confidence) / self.comparisons;
        stats::compare(control, variation, kind, method, confidence).ok()
    }
}

fn analyze(metric: &Metric, arm: &Arm<'_>, control: Option<&Arm<'_>>, terms: &Terms) -> Analysis {
    let moments = arm.moments();
    let kind = if metric.kind == MetricKind::Proportion { Kind::Proportion } else { Kind::Mean };
    let mut analysis = Analysis {
        engine: "frequentist",
        method: terms.method,
        numerator: moments.sum.to_f64(),
        denominator: moments.n as f64,
        mean: moments.mean(),
        stddev: moments.variance(kind).unwrap_or(0.0).sqrt(),
        percent_change: None,
        ci_low: None,
        ci_high: None,
        lift_status: if control.is_some() { LiftStatus::Insufficient } else { LiftStatus::Control },
        p_value: None,
        difference: None,
        difference_low: None,
        difference_high: None,
    };
    let compared = control.and_then(|control| terms.compare(metric.kind, &control.moments(), &moments));
    if let Some(comparison) = compared {
        fill(&mut analysis, &comparison, terms);
    }
    analysis
}

fn fill(analysis: &mut Analysis, comparison: &Comparison, terms: &Terms) {
    let (low, high) = comparison.difference_interval;
    let alpha = 1.0 - terms.confidence;
    let p_value = (comparison.p_value * terms.comparisons).min(1.0);
    let apart = low > 0.0 || high < 0.0;
    // Rounding in the last place must not make a p-value say what its interval does not.
    let p_value = if apart { p_value.min(alpha.next_down()) } else { p_value.max(alpha) };
    analysis.p_value = Some(p_value);
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
