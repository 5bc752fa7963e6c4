//! What differs between two configs, by the keys of their items rather than by their places.

use serde_json::{Value, json};

/// One entry for each difference: `op`, `path`, and what stood there and stands there, where something does.
///
/// An item of a list is named by its `key`, so moving an item is no difference.
pub(crate) fn diff(before: &Value, after: &Value) -> Vec<Value> {
    let mut found = Vec::new();
    compare("", before, after, &mut found);
    found
}

fn compare(path: &str, before: &Value, after: &Value, found: &mut Vec<Value>) {
    if before == after {
        return;
    }
    match (members(before), members(after)) {
        (Some(old), Some(new)) => {
            for (name, value) in &old {
                let here = format!("{path}/{}", escaped(name));
                match new.iter().find(|(other, _)| other == name) {
                    Some((_, other)) => compare(&here, value, other, found),
                    None => found.push(json!({ "op": "remove", "path": here, "from": value })),
                }
            }
            for (name, value) in new.iter().filter(|(name, _)| old.iter().all(|(other, _)| other != name)) {
                let here = format!("{path}/{}", escaped(name));
                found.push(json!({ "op": "add", "path": here, "to": value }));
            }
        }
        _ => found.push(json!({ "op": "replace", "path": path, "from": before, "to": after })),
    }
}

/// The members of an object, or of a list in which every item has a key of its own.
fn members(value: &Value) -> Option<Vec<(String, &Value)>> {
    match value {
        Value::Object(map) => Some(map.iter().map(|(name, value)| (name.clone(), value)).collect()),
        Value::Array(items) => {
            let key = |item: &Value| item.get("key").and_then(Value::as_str).map(str::to_owned);
            let keyed: Option<Vec<_>> = items.iter().map(|item| Some((key(item)?, item))).collect();
            keyed.filter(|items| !items.is_empty())
        }
        _ => None,
    }
}

/// A name within a JSON pointer.
fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_are_compared_by_their_keys() {
        let before =
            json!({ "experiments": [{ "key": "a", "status": "draft" }, { "key": "b" }], "n": [1, 2] });
        let after = json!({ "experiments": [{ "key": "c" }, { "key": "a", "status": "running" }], "n": [1] });
        assert_eq!(
            diff(&before, &after),
            [
                json!({ "op": "replace", "path": "/experiments/a/status", "from": "draft", "to": "running" }),
                json!({ "op": "remove", "path": "/experiments/b", "from": { "key": "b" } }),
                json!({ "op": "add", "path": "/experiments/c", "to": { "key": "c" } }),
                json!({ "op": "replace", "path": "/n", "from": [1, 2], "to": [1] }),
            ]
        );
        assert_eq!(diff(&before, &before), Vec::<Value>::new());
    }
}
