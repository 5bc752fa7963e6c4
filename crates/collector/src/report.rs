//! The report of a day, a week or a month: what changed, what is decided, and what paid.

mod invested;
mod markdown;
mod returns;

pub use markdown::markdown;

use crate::aggregates::{Aggregates, What};
use crate::analyze::{View, date, first_counted_day, headline, results_by, value_in};
use crate::calendar::{first_day, next_first_day};
use splitlight_protocol::Timestamp;
use splitlight_protocol::config::{Config, Kpi, KpiPer, Measure, Metric, MetricKind, Period, Status};
use splitlight_protocol::results::{ExperimentReport, KpiReport, Method, Report, Unit};
use splitlight_protocol::time::DAY_MS;
use std::iter::successors;
use std::ops::RangeInclusive;

/// The report of the period that a day is in, from the sums by day of everything.
///
/// Late events are counted on the day they happened, so a report of the past may still change.
///
/// ```
/// use splitlight_collector::{Aggregates, markdown, report};
/// use splitlight_protocol::Timestamp;
/// use splitlight_protocol::config::{Period, parse};
/// let config = parse(r#"{ "version": 1, "project": "shop" }"#).config;
/// let report = report(&config, &Aggregates::default(), Period::Month, 40, Timestamp::from_ms(60 * 86_400_000));
/// assert_eq!((report.date_start.as_str(), report.date_end.as_str()), ("1970-02-01", "1970-02-28"));
/// assert!(markdown(&report).starts_with("# shop: month from 1970-02-01 to 1970-02-28\n"));
/// ```
pub fn report(config: &Config, daily: &Aggregates, period: Period, day: i32, now: Timestamp) -> Report {
    let span = Span::new(period, day, now);
    let until = daily.until(span.last);
    let kpis = config.kpis.iter().filter_map(|kpi| {
        let metric = config.metrics.iter().find(|metric| metric.key == kpi.metric)?;
        Some(kpi_report(kpi, metric, &until, &span))
    });
    let shown = config.experiments.iter().filter(|experiment| experiment.status != Status::Draft);
    Report {
        project: config.project.clone(),
        period,
        date_start: date(span.first),
        date_end: date(span.last),
        is_complete: span.is_complete,
        date_updated: now.to_rfc3339(),
        kpis: kpis.collect(),
        experiments: shown.filter_map(|one| experiment_report(config, &until, &span, &one.key)).collect(),
        returns: returns::returns(config, &until, &span),
        overhead: invested::invested(config, None, None, span.reached),
    }
}

/// The days of a period.
struct Span {
    period: Period,
    first: i32,
    last: i32,
    /// The first day of the period before.
    before: i32,
    /// The last day, or today.
    reached: i32,
    /// The end, or now.
    at: Timestamp,
    is_complete: bool,
}

impl Span {
    fn new(period: Period, day: i32, now: Timestamp) -> Self {
        let first = first_day(period, day);
        let last = next_first_day(period, first) - 1;
        let end = Timestamp::from_ms((i64::from(last) + 1) * DAY_MS - 1);
        Self {
            period,
            first,
            last,
            before: first_day(period, first - 1),
            reached: last.min(now.day()),
            at: end.min(now),
            is_complete: last < now.day(),
        }
    }

    /// The days that have begun.
    fn days(&self) -> RangeInclusive<i32> {
        self.first..=self.reached
    }
}

fn kpi_report(kpi: &Kpi, metric: &Metric, daily: &Aggregates, span: &Span) -> KpiReport {
    let (value, previous) =
        (standing(kpi, metric, daily, span, span.first), standing(kpi, metric, daily, span, span.before));
    let change = value.zip(previous).map(|(value, previous)| value - previous);
    let own = match kpi.period {
        Period::Day => "daily",
        Period::Week => "weekly",
        Period::Month => "monthly",
    };
    KpiReport {
        key: kpi.key.clone(),
        name: kpi.name.clone().unwrap_or_else(|| kpi.key.clone()),
        metric_id: metric.key.clone(),
        direction: metric.direction,
        per: kpi.per,
        unit: unit(kpi, metric),
        format: metric.format.clone(),
        value,
        previous,
        change,
        percent_change: change.zip(previous).and_then(|(change, previous)| share(change, previous.abs())),
        note: match (value, previous) {
            _ if !is_counted(kpi, metric, span) => {
                Some(format!("It is a {own} number: the {own} report has it."))
            }
            (None, _) => Some("Nothing was counted in the period.".to_owned()),
            (_, None) => Some("Nothing was counted in the period before.".to_owned()),
            _ => None,
        },
    }
}

/// Whether a KPI can be told of the period: visitors of several days cannot be added up, because some are the same.
fn is_counted(kpi: &Kpi, metric: &Metric, span: &Span) -> bool {
    let adds_up =
        kpi.per == KpiPer::Total && !matches!(metric.kind, MetricKind::Proportion | MetricKind::Bounce);
    kpi.period == span.period || kpi.period == Period::Day && adds_up
}

/// A KPI in the period that begins on a day; `None` where nothing was counted yet.
fn standing(kpi: &Kpi, metric: &Metric, daily: &Aggregates, span: &Span, first: i32) -> Option<f64> {
    if !is_counted(kpi, metric, span) {
        return None;
    }
    let end = next_first_day(span.period, first);
    first_counted_day(kpi.period, daily).filter(|counted| *counted < end)?;
    let next = |day: &i32| Some(next_first_day(kpi.period, *day));
    let days = successors(Some(first), next).take_while(|day| *day < end);
    days.map(|day| value_in(kpi, metric, daily, day)).sum()
}

fn unit(kpi: &Kpi, metric: &Metric) -> Unit {
    match metric.kind {
        MetricKind::Proportion | MetricKind::Bounce if kpi.per == KpiPer::Visitor => Unit::Share,
        MetricKind::Proportion | MetricKind::Bounce => Unit::Visitors,
        _ if metric.value == Measure::Count => Unit::Events,
        _ if metric.format.is_some() => Unit::Money,
        _ => Unit::Value,
    }
}

fn experiment_report(
    config: &Config,
    until: &Aggregates,
    span: &Span,
    key: &str,
) -> Option<ExperimentReport> {
    let view = View { method: Some(Method::AlwaysValid), ..View::default() };
    let results = results_by(config, until, span.at, key, &view)?;
    let (gained, before) =
        (met(until, key, None, span.days()), met(until, key, None, span.before..=span.first - 1));
    Some(ExperimentReport {
        primary: headline(&results),
        key: results.id,
        name: results.name,
        status: results.status,
        users: results.total_users,
        users_gained: gained,
        users_gained_before: before,
        percent_change: share(gained as f64 - before as f64, before as f64),
        verdict: results.verdict,
    })
}

/// Visitors who met a variation for the first time within some days, or any.
fn met(daily: &Aggregates, key: &str, variation: Option<u32>, days: RangeInclusive<i32>) -> u64 {
    let own = daily.of(key);
    let counts = own.iter().filter_map(|(key, sum)| match key.what {
        What::Users(index) if variation.is_none_or(|wanted| wanted == index) => {
            days.contains(&key.day).then_some(sum.n)
        }
        _ => None,
    });
    counts.sum::<i64>().try_into().unwrap_or(0)
}

/// A part of something, where that is a number.
fn share(part: f64, of: f64) -> Option<f64> {
    Some(part / of).filter(|share| share.is_finite())
}
