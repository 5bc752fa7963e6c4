//! Conditions and saved groups: what asks for a group becomes an audience, or the group's values.

use super::{Part, Refusal, clean_key};
use serde_json::{Map as JsonMap, Value as Json, json};
use splitlight_protocol::{Map, Value};

/// Conditions in the terms of a config, and the audiences they need.
pub(super) struct Conditions<'a> {
    groups: &'a Map,
    /// By the id of the group, each after those it uses.
    audiences: Vec<(String, Json)>,
    /// Groups that are being translated, to find cycles.
    open: Vec<String>,
}

const REWRITE: &str = "write the condition without it";

/// A condition that nobody meets.
pub(super) fn never() -> Json {
    json!({ "$not": {} })
}

impl<'a> Conditions<'a> {
    pub(super) fn new(groups: &'a Map) -> Self {
        Self { groups, audiences: Vec::new(), open: Vec::new() }
    }

    /// The audiences by the id of their group, each after those it uses.
    pub(super) fn audiences(&self) -> impl Iterator<Item = (&str, Json)> {
        self.audiences.iter().map(|(id, when)| (id.as_str(), json!({ "key": clean_key(id), "when": when })))
    }

    pub(super) fn translate(&mut self, condition: &Value) -> Part<Json> {
        let Value::Object(members) = condition else {
            return Err(("a condition is no object".to_owned(), REWRITE));
        };
        let (mut own, mut groups) = (JsonMap::new(), Vec::new());
        for (name, value) in members.iter() {
            let value = match (name, value) {
                ("$savedGroup", reference) => {
                    groups.push(self.saved_group(reference)?);
                    continue;
                }
                ("$and" | "$or" | "$nor", Value::Array(all)) => {
                    all.iter().map(|one| self.translate(one)).collect::<Part<Vec<_>>>().map(Json::Array)?
                }
                ("$not", inner) => self.translate(inner)?,
                (_, value) => self.test(value)?,
            };
            own.insert(name.to_owned(), value);
        }
        if groups.is_empty() {
            return Ok(Json::Object(own));
        }
        if !own.is_empty() {
            groups.insert(0, Json::Object(own));
        }
        Ok(if groups.len() == 1 { groups.remove(0) } else { json!({ "$and": groups }) })
    }

    fn saved_group(&mut self, reference: &Value) -> Part<Json> {
        let Some(id) = reference.at(&["id"]).and_then(Value::as_str) else { return Ok(never()) };
        let Some(group) = self.groups.get(id) else { return Ok(never()) };
        let attribute = reference.at(&["attributeKey"]).or(group.at(&["attributeKey"]));
        match (group.at(&["type"]).and_then(Value::as_str), group) {
            (Some("list"), _) => {
                let (Some(Value::String(attribute)), Some(values @ Value::Array(_))) =
                    (attribute, group.at(&["values"]))
                else {
                    return Ok(never());
                };
                Ok(json!({ attribute: { "$in": values } }))
            }
            (Some("condition"), _) => Ok(json!({ "$audience": self.audience(id)? })),
            (_, Value::Object(_)) => Err(unknown(id)),
            _ => Ok(never()),
        }
    }

    fn audience(&mut self, id: &str) -> Part<String> {
        let key = clean_key(id);
        if self.audiences.iter().any(|(known, _)| known == id) {
            return Ok(key);
        }
        if self.open.iter().any(|open| open == id) {
            return Err((format!("the group `{id}` refers to itself"), "take the cycle apart"));
        }
        self.open.push(id.to_owned());
        let when = match self.groups.get(id).and_then(|group| group.at(&["condition"])) {
            Some(condition @ Value::Object(_)) => self.translate(condition),
            _ => Ok(never()),
        };
        self.open.pop();
        self.audiences.push((id.to_owned(), when?));
        Ok(key)
    }

    /// A test of a value, with groups of values written out.
    fn test(&self, test: &Value) -> Part<Json> {
        let Value::Object(members) = test else { return Ok(json!(test)) };
        let mut written = JsonMap::new();
        for (name, value) in members.iter() {
            let (name, value) = match name {
                "$inGroup" | "$notInGroup" => {
                    (if name == "$inGroup" { "$in" } else { "$nin" }, self.values(value)?)
                }
                "$savedGroup" => return Err(("a group about list elements".to_owned(), REWRITE)),
                "$elemMatch" | "$not" | "$size" => (name, self.test(value)?),
                _ => (name, json!(value)),
            };
            if written.insert(name.to_owned(), value).is_some() {
                return Err((format!("two lists for `{name}`"), "write them as two conditions under `$and`"));
            }
        }
        Ok(Json::Object(written))
    }

    fn values(&self, id: &Value) -> Part<Json> {
        let id = id.as_str().unwrap_or_default();
        match self.groups.get(id) {
            None => Ok(json!([])),
            Some(list @ Value::Array(_)) => Ok(json!(list)),
            Some(group) => match (group.at(&["type"]).and_then(Value::as_str), group.at(&["values"])) {
                (Some("list"), Some(values @ Value::Array(_))) => Ok(json!(values)),
                _ => Err(unknown(id)),
            },
        }
    }
}

fn unknown(id: &str) -> Refusal {
    (format!("the group `{id}` is neither a list nor a condition"), "replace it by a list")
}
