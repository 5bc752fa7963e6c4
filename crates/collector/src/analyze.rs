//! What the aggregates mean: results with intervals and p-values, and a verdict that never contradicts them.
//!
//! Of several variations each is compared with control at a confidence of `1 - (1 - confidence) / comparisons`, and
//! its p-value is multiplied by the number of comparisons (Bonferroni). So for any number of variations a p-value
//! below `1 - confidence` is an interval without 0, and that on the primary metric is what a verdict goes by.

mod compare;
mod csv;
mod record;
mod series;
mod site;
mod subject;
mod verdict;

pub use csv::csv;
pub use series::timeseries;
pub use site::{cohorts, funnel, kpis};
pub(crate) use site::{first_counted_day, value_in};

pub(crate) use series::date;

use crate::aggregates::{Aggregates, What};
use compare::Read;
use record::{Sums, days_since_first};
use splitlight_protocol::Timestamp;
use splitlight_protocol::config::{Config, Dimension, Direction, MetricKind, Status};
use splitlight_protocol::results::{
    Checks, DimensionChecks, DimensionResults, ExperimentList, ExperimentResults, ExperimentSummary,
    Headline, Intake, Method, MetricResults, Role, Settings, Srm, SrmStatus, VariationTraffic,
};
use splitlight_stats::verdict::Record;
use splitlight_stats::{EXPECTED_MIN, sample_ratio};
use subject::Subject;

/// Values of a dimension that are shown one by one, those with the most visitors.
const VALUES_MAX: usize = 20;

/// The rest of a dimension's values.
const OTHER: &str = "(other)";

/// The methods that are shown unless asked otherwise, the deciding one first.
const METHODS: [Method; 3] = [Method::AlwaysValid, Method::Welch, Method::Bayesian];

/// How results are wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct View {
    /// By the values of a dimension, of which the 20 largest and the sum of the others are given.
    pub dimension: Option<Dimension>,
    /// By one method alone. The verdict goes by the plan's method all the same.
    pub method: Option<Method>,
}

/// The results of an experiment or a personalization; `None` when the config has none with this key, or a draft.
///
/// A personalization has the variations `holdout` and `shown` and every metric; the first one decides.
pub fn results(
    config: &Config,
    aggregates: &Aggregates,
    updated: Timestamp,
    key: &str,
) -> Option<ExperimentResults> {
    results_by(config, aggregates, updated, key, &View::default())
}

/// The same, as a [`View`] wants it.
pub fn results_by(
    config: &Config,
    aggregates: &Aggregates,
    updated: Timestamp,
    key: &str,
    view: &View,
) -> Option<ExperimentResults> {
    let subject = Subject::find(config, key)?;
    let days = days_since_first(aggregates, key, updated);
    let sums = Sums { subject: &subject, aggregates, slice: None };
    let methods: &[Method] = view.method.as_ref().map_or(&METHODS, core::slice::from_ref);
    let traffic = traffic(&sums);
    let users: Vec<u64> = traffic.iter().map(|variation| variation.users).collect();
    let srm = srm(&subject, &users);
    let read = Read::new(record::record(config, &sums, days), methods);
    let told =
        verdict::Told { config, subject: &subject, decision: read.decision(), srm: &srm, users: &users };
    let verdict = told.verdict();
    let total_users = users.iter().sum();
    let count = |what| aggregates.over_days(key, &what).n.try_into().unwrap_or(0);
    let everybody = DimensionResults {
        dimension: String::new(),
        total_users,
        checks: DimensionChecks { srm: srm.p_value },
        metrics: metrics(config, &sums, &read),
    };
    let mut slices = vec![everybody];
    if let Some(dimension) = view.dimension {
        slices.extend(by_value(config, &sums, dimension, methods, days));
    }
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
            dimensions: config.dimensions.clone(),
        },
        variations: traffic,
        total_users,
        checks: Checks {
            srm: srm.p_value,
            srm_status: srm.status,
            multiple_exposures: count(What::MultipleExposures),
            quarantined: count(What::Quarantined),
        },
        verdict,
        results: slices,
    })
}

