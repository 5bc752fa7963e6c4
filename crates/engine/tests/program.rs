//! The binary form of a program: what is in it, what is not, and what an older release makes of a newer one.

use splitlight_engine::{Facts, Program, Reason, Visitor, compile, decide};
use splitlight_protocol::{Timestamp, config};

/// A config in which everything that must stay on the server has a name that is found.
const CONFIG: &str = r#"{
  "version": 1, "project": "SECRET-project", "timezone": "Europe/Madrid",
  "audiences": [
    { "key": "SECRET-audience", "name": "SECRET audience name", "when": { "plan": "pro" } },
    { "key": "SECRET-unused", "when": { "email": "SECRET-unused-value" } }],
  "holdouts": [{ "key": "hold", "name": "SECRET holdout name", "share": 0.1, "except": ["SECRET-except"] }],
  "scores": [
    { "key": "SECRET-score", "name": "SECRET score name",
      "engagement": { "events": [{ "event": "pricing", "points": 5, "halfLife": "7d" }] } },
    { "key": "SECRET-unasked", "affinity": { "event": "SECRET-event", "property": "SECRET-property" } }],
  "features": [{ "key": "checkout", "name": "SECRET feature name", "default": 1, "rules": [
    { "key": "SECRET-rule", "when": { "$audience": "SECRET-audience" }, "value": 2 },
    { "run": { "key": "SECRET-draft-run", "status": "draft", "variations": [{ "key": "a" }, { "key": "b" }] } }] }],
  "experiments": [
    { "key": "hero", "name": "SECRET name", "hypothesis": "SECRET hypothesis",
      "variations": [{ "key": "control", "name": "SECRET control" }, { "key": "bold", "name": "SECRET bold" }],
      "metrics": { "primary": "SECRET-primary", "secondary": ["SECRET-second"], "guardrails": ["SECRET-guard"] },
      "analysis": { "confidence": 0.95, "sampleSize": 777777 } },
    { "key": "SECRET-draft", "status": "draft", "variations": [{ "key": "a" }, { "key": "b", "value": "SECRET-value" }] },
    { "key": "SECRET-stopped", "status": "stopped", "variations": [{ "key": "a" }, { "key": "b" }] }],
  "personalizations": [
    { "key": "offer", "name": "SECRET offer", "slot": "SECRET-slot",
      "when": { "$score": { "score": "SECRET-score", "tier": "hot" } }, "changes": [{ "selector": "h1", "text": "Hi" }] },
    { "key": "SECRET-next", "status": "draft",
      "when": { "$history": { "event": "SECRET-event-2", "within": "1d", "count": 1 } },
      "changes": [{ "selector": "h1", "text": "SECRET" }] }],
  "metrics": [
    { "key": "SECRET-primary", "kind": "proportion", "event": "SECRET-purchase" },
    { "key": "SECRET-second", "kind": "mean", "event": "x" }, { "key": "SECRET-guard", "kind": "mean", "event": "y" }]
}"#;

fn compiled(text: &str) -> Program {
    let parsed = config::parse(text);
    assert_eq!(parsed.issues, [], "the config is sound");
    let compiled = compile(&parsed.config);
    assert_eq!(compiled.issues, [], "and is understood");
    compiled.program
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

#[test]
fn nothing_leaves_the_server_that_a_decision_does_not_need() {
    let bytes = compiled(CONFIG).to_bytes();
    let found: Vec<&str> = CONFIG.split('"').filter(|text| text.contains("SECRET")).collect();
    assert!(found.len() > 30, "the config has secrets");
    let leaked: Vec<&&str> = found.iter().filter(|text| holds(&bytes, text)).collect();
    assert_eq!(leaked, [&""; 0]);
    for needed in ["hero", "bold", "checkout", "offer", "pricing", "plan"] {
        assert!(holds(&bytes, needed), "{needed} is needed");
    }
    assert!(!holds(&bytes, "sampleSize") && !holds(&bytes, "777777"));
}

/// Replaces the first place of a byte string by another of the same length.
fn replaced(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let at = bytes.windows(from.len()).position(|window| window == from).expect("it is there");
    [&bytes[..at], to, &bytes[at + from.len()..]].concat()
}

/// Two experiments, the second of which has a condition whose kind is the byte before `plan`'s length.
const TWO: &str = r#"{ "version": 1, "project": "p", "experiments": [
  { "key": "one", "variations": [{ "key": "a" }, { "key": "b" }] },
  { "key": "two", "when": { "plan": "pro" }, "variations": [{ "key": "a" }, { "key": "b" }] },
  { "key": "three", "variations": [{ "key": "a" }, { "key": "b" }] }] }"#;

#[test]
fn an_older_release_leaves_out_what_it_does_not_know_and_runs_the_rest() {
    let program = compiled(TWO);
    let bytes = program.to_bytes();
    // An attribute's condition is 3, the count of its path, the length of the name, and the name; 200 is of the future.
    let newer = replaced(&bytes, b"\x03\x01\x04plan", b"\xc8\x01\x04plan");
    let read = Program::from_bytes(&newer).expect("the others are known");
    let visitor = Visitor::new(Facts { id: Some("v".into()), url: "/".into(), ..Facts::default() });
    let reasons: Vec<(String, Reason)> = decide(&read, &visitor, Timestamp::from_ms(0))
        .iter(&read)
        .map(|(item, decision)| (item.key().to_owned(), decision.reason))
        .collect();
    let expected = [("one", Reason::Assigned), ("two", Reason::Unsupported), ("three", Reason::Assigned)];
    assert_eq!(reasons, expected.map(|(key, reason)| (key.to_owned(), reason)));
    assert_eq!(
        read.item("two").map(|item| item.variations().len()),
        Some(1),
        "only the original page is left"
    );
}

#[test]
fn sections_of_the_future_are_passed_over() {
    let program = compiled(TWO);
    let mut bytes = program.to_bytes();
    bytes.extend(b"\x01\x03new");
    assert_eq!(Program::from_bytes(&bytes), Ok(program));
}

#[test]
fn cut_bytes_are_refused_and_damaged_ones_do_not_panic() {
    let bytes = compiled(CONFIG).to_bytes();
    for cut in 0..bytes.len() {
        assert!(Program::from_bytes(&bytes[..cut]).is_err(), "cut at {cut}");
    }
    let visitor = Visitor::new(Facts { id: Some("v".into()), url: "/".into(), ..Facts::default() });
    for at in 4..bytes.len() {
        for other in [0, 1, 0x7f, 0xff] {
            let mut damaged = bytes.clone();
            damaged[at] = other;
            if let Ok(program) = Program::from_bytes(&damaged) {
                let _ = decide(&program, &visitor, Timestamp::from_ms(0));
            }
        }
    }
}
