//! Changes of the page: DOM mutations and style sheets.

use super::Part;
use serde_json::{Value as Json, json};
use splitlight_protocol::Value;

const FIX: &str = "write the change in another way";

/// The changes of a variation, in the order in which they are made.
pub(super) fn changes(variation: &Value) -> Part<Vec<Json>> {
    let text = |name: &str| variation.at(&[name]).and_then(Value::as_str).filter(|text| !text.is_empty());
    if text("js").is_some() {
        return Err(("a variation runs a script".to_owned(), "move it to the site's code, with a feature"));
    }
    let mut all: Vec<Json> = text("css").map(|css| json!({ "css": css })).into_iter().collect();
    if let Some(Value::Array(mutations)) = variation.at(&["domMutations"]) {
        for mutation in mutations {
            all.push(change(mutation)?);
        }
    }
    Ok(all)
}

fn change(mutation: &Value) -> Part<Json> {
    let text = |name: &str| mutation.at(&[name]).and_then(Value::as_str).unwrap_or_default();
    let (selector, attribute, value) = (text("selector"), text("attribute"), text("value"));
    if value.contains("{{") {
        return Err(("`{{` begins a place for an attribute here".to_owned(), FIX));
    }
    let classes = || value.split_whitespace().collect::<Vec<_>>();
    Ok(match (attribute, text("action")) {
        ("html", "set") => json!({ "selector": selector, "html": value }),
        ("html", "append") => {
            json!({ "selector": selector, "insert": { "position": "append", "html": value } })
        }
        ("class" | "className", "append") => json!({ "selector": selector, "class": { "add": classes() } }),
        ("class" | "className", "remove") => {
            json!({ "selector": selector, "class": { "remove": classes() } })
        }
        ("className", "set") => {
            json!({ "selector": selector, "attribute": { "name": "class", "value": value } })
        }
        // Before what it names there, or else at the end of the parent.
        ("position", "set") if !text("insertBeforeSelector").is_empty() => {
            json!({ "selector": selector, "move": { "position": "before", "target": text("insertBeforeSelector") } })
        }
        ("position", "set") if !text("parentSelector").is_empty() => {
            json!({ "selector": selector, "move": { "position": "append", "target": text("parentSelector") } })
        }
        ("html" | "position", action) | (_, action @ "append") => {
            return Err((format!("`{action}` of `{attribute}` is no change here"), FIX));
        }
        (name, "set") => json!({ "selector": selector, "attribute": { "name": name, "value": value } }),
        (name, "remove") => json!({ "selector": selector, "attribute": { "name": name } }),
        (_, action) => return Err((format!("there is no action `{action}`"), FIX)),
    })
}
