//! What experiments and personalizations brought, against what they cost.

use super::invested::invested;
use super::{Span, met, share};
use crate::aggregates::Aggregates;
use crate::analyze::{View, results_by};
use splitlight_protocol::config::{Config, Direction, MetricKind};
use splitlight_protocol::results::{ExperimentResults, Method, MetricResults, Return, SrmStatus};

/// Of every experiment and personalization with a cost, in the order of the config.
pub(super) fn returns(config: &Config, until: &Aggregates, span: &Span) -> Vec<Return> {
    let keys = config.experiments.iter().map(|one| &one.key);
    let keys = keys.chain(config.personalizations.iter().map(|rule| &rule.key));
    let costs = |key: &&String| config.costs.iter().any(|cost| cost.experiment.as_ref() == Some(key));
    keys.filter(costs).filter_map(|key| of(config, until, span, key)).collect()
}

fn of(config: &Config, until: &Aggregates, span: &Span, key: &str) -> Option<Return> {
    let view = View { method: Some(Method::AlwaysValid), ..View::default() };
    let results = results_by(config, until, span.at, key, &view)?;
    let investment = invested(config, Some(key), until.first_day(key), span.reached);
    let metrics = &results.results.first()?.metrics;
    let money = metrics.iter().find(|it| it.kind == MetricKind::Mean && it.format.is_some());
    let best = money.and_then(|metric| benefit(config, metric, key));
    let benefit = best.as_ref().map(|best| best.total);
    let rate = |value: f64| share(value - investment, investment);
    // What the period's new visitors bring, by day.
    let days = f64::from(span.reached - span.first + 1);
    let daily = best.as_ref().map(|best| {
        let new = met(until, key, u32::try_from(best.index).ok(), span.days());
        best.each * new as f64 / days
    });
    let pays = daily.filter(|daily| *daily > 0.0 && days > 0.0);
    let payback_days = pays.filter(|_| investment > 0.0).and_then(|daily| share(investment, daily));
    Some(Return {
        note: note(&results, money.is_some(), benefit.is_some(), investment, payback_days.is_some()),
        metric_id: money.map(|metric| metric.metric_id.clone()),
        format: money.and_then(|metric| metric.format.clone()),
        variation: best.as_ref().map(|best| best.variation.clone()),
        users: best.as_ref().map_or(0, |best| best.users),
        benefit,
        benefit_low: best.as_ref().and_then(|best| best.low),
        benefit_high: best.as_ref().and_then(|best| best.high),
        investment,
        roi: benefit.and_then(rate),
        roi_low: best.as_ref().and_then(|best| best.low).and_then(rate),
        roi_high: best.as_ref().and_then(|best| best.high).and_then(rate),
        payback_days,
        key: results.id,
        name: results.name,
    })
}

/// What a variation brought.
struct Benefit {
    index: usize,
    variation: String,
    users: u64,
    /// By visitor.
    each: f64,
    total: f64,
    low: Option<f64>,
    high: Option<f64>,
}

/// The benefit of the variation that is shipped, or else of the leading one.
fn benefit(config: &Config, metric: &MetricResults, key: &str) -> Option<Benefit> {
    let sign = if metric.direction == Direction::Decrease { -1.0 } else { 1.0 };
    let of = |(index, variation): (usize, &splitlight_protocol::results::VariationResults)| {
        let analysis = variation.analyses.first()?;
        let each = analysis.difference.filter(|each| each.is_finite())? * sign;
        let times =
            |end: Option<f64>| Some(end? * sign * variation.users as f64).filter(|end| end.is_finite());
        let ends = (times(analysis.difference_low), times(analysis.difference_high));
        let (low, high) = if sign < 0.0 { (ends.1, ends.0) } else { ends };
        let total = Some(each * variation.users as f64).filter(|total| total.is_finite())?;
        let (variation, users) = (variation.variation_name.clone(), variation.users);
        Some(Benefit { index, variation, users, each, total, low, high })
    };
    let mut rivals = metric.variations.iter().enumerate().skip(1);
    match shipped(config, key) {
        Some(shipped) => rivals.find(|(_, variation)| variation.variation_name == shipped).and_then(of),
        None => rivals.filter_map(of).reduce(|best, next| if next.each > best.each { next } else { best }),
    }
}

/// The variation whose changes everybody gets by the rule that shipping writes.
fn shipped<'c>(config: &'c Config, key: &str) -> Option<&'c str> {
    let experiment = config.experiments.iter().find(|experiment| experiment.key == key)?;
    let name = format!("{key}-shipped");
    let rule = config.personalizations.iter().find(|rule| rule.key == name)?;
    let is_it = |variation: &&splitlight_protocol::config::Variation| {
        variation.changes == rule.changes && variation.value == rule.value
    };
    experiment.variations.iter().find(is_it).map(|variation| variation.key.as_str())
}

/// Why a number is missing, or is not to be trusted.
fn note(
    results: &ExperimentResults,
    has_metric: bool,
    has_benefit: bool,
    investment: f64,
    pays: bool,
) -> Option<String> {
    let mut notes = Vec::new();
    if results.checks.srm_status == SrmStatus::Mismatch {
        notes.push("The split is broken: do not trust these numbers.");
    }
    if !has_metric {
        notes.push("It has no metric of money: add one of the kind `mean` with a `format`, such as EUR.");
    } else if !has_benefit {
        notes.push("Too few visitors met it to measure a difference.");
    }
    if investment <= 0.0 {
        notes.push("No cost is due yet.");
    } else if has_benefit && !pays {
        notes.push("It does not pay at the period's rate: nobody new met it, or it brings no benefit.");
    }
    (!notes.is_empty()).then(|| notes.join(" "))
}
