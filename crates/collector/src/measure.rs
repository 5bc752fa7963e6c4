//! A visitor's values in a metric, and what they add to its sums on each day.

use crate::aggregates::Part;
use crate::plan::{Asked, Measured};
use crate::visitor::{Conversion, VALUE_ABS_MAX};
use splitlight_protocol::Timestamp;
use splitlight_protocol::config::{Measure, MetricKind};
use splitlight_stats::{Moments, Sketch};
use std::collections::BTreeMap;

/// How long after an event the next one is of another visit, as in the field's analytics tools.
const VISIT_MS: i64 = 30 * 60_000;

/// By day and part.
pub(crate) type Gains = BTreeMap<(i32, Part), Moments>;

/// What a visitor adds to a metric's sums; over all days the squares and products are those of the visitor's values.
pub(crate) fn gains(metric: &Measured, exposed: Timestamp, events: &[Conversion]) -> Gains {
    if metric.kind == MetricKind::Bounce {
        return bounce(exposed, events, &metric.asked);
    }
    let opens = exposed.plus_ms(metric.delay_ms);
    let closes = opens.plus_ms(metric.window_ms);
    let mut gains = Gains::new();
    let before = metric.lookback_ms.map(|lookback| {
        let from = exposed.plus_ms(lookback.saturating_neg());
        let mut values = Values::new(metric);
        events
            .iter()
            .filter(|event| from <= event.time && event.time < exposed)
            .for_each(|it| values.see(it));
        values.now()
    });
    let mut values = Values::new(metric);
    let mut last = [0, 0];
    for event in events.iter().filter(|event| opens <= event.time && event.time < closes) {
        values.see(event);
        let now = values.now();
        if now != last {
            grow(&mut gains, metric, event.time.day(), (last, now), before);
            last = now;
        }
    }
    if let Some(before) = before {
        settle(&mut gains, metric, exposed.day(), before);
    }
    // A distribution is of the visitors who have a value, and is not followed day by day.
    if metric.is_sketched && values.any() {
        let bucket = Part::Bucket(Sketch::bucket(whole(last[0])));
        gains.insert((exposed.day(), bucket), Moments { n: 1, ..Moments::default() });
    }
    gains
}

/// Adds what the values after the exposure have grown by.
fn grow(
    gains: &mut Gains,
    metric: &Measured,
    day: i32,
    (last, now): ([i128; 2], [i128; 2]),
    before: Option<[i128; 2]>,
) {
    let mut add = |part, sum: i128, squares: i128| {
        let here: &mut Moments = gains.entry((day, part)).or_default();
        *here = here.merge(Moments::new(0, sum, squares));
    };
    let square = |value: i128| value * value;
    let mut value = |part, last: i128, now: i128| add(part, now - last, square(now) - square(last));
    if let Some(cap) = metric.cap.map(i128::from) {
        value(Part::Value(0), last[0].clamp(-cap, cap), now[0].clamp(-cap, cap));
        value(Part::Uncapped, last[0], now[0]);
    } else {
        value(Part::Value(0), last[0], now[0]);
    }
    let is_ratio = metric.denominator.is_some();
    if is_ratio {
        value(Part::Value(1), last[1], now[1]);
        add(Part::Product(0, 1), now[0] * now[1] - last[0] * last[1], 0);
    }
    let Some(before) = before else { return };
    for (at, own) in (0_u8..).zip(0..if is_ratio { 2 } else { 1 }) {
        for (other, known) in (2_u8..).zip(before).take(if is_ratio { 2 } else { 1 }) {
            add(Part::Product(at, other), (now[own] - last[own]) * known, 0);
        }
    }
}

/// Adds the values before the exposure, which never change after it.
fn settle(gains: &mut Gains, metric: &Measured, day: i32, before: [i128; 2]) {
    let mut add = |part, sum: i128, squares: i128| {
        gains.insert((day, part), Moments::new(0, sum, squares));
    };
    add(Part::Value(2), before[0], before[0] * before[0]);
    if metric.denominator.is_some() {
        add(Part::Value(3), before[1], before[1] * before[1]);
        add(Part::Product(2, 3), before[0] * before[1], 0);
    }
}

impl Measured {
    /// What one event is worth in a sum over the whole site.
    pub(crate) fn worth(&self, event: &Conversion) -> i128 {
        match self.measure {
            _ if self.kind == MetricKind::Proportion => 1,
            Measure::Count => 1,
            Measure::Value | Measure::Average | Measure::Largest => {
                i128::from(event.value.unwrap_or(0).clamp(-VALUE_ABS_MAX, VALUE_ABS_MAX))
            }
        }
    }
}

/// The values of a visitor as they grow event by event.
struct Values<'m> {
    metric: &'m Measured,
    sums: [Sums; 2],
}

#[derive(Clone, Copy, Default)]
struct Sums {
    count: i128,
    sum: i128,
    largest: Option<i128>,
}

impl<'m> Values<'m> {
    fn new(metric: &'m Measured) -> Self {
        Self { metric, sums: [Sums::default(); 2] }
    }

    fn see(&mut self, event: &Conversion) {
        let divisor = self.metric.denominator.as_ref().map(|(asked, _)| asked);
        for (sums, asked) in self.sums.iter_mut().zip([Some(&self.metric.asked), divisor]) {
            if asked.is_some_and(|asked| event.is(asked)) {
                let value = i128::from(event.value.unwrap_or(0).clamp(-VALUE_ABS_MAX, VALUE_ABS_MAX));
                sums.count += 1;
                sums.sum += value;
                sums.largest = Some(sums.largest.map_or(value, |largest| largest.max(value)));
            }
        }
    }

    /// Whether there was any event of the metric itself.
    fn any(&self) -> bool {
        self.sums[0].count > 0
    }

    /// The metric's value, and its denominator's.
    fn now(&self) -> [i128; 2] {
        let divisor = self.metric.denominator.as_ref().map_or(Measure::Count, |(_, measure)| *measure);
        let own = self.sums[0].measured(self.metric.measure);
        let own = if self.metric.kind == MetricKind::Proportion { self.sums[0].count.min(1) } else { own };
        [own, self.sums[1].measured(divisor)]
    }
}

impl Sums {
    fn measured(&self, measure: Measure) -> i128 {
        match measure {
            Measure::Count => self.count,
            Measure::Value => self.sum,
            Measure::Average => self.sum / self.count.max(1),
            Measure::Largest => self.largest.unwrap_or(0),
        }
    }
}

/// A value as the sketch takes it.
fn whole(value: i128) -> i64 {
    i64::try_from(value).unwrap_or(if value < 0 { i64::MIN } else { i64::MAX })
}

/// Whether the visit around the exposure has exactly one opened page.
fn bounce(exposed: Timestamp, events: &[Conversion], asked: &Asked) -> Gains {
    let views: Vec<i64> =
        events.iter().filter(|event| event.is(asked)).map(|event| event.time.ms()).collect();
    let follows = |(count, last): (usize, i64), time: i64| {
        if (time - last).abs() < VISIT_MS { (count + 1, time) } else { (count, last) }
    };
    let start = (0, exposed.ms());
    let (earlier, _) =
        views.iter().rev().filter(|time| **time <= exposed.ms()).fold(start, |it, time| follows(it, *time));
    let (later, _) =
        views.iter().filter(|time| **time > exposed.ms()).fold(start, |it, time| follows(it, *time));
    let is_bounce = earlier + later == 1;
    is_bounce.then(|| ((exposed.day(), Part::Value(0)), Moments::new(0, 1, 1))).into_iter().collect()
}
