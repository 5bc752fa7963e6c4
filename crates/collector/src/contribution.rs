//! A visitor's part of the aggregates, as a pure function of what is kept of them.

use crate::aggregates::{Aggregates, Key, What};
use crate::plan::{Measured, Plan};
use crate::visitor::{Conversion, VALUE_ABS_MAX, VisitorState};
use splitlight_protocol::Timestamp;
use splitlight_protocol::config::{Measure, MetricKind};
use splitlight_stats::Moments;
use std::collections::BTreeMap;

/// A visitor's part of the aggregates.
///
/// One variation met: the visitor counts on the day of their first exposure, and so do their conversions from that
/// moment until the metric's window closes. More than one: they are excluded, and counted as such.
pub fn contribution(plan: &Plan, visitor: &VisitorState) -> Aggregates {
    let mut counted = Aggregates::default();
    for (experiment, met) in &visitor.exposures {
        let (Some(test), Some(first)) = (plan.tests.get(experiment), met.values().min()) else { continue };
        let key = |what, day| Key { experiment: experiment.clone(), what, day };
        if met.len() > 1 {
            counted.add(key(What::MultipleExposures, first.day()), one());
            continue;
        }
        // A variation that is no longer in the config has no place to count in.
        let indexed = (0_u32..).zip(&test.variations).find(|(_, name)| met.contains_key(*name));
        let Some((variation, _)) = indexed else { continue };
        counted.add(key(What::Users(variation), first.day()), one());
        for metric in test.metrics.iter().filter_map(|index| plan.metrics.get(*index as usize)) {
            for (day, moments) in by_day(metric, *first, &visitor.conversions) {
                counted.add(key(What::Metric(variation, metric.key.clone()), day), moments);
            }
        }
    }
    counted
}

/// One visitor.
fn one() -> Moments {
    Moments { n: 1, ..Moments::default() }
}

/// What a metric gains on each day; over all days the squares add up to the square of the visitor's total.
fn by_day(metric: &Measured, exposed: Timestamp, conversions: &[Conversion]) -> BTreeMap<i32, Moments> {
    let closed = exposed.plus_ms(metric.window_ms);
    let counts = conversions
        .iter()
        .filter(|conversion| exposed <= conversion.time && conversion.time < closed)
        .filter(|conversion| conversion.feeds(metric));
    let mut days = BTreeMap::new();
    if metric.kind == MetricKind::Proportion {
        // They are sorted by time, so this is the first.
        let first = counts.map(|conversion| conversion.time.day()).next();
        return first.map(|day| (day, Moments::new(0, 1, 1))).into_iter().collect();
    }
    let mut total: i128 = 0;
    for conversion in counts {
        let value = match metric.measure {
            Measure::Count => 1,
            Measure::Value => i128::from(conversion.value.unwrap_or(0).clamp(-VALUE_ABS_MAX, VALUE_ABS_MAX)),
        };
        let gain = Moments::new(0, value, value * (2 * total + value));
        total += value;
        let day: &mut Moments = days.entry(conversion.time.day()).or_default();
        *day = day.merge(gain);
    }
    days
}
