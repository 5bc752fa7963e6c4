//! `splitlight explain`: why one visitor gets what they get.

use crate::arguments::{Decide, Format};
use crate::output::{Failure, Output};
use crate::{config, input, visitor};
use splitlight_protocol::Value;

pub(crate) fn run(arguments: &Decide) -> Result<Output, Failure> {
    let read = config::read(&arguments.config)?;
    let now = input::moment(arguments.visitor.now.as_deref())?;
    let facts = visitor::facts(&arguments.visitor, &read.program, now)?;
    visitor::record(arguments, &read, &facts, now)?;
    let why = splitlight_engine::explain(read.config(), &splitlight_engine::Visitor::new(facts), now);
    let output = match arguments.format {
        Format::Json => Output::json(&why)?,
        Format::Text => Output::text(text(&why)),
    };
    Ok(output.with_issues(&read.issues))
}

fn text(why: &Value) -> String {
    let mut lines = Lines(String::new());
    for (section, name) in
        [("experiments", "experiment"), ("personalizations", "personalization"), ("features", "feature")]
    {
        for entry in items(why, section) {
            lines.entry(name, entry);
        }
    }
    lines.0
}

/// Lines of text, each with how deep it is in the explanation.
struct Lines(String);

impl Lines {
    fn push(&mut self, depth: usize, words: &[&str]) {
        self.0.extend(core::iter::repeat_n("  ", depth));
        self.0.push_str(&words.concat());
        self.0.push('\n');
    }

    fn entry(&mut self, name: &str, entry: &Value) {
        let word = |member: &str| entry.at(&[member]).and_then(Value::as_str).unwrap_or_default();
        let value = entry.at(&["value"]).map(json);
        let got = value.as_deref().unwrap_or(word("variation"));
        let before = if got.is_empty() { ":" } else { ": " };
        self.push(0, &[name, " ", word("key"), before, got, " (", word("reason"), ")"]);
        self.gates(1, items(entry, "gates"));
        for (at, rule) in items(entry, "rules").iter().enumerate() {
            let key = rule.at(&["key"]).and_then(Value::as_str);
            self.push(
                1,
                &["rule ", &at.to_string(), if key.is_some() { " " } else { "" }, key.unwrap_or("")],
            );
            self.gates(2, items(rule, "gates"));
            self.gates(2, rule.at(&["experiment"]).map_or(&[][..], |inner| items(inner, "gates")));
        }
    }

    fn gates(&mut self, depth: usize, gates: &[Value]) {
        for gate in gates {
            self.gate(depth, gate);
        }
    }

    fn gate(&mut self, depth: usize, gate: &Value) {
        let name = gate.at(&["gate"]).and_then(Value::as_str).unwrap_or_default();
        let Value::Object(members) = gate else { return };
        let told = |(name, value): &(&str, &Value)| {
            !matches!(*name, "gate" | "open" | "when") && **value != Value::Null
        };
        let looked = members.iter().filter(told).map(|(name, value)| [" ", name, "=", &json(value)].concat());
        self.push(depth, &[mark(gate.at(&["open"])), name, &looked.collect::<String>()]);
        if let Some(when) = gate.at(&["when"]).filter(|when| when.at(&["holds"]).is_some()) {
            self.condition(depth + 1, when);
        }
    }

    /// A condition and its parts, each with whether it holds and what it found.
    fn condition(&mut self, mut depth: usize, node: &Value) {
        let named = ["operator", "attribute", "audience"];
        if let Some(subject) = named.into_iter().find_map(|name| node.at(&[name]).and_then(Value::as_str)) {
            let looked = ["wanted", "value"].into_iter().filter_map(|name| {
                let value = node.at(&[name])?;
                Some([" ", name, "=", &json(value)].concat())
            });
            self.push(depth, &[mark(node.at(&["holds"])), subject, &looked.collect::<String>()]);
            depth += 1;
        }
        let inner = ["part", "when"].into_iter().filter_map(|name| node.at(&[name]));
        for part in items(node, "parts").iter().chain(inner).filter(|part| **part != Value::Null) {
            self.condition(depth, part);
        }
    }
}

/// `+` for open, `-` for closed, `?` for what is not known here.
fn mark(truth: Option<&Value>) -> &'static str {
    match truth {
        Some(Value::Bool(true)) => "+ ",
        Some(Value::Bool(false)) => "- ",
        _ => "? ",
    }
}

fn items<'v>(value: &'v Value, member: &str) -> &'v [Value] {
    match value.at(&[member]) {
        Some(Value::Array(items)) => items,
        _ => &[],
    }
}

fn json(value: &Value) -> String {
    serde_json::to_string(value).unwrap_or_default()
}
