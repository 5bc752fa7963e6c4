//! JSON as the guide shows it: on one line, with what matters first.

use serde_json::{Map, Value};

/// Members that are easier to understand before the others.
const FIRST: [&str; 16] = [
    "key",
    "event",
    "item",
    "score",
    "latitude",
    "longitude",
    "km",
    "selector",
    "feature",
    "days",
    "from",
    "to",
    "where",
    "within",
    "when",
    "of",
];

/// Texts longer than this are cut.
const TEXT_MAX: usize = 60;

/// How much of a text that is cut is shown.
const TEXT_SHOWN: usize = 16;

/// A value in code.
pub(crate) fn code(value: &Value) -> String {
    quoted(&line(value))
}

/// A text in code, within a cell.
pub(crate) fn quoted(text: &str) -> String {
    // A bar would end the cell, also within code.
    let text = text.replace('|', "\\|");
    if text.contains('`') { format!("`` {text} ``") } else { format!("`{text}`") }
}

/// A text that is no code, within a cell.
pub(crate) fn plain(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '|' | '*' | '_' | '[' | ']' | '`' | '\\' => out.extend(['\\', c]),
            _ => out.push(c),
        }
    }
    out
}

fn line(value: &Value) -> String {
    match value {
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(line).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Object(members) if members.is_empty() => "{}".to_owned(),
        Value::Object(members) => {
            let members: Vec<String> = ordered(members)
                .into_iter()
                .map(|(name, value)| format!("{}: {}", text(name), line(value)))
                .collect();
            format!("{{ {} }}", members.join(", "))
        }
        Value::String(written) if written.chars().count() > TEXT_MAX => {
            let (all, start) = (written.encode_utf16().count(), written.chars().take(TEXT_SHOWN));
            let end: String = written.chars().skip(written.chars().count() - 2).collect();
            let shown = text(&format!("{}…{end}", start.collect::<String>()));
            format!("{shown} /* {all} characters */")
        }
        Value::String(written) => text(written),
        other => other.to_string(),
    }
}

fn ordered(members: &Map<String, Value>) -> Vec<(&String, &Value)> {
    let place = |name: &str| FIRST.iter().position(|first| *first == name).unwrap_or(FIRST.len());
    let mut members: Vec<(&String, &Value)> = members.iter().collect();
    members.sort_by_key(|(name, _)| (place(name), *name));
    members
}

/// A JSON text in which what no page shows is an escape.
fn text(written: &str) -> String {
    let mut out = String::new();
    for c in Value::from(written).to_string().chars() {
        let hidden = matches!(c, '\u{7f}'..='\u{a0}'
                | '\u{17f}' | '\u{212a}' | '\u{300}'..='\u{36f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{e000}'..='\u{f8ff}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{fff0}'..='\u{ffff}');
        if hidden {
            out.extend(["\\u", &format!("{:04x}", u32::from(c))]);
        } else {
            out.push(c);
        }
    }
    out
}
