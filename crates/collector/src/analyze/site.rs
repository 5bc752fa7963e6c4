//! The numbers of the whole site: funnels, KPIs and cohorts.

use super::series::date;
use super::subject::Subject;
use crate::aggregates::{Aggregates, Key, What};
use crate::calendar::{first_day, next_first_day};
use splitlight_protocol::Timestamp;
use splitlight_protocol::config::{self, Config, Direction, KpiPer, Metric, Period};
use splitlight_protocol::results::{
    Cohort, CohortTable, FunnelResults, FunnelVariation, KpiList, KpiPeriod, KpiResults, StepResults,
};
use splitlight_stats::Moments;
use std::collections::BTreeMap;

/// Periods of a KPI at most, the latest.
const PERIODS_MAX: usize = 60;

/// How many visitors took the steps of a funnel, everybody and, if wanted, the visitors of an experiment from their
/// exposure on; `None` when the config has no such funnel or experiment.
pub fn funnel(
    config: &Config,
    aggregates: &Aggregates,
    updated: Timestamp,
    key: &str,
    experiment: Option<&str>,
) -> Option<FunnelResults> {
    let funnel = config.funnels.iter().find(|funnel| funnel.key == key)?;
    let taken = |experiment: &str, variation: Option<u32>| {
        let count = |step| {
            let what = What::Step(variation, key.to_owned(), step);
            aggregates.over_days(experiment, &what).n.try_into().unwrap_or(0)
        };
        steps(funnel, count)
    };
    let variations = match experiment {
        None => Vec::new(),
        Some(experiment) => {
            let subject = Subject::find(config, experiment)?;
            let variation = |(index, variation): (u32, &super::subject::Variation<'_>)| FunnelVariation {
                variation_id: index.to_string(),
                key: variation.key.to_owned(),
                users: aggregates.over_days(experiment, &What::Users(index)).n.try_into().unwrap_or(0),
                steps: taken(experiment, Some(index)),
            };
            (0_u32..).zip(&subject.variations).map(variation).collect()
        }
    };
    Some(FunnelResults {
        key: key.to_owned(),
        name: funnel.name.clone().unwrap_or_else(|| key.to_owned()),
        date_updated: updated.to_rfc3339(),
        steps: taken("", None),
        variations,
    })
}

fn steps(funnel: &config::Funnel, count: impl Fn(u8) -> u64) -> Vec<StepResults> {
    let first = count(1);
    let mut before = first;
    let share = |part: u64, of: u64| (of > 0).then(|| part as f64 / of as f64);
    (1_u8..)
        .zip(&funnel.steps)
        .map(|(at, step)| {
            let users = count(at);
            let results = StepResults {
                name: step.name.clone().unwrap_or_else(|| step.event.clone()),
                users,
                rate: share(users, before),
                dropped: before.saturating_sub(users),
                rate_of_first: share(users, first),
            };
            before = users;
            results
        })
        .collect()
}

/// How every KPI stands, from sums by day.
pub fn kpis(config: &Config, daily: &Aggregates, now: Timestamp) -> KpiList {
    let shown = config.kpis.iter().filter_map(|kpi| {
        let metric = config.metrics.iter().find(|metric| metric.key == kpi.metric)?;
        Some(standing(kpi, metric, daily, now))
    });
    KpiList { date_updated: now.to_rfc3339(), kpis: shown.collect() }
}

fn standing(kpi: &config::Kpi, metric: &Metric, daily: &Aggregates, now: Timestamp) -> KpiResults {
    let current = first_day(kpi.period, now.day());
    let mut day = first_counted_day(kpi.period, daily).map_or(current, |first| first.min(current));
    let mut periods = Vec::new();
    while day <= current {
        let value = value_in(kpi, metric, daily, day);
        periods.push(KpiPeriod {
            date: date(day),
            users: site(daily, What::Visitors(kpi.period), day).n.try_into().unwrap_or(0),
            value,
            progress: value.filter(|_| kpi.target != 0.0).map(|value| value / kpi.target),
        });
        day = next_first_day(kpi.period, day);
    }
    periods.drain(..periods.len().saturating_sub(PERIODS_MAX));
    let value = periods.last().and_then(|period| period.value);
    KpiResults {
        key: kpi.key.clone(),
        name: kpi.name.clone().unwrap_or_else(|| kpi.key.clone()),
        metric_id: metric.key.clone(),
        direction: metric.direction,
        period: kpi.period,
        per: kpi.per,
        target: kpi.target,
        is_on_target: value.is_some_and(|value| match metric.direction {
            Direction::Increase => value >= kpi.target,
            Direction::Decrease => value <= kpi.target,
        }),
        periods,
    }
}

/// The first day of the first period in which anybody came.
pub(crate) fn first_counted_day(period: Period, daily: &Aggregates) -> Option<i32> {
    let days =
        daily.iter().filter(|(key, _)| key.experiment.is_empty() && key.what == What::Visitors(period));
    days.map(|(key, _)| key.day).min()
}

/// A KPI in its period that begins on a day; `None` for a mean over nobody.
pub(crate) fn value_in(kpi: &config::Kpi, metric: &Metric, daily: &Aggregates, first: i32) -> Option<f64> {
    let sum = site(daily, What::Total(kpi.period, metric.key.clone()), first).sum.to_f64();
    let users = site(daily, What::Visitors(kpi.period), first).n;
    match kpi.per {
        KpiPer::Total => Some(sum),
        KpiPer::Visitor => (users > 0).then(|| sum / users as f64),
    }
}

/// A sum of the whole site, of a day.
fn site(daily: &Aggregates, what: What, day: i32) -> Moments {
    daily.at(&Key { experiment: String::new(), what, day })
}

/// In which weeks the visitors of a first week came back, from sums by day; `None` when the config does not ask.
pub fn cohorts(config: &Config, daily: &Aggregates, now: Timestamp) -> Option<CohortTable> {
    if !config.cohorts {
        return None;
    }
    let mut weeks: BTreeMap<i32, BTreeMap<usize, u64>> = BTreeMap::new();
    for (key, sum) in daily.iter().filter(|(key, _)| key.experiment.is_empty()) {
        if let What::Cohort(later) = key.what {
            weeks.entry(key.day).or_default().insert(later.into(), sum.n.try_into().unwrap_or(0));
        }
    }
    let this_week = first_day(Period::Week, now.day());
    let cohort = |(week, came): (i32, BTreeMap<usize, u64>)| {
        let length = usize::try_from((this_week - week) / 7).unwrap_or(0) + 1;
        let users: Vec<u64> = (0..length).map(|later| came.get(&later).copied().unwrap_or(0)).collect();
        let first = users.first().copied().unwrap_or(0).max(1) as f64;
        Cohort { week: date(week), shares: users.iter().map(|n| *n as f64 / first).collect(), users }
    };
    Some(CohortTable { date_updated: now.to_rfc3339(), cohorts: weeks.into_iter().map(cohort).collect() })
}
