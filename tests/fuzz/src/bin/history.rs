//! The bytes of histories, as a device could have kept them.

#![no_main]

use libfuzzer_sys::fuzz_target;
use splitlight_engine::{Facts, History, Program, Visitor, compile, decide};
use splitlight_fuzz::bounded;
use splitlight_protocol::config::parse;
use splitlight_protocol::{Map, Timestamp};
use std::sync::LazyLock;

/// Asks about days, minutes, sessions, points and interests, in every way.
static PROGRAM: LazyLock<Program> = LazyLock::new(|| {
    let rule = |at: usize, (measure, within): (&str, &str)| {
        format!(
            r#"{{"key":"p{at}","value":1,"when":{{"$history":{{"event":"view","within":"{within}","{measure}":{{"$gte":1}}}}}}}}"#
        )
    };
    let questions =
        [("count", "30d"), ("sum", "400d"), ("daysSince", "7d"), ("distinctDays", "24h"), ("count", "5m")];
    let rules: Vec<String> = questions.into_iter().enumerate().map(|(at, it)| rule(at, it)).collect();
    let others = r#"{"key":"s","value":1,"cooldown":"7d","cap":{"times":2,"per":"session"},"when":{"session.pages":1,
        "lastTouch.source":"mail","$score":{"score":"lead","tier":"hot"}}},
        {"key":"i","value":1,"when":{"$score":{"score":"interest","top":"a"}}}"#;
    let scores = r#"{"key":"lead","engagement":{"events":[{"event":"view","points":5,"halfLife":"1d"}]}},
        {"key":"interest","affinity":{"event":"view","property":"category"}}"#;
    let rules = rules.join(",");
    let document =
        format!(r#"{{"version":1,"project":"p","scores":[{scores}],"personalizations":[{rules},{others}]}}"#);
    compile(&parse(&document).config).program
});

/// Damaged bytes may hold numbers that are no numbers and unlike themselves, so that bytes are compared.
fn survives(history: &History) {
    let bytes = history.to_bytes();
    let again = History::from_bytes(&bytes).map(|history| history.to_bytes());
    assert!(again == Ok(bytes), "a history does not survive its bytes");
}

fuzz_target!(|input: &[u8]| {
    bounded(|| {
        let Ok(mut history) = History::from_bytes(input) else { return };
        survives(&history);
        history.export(&PROGRAM);
        for now in [i64::MIN, -1, 1_795_219_200_000, i64::MAX].map(Timestamp::from_ms) {
            let facts =
                Facts { id: Some("v".to_owned()), history: Some(history.clone()), ..Facts::default() };
            decide(&PROGRAM, &Visitor::new(facts), now);
            let category = Map::from_iter([("category".to_owned(), "a".into())]);
            history.record(&PROGRAM, "view", &category, Some(i64::MAX), now);
            history.visit(&PROGRAM, "https://shop.test/?utm_source=mail", "https://else.test/", now);
        }
        survives(&history);
    });
});
