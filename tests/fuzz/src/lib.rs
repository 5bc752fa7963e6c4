//! What every fuzz target shares: a bound on the time an input may take, and how an input is cut in two.

pub mod numbers;

use splitlight_engine::{Facts, History, Index, Program, Visitor, decide};
use splitlight_protocol::{Map, Timestamp, Value};
use std::time::{Duration, Instant};

/// The longest that any input may take. A page would wait for it.
const INPUT_MAX: Duration = Duration::from_millis(50);

/// The longest that a statistic may take for the worst of its arguments. A person waits for it, no page.
const STATISTIC_MAX: Duration = Duration::from_secs(1);

/// Runs a target and panics when an input takes longer than it may.
pub fn bounded(run: impl Fn()) {
    within(INPUT_MAX, run);
}

/// The same for a statistic.
pub fn bounded_statistic(run: impl Fn()) {
    within(STATISTIC_MAX, run);
}

/// The machine may be busy, so a slow input is tried again and the fastest time counts.
fn within(longest: Duration, run: impl Fn()) {
    let mut fastest = Duration::MAX;
    for _ in 0..5 {
        let start = Instant::now();
        run();
        fastest = fastest.min(start.elapsed());
        if fastest <= longest {
            return;
        }
    }
    panic!("this input takes {fastest:?}, and none may take more than {longest:?}");
}

/// The input as text; what is not UTF-8 is replaced, so that no input is lost.
pub fn text(input: &[u8]) -> String {
    String::from_utf8_lossy(input).into_owned()
}

/// The input in two parts, cut at the first byte that is 0.
pub fn two(input: &[u8]) -> (String, String) {
    let mut parts = input.splitn(2, |byte| *byte == 0);
    let mut next = || text(parts.next().unwrap_or_default());
    (next(), next())
}

/// The members of a JSON object; none when the text is not one.
pub fn members(json: &str) -> Map {
    match serde_json::from_str(json) {
        Ok(Value::Object(map)) => map,
        _ => Map::new(),
    }
}

/// Decides for two visitors, one of whom nothing is known of, and renders what is in force.
pub fn everything(program: &Program) {
    let attributes = members(
        r#"{ "plan": "pro", "visits": 3, "geo": { "country": "ES", "latitude": 40, "longitude": -3 },
        "tags": ["a", 1, null], "version": "1.2.3", "email": "me@shop.test" }"#,
    );
    let now = Timestamp::from_ms(1_795_219_200_000);
    let known = Facts {
        id: Some("visitor-7".to_owned()),
        user: Some("user-é".to_owned()),
        attributes,
        history: Some(History::default()),
        url: "https://shop.test/c/shoes?tab=1&e=1#top".to_owned(),
        ..Facts::default()
    };
    for facts in [known, Facts::default()] {
        let visitor = Visitor::new(facts);
        let decisions = decide(program, &visitor, now);
        assert_eq!(
            Index::new(program).decide(program, &visitor, now),
            decisions,
            "the index decides otherwise"
        );
        for (item, decision) in decisions.iter(program) {
            assert!(decision.variation < item.variations().len(), "a variation that is not there");
        }
        assert!(decisions.features(program).all(|(_, value, _)| value.depth() < usize::MAX));
        let kept = decisions.kept(program, &visitor).map(|kept| kept.to_text());
        assert!(kept.is_none_or(|kept| !kept.is_empty()), "something empty is kept");
    }
}
