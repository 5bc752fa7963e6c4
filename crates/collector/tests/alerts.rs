//! Alerts: each threshold from both sides, told once when it is crossed and once when it is over.

use proptest::prelude::*;
use splitlight_collector::{Aggregates, Alarms, Fired, Key, Watched, What, alarms, results};
use splitlight_protocol::Timestamp;
use splitlight_protocol::config::{Config, Urgency, parse};
use splitlight_stats::Moments;

const NOW: Timestamp = Timestamp::from_ms(1_795_219_200_000);

fn config(alerts: &str) -> Config {
    let parsed = parse(&format!(
        r#"{{ "version": 1, "project": "shop",
        "metrics": [{{ "key": "bought", "kind": "proportion", "event": "purchase" }},
            {{ "key": "errors", "kind": "mean", "event": "error", "direction": "decrease" }}],
        "experiments": [{{ "key": "hero", "variations": [{{ "key": "control" }}, {{ "key": "bold" }}],
            "metrics": {{ "primary": "bought", "guardrails": ["errors"] }} }}],
        "alerts": [{alerts}] }}"#
    ));
    assert_eq!(parsed.issues, []);
    parsed.config
}

/// What was counted of an experiment of two variations.
#[derive(Clone, Copy, Debug)]
struct Counts {
    users: [i64; 2],
    buyers: i64,
    errors: i64,
    several: i64,
    quarantined: i64,
    days: f64,
}

const CALM: Counts =
    Counts { users: [1000, 1000], buyers: 100, errors: 10, several: 0, quarantined: 0, days: 3.0 };

fn watched(config: &Config, counts: Counts) -> Watched {
    let mut aggregates = Aggregates::default();
    let mut add = |what, n: i64, sum: i64| {
        aggregates
            .add(Key { experiment: "hero".into(), what, day: 1 }, Moments::new(n, sum.into(), sum.into()));
    };
    for (index, users) in (0..).zip(counts.users) {
        add(What::Users(index), users, 0);
        add(What::Metric(index, "bought".into()), 0, counts.buyers);
    }
    add(What::Metric(0, "errors".into()), 0, 10);
    add(What::Metric(1, "errors".into()), 0, counts.errors);
    add(What::MultipleExposures, counts.several, 0);
    add(What::Quarantined, counts.quarantined, 0);
    let results = results(config, &aggregates, NOW, "hero").expect("results");
    Watched { days: counts.days, results }
}

fn keys(alarms: &Alarms) -> Vec<&str> {
    alarms.news.iter().map(|fired| fired.alert.as_str()).collect()
}

fn of(config: &Config, counts: Counts) -> Alarms {
    alarms(config, &[watched(config, counts)], Some(NOW), &[], NOW)
}

