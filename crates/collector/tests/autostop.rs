//! Auto-stop: when experiments are looked at, what ends them, and that a decision can be made again from what is kept.

use splitlight_collector::{Aggregates, End, Key, Look, What, look};
use splitlight_protocol::Timestamp;
use splitlight_protocol::config::{Config, parse};
use splitlight_protocol::time::DAY_MS;
use splitlight_stats::Moments;
use splitlight_stats::verdict::{Reason, Record};

/// The day of the first visitor.
const FIRST_DAY: i64 = 3;

fn config(analysis: &str) -> Config {
    let parsed = parse(&format!(
        r#"{{ "version": 1, "project": "shop",
        "metrics": [{{ "key": "bought", "kind": "proportion", "event": "purchase" }},
            {{ "key": "errors", "kind": "mean", "event": "error", "direction": "decrease" }}],
        "experiments": [{{ "key": "hero", "variations": [{{ "key": "control" }}, {{ "key": "bold" }}],
            "metrics": {{ "primary": "bought", "guardrails": ["errors"] }},
            "analysis": {{ "sampleSize": 10000, "looks": 10, {analysis} }} }}] }}"#
    ));
    assert_eq!(parsed.issues, []);
    parsed.config
}

/// Visitors, buyers and errors of control and of the variation.
fn counted(users: [i64; 2], buyers: [i64; 2], errors: [i64; 2]) -> Aggregates {
    let mut aggregates = Aggregates::default();
    for index in 0..2 {
        let at = usize::try_from(index).expect("small");
        let mut add = |what, n: i64, sum: i64| {
            let key = Key { experiment: "hero".to_owned(), what, day: 3 };
            aggregates.add(key, Moments::new(n, sum.into(), sum.into()));
        };
        add(What::Users(index), users[at], 0);
        add(What::Metric(index, "bought".to_owned()), 0, buyers[at]);
        add(What::Metric(index, "errors".to_owned()), 0, errors[at]);
    }
    aggregates
}

const WINNER: fn() -> Aggregates = || counted([1000, 1000], [100, 200], [10, 10]);

fn at(config: &Config, aggregates: &Aggregates, days: i64, taken: &[f64]) -> Option<Look> {
    look(config, aggregates, "hero", Timestamp::from_ms((FIRST_DAY + days) * DAY_MS), taken)
}

#[test]
fn a_winner_is_shipped_and_harm_is_stopped() {
    let auto = config(r#""autoStop": true"#);
    let end = |aggregates: &Aggregates| at(&auto, aggregates, 8, &[]).and_then(|look| look.end());
    assert_eq!(end(&WINNER()), Some(End::Ship("bold".to_owned())));
    assert_eq!(end(&counted([1000, 1000], [200, 100], [10, 10])), Some(End::Stop));
    assert_eq!(end(&counted([1000, 1000], [100, 200], [10, 300])), Some(End::Stop), "the guardrail");
    assert_eq!(end(&counted([1000, 1000], [100, 101], [10, 10])), None);
    assert_eq!(end(&counted([5000, 5000], [500, 501], [10, 10])), Some(End::Stop), "nothing is proven");
}

#[test]
fn only_who_asked_for_it_is_stopped() {
    assert_eq!(at(&config(r#""confidence": 0.9"#), &WINNER(), 8, &[]), None);
    let mut paused = config(r#""autoStop": true"#);
    paused.experiments[0].status = splitlight_protocol::config::Status::Paused;
    assert_eq!(at(&paused, &WINNER(), 8, &[]), None);
    assert_eq!(
        look(&config(r#""autoStop": true"#), &WINNER(), "nope", Timestamp::from_ms(30 * DAY_MS), &[]),
        None
    );
}

#[test]
fn a_broken_split_stops_and_never_ships() {
    let auto = config(r#""autoStop": true"#);
    for (users, buyers) in [([1500, 1000], [150, 900]), ([1000, 1500], [10, 1400]), ([4000, 6000], [0, 6000])]
    {
        let look = at(&auto, &counted(users, buyers, [0, 0]), 30, &[]).expect("a look");
        assert_eq!((look.end(), look.decision.reason), (Some(End::Stop), Reason::BrokenSplit));
    }
}

#[test]
fn nothing_is_shipped_before_a_week_and_nothing_decided_of_few() {
    let auto = config(r#""autoStop": true"#);
    assert_eq!(at(&auto, &WINNER(), 6, &[]).expect("a look").end(), None);
    let eager = config(r#""autoStop": true, "daysMin": 0"#);
    assert!(at(&eager, &WINNER(), 0, &[]).expect("a look").end().is_some());
    let careful = config(r#""autoStop": true, "visitorsMin": 1001"#);
    assert_eq!(at(&careful, &WINNER(), 8, &[]).expect("a look").decision.reason, Reason::TooEarly);
}

#[test]
fn looks_are_at_equal_parts_of_the_planned_visitors() {
    let few = |users: i64| counted([users / 2, users - users / 2], [10, 10], [1, 1]);
    for analysis in [r#""autoStop": true"#, r#""autoStop": true, "spending": "obrien-fleming""#] {
        let auto = config(analysis);
        let mut taken: Vec<f64> = Vec::new();
        for users in (0..10_000).step_by(250) {
            if let Some(look) = at(&auto, &few(users), 8, &taken) {
                taken = look.taken().to_vec();
            }
        }
        let parts: Vec<f64> = (1..10).map(|part| f64::from(part) * 1000.0).collect();
        assert_eq!(taken, parts, "{analysis}");
        // A burst is one look, however many parts it brings.
        let burst = at(&auto, &few(4321), 8, &[]).expect("a look");
        assert_eq!(burst.taken(), [4321.0]);
        assert_eq!(at(&auto, &few(4999), 8, burst.taken()), None);
    }
}

#[test]
fn the_last_planned_look_is_the_last_and_waits_for_the_week() {
    let planned = config(r#""autoStop": true, "spending": "pocock""#);
    let full = counted([5000, 5000], [500, 510], [1, 1]);
    assert_eq!(at(&planned, &full, 6, &[9000.0]), None);
    let last = at(&planned, &full, 7, &[9000.0]).expect("the last look");
    assert_eq!((last.end(), last.decision.reason), (Some(End::Stop), Reason::NoDifference));
    assert_eq!(at(&planned, &counted([6000, 6000], [500, 900], [1, 1]), 9, last.taken()), None);
    // Looks too near to each other tell nothing new.
    assert_eq!(at(&planned, &counted([1000, 1001], [1, 1], [1, 1]), 9, &[1999.0]), None);
    // Always valid looks go on for as long as the week is missing.
    let always = config(r#""autoStop": true"#);
    let early = at(&always, &full, 6, &[9000.0]).expect("a look");
    assert_eq!(early.end(), None);
    let more = counted([5500, 5500], [550, 560], [1, 1]);
    assert_eq!(at(&always, &more, 7, early.taken()).expect("a look").end(), Some(End::Stop));
}

#[test]
fn a_decision_can_be_made_again_from_what_is_kept() {
    for analysis in [r#""autoStop": true"#, r#""autoStop": true, "spending": "pocock""#] {
        let look = at(&config(analysis), &WINNER(), 8, &[1000.0]).expect("a look");
        let kept = serde_json::to_value(&look).expect("JSON");
        let record: Record = serde_json::from_value(kept["record"].clone()).expect("a record");
        assert_eq!(record, look.record);
        assert_eq!(serde_json::to_value(record.decide()).expect("JSON"), kept["decision"]);
    }
}
