//! Laws of deciding: it never panics, the bytes decide as the program does, and the hash is fair.

use proptest::prelude::*;
use splitlight_engine::{Facts, HashVersion, History, Program, Reason, Visitor, bucket, compile, decide};
use splitlight_protocol::{Map, Timestamp, Value, config};

const CONFIG: &str = r#"{ "version": 1, "project": "p",
  "audiences": [{ "key": "near", "when": { "geo.city": { "$in": ["Madrid", "Toledo"] } } }],
  "experiments": [
    { "key": "a", "coverage": 0.9, "when": { "$or": [{ "$audience": "near" }, { "n": { "$gte": 2, "$lt": 9 } }] },
      "variations": [{ "key": "x", "weight": 0.2 }, { "key": "y", "weight": 0.3 }, { "key": "z", "weight": 0.5 }] },
    { "key": "b", "layer": { "key": "l", "range": [0, 0.5] }, "variations": [{ "key": "x" }, { "key": "y" }] },
    { "key": "c", "layer": { "key": "l", "range": [0.5, 1] }, "variations": [{ "key": "x" }, { "key": "y" }] }],
  "personalizations": [
    { "key": "p", "slot": "s", "priority": 1, "when": { "$history": { "event": "view", "within": "9d", "sum": { "$gt": 5 } } },
      "changes": [{ "selector": "h1", "text": "Hi {{ name | you }}" }] },
    { "key": "q", "slot": "s", "priority": 2, "holdout": 0.5, "changes": [{ "selector": "h1", "html": "<b>x</b>" }] }] }"#;

fn program() -> Program {
    let parsed = config::parse(CONFIG);
    assert_eq!(parsed.issues, []);
    let compiled = compile(&parsed.config);
    assert_eq!(compiled.issues, []);
    compiled.program
}

fn facts() -> impl Strategy<Value = Facts> {
    let city = prop::sample::select(vec!["Madrid", "Toledo", "Paris"]);
    let views = prop::option::of(prop::collection::vec((0_i64..20, -3_i64..9), 0..6));
    (prop::option::of("[a-z0-9]{0,8}"), city, -2.0..12.0_f64, views, "/[a-z?=&0-9]{0,12}", any::<bool>())
        .prop_map(|(id, city, n, views, url, bot)| {
            let geo = Map::from_iter([("city".to_owned(), Value::from(city))]);
            let attributes = [("geo".to_owned(), Value::Object(geo)), ("n".to_owned(), Value::Number(n))];
            let history = views.map(|views| {
                let mut history = History::default();
                for (day, value) in views {
                    let time = Timestamp::from_ms(day * 86_400_000);
                    history.record(&program(), "view", &Map::new(), Some(value), time);
                }
                history
            });
            Facts { id, attributes: Map::from_iter(attributes), history, url, bot, ..Facts::default() }
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn the_bytes_decide_as_the_program_does(facts in facts(), day in 0_i64..30) {
        let program = program();
        let read = Program::from_bytes(&program.to_bytes()).expect("its own bytes");
        let visitor = Visitor::new(facts);
        let now = Timestamp::from_ms(day * 86_400_000);
        prop_assert_eq!(decide(&program, &visitor, now), decide(&read, &visitor, now));
    }

    #[test]
    fn a_layer_gives_a_visitor_to_one_experiment_and_a_slot_to_one_rule(facts in facts()) {
        let program = program();
        let forced = facts.url.contains('=');
        let decisions = decide(&program, &Visitor::new(facts), Timestamp::from_ms(0));
        let assigned: Vec<&str> = decisions
            .iter(&program)
            .filter(|(_, decision)| decision.reason == Reason::Assigned)
            .map(|(item, _)| item.key())
            .collect();
        prop_assert!(forced || !(assigned.contains(&"b") && assigned.contains(&"c")));
        prop_assert!(!(assigned.contains(&"p") && assigned.contains(&"q")));
    }

    #[test]
    fn an_assignment_is_what_an_exposure_is_checked_against(facts in facts()) {
        let program = program();
        let id = facts.id.clone();
        let decisions = decide(&program, &Visitor::new(facts), Timestamp::from_ms(0));
        for (item, decision) in decisions.iter(&program).filter(|(_, d)| d.reason == Reason::Assigned) {
            if let Some(id) = &id {
                prop_assert_eq!(item.assignment(id), Some(decision.variation));
            }
        }
    }

    #[test]
    fn damaged_bytes_are_refused_or_run_without_panic(flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6), facts in facts()) {
        let mut bytes = program().to_bytes();
        for (at, byte) in flips {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Ok(program) = Program::from_bytes(&bytes) {
            let decisions = decide(&program, &Visitor::new(facts), Timestamp::from_ms(0));
            for (item, decision) in decisions.iter(&program) {
                prop_assert!(decision.variation < item.variations().len().max(1));
            }
        }
    }

    #[test]
    fn damaged_histories_are_refused_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
        let _ = History::from_bytes(&bytes);
    }

    #[test]
    fn no_condition_makes_the_compiler_panic(text in r#"(\{"\$?[a-z]{1,8}":(1|"30d"|\[\]|\{\}|\{"\$[a-z]{2,4}":[0-9]\})\})"#) {
        let document = format!(r#"{{"version":1,"project":"p","experiments":[{{"key":"e","when":{text},"variations":[{{"key":"a"}},{{"key":"b"}}]}}]}}"#);
        compile(&config::parse(&document).config);
    }
}

/// Chi-square of 100,000 ids over ten equal bins; 27.88 is the 0.1 % point with nine degrees of freedom.
#[test]
fn the_hash_is_fair() {
    let mut bins = [0_u32; 10];
    for id in 0..100_000 {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a place is in [0, 1)")]
        let bin = (bucket("fair", &id.to_string(), HashVersion::V2) * 10.0) as usize;
        bins[bin] += 1;
    }
    let chi_square: f64 = bins.iter().map(|count| (f64::from(*count) - 10_000.0).powi(2) / 10_000.0).sum();
    assert!(chi_square < 27.88, "{chi_square}: {bins:?}");
}