#[test]
fn three_are_watched_without_being_written() {
    let plain = config("");
    assert_eq!(of(&plain, CALM), Alarms::default());
    assert_eq!(keys(&of(&plain, Counts { users: [1000, 1300], ..CALM })), ["sample-ratio"]);
    assert_eq!(keys(&of(&plain, Counts { errors: 400, ..CALM })), ["guardrail-harmed"]);
    assert_eq!(keys(&of(&plain, Counts { several: 19, ..CALM })), [] as [&str; 0]);
    assert_eq!(keys(&of(&plain, Counts { several: 21, ..CALM })), ["multiple-exposure"]);
    let off = config(r#"{ "key": "sample-ratio", "when": { "kind": "sampleRatio" }, "enabled": false }"#);
    assert_eq!(of(&off, Counts { users: [1000, 1300], ..CALM }), Alarms::default());
}

#[test]
fn written_ones_fire_beyond_their_threshold() {
    let below = config(
        r#"{ "key": "few", "severity": "critical", "action": "Call.", "minDays": 2, "minUsers": 2000,
            "when": { "kind": "conversionBelow", "metric": "bought", "below": 0.1 } }"#,
    );
    assert_eq!(of(&below, CALM), Alarms::default(), "0.1 is not below 0.1");
    let fired = of(&below, Counts { buyers: 99, ..CALM }).news.remove(0);
    assert_eq!((fired.severity, fired.action.as_str(), fired.since), (Urgency::Critical, "Call.", NOW));
    assert_eq!(fired.message, "bought is 0.0990, below 0.1, of 2000 visitors.");
    for early in [Counts { days: 1.9, buyers: 99, ..CALM }, Counts { users: [999, 1000], buyers: 99, ..CALM }]
    {
        assert_eq!(of(&below, early), Alarms::default());
    }
    let errors = config(r#"{ "key": "odd", "when": { "kind": "ingestErrors" } }"#);
    assert_eq!(of(&errors, Counts { quarantined: 105, ..CALM }), Alarms::default());
    assert_eq!(keys(&of(&errors, Counts { quarantined: 106, ..CALM })), ["odd"]);
}

#[test]
fn silence_is_told_while_something_runs() {
    let silent = config(r#"{ "key": "silence", "when": { "kind": "noData", "hours": 2 } }"#);
    let hours = |hours: i64| NOW.plus_ms(-hours * 3_600_000);
    let runs = [watched(&silent, CALM)];
    let told = |runs: &[Watched], counted| alarms(&silent, runs, counted, &[], NOW);
    assert_eq!(told(&runs, Some(hours(1))), Alarms::default());
    assert_eq!(told(&runs, Some(hours(2))).news[0].message, "Nothing was counted for 2 hours.");
    assert_eq!(told(&[], Some(hours(2))), Alarms::default());
    assert_eq!(told(&runs, None), Alarms::default());
}

#[test]
fn an_alert_fires_once_is_resolved_once_and_may_fire_again() {
    let plain = config("");
    let bad = [watched(&plain, Counts { several: 50, ..CALM })];
    let good = [watched(&plain, CALM)];
    let mut before: Vec<Fired> = Vec::new();
    let mut told = Vec::new();
    for (hour, runs) in [&good, &bad, &bad, &good, &good, &bad].into_iter().enumerate() {
        let now = NOW.plus_ms(i64::try_from(hour).expect("small"));
        let Alarms { fired, news } = alarms(&plain, runs, Some(NOW), &before, now);
        told.push(news.iter().map(|fired| fired.resolved.is_none()).collect::<Vec<_>>());
        before = fired;
    }
    assert_eq!(told, [vec![], vec![true], vec![], vec![false], vec![], vec![true]]);
    // Nor is it forgotten when the experiment ends or the alert leaves the config.
    assert!(alarms(&plain, &[], Some(NOW), &before, NOW).news[0].resolved.is_some());
    let off =
        config(r#"{ "key": "multiple-exposure", "when": { "kind": "multipleExposure" }, "enabled": false }"#);
    assert!(alarms(&off, &bad, Some(NOW), &before, NOW).news[0].resolved.is_some());
}

proptest! {
    #[test]
    fn the_same_again_is_no_news(
        before in (0_i64..3000, 0_i64..3000, 0_i64..300, 0_i64..2000, 0_i64..100, 0_i64..300),
        after in (0_i64..3000, 0_i64..3000, 0_i64..300, 0_i64..2000, 0_i64..100, 0_i64..300),
        age_hours in 0_i64..60,
        later in 0_i64..1000,
    ) {
        let config = config(
            r#"{ "key": "few", "when": { "kind": "conversionBelow", "metric": "bought", "below": 0.1 } },
               { "key": "odd", "when": { "kind": "ingestErrors", "above": 0.02 }, "minUsers": 10 },
               { "key": "silence", "when": { "kind": "noData" } }"#,
        );
        let counts = |(a, b, buyers, errors, several, quarantined)| {
            watched(&config, Counts { users: [a, b], buyers, errors, several, quarantined, days: 1.0 })
        };
        let counted = Some(NOW.plus_ms(-age_hours * 3_600_000));
        let first = alarms(&config, &[counts(before)], counted, &[], NOW);
        prop_assert_eq!(first.news.len(), first.fired.len());
        let second = alarms(&config, &[counts(after)], counted, &first.fired, NOW);
        let third = alarms(&config, &[counts(after)], counted, &second.fired, NOW.plus_ms(later));
        prop_assert_eq!(&third.news, &Vec::new());
        prop_assert_eq!(third.fired, second.fired);
    }
}
