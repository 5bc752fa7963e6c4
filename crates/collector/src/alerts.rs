//! What is to be told of the alerts: from the thresholds, what was counted and what was told before.

use serde::{Deserialize, Serialize};
use splitlight_protocol::Timestamp;
use splitlight_protocol::config::{Alert, Config, Direction, Trigger, Urgency};
use splitlight_protocol::results::{ExperimentResults, MetricResults, Role, SrmStatus, VariationResults};
use std::collections::BTreeMap;

/// Milliseconds in an hour.
const HOUR_MS: i64 = 3_600_000;

/// A running experiment, as the alerts see it.
#[derive(Clone, Debug, PartialEq)]
pub struct Watched {
    /// Days since its first visitor.
    pub days: f64,
    /// What was counted.
    pub results: ExperimentResults,
}

/// An alert that fired, about an experiment or about the project as a whole.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Fired {
    /// The alert's key.
    pub alert: String,
    /// The experiment's key, `""` for the project.
    pub experiment: String,
    /// How bad it is.
    pub severity: Urgency,
    /// When it fired, in milliseconds since 1970.
    pub since: Timestamp,
    /// When it was over; `None` while it lasts.
    pub resolved: Option<Timestamp>,
    /// What was found when it fired.
    pub message: String,
    /// What to do about it.
    pub action: String,
}

/// What the alerts say now.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Alarms {
    /// Every alert that fired and is still in the config, whether it lasts or is over.
    pub fired: Vec<Fired>,
    /// Those that fired or were resolved just now, and have to be told.
    pub news: Vec<Fired>,
}

/// Compares what was counted with the thresholds.
///
/// `counted` is when the newest number came in, and `before` the answer to the last question ([`Alarms::fired`]). Asked again
/// with the same there is no news, so an alert is told once when it fires and once when it is over.
///
/// ```
/// use splitlight_collector::{Alarms, Watched, alarms};
/// use splitlight_protocol::{Timestamp, config};
/// let config = config::parse(r#"{ "version": 1, "project": "shop", "alerts": [
///   { "key": "silence", "when": { "kind": "noData", "hours": 2 } }] }"#).config;
/// let hours = |hours: i64| Timestamp::from_ms(hours * 3_600_000);
/// let quiet = alarms(&config, &[], Some(hours(0)), &[], hours(3));
/// assert_eq!(quiet, Alarms::default(), "nothing runs, so nothing is missing");
/// ```
pub fn alarms(
    config: &Config,
    watched: &[Watched],
    counted: Option<Timestamp>,
    before: &[Fired],
    now: Timestamp,
) -> Alarms {
    let known = |fired: &Fired| ((fired.alert.clone(), fired.experiment.clone()), fired.clone());
    let mut before: BTreeMap<_, _> = before.iter().map(known).collect();
    let mut alarms = Alarms::default();
    for alert in Alert::standing(config) {
        for (experiment, message) in findings(&alert, watched, counted, now) {
            let known = before.remove(&(alert.key.clone(), experiment.clone()));
            let lasting = known.filter(|fired| fired.resolved.is_none());
            let is_news = lasting.is_none();
            let fired = lasting.unwrap_or_else(|| Fired {
                alert: alert.key.clone(),
                experiment,
                severity: alert.severity,
                since: now,
                resolved: None,
                message,
                action: alert.advice().to_owned(),
            });
            if is_news {
                alarms.news.push(fired.clone());
            }
            alarms.fired.push(fired);
        }
    }
    for (_, mut fired) in before {
        if fired.resolved.is_none() {
            fired.resolved = Some(now);
            alarms.news.push(fired.clone());
        }
        if config.experiments.iter().any(|known| known.key == fired.experiment) || fired.experiment.is_empty()
        {
            alarms.fired.push(fired);
        }
    }
    alarms.fired.sort_by(|a, b| (&a.alert, &a.experiment).cmp(&(&b.alert, &b.experiment)));
    alarms
}