/// Everything a verdict on an experiment or personalization is made from, by its plan; `None` as for [`results`].
///
/// The same record gives the same verdict whenever and wherever; see [`Record::decide`].
pub fn record(config: &Config, aggregates: &Aggregates, now: Timestamp, key: &str) -> Option<Record> {
    let subject = Subject::find(config, key)?;
    let sums = Sums { subject: &subject, aggregates, slice: None };
    Some(record::record(config, &sums, days_since_first(aggregates, key, now)))
}

/// Every experiment of the config that is not a draft, with its verdict.
pub fn list(config: &Config, aggregates: &Aggregates, updated: Timestamp) -> ExperimentList {
    let shown = config.experiments.iter().filter(|experiment| experiment.status != Status::Draft);
    let lines = shown.filter_map(|experiment| {
        let view = View { method: Some(Method::AlwaysValid), ..View::default() };
        let results = results_by(config, aggregates, updated, &experiment.key, &view)?;
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
    let experiments = lines.collect();
    let everywhere = |what: What| {
        let counted = aggregates.iter().filter(|(key, _)| key.what == what).map(|(_, sum)| sum.n);
        u64::try_from(counted.sum::<i64>()).unwrap_or(0)
    };
    let intake = Intake {
        quarantined: everywhere(What::Quarantined),
        bots: everywhere(What::Bots),
        dropped: everywhere(What::Dropped),
    };
    ExperimentList { date_updated: updated.to_rfc3339(), experiments, intake, next_cursor: None }
}

/// The values of a dimension with the most visitors, and the sum of the others.
fn by_value(
    config: &Config,
    sums: &Sums<'_>,
    dimension: Dimension,
    methods: &[Method],
    days: f64,
) -> Vec<DimensionResults> {
    let key = sums.subject.key;
    let mut values: Vec<(String, i64)> = sums.aggregates.slices(key, dimension).into_iter().collect();
    values.sort_by(|one, other| other.1.cmp(&one.1).then_with(|| one.0.cmp(&other.0)));
    let rest: Vec<String> =
        values.split_off(VALUES_MAX.min(values.len())).into_iter().map(|it| it.0).collect();
    let mut slices: Vec<DimensionResults> = values
        .iter()
        .map(|(value, _)| {
            let own = Sums { slice: Some((dimension, value)), ..*sums };
            slice(config, &own, methods, days, value.clone())
        })
        .collect();
    if !rest.is_empty() {
        let merged = sums.aggregates.joined(key, dimension, &rest, OTHER);
        let own = Sums { slice: Some((dimension, OTHER)), aggregates: &merged, ..*sums };
        slices.push(slice(config, &own, methods, days, OTHER.to_owned()));
    }
    slices
}

fn slice(
    config: &Config,
    sums: &Sums<'_>,
    methods: &[Method],
    days: f64,
    dimension: String,
) -> DimensionResults {
    let read = Read::new(record::record(config, sums, days), methods);
    let users: Vec<u64> = traffic(sums).iter().map(|variation| variation.users).collect();
    DimensionResults {
        dimension,
        total_users: users.iter().sum(),
        checks: DimensionChecks { srm: srm(sums.subject, &users).p_value },
        metrics: metrics(config, sums, &read),
    }
}

fn traffic(sums: &Sums<'_>) -> Vec<VariationTraffic> {
    let variations = (0_u32..).zip(&sums.subject.variations);
    let line = |(index, variation): (u32, &subject::Variation<'_>)| VariationTraffic {
        variation_id: index.to_string(),
        key: variation.key.to_owned(),
        name: variation.name.to_owned(),
        weight: variation.weight,
        users: sums.users(index),
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

fn metrics(config: &Config, sums: &Sums<'_>, read: &Read) -> Vec<MetricResults> {
    let roles = sums.subject.roles.iter();
    roles
        .filter_map(|(key, role)| {
            let metric = config.metrics.iter().find(|metric| metric.key == *key)?;
            // Sketches of every value of every dimension would be most of what is kept.
            let is_kept = sums.slice.is_none() || metric.kind != MetricKind::Quantile;
            is_kept.then(|| read.metric(metric, *role, sums)).flatten()
        })
        .collect()
}

/// The primary metric of the variation that is furthest ahead of control.
pub(crate) fn headline(results: &ExperimentResults) -> Option<Headline> {
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
