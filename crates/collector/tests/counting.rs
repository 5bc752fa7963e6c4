//! Bounds and verdicts; what logs count is in `tests/vectors/collector`.

use splitlight_collector::memory::Memory;
use splitlight_collector::{
    Aggregates, Batch, CONVERSIONS_MAX, Fact, Key, Plan, Received, Shard, What, list, results,
};
use splitlight_protocol::config::{Config, parse};
use splitlight_protocol::event::EventId;
use splitlight_protocol::results::{ExperimentResults, LiftStatus, SrmStatus, VerdictKind};
use splitlight_protocol::{Map, Timestamp};
use splitlight_stats::Moments;

fn config(direction: &str, arms: usize) -> Config {
    let names = ["control", "bold", "calm"];
    let variations: Vec<String> =
        names[..arms].iter().map(|name| format!(r#"{{ "key": "{name}" }}"#)).collect();
    let text = format!(
        r#"{{ "version": 1, "project": "shop",
        "metrics": [
          {{ "key": "bought", "kind": "proportion", "event": "purchase", "window": "2d", "direction": "{direction}" }},
          {{ "key": "revenue", "kind": "mean", "event": "purchase", "value": "value", "window": "2d" }},
          {{ "key": "errors", "kind": "mean", "event": "error", "direction": "decrease" }} ],
        "experiments": [{{ "key": "hero", "variations": [{}],
            "metrics": {{ "primary": "bought", "secondary": ["revenue"], "guardrails": ["errors"] }} }}],
        "personalizations": [{{ "key": "rule", "holdout": 0.1, "changes": [{{ "selector": "a", "text": "b" }}] }},
          {{ "key": "all", "changes": [{{ "selector": "a", "text": "b" }}] }}] }}"#,
        variations.join(", ")
    );
    let parsed = parse(&text);
    assert!(parsed.is_sound(), "{:?}", parsed.issues);
    parsed.config
}

#[test]
fn the_conversions_kept_are_the_earliest_in_any_order() {
    let plan = Plan::new(&config("increase", 2));
    let total = u32::try_from(CONVERSIONS_MAX).expect("small") + 50;
    let event = |index: u32| {
        let mut id = [1; 16];
        id[..4].copy_from_slice(&index.to_be_bytes());
        let (name, properties) = ("purchase".to_owned(), Map::new());
        let fact = Fact::Conversion { name, value: Some(1), properties };
        Received { id: EventId::from_bytes(id), time: Timestamp::from_ms(index.into()), fact }
    };
    let met = Fact::Exposure { experiment: "hero".to_owned(), variation: "bold".to_owned(), valid: true };
    let met = Received { id: EventId::from_bytes([9; 16]), time: Timestamp::from_ms(0), fact: met };
    let count = |events: Vec<Received>| {
        let mut shard = Shard::new(Memory::default());
        for events in events.chunks(7) {
            let received = Timestamp::from_ms(0);
            let batch =
                Batch { visitor: "v".to_owned(), received, events: events.to_vec(), ..Batch::default() };
            shard.apply(&plan, &[batch]).unwrap_or_else(|never| match never {});
        }
        shard.storage().aggregates.clone()
    };
    let up = count((0..total).map(event).chain([met.clone()]).collect());
    let down = count([met].into_iter().chain((0..total).rev().map(event)).collect());
    assert_eq!(up.to_bytes(), down.to_bytes());
    let revenue = up.over_days("hero", &What::Metric(1, "revenue".to_owned()));
    assert_eq!(revenue.sum, i128::try_from(CONVERSIONS_MAX).expect("small"));
}

fn sums(rows: &[(What, Moments)], experiment: &str) -> Aggregates {
    let mut aggregates = Aggregates::default();
    for (what, moments) in rows {
        aggregates.add(Key { experiment: experiment.to_owned(), what: what.clone(), day: 1 }, *moments);
    }
    aggregates
}

fn users(variation: u32, n: i64) -> (What, Moments) {
    (What::Users(variation), Moments { n, ..Moments::default() })
}

fn metric(variation: u32, key: &str, sum: i128) -> (What, Moments) {
    (What::Metric(variation, key.to_owned()), Moments::new(0, sum, sum))
}

fn hero(direction: &str, arms: usize, rows: &[(What, Moments)]) -> ExperimentResults {
    let found = results(&config(direction, arms), &sums(rows, "hero"), Timestamp::from_ms(0), "hero");
    found.expect("known")
}