/// The experiments of which a threshold is crossed, and what was found.
fn findings(
    alert: &Alert,
    watched: &[Watched],
    counted: Option<Timestamp>,
    now: Timestamp,
) -> Vec<(String, String)> {
    if let Trigger::NoData { hours } = alert.when {
        let age_ms = counted.map(|at| now.ms().saturating_sub(at.ms()));
        let silent = age_ms.filter(|age_ms| !watched.is_empty() && *age_ms >= i64::from(hours) * HOUR_MS);
        let message = |age_ms: i64| format!("Nothing was counted for {} hours.", age_ms / HOUR_MS);
        return silent.map(|age_ms| (String::new(), message(age_ms))).into_iter().collect();
    }
    let old = watched.iter().filter(|one| one.days >= f64::from(alert.min_days));
    let enough = old.filter(|one| one.results.total_users >= alert.min_users);
    enough.filter_map(|one| Some((one.results.id.clone(), finding(&alert.when, &one.results)?))).collect()
}

/// What an experiment is found to have crossed, as a sentence; `None` when nothing.
fn finding(trigger: &Trigger, results: &ExperimentResults) -> Option<String> {
    let users = results.total_users;
    match trigger {
        Trigger::ConversionBelow { metric, below, experiment } => {
            let meant = experiment.as_ref().is_none_or(|key| *key == results.id);
            let metric = metrics(results).find(|known| known.metric_id == *metric).filter(|_| meant)?;
            let mean = mean(metric)?;
            let name = &metric.metric_name;
            (mean < *below).then(|| format!("{name} is {mean:.4}, below {below}, of {users} visitors."))
        }
        Trigger::GuardrailHarmed {} => {
            let guards = metrics(results).filter(|metric| metric.role == Role::Guardrail);
            let pairs = guards.flat_map(|guard| guard.variations.iter().map(move |one| (guard, one)));
            let (guard, worse) = pairs.into_iter().find(|(guard, one)| is_worse(guard.direction, one))?;
            Some(format!(
                "{} is surely worse in {} than in control.",
                guard.metric_name, worse.variation_name
            ))
        }
        Trigger::SampleRatio {} => (results.checks.srm_status == SrmStatus::Mismatch).then(|| {
            let counts: Vec<String> = results.variations.iter().map(|one| one.users.to_string()).collect();
            format!(
                "The visitors fell on the variations as {}, which the weights do not give.",
                counts.join(" / ")
            )
        }),
        Trigger::MultipleExposure { above } => {
            let several = results.checks.multiple_exposures;
            let part = share(several, users + several);
            (part > *above)
                .then(|| format!("{several} visitors ({:.1} %) met more than one variation.", part * 100.0))
        }
        Trigger::IngestErrors { above } => {
            let wrong = results.checks.quarantined;
            let part = share(wrong, users + wrong);
            (part > *above).then(|| {
                format!("{wrong} exposures ({:.1} %) are ones that the hash does not give.", part * 100.0)
            })
        }
        Trigger::NoData { .. } => None,
    }
}

/// The metrics over everybody.
fn metrics(results: &ExperimentResults) -> impl Iterator<Item = &MetricResults> {
    results.results.first().into_iter().flat_map(|everybody| &everybody.metrics)
}

/// The mean of a metric over the visitors of all variations.
fn mean(metric: &MetricResults) -> Option<f64> {
    let analyses = metric.variations.iter().filter_map(|one| one.analyses.first());
    let (sum, users) =
        analyses.fold((0.0, 0.0), |(sum, users), one| (sum + one.numerator, users + one.denominator));
    (users > 0.0).then_some(sum / users)
}

fn is_worse(direction: Direction, variation: &VariationResults) -> bool {
    let ends = variation.analyses.first().and_then(|one| Some((one.difference_low?, one.difference_high?)));
    ends.is_some_and(|(low, high)| match direction {
        Direction::Increase => high < 0.0,
        Direction::Decrease => low > 0.0,
    })
}

fn share(part: u64, all: u64) -> f64 {
    if all == 0 { 0.0 } else { part as f64 / all as f64 }
}
