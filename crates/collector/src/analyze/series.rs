//! The results as they were at the end of every day.

use super::record::Sums;
use super::subject::Subject;
use super::{Method, Read, metrics, record};
use crate::aggregates::{Aggregates, DAY_ALL};
use splitlight_protocol::Timestamp;
use splitlight_protocol::config::Config;
use splitlight_protocol::results::{Day, DayMetric, DayVariation, Timeseries};

/// Days of a series at most, the latest: some two years.
const DAYS_MAX: i32 = 750;

/// The results of an experiment or personalization as they were at the end of every day until `until`, from sums by day;
/// `None` as for [`results`](super::results).
///
/// Late events are counted on the day they happened, so an earlier day may still change.
pub fn timeseries(config: &Config, daily: &Aggregates, until: Timestamp, key: &str) -> Option<Timeseries> {
    let subject = Subject::find(config, key)?;
    let own = daily.of(key);
    let mut by_day = own.by_day();
    // What is not followed by day is no part of a series.
    by_day.remove(&DAY_ALL);
    let mut series = Timeseries { id: key.to_owned(), date_updated: until.to_rfc3339(), days: Vec::new() };
    let Some(first) = own.first_day(key) else { return Some(series) };
    let mut sums = Aggregates::default();
    let from = first.max(until.day().saturating_sub(DAYS_MAX));
    for (_, before) in by_day.range(..from) {
        sums.merge_in(before);
    }
    for day in from..=until.day() {
        if let Some(gained) = by_day.get(&day) {
            sums.merge_in(gained);
        }
        let here = Sums { subject: &subject, aggregates: &sums, slice: None };
        let days = f64::from(day.saturating_sub(first));
        let read = Read::new(record::record(config, &here, days), &[Method::AlwaysValid]);
        series.days.push(Day {
            date: date(day),
            users: (0_u32..).zip(&subject.variations).map(|(at, _)| here.users(at)).collect(),
            metrics: metrics(config, &here, &read).into_iter().map(day_metric).collect(),
        });
    }
    Some(series)
}

fn day_metric(metric: splitlight_protocol::results::MetricResults) -> DayMetric {
    let variations = metric.variations.into_iter().filter_map(|variation| {
        let analysis = variation.analyses.into_iter().next()?;
        Some(DayVariation {
            variation_id: variation.variation_id,
            mean: analysis.mean,
            percent_change: analysis.percent_change,
            ci_low: analysis.ci_low,
            ci_high: analysis.ci_high,
            p_value: analysis.p_value,
        })
    });
    DayMetric { metric_id: metric.metric_id, variations: variations.collect() }
}

/// A day as `2026-11-01`.
pub(crate) fn date(day: i32) -> String {
    let mut text = Timestamp::from_ms(i64::from(day) * 86_400_000).to_rfc3339();
    text.truncate(10);
    text
}
