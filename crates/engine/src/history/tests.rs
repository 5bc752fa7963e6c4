//! Laws of the history: it answers as a list of all events would, stays small, and survives any clock.

use super::*;
use crate::compile;
use crate::condition::Condition;
use crate::program::Program;
use proptest::prelude::*;
use splitlight_protocol::limits::{HISTORY_DAYS_MAX, HISTORY_MINUTE_BUCKETS_MAX};
use splitlight_protocol::time::DAY_MS;
use splitlight_protocol::{Value, config};

const MINUTE_MS: i64 = 60_000;
const WINDOWS: [&str; 11] = ["1m", "9m", "30m", "1h", "61m", "12h", "24h", "1d", "7d", "400d", "session"];
const FILTERS: [&str; 3] = ["", r#""where":{"price":5},"#, r#""where":{"price":{"$gte":4}},"#];
const MEASURES: [&str; 4] = ["count", "sum", "daysSince", "distinctDays"];

/// Event, filter, window and measure, each by its position.
type Question = (usize, usize, usize, usize);

struct Event {
    name: String,
    price: i64,
    time: Timestamp,
}

fn program(questions: &[Question]) -> Program {
    let rule = |(at, (event, filter, window, measure)): (usize, &Question)| {
        let (filter, window, measure) = (FILTERS[*filter], WINDOWS[*window], MEASURES[*measure]);
        format!(
            r#"{{"key":"k{at}","when":{{"$history":{{"event":"e{event}",{filter}"within":"{window}","{measure}":0}}}},
                "changes":[{{"selector":"h1","text":"x"}}]}}"#
        )
    };
    let rules: Vec<String> = questions.iter().enumerate().map(rule).collect();
    let rules = rules.join(",");
    let parsed = config::parse(&format!(r#"{{"version":1,"project":"p","personalizations":[{rules}]}}"#));
    let compiled = compile(&parsed.config);
    assert_eq!((parsed.issues, compiled.issues), (Vec::new(), Vec::new()));
    compiled.program
}

fn record(history: &mut History, program: &Program, event: &Event) {
    let properties = Map::from_iter([("price".to_owned(), Value::Number(event.price as f64))]);
    history.record(program, &event.name, &properties, Some(event.price), event.time);
}

/// The answer from all events, where a window of minutes may begin `late` minutes later.
fn naive(events: &[Event], question: &Question, window: Window, now: Timestamp, late: i32) -> f64 {
    let (event, filter, _, measure) = *question;
    let of_interest = |seen: &&Event| {
        let inside = match window {
            Window::Days(days) => seen.time.day() > now.day() - days && seen.time.day() <= now.day(),
            Window::Minutes(span) => {
                minute(seen.time) > minute(now) - span + late && minute(seen.time) <= minute(now)
            }
            Window::Session => seen.time.ms() >= session_began(events, now) && seen.time <= now,
        };
        inside && seen.name == format!("e{event}") && [true, seen.price == 5, seen.price >= 4][filter]
    };
    let seen: Vec<&Event> = events.iter().filter(of_interest).collect();
    let mut days: Vec<i32> = seen.iter().map(|event| event.time.day()).collect();
    days.dedup();
    match measure {
        0 => seen.len() as f64,
        1 => seen.iter().map(|event| event.price as f64).sum(),
        2 => days.last().map_or(f64::INFINITY, |day| f64::from(now.day() - day)),
        _ => days.len() as f64,
    }
}

/// When the session that a time is in began: after it no pause is longer than half an hour.
fn session_began(events: &[Event], now: Timestamp) -> i64 {
    let mut began = now.ms();
    for event in events.iter().rev() {
        if began - event.time.ms() > 30 * MINUTE_MS {
            break;
        }
        began = event.time.ms();
    }
    if began == now.ms() && events.last().is_none_or(|last| last.time != now) { i64::MAX } else { began }
}

fn questions() -> impl Strategy<Value = Vec<Question>> {
    prop::collection::vec((0..2_usize, 0..3_usize, 0..11_usize, 0..4_usize), 1..8)
}

/// Milliseconds between two events: within a session, a day, weeks, and more than is kept.
fn pause() -> impl Strategy<Value = i64> {
    prop_oneof![
        6 => 0..3 * MINUTE_MS,
        4 => 0..90 * MINUTE_MS,
        2 => 0..2 * DAY_MS,
        1 => 0..500 * DAY_MS
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn it_answers_as_a_list_of_all_events(
        questions in questions(),
        start in -400 * DAY_MS..400 * DAY_MS,
        events in prop::collection::vec((pause(), 0..2_usize, 0_i64..9), 0..60),
        wait in pause(),
    ) {
        let program = program(&questions);
        let (mut history, mut seen) = (History::default(), Vec::new());
        let mut now = start;
        for (pause, name, price) in events {
            now += pause;
            let event = Event { name: format!("e{name}"), price, time: Timestamp::from_ms(now) };
            record(&mut history, &program, &event);
            seen.push(event);
            history = History::from_bytes(&history.to_bytes()).expect("its own bytes");
        }
        let now = Timestamp::from_ms(now + wait);
        for (item, question) in program.items().iter().zip(&questions) {
            let Condition::History { tracked, window, measure, .. } = item.when else {
                panic!("the rule asks for the history");
            };
            let found = history.ask(&program.code.tracked(tracked as usize).expect("it is known"), window, measure, now);
            let exact = naive(&seen, question, window, now, 0);
            let late = if matches!(window, Window::Minutes(span) if span > 60) { 9 } else { 0 };
            let least = naive(&seen, question, window, now, late);
            let (low, high) = if question.3 == 2 { (exact, least) } else { (least, exact) };
            prop_assert!(low <= found && found <= high, "{question:?}: {low} <= {found} <= {high}");
        }
    }

    #[test]
    fn points_decay_as_the_sum_of_all_events_does(
        half_life in prop_oneof![Just(30 * MINUTE_MS), Just(DAY_MS), Just(90 * DAY_MS)],
        events in prop::collection::vec((pause(), -20_i32..20), 0..40),
        wait in pause(),
    ) {
        let meter = Meter::Points { points: 1.0, half_life };
        let (mut ring, mut now, mut sum) = (Ring::default(), 0, 0.0);
        for (pause, points) in events {
            now += pause;
            let meter = Meter::Points { points: points.into(), half_life };
            meter.add(&mut ring, &Map::new(), Timestamp::from_ms(now), 0);
            sum = sum * (-(pause as f64) / half_life as f64).exp2() + f64::from(points);
        }
        meter.settle(&mut ring, Timestamp::from_ms(now + wait), 0);
        let expected = sum * (-(wait as f64) / half_life as f64).exp2();
        let found = ring.values.first().map_or(0.0, |(_, value)| *value);
        prop_assert!((found - expected).abs() <= 1e-9, "{found} is not {expected}");
    }

    #[test]
    fn any_clock_leaves_it_small_and_readable(
        questions in questions(),
        times in prop::collection::vec(prop_oneof![any::<i64>(), -DAY_MS..DAY_MS], 0..40),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
    ) {
        let program = program(&questions);
        let mut history = History::default();
        for time in times {
            record(&mut history, &program, &Event { name: "e0".into(), price: 5, time: Timestamp::from_ms(time) });
        }
        let mut bytes = history.to_bytes();
        prop_assert_eq!(History::from_bytes(&bytes), Ok(history));
        prop_assert!(History::from_bytes(&bytes[..bytes.len() - 1]).is_err());
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Ok(mut damaged) = History::from_bytes(&bytes) {
            record(&mut damaged, &program, &Event { name: "e0".into(), price: 5, time: Timestamp::default() });
            damaged.export(&program);
            for tracked in program.kinds() {
                damaged.ask(&tracked, Window::Days(400), Measure::Sum, Timestamp::from_ms(i64::MAX));
                damaged.ask(&tracked, Window::Minutes(1440), Measure::DaysSince, Timestamp::from_ms(i64::MIN));
            }
        }
    }
}

/// The number of `e0` events within 400 days, of a history that saw some at these days.
fn count_on(days: &[i64], now: i64) -> f64 {
    let program = program(&[(0, 0, 9, 0)]);
    let mut history = History::default();
    for day in days {
        let time = Timestamp::from_ms(day * DAY_MS);
        record(&mut history, &program, &Event { name: "e0".into(), price: 1, time });
    }
    history.ask(
        &program.code.tracked(0).expect("it is known"),
        Window::Days(400),
        Measure::Count,
        Timestamp::from_ms(now * DAY_MS),
    )
}

#[test]
fn a_wrong_clock_does_not_erase() {
    assert_eq!(count_on(&[1000, -5, -9], 1000), 1.0, "set back to before 1970");
    assert_eq!(count_on(&[1000, 1001, 90_000, 90_000, 1002], 1002), 3.0, "one day far ahead");
    assert_eq!(count_on(&[1000, 90_000, 90_001], 1000), 0.0, "two days far ahead are believed");
}

#[test]
fn it_stays_bounded_however_much_happens() {
    let program = program(&[(0, 0, 6, 0), (0, 0, 9, 0)]);
    let mut history = History::default();
    for step in 0..3000 {
        for time in [step * MINUTE_MS, step * DAY_MS, -step * DAY_MS] {
            let time = Timestamp::from_ms(time);
            record(&mut history, &program, &Event { name: "e0".into(), price: 1, time });
            let ring = &history.rings[0];
            assert!(ring.days.len() <= HISTORY_DAYS_MAX && ring.minutes.len() <= HISTORY_MINUTE_BUCKETS_MAX);
        }
    }
    assert!(history.to_bytes().len() < 8 * (HISTORY_DAYS_MAX + HISTORY_MINUTE_BUCKETS_MAX));
}

#[test]
fn what_no_rule_asks_about_is_dropped_with_the_next_event() {
    let (old, new) = (program(&[(0, 0, 9, 0)]), program(&[(1, 0, 9, 0)]));
    let mut history = History::default();
    let time = Timestamp::from_ms(0);
    record(&mut history, &old, &Event { name: "e0".into(), price: 1, time });
    assert!(history.record(&new, "unasked", &Map::new(), None, time));
    assert_eq!(history.rings, []);
}

#[test]
fn a_filter_that_is_not_understood_stays_closed_under_not() {
    let document = r#"{"version":1,"project":"p","personalizations":[{"key":"k","changes":[{"selector":"h1","text":"x"}],
        "when":{"$not":{"$history":{"event":"e","where":{"p":{"$odd":1}},"within":"1d","count":{"$gte":1}}}}}]}"#;
    let compiled = compile(&config::parse(document).config);
    assert_eq!(compiled.issues.len(), 1);
    let not = Condition::Not(Box::new(Condition::Unsupported));
    assert!(compiled.program.items().iter().all(|item| item.when == not));
}
