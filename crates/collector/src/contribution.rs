//! A visitor's part of the aggregates, as a pure function of what is kept of them.

use crate::aggregates::{Aggregates, DAY_ALL, Key, Part, What};
use crate::calendar::first_day;
use crate::measure::gains;
use crate::plan::{Funnel, Plan, Test};
use crate::visitor::{Conversion, First, VisitorState};
use splitlight_protocol::config::{Dimension, MetricKind, Period};
use splitlight_stats::{Moments, funnel_steps};
use std::collections::{BTreeMap, BTreeSet};

/// First steps of a funnel from which a visitor is followed, the earliest: more are a machine's.
const STARTS_MAX: usize = 20;

/// A visitor's part of the aggregates.
///
/// One variation met: the visitor counts on the day of their first exposure, and so do their conversions from that
/// moment until the metric's window closes. More than one: they are excluded, and counted as such.
pub fn contribution(plan: &Plan, visitor: &VisitorState) -> Aggregates {
    let mut counted = Aggregates::default();
    for (experiment, met) in &visitor.exposures {
        let first = met.values().min_by_key(|first| (first.time, first.id));
        let (Some(test), Some(first)) = (plan.tests.get(experiment), first) else { continue };
        if met.len() > 1 {
            let key =
                Key { experiment: experiment.clone(), what: What::MultipleExposures, day: first.time.day() };
            counted.add(key, one());
            continue;
        }
        // A variation that is no longer in the config has no place to count in.
        let indexed = (0_u32..).zip(&test.variations).find(|(_, name)| met.contains_key(*name));
        let Some((variation, _)) = indexed else { continue };
        let here = Here { plan, test, experiment, variation, first };
        here.count(&visitor.conversions, &mut counted);
    }
    site(plan, visitor, &mut counted);
    counted
}

/// One visitor.
fn one() -> Moments {
    Moments { n: 1, ..Moments::default() }
}

/// A visitor in a variation.
struct Here<'a> {
    plan: &'a Plan,
    test: &'a Test,
    experiment: &'a str,
    variation: u32,
    first: &'a First,
}

impl Here<'_> {
    fn count(&self, events: &[Conversion], counted: &mut Aggregates) {
        let mut add = |what, day, moments| {
            counted.add(Key { experiment: self.experiment.to_owned(), what, day }, moments);
        };
        let slices: Vec<(Dimension, &str)> = self
            .plan
            .dimensions
            .iter()
            .filter_map(|dimension| Some((*dimension, self.first.traits.get(dimension)?.as_str())))
            .collect();
        add(What::Users(self.variation), self.first.time.day(), one());
        for slice in &slices {
            add(What::users(self.variation, Some(*slice)), DAY_ALL, one());
        }
        for metric in self.test.metrics.iter().filter_map(|index| self.plan.metrics.get(*index as usize)) {
            for ((day, part), moments) in gains(metric, self.first.time, events) {
                add(What::part(self.variation, None, &metric.key, part), day, moments);
                // Distributions have hundreds of buckets, too many for every value of every dimension.
                if matches!(part, Part::Bucket(_)) {
                    continue;
                }
                for slice in &slices {
                    add(What::part(self.variation, Some(*slice), &metric.key, part), DAY_ALL, moments);
                }
            }
        }
        for funnel in &self.plan.funnels {
            let since: Vec<&Conversion> =
                events.iter().filter(|event| event.time >= self.first.time).collect();
            let (steps, _) = steps(funnel, &since);
            for step in 1..=steps {
                add(What::Step(Some(self.variation), funnel.key.clone(), step), DAY_ALL, one());
            }
        }
    }
}

/// What the visitor adds to the numbers of the whole site.
fn site(plan: &Plan, visitor: &VisitorState, counted: &mut Aggregates) {
    let mut add = |what, day, moments| counted.add(Key { experiment: String::new(), what, day }, moments);
    let all: Vec<&Conversion> = visitor.conversions.iter().collect();
    for funnel in &plan.funnels {
        let (steps, day) = steps(funnel, &all);
        for step in 1..=steps {
            add(What::Step(None, funnel.key.clone(), step), day, one());
        }
    }
    let periods: BTreeSet<Period> = plan.totals.iter().map(|(period, _)| *period).collect();
    for period in periods {
        let spans: BTreeSet<i32> = visitor.days.iter().map(|day| first_day(period, *day)).collect();
        for day in spans {
            add(What::Visitors(period), day, one());
        }
    }
    for (period, metric) in &plan.totals {
        let Some(metric) = plan.metrics.get(*metric as usize) else { continue };
        let mut sums: BTreeMap<i32, i128> = BTreeMap::new();
        for event in visitor.conversions.iter().filter(|event| event.is(&metric.asked)) {
            let sum = sums.entry(first_day(*period, event.time.day())).or_default();
            *sum += metric.worth(event);
        }
        for (day, sum) in sums {
            let value = if metric.kind == MetricKind::Proportion { sum.min(1) } else { sum };
            add(What::Total(*period, metric.key.clone()), day, Moments::new(0, value, value * value));
        }
    }
    if plan.cohorts {
        let weeks: BTreeSet<i32> = visitor.days.iter().map(|day| first_day(Period::Week, *day)).collect();
        let Some(first) = weeks.first() else { return };
        for week in &weeks {
            let later = u16::try_from((week - first) / 7).unwrap_or(u16::MAX);
            add(What::Cohort(later), *first, one());
        }
    }
}

/// How many steps of a funnel a visitor took within its window, at most, and the day of the first of these.
fn steps(funnel: &Funnel, events: &[&Conversion]) -> (u8, i32) {
    let Some(first) = funnel.steps.first() else { return (0, 0) };
    let starts = events.iter().filter(|event| event.is(first)).take(STARTS_MAX);
    let mut best = (0, 0);
    for start in starts {
        let closes = start.time.plus_ms(funnel.window_ms);
        let within = |event: &&&Conversion| start.time <= event.time && event.time < closes;
        let times: Vec<Vec<i64>> = funnel
            .steps
            .iter()
            .map(|step| {
                events.iter().filter(within).filter(|it| it.is(step)).map(|it| it.time.ms()).collect()
            })
            .collect();
        let times: Vec<&[i64]> = times.iter().map(Vec::as_slice).collect();
        let taken = u8::try_from(funnel_steps(&times)).unwrap_or(u8::MAX);
        if taken > best.0 {
            best = (taken, start.time.day());
        }
    }
    best
}
