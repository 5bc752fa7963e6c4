//! What the decide-only build tells, and what it defers.

use super::*;
use crate::{bytes, compile};
use splitlight_protocol::{Map, Value, config};

/// Variation and reason of every item for a visitor with a plan and a list.
fn decided(config: &str) -> Vec<(String, Reason)> {
    let parsed = config::parse(&format!(r#"{{ "version": 1, "project": "shop", {config} }}"#));
    assert_eq!(parsed.issues, []);
    let program = compile(&parsed.config).program.to_bytes();
    let list = Value::Array(vec!["x".into()]);
    let site = Map::from_iter([("plan".to_owned(), "pro".into()), ("tags".to_owned(), list)]);
    let texts =
        ["v-1", "", "https://shop.test/c/shoes", "", "Mozilla/5.0 Firefox/140", "es"].map(Value::from);
    let mut facts = Vec::new();
    bytes::value(&Value::Array([&texts[..], &[Value::Object(site)]].concat()), &mut facts);
    let mut given = Vec::new();
    decide(&program, &facts, Consent::Granted, Timestamp::from_ms(0), &mut |answer| {
        given.push((answer.variation.to_owned(), answer.reason));
    });
    given
}

fn reason(item: &str) -> Reason {
    let variations = r#""variations": [{ "key": "a", "weight": 0 }, { "key": "b", "weight": 1 }]"#;
    decided(&format!(r#""experiments": [{{ "key": "e", {item}{variations} }}]"#))[0].1
}

#[test]
fn what_is_asked_of_the_page_and_the_site_is_told() {
    for (item, expected) in [
        ("", Reason::Assigned),
        (
            r#""when": { "plan": "pro", "browser": "firefox", "device": { "$ne": "mobile" } }, "#,
            Reason::Assigned,
        ),
        (
            r#""when": { "$or": [{ "plan": { "$in": ["free"] } }, { "missing": { "$exists": true } }] }, "#,
            Reason::Audience,
        ),
        (r#""pages": [{ "include": "/c/*" }], "#, Reason::Assigned),
        (r#""pages": [{ "include": "/cart" }], "#, Reason::Page),
        (r#""end": "1969-01-01T00:00:00Z", "#, Reason::NotRunning),
        (r#""unit": "user", "#, Reason::NoUnit),
        (r#""unit": "plan", "#, Reason::Assigned),
    ] {
        assert_eq!(reason(item), expected, "{item}");
    }
}

#[test]
fn what_takes_more_is_deferred() {
    for item in [
        r#""when": { "$history": { "event": "view", "within": "30d", "count": 1 } }, "#,
        r#""when": { "tags": { "$in": ["x"] } }, "#,
        r#""when": { "plan": { "$regex": "^p" } }, "#,
        r#""when": { "utm.source": "mail" }, "#,
        r#""layer": { "key": "home", "range": [0, 0.5] }, "#,
        r#""sticky": true, "#,
    ] {
        assert_eq!(reason(item), Reason::Deferred, "{item}");
    }
    // What closes an item whatever else may be told is told.
    let closed =
        r#""when": { "plan": "free", "$history": { "event": "view", "within": "30d", "count": 1 } }, "#;
    assert_eq!(reason(closed), Reason::Audience);
}

#[test]
fn the_first_of_a_slot_fills_it_and_one_that_is_deferred_defers_the_rest() {
    let item = |key: &str, priority: u32, when: &str| {
        format!(r#"{{ "key": "{key}", "slot": "s", "priority": {priority}, "when": {when}, "value": 1 }}"#)
    };
    let (pro, free, seen) = (
        r#"{ "plan": "pro" }"#,
        r#"{ "plan": "free" }"#,
        r#"{ "$history": { "event": "view", "within": "30d", "count": 1 } }"#,
    );
    let reasons = |rules: [&str; 3]| {
        let items: Vec<String> =
            ["a", "b", "c"].iter().zip(1..).zip(rules).map(|((key, at), when)| item(key, at, when)).collect();
        decided(&format!(r#""personalizations": [{}]"#, items.join(",")))
            .into_iter()
            .map(|it| it.1)
            .collect::<Vec<_>>()
    };
    assert_eq!(reasons([free, pro, pro]), [Reason::Audience, Reason::Assigned, Reason::Slot]);
    assert_eq!(reasons([seen, pro, free]), [Reason::Deferred, Reason::Deferred, Reason::Audience]);
    assert_eq!(reasons([pro, seen, pro]), [Reason::Assigned, Reason::Deferred, Reason::Slot]);
    let mut slots = Slots { taken: [0; 4], deferred: [0; 4] };
    assert_eq!(slots.fill(256, Reason::Assigned), Reason::Deferred);
}

#[test]
fn what_is_no_program_says_nothing() {
    for bytes in [&b""[..], b"SPL\x05", &[FORMAT, [255; 4]].concat()] {
        decide(bytes, bytes, Consent::Granted, Timestamp::from_ms(0), &mut |answer| panic!("{answer:?}"));
    }
}
