//! What a case tells of a visitor, in words.

use super::json::{code, quoted};
use serde_json::Value;
use splitlight_protocol::Timestamp;

/// Ids that only stand for anybody.
const ANYBODY: &str = "v";

/// Everything a case says of its visitor, a part a line; the time when `dated`.
pub(crate) fn facts(case: &Value, dated: bool) -> Vec<String> {
    let mut parts = Vec::new();
    let now = case["now"].as_i64().unwrap_or_default();
    if dated && !case["now"].is_null() {
        parts.push(quoted(&Timestamp::from_ms(now).to_rfc3339()));
    }
    if let Some(minutes) = case["utcOffset"].as_i64() {
        parts.push(format!("their clock is {minutes} min ahead of UTC"));
    }
    for (name, word) in
        [("id", "visitor"), ("user", "user"), ("sticky", "keeps"), ("url", "at"), ("consent", "consent")]
    {
        if let Some(text) = case[name].as_str().filter(|text| *text != ANYBODY) {
            parts.push(format!("{word} {}", quoted(text)));
        }
    }
    for forced in case["forced"].as_array().into_iter().flatten() {
        parts.push(format!("preview link to {}", code(forced)));
    }
    if case["bot"] == Value::Bool(true) {
        parts.push("a bot".to_owned());
    }
    for (name, word) in [("referrer", "from"), ("language", "language"), ("userAgent", "browser")] {
        if let Some(text) = case["request"][name].as_str().filter(|text| !text.is_empty()) {
            parts.push(format!("{word} {}", quoted(text)));
        }
    }
    if case["attributes"].as_object().is_some_and(|members| !members.is_empty()) {
        parts.push(code(&case["attributes"]));
    }
    if case["partial"] == Value::Bool(true) {
        parts.push("at the edge".to_owned());
    }
    match case.get("past") {
        Some(Value::Array(events)) => past(events, now, &mut parts),
        Some(_) => parts.push("history not known".to_owned()),
        None => {}
    }
    parts
}

/// Events, those that are alike together.
fn past(events: &[Value], now: i64, parts: &mut Vec<String>) {
    let mut lines: Vec<(String, usize)> = Vec::new();
    for event in events {
        let line = one(event, now);
        match lines.last_mut() {
            Some((last, times)) if *last == line => *times += 1,
            _ => lines.push((line, 1)),
        }
    }
    let told = |(line, times): (String, usize)| if times > 1 { format!("{times} × {line}") } else { line };
    parts.extend(lines.into_iter().map(told));
}

fn one(event: &Value, now: i64) -> String {
    let mut line = match event["event"].as_str() {
        Some(name) => quoted(name),
        None => format!("page {}", quoted(event["url"].as_str().unwrap_or_default())),
    };
    if let Some(from) = event["referrer"].as_str().filter(|text| !text.is_empty()) {
        line.extend([" from ", &quoted(from)]);
    }
    if event["properties"].as_object().is_some_and(|members| !members.is_empty()) {
        line.extend([" ", &code(&event["properties"])]);
    }
    if let Some(value) = event["value"].as_i64() {
        line.extend([" of ", &value.to_string()]);
    }
    let past = now - event["time"].as_i64().unwrap_or_default();
    match past {
        0 => line + " now",
        1.. => format!("{line} {} ago", span(past)),
        _ => format!("{line} in {}", span(-past)),
    }
}

/// A span in its largest parts.
fn span(ms: i64) -> String {
    let units = [("d", 86_400_000), ("h", 3_600_000), ("min", 60_000), ("s", 1000), ("ms", 1)];
    let mut rest = ms;
    let mut parts = Vec::new();
    for (name, size) in units {
        if rest / size > 0 {
            parts.push(format!("{} {name}", rest / size));
        }
        rest %= size;
    }
    parts.join(" ")
}
