//! `splitlight simulate`: what a population gets.

use super::splitlight;
use serde_json::{Value, json};

const NOW: [&str; 4] = ["--now", "2026-11-21T09:00:00Z", "--seed", "7"];

fn simulate(first: &[&str], more: &[&str], input: &str) -> (i32, String, String) {
    splitlight(&[&["simulate"], first, &NOW, more].concat(), input)
}

#[test]
fn a_recorded_population_gets_what_its_lines_say() {
    let (code, out, err) =
        simulate(&["crowd.json"], &["--population", "population.ndjson", "--runs", "50"], "");
    let expected = "60 visitors, 120 page views, seed 7

experiment hero: 50 of 60 visitors take part; of the others: coverage 10
  control  39  78.0 %  expected 75.0 %
  bold     11  22.0 %  expected 25.0 %
  sample ratio: p = 0.6242
  A/A, at the end    4.0 ± 2.8 %  of 50 runs of 985 visitors find a difference, 5.0 % may
  A/A, always valid  2.0 ± 2.0 %  at any of 10 looks

slot banner: filled in 80 views, contested in 20
  madrid  won 40  held out 4  lost 0
  pro     won 40  held out 0  lost 20 (20 to madrid)

slot fans: filled in 1 views, contested in 0
  fans  won 1  held out 0  lost 0
";
    assert_eq!((code, out.as_str(), err.as_str()), (0, expected, ""));
}

#[test]
fn a_seed_makes_the_same_population_again() {
    let run = |seed: &str| {
        let arguments = ["simulate", "crowd.json", "--visitors", "500", "--runs", "3", "--seed", seed];
        splitlight(&arguments, "")
    };
    let (code, first, _) = run("1");
    assert_eq!(code, 0);
    assert_eq!(run("1").1, first);
    assert_ne!(run("2").1, first);
    let chosen = |out: &str| out.lines().next().map(str::to_owned);
    let unseeded = || splitlight(&["simulate", "crowd.json", "--visitors", "1", "--runs", "0"], "").1;
    assert_ne!(chosen(&unseeded()), chosen(&unseeded()), "nobody chose the seed");
}

#[test]
fn made_up_visitors_meet_every_condition_and_its_opposite() {
    let config = json!({ "version": 1, "project": "p",
        "audiences": [
            { "key": "near", "when": { "$near": { "latitude": 40, "longitude": -3, "km": 5 } } },
            { "key": "list", "attribute": "account", "values": ["a", "b"] }],
        "scores": [
            { "key": "lead", "engagement": { "events": [{ "event": "price", "points": 60, "halfLife": "7d" }],
                "fit": [{ "when": { "size": 9 }, "points": 30 }] } },
            { "key": "taste", "affinity": { "event": "view", "property": "category" } },
            { "key": "buyer", "model": { "type": "logistic", "features": ["trial"], "weights": [2], "bias": -1 } }],
        "personalizations": [
            { "key": "number", "value": 1, "when": { "n": { "$gt": 3 } } },
            { "key": "negation", "value": 1, "when": { "$not": { "plan": { "$in": ["pro"] } } } },
            { "key": "group", "value": 1, "when": { "account": { "$inGroup": "list" } } },
            { "key": "near", "value": 1, "when": { "$audience": "near" } },
            { "key": "version", "value": 1, "when": { "app": { "$vgte": "2.0" } } },
            { "key": "lead", "value": 1, "when": { "$score": { "score": "lead", "tier": "hot" } } },
            { "key": "taste", "value": 1, "when": { "$score": { "score": "taste", "top": "shoes" } } },
            { "key": "buyer", "value": 1, "when": { "$score": { "score": "buyer", "value": { "$gt": 0.5 } } } },
            { "key": "morning", "value": 1, "when": { "$time": { "from": "06:00", "to": "12:00", "zone": "visitor" } } },
            { "key": "now", "value": 1, "when": { "$history": {
                "event": "look", "within": "session", "count": { "$gte": 1 } } } },
            { "key": "once", "value": 1, "cap": { "times": 1, "per": "session" } },
            { "key": "page", "value": 1, "pages": [{ "include": "/c/*" }] },
            { "key": "bought", "value": 1, "when": { "$history": {
                "event": "buy", "where": { "kind": "book" }, "within": "7d", "count": { "$gte": 2 } } } }],
        "metrics": [] });
    let arguments = ["--visitors", "300", "--runs", "0", "--format", "json"];
    let (code, out, err) = simulate(&["-"], &arguments, &config.to_string());
    assert_eq!((code, err.as_str()), (0, ""));
    let report: Value = serde_json::from_str(&out).expect("JSON");
    let views = report["views"].as_u64().expect("a number");
    for slot in report["slots"].as_array().expect("slots") {
        let filled = slot["filled"].as_u64().expect("a number");
        assert!(0 < filled && filled < views, "{slot}");
    }
    assert_eq!(report["slots"].as_array().map(Vec::len), Some(13));
}

#[test]
fn a_split_that_is_not_the_configs_is_called_one() {
    let config = r#"{ "version": 1, "project": "p", "experiments": [
        { "key": "e", "variations": [{ "key": "a" }, { "key": "b" }], "metrics": {} }] }"#;
    let path = std::env::temp_dir().join(format!("splitlight-crowd-{}.ndjson", std::process::id()));
    std::fs::write(&path, "{ \"id\": \"everybody\" }\n".repeat(50)).expect("written");
    let path = path.to_str().expect("UTF-8");
    let (_, out, _) = simulate(&["-"], &["--population", path, "--runs", "0"], config);
    std::fs::remove_file(path).expect("it was written");
    assert!(out.contains("sample ratio: p = 0.0000: not what the config says\n"), "{out}");
}

#[test]
fn false_positives_are_as_many_as_the_confidence_allows() {
    let config = r#"{ "version": 1, "project": "p", "experiments": [
        { "key": "e", "variations": [{ "key": "a" }, { "key": "b" }], "metrics": {},
          "layer": { "key": "l", "range": [0.2, 0.7] }, "analysis": { "confidence": 0.8 } }] }"#;
    let (_, out, _) = simulate(&["-"], &["--visitors", "1", "--runs", "300", "--format", "json"], config);
    let report: Value = serde_json::from_str(&out).expect("JSON");
    let found = &report["experiments"][0]["falsePositives"];
    let number = |pointer: &str| found.pointer(pointer).and_then(Value::as_f64).expect("a number");
    let error = number("/fixed/standardError");
    assert!((number("/fixed/rate") - 0.2).abs() < 3.0 * error && error < 0.03, "{found}");
    assert!(number("/alwaysValid/rate") < 0.2, "{found}");
}

#[test]
fn a_line_that_is_no_visitor_is_named() {
    let (code, _, err) = simulate(&["crowd.json"], &["--population", "views.ndjson"], "");
    assert_eq!(code, 2);
    assert!(err.starts_with("splitlight: views.ndjson, line 1: unknown field `event`"), "{err}");
}
