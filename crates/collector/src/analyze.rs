//! What the aggregates mean: results with intervals and p-values, and a verdict that never contradicts them.
//!
//! Of several variations each is compared with control at a confidence of `1 - (1 - confidence) / comparisons`, and
//! its p-value is multiplied by the number of comparisons (Bonferroni). So for any number of variations a p-value
//! below `1 - confidence` is an interval without 0, and that on the primary metric is what a verdict goes by.

mod compare;
mod subject;
mod verdict;

use crate::aggregates::{Aggregates, What};
use compare::{Arm, metric_results};
use splitlight_protocol::Timestamp;
use splitlight_protocol::config::{Config, Direction, Status};
use splitlight_protocol::results::{
    Checks, DimensionChecks, DimensionResults, ExperimentList, ExperimentResults, ExperimentSummary,
    Headline, Method, MetricResults, Role, Settings, Srm, SrmStatus, VariationTraffic,
};
use splitlight_stats::{EXPECTED_MIN, sample_ratio};
use subject::Subject;

/// The results of an experiment or a personalization; `None` when the config has none with this key, or a draft.
///
/// A personalization has the variations `holdout` and `shown` and every metric; the first one decides.
pub fn results(
    config: &Config,
    aggregates: &Aggregates,
    updated: Timestamp,
    key: &str,
) -> Option<ExperimentResults> {
    let subject = Subject::find(config, key)?;
    let traffic = traffic(&subject, aggregates);
    let users: Vec<u64> = traffic.iter().map(|variation| variation.users).collect();
    let srm = srm(&subject, &users);
    let metrics = metrics(config, &subject, aggregates, &users);
    let total_users = users.iter().sum();
    let count = |what| aggregates.over_days(key, &what).n.try_into().unwrap_or(0);
    Some(ExperimentResults {
        id: key.to_owned(),
        experiment_id: key.to_owned(),
        name: subject.name.to_owned(),
        status: subject.status,
        date_updated: updated.to_rfc3339(),
        date_start: subject.start.map(str::to_owned),
        date_end: subject.end.map(str::to_owned),
        settings: Settings {
            confidence: subject.confidence,
            sample_size: subject.sample_size,
            method: Method::AlwaysValid,
        },
        variations: traffic,
        total_users,
        checks: Checks {
            srm: srm.p_value,
            srm_status: srm.status,
            multiple_exposures: count(What::MultipleExposures),
            quarantined: count(What::Quarantined),
        },
        verdict: verdict::verdict(&subject, &users, &srm, &metrics),
        results: vec![DimensionResults {
            dimension: String::new(),
            total_users,
            checks: DimensionChecks { srm: srm.p_value },
            metrics,
        }],
    })
}

/// Every experiment of the config that is not a draft, with its verdict.
pub fn list(config: &Config, aggregates: &Aggregates, updated: Timestamp) -> ExperimentList {
    let shown = config.experiments.iter().filter(|experiment| experiment.status != Status::Draft);
    let lines = shown.filter_map(|experiment| {
        let results = results(config, aggregates, updated, &experiment.key)?;
        Some(ExperimentSummary {
            primary: headline(&results),
            key: results.id,
            name: results.name,
            status: results.status,
            date_start: results.date_start,
            date_end: results.date_end,
            users: results.total_users,
            srm: Srm { p_value: results.checks.srm, status: results.checks.srm_status },
            verdict: results.verdict,
        })
    });
    ExperimentList { date_updated: updated.to_rfc3339(), experiments: lines.collect() }
}

fn traffic(subject: &Subject<'_>, aggregates: &Aggregates) -> Vec<VariationTraffic> {
    let variations = (0_u32..).zip(&subject.variations);
    let line = |(index, variation): (u32, &subject::Variation<'_>)| VariationTraffic {
        variation_id: index.to_string(),
        key: variation.key.to_owned(),
        name: variation.name.to_owned(),
        weight: variation.weight,
        users: aggregates.over_days(subject.key, &What::Users(index)).n.try_into().unwrap_or(0),
    };
    variations.map(line).collect()
}

/// Coverage is the same for every variation, so the weights alone are the expected ratio.
fn srm(subject: &Subject<'_>, users: &[u64]) -> Srm {
    let weights: Vec<f64> = subject.variations.iter().map(|variation| variation.weight).collect();
    let ratio = sample_ratio(users, &weights);
    let enough = ratio.expected.iter().zip(&weights).all(|(n, weight)| *weight <= 0.0 || *n >= EXPECTED_MIN);
    let p_value = Some(ratio.p_value);
    match (ratio.flagged, enough && ratio.degrees_of_freedom > 0) {
        (true, _) => Srm { p_value, status: SrmStatus::Mismatch },
        (false, true) => Srm { p_value, status: SrmStatus::Ok },
        (false, false) => Srm { p_value: None, status: SrmStatus::Insufficient },
    }
}

fn metrics(
    config: &Config,
    subject: &Subject<'_>,
    aggregates: &Aggregates,
    users: &[u64],
) -> Vec<MetricResults> {
    let roles = subject.roles.iter();
    roles
        .filter_map(|(key, role)| {
            let metric = config.metrics.iter().find(|metric| metric.key == *key)?;
            let arms: Vec<Arm<'_>> = (0_u32..)
                .zip(&subject.variations)
                .zip(users)
                .map(|((index, variation), users)| Arm {
                    index,
                    key: variation.key,
                    weight: variation.weight,
                    users: *users,
                    sums: aggregates.over_days(subject.key, &What::Metric(index, metric.key.clone())),
                })
                .collect();
            Some(metric_results(metric, *role, &arms, subject.confidence, subject.sample_size))
        })
        .collect()
}

/// The primary metric of the variation that is furthest ahead of control.
fn headline(results: &ExperimentResults) -> Option<Headline> {
    let primary = results.results.first()?.metrics.iter().find(|metric| metric.role == Role::Primary)?;
    let sign = if primary.direction == Direction::Decrease { -1.0 } else { 1.0 };
    let ahead = |difference: Option<f64>| sign * difference.unwrap_or(f64::NEG_INFINITY * sign);
    let rivals = primary.variations.iter().skip(1).filter_map(|v| v.analyses.first().map(|a| (v, a)));
    let (variation, analysis) = rivals
        .reduce(|best, next| if ahead(next.1.difference) > ahead(best.1.difference) { next } else { best })?;
    Some(Headline {
        metric_id: primary.metric_id.clone(),
        variation_id: variation.variation_id.clone(),
        percent_change: analysis.percent_change,
        ci_low: analysis.ci_low,
        ci_high: analysis.ci_high,
        p_value: analysis.p_value,
    })
}
