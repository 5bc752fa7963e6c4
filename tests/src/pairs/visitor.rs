//! Random visitors, whose attributes are about what the conditions ask.

use super::draw::{Draw, number, scalar, text, value, word};
use splitlight_engine::{Consent, Facts, History, Program, SHOWN};
use splitlight_protocol::{Map, Timestamp, Value};

/// A time between 2025 and 2027.
pub(super) fn moment(draw: &mut Draw) -> Timestamp {
    let ms = draw.below(3 * 365 * 86_400_000);
    Timestamp::from_ms(1_735_689_600_000 + i64::try_from(ms).unwrap_or(0))
}

/// A visitor and the time they are met.
pub(super) fn met(draw: &mut Draw, program: &Program) -> (Facts, Timestamp) {
    let now = moment(draw);
    let history = history(draw, program, now);
    (Facts { history, ..facts(draw, program) }, now)
}

/// What a visitor did before, in no order, some of it after `now` by a clock that was wrong.
fn history(draw: &mut Draw, program: &Program, now: Timestamp) -> Option<History> {
    if draw.percent(25) {
        return None;
    }
    let mut history = History::default();
    for _ in 0..draw.below(8) {
        let category = Value::from(word(draw));
        let price = parsed(&number(draw));
        let properties = Map::from_iter([("category".to_owned(), category), ("price".to_owned(), price)]);
        let ago = i64::try_from(match draw.below(3) {
            0 => draw.below(120 * 60_000),
            1 => draw.below(3 * 86_400_000),
            _ => draw.below(60 * 86_400_000),
        });
        let time =
            Timestamp::from_ms(now.ms() - ago.unwrap_or(0) + if draw.percent(3) { 200_000_000 } else { 0 });
        let value = i64::try_from(draw.below(100_000)).unwrap_or(0) - 50_000;
        match draw.below(6) {
            0 => {
                let url = draw.pick(&["https://shop.test/?utm_source=mail", "https://shop.test/c/", "/"]);
                let referrer = draw.pick(&["", "https://search.test/?q=1", "https://shop.test/"]);
                history.visit(program, url, referrer, time);
            }
            1 | 2 => {
                let item = Value::from(draw.pick(&["p0", "p1", "p2"]));
                let shown = Map::from_iter([("item".to_owned(), item)]);
                history.record(program, SHOWN, &shown, None, time);
            }
            _ => {
                let event = draw.pick(&["view", "purchase", "other"]);
                history.record(program, event, &properties, Some(value), time);
            }
        }
    }
    Some(history)
}

/// Who it is, without a history.
fn facts(draw: &mut Draw, program: &Program) -> Facts {
    let id = |draw: &mut Draw| format!("{}-{}", word(draw), draw.below(100_000));
    let has_id = draw.percent(85);
    Facts {
        id: has_id.then(|| id(draw)),
        user: draw.percent(40).then(|| if draw.percent(10) { String::new() } else { id(draw) }),
        attributes: attributes(draw),
        history: None,
        url: url(draw, program),
        consent: match draw.below(20) {
            0 => Consent::Denied,
            1 => Consent::Pending,
            2 => Consent::Measurement,
            3 => Consent::Personalization,
            _ => Consent::Granted,
        },
        bot: draw.percent(3),
        forced: if draw.percent(4) { vec![("e1".to_owned(), "v1".to_owned())] } else { Vec::new() },
        partial: draw.percent(10),
        utc_offset: draw.percent(80).then(|| i32::try_from(draw.below(1600)).unwrap_or(0) - 760),
        ..Facts::default()
    }
}

fn url(draw: &mut Draw, program: &Program) -> String {
    let mut url = draw
        .pick(&[
            "https://shop.test/",
            "https://shop.test",
            "https://shop.test/c/shoes?tab=1",
            "http://other.test:8080/é/x#top",
            "/c/Shoes#top",
            "",
            "https://shop.test/c/?tab=é&tab=2",
            "https://shop.test/?a=b=c",
        ])
        .to_owned();
    if let Some(item) = program.items().first().filter(|_| draw.percent(5)) {
        let wanted = draw.pick(&["1", "v1", "0", "99", "1x", ""]);
        url.extend(["?", item.key(), "=", wanted]);
    }
    url
}

fn attributes(draw: &mut Draw) -> Map {
    let mut members = Vec::new();
    let mut add = |draw: &mut Draw, name: &str, value: fn(&mut Draw) -> String| {
        if draw.percent(75) {
            // Most values are of the kind that is meant, some are not.
            members.push(format!("\"{name}\":{}", if draw.percent(90) { value(draw) } else { scalar(draw) }));
        }
    };
    add(draw, "plan", text);
    add(draw, "visits", number);
    add(draw, "n", number);
    add(draw, "geo", |draw| {
        let (latitude, longitude) = (draw.below(91), draw.below(181));
        let (country, city) = (text(draw), text(draw));
        format!(
            "{{\"country\":{country},\"city\":{city},\"latitude\":{latitude}.5,\"longitude\":-{longitude}.25}}"
        )
    });
    add(draw, "tags", |draw| format!("[{}]", draw.list(4, |draw| value(draw, 1))));
    add(draw, "email", |draw| {
        draw.pick(&["\"me@shop.test\"", "\"ana@else.where\"", "\"ME@SHOP.TEST\"", "\"a pro b\""]).to_owned()
    });
    add(draw, "version", |draw| {
        draw.pick(&["\"1.2.3\"", "\"1.10\"", "\"v2.0.0\"", "\"2.0.0-beta.9\"", "3", "\"latest\""]).to_owned()
    });
    add(draw, "company", |draw| format!("{{\"id\":{}}}", scalar(draw)));
    add(draw, "日本", scalar);
    match parsed(&format!("{{{}}}", members.join(","))) {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

/// What the JSON says.
fn parsed(json: &str) -> Value {
    serde_json::from_str(json).unwrap_or_default()
}

/// Kept variations as they are, or as if they had been kept before the experiment was started anew.
pub(super) fn aged(draw: &mut Draw, kept: &str) -> String {
    if draw.percent(50) {
        return kept.to_owned();
    }
    let parts = kept.split('!').enumerate();
    let older = |(at, part): (usize, &str)| if at % 4 == 2 { "0".to_owned() } else { part.to_owned() };
    parts.map(older).collect::<Vec<_>>().join("!")
}
