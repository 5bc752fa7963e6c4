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

/// Three experiments, the second of which has a condition, with a change of its own for who meets it.
const THREE: &str = r#"{ "version": 1, "project": "p", "experiments": [
  { "key": "one", "variations": [{ "key": "a" }, { "key": "b" }] },
  { "key": "two", "when": { "plan": "pro" }, "variations": [{ "key": "a" }, { "key": "b" }] },
  { "key": "three", "variations": [{ "key": "a" }, { "key": "b" }] }] }"#;

fn reasons(program: &Program) -> Vec<(String, Reason)> {
    let visitor = Visitor::new(Facts { id: Some("v".into()), url: "/".into(), ..Facts::default() });
    let decisions = decide(program, &visitor, Timestamp::from_ms(0));
    decisions.iter(program).map(|(item, decision)| (item.key().to_owned(), decision.reason)).collect()
}

/// What an older release decides about [`THREE`] when the second is not understood.
fn only_the_second_is_closed() -> Vec<(String, Reason)> {
    let expected = [("one", Reason::Assigned), ("two", Reason::Unsupported), ("three", Reason::Assigned)];
    expected.map(|(key, reason)| (key.to_owned(), reason)).to_vec()
}

#[test]
fn a_condition_of_the_future_closes_what_depends_on_it() {
    let bytes = compiled(THREE).to_bytes();
    // An attribute's condition is 4, the count of its path, the length of the name, and the name; 200 is of the future.
    let newer = replaced(&bytes, b"\x04\x01\x04plan", b"\xc8\x01\x04plan");
    let read = Program::from_bytes(&newer).expect("the others are known");
    assert_eq!(reasons(&read), only_the_second_is_closed());
    assert_eq!(read.item("two").map(|item| item.variations().len()), Some(2), "the rest of it is known");
}

#[test]
fn an_entry_of_the_future_is_closed_and_the_others_run() {
    let bytes = compiled(THREE).to_bytes();
    // An entry begins with its level and the length of its key.
    let newer = replaced(&bytes, b"\x00\x03two", b"\x7f\x03two");
    let read = Program::from_bytes(&newer).expect("the others are known");
    assert_eq!(reasons(&read), only_the_second_is_closed());
    assert_eq!(
        read.item("two").map(|item| item.variations().len()),
        Some(1),
        "only the original page is left"
    );
}

#[test]
fn what_is_damaged_within_an_entry_is_not_taken_for_the_future() {
    let bytes = compiled(THREE).to_bytes();
    // The key `b` of the last variation is no text any more.
    let damaged = replaced(&bytes, b"\x01b\x01\x00", b"\x01\xff\x01\x00");
    assert!(Program::from_bytes(&damaged).is_err());
}

#[test]
fn sections_of_the_future_are_passed_over() {
    let program = compiled(THREE);
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