#[test]
fn a_verdict_never_contradicts_p_and_interval() {
    for arms in [2, 3] {
        for direction in ["increase", "decrease"] {
            for (control, rival) in (0..40).flat_map(|a| (0..40).map(move |b| (a * 25, b * 25))) {
                let mut rows = vec![
                    users(0, 1000),
                    users(1, 1000),
                    metric(0, "bought", control),
                    metric(1, "bought", rival),
                ];
                if arms == 3 {
                    rows.extend([users(2, 1000), metric(2, "bought", control)]);
                }
                let results = hero(direction, arms, &rows);
                let analysis = &results.results[0].metrics[0].variations[1].analyses[0];
                let Some(p_value) = analysis.p_value else { continue };
                let alpha = 1.0 - results.settings.confidence;
                let (low, high) =
                    (analysis.difference_low.expect("low"), analysis.difference_high.expect("high"));
                assert_eq!(p_value < alpha, low > 0.0 || high < 0.0, "{control} {rival}");
                if let (Some(low), Some(high)) = (analysis.ci_low, analysis.ci_high) {
                    assert_eq!(p_value < alpha, low > 0.0 || high < 0.0, "lift {control} {rival}");
                }
                let better = (analysis.difference.expect("difference") > 0.0) == (direction == "increase");
                let wanted = match (p_value < alpha, better) {
                    (true, true) => VerdictKind::Ship,
                    (true, false) => VerdictKind::Stop,
                    (false, _) => VerdictKind::Continue,
                };
                assert_eq!(
                    results.verdict.kind, wanted,
                    "{arms} {direction} {control} {rival}: {}",
                    results.verdict.reason
                );
            }
        }
    }
}

#[test]
fn a_broken_split_outweighs_a_winner() {
    let rows = [users(0, 4700), users(1, 5300), metric(0, "bought", 100), metric(1, "bought", 900)];
    let results = hero("increase", 2, &rows);
    assert_eq!((results.verdict.kind, results.checks.srm_status), (VerdictKind::Stop, SrmStatus::Mismatch));
    assert!(
        results.verdict.reason.starts_with("Do not trust these numbers: 4700 / 5300"),
        "{}",
        results.verdict.reason
    );
}

#[test]
fn a_winner_that_breaks_a_guardrail_is_not_shipped() {
    let rows = [
        users(0, 2000),
        users(1, 2000),
        metric(0, "bought", 200),
        metric(1, "bought", 600),
        metric(0, "errors", 20),
        metric(1, "errors", 400),
    ];
    let verdict = hero("increase", 2, &rows).verdict;
    assert_eq!(verdict.kind, VerdictKind::Stop);
    assert!(verdict.reason.contains("bold does harm: errors"), "{}", verdict.reason);
}

#[test]
fn patience_says_how_many_are_missing_and_ends_with_the_plan() {
    let early = hero("increase", 2, &[users(0, 2), users(1, 1)]);
    assert_eq!(
        (early.verdict.kind, early.checks.srm_status),
        (VerdictKind::Continue, SrmStatus::Insufficient)
    );
    assert!(
        early.verdict.reason.starts_with("9997 of 10000 planned visitors are missing"),
        "{}",
        early.verdict.reason
    );
    assert_eq!(early.results[0].metrics[0].variations[1].analyses[0].lift_status, LiftStatus::Insufficient);
    let rows = [users(0, 5000), users(1, 5000), metric(0, "bought", 500), metric(1, "bought", 505)];
    assert_eq!(hero("increase", 2, &rows).verdict.kind, VerdictKind::Inconclusive);
}

#[test]
fn a_personalization_is_compared_with_its_holdout() {
    let config = config("increase", 2);
    let rows = [users(0, 1000), users(1, 9000), metric(0, "bought", 50), metric(1, "bought", 1800)];
    let found = results(&config, &sums(&rows, "rule"), Timestamp::from_ms(0), "rule").expect("known");
    assert_eq!(found.verdict.kind, VerdictKind::Ship, "{}", found.verdict.reason);
    assert_eq!(found.variations.iter().map(|v| v.key.as_str()).collect::<Vec<_>>(), ["holdout", "shown"]);
    let all = results(&config, &sums(&[users(1, 50)], "all"), Timestamp::from_ms(0), "all").expect("known");
    assert!(all.verdict.reason.contains("`holdout`"), "{}", all.verdict.reason);
    assert_eq!(results(&config, &Aggregates::default(), Timestamp::from_ms(0), "none"), None);
    assert_eq!(list(&config, &Aggregates::default(), Timestamp::from_ms(0)).experiments.len(), 1);
}
