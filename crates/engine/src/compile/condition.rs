//! Reads a condition as it is written; what is not understood is listed, and closes what depends on it.

mod test;

use super::audience::Audiences;
use crate::condition::{Condition, Test};
use crate::program::Tracked;
use splitlight_protocol::config::Score;
use splitlight_protocol::issue::did_you_mean;
use splitlight_protocol::limits::CONDITION_DEPTH_MAX;
use splitlight_protocol::{Code, Issue, Map, Value};

/// What a condition may refer to, and where its questions about the history and its defects are collected.
pub(super) struct Scope<'a, 'c> {
    pub(super) audiences: &'a mut Audiences<'c>,
    pub(super) tracked: &'a mut Vec<Tracked>,
    pub(super) scores: &'c [Score],
    /// The scores that are asked for, by their places.
    pub(super) used: &'a mut Vec<usize>,
    /// The project's time zone.
    pub(super) timezone: &'c str,
    pub(super) issues: &'a mut Vec<Issue>,
}

const LOGICAL: [&str; 10] =
    ["$and", "$or", "$nor", "$not", "$audience", "$savedGroup", "$history", "$score", "$time", "$near"];

impl Scope<'_, '_> {
    /// Reads an object of paths and logical operators, all of which have to hold.
    pub(super) fn condition(&mut self, pointer: &str, written: &Value) -> Condition {
        if written.depth() > CONDITION_DEPTH_MAX {
            let reason = format!("nested deeper than {CONDITION_DEPTH_MAX}");
            return self.unsupported(pointer, reason, "move a part of it to an audience");
        }
        let Value::Object(members) = written else {
            let fix = "a condition is an object such as { \"geo.city\": \"Madrid\" }";
            return self.unsupported(pointer, "this is not an object", fix);
        };
        let parts =
            members.iter().map(|(name, value)| self.member(&format!("{pointer}/{name}"), name, value));
        let mut parts: Vec<Condition> = parts.collect();
        if parts.len() == 1 { parts.remove(0) } else { Condition::All(parts) }
    }

    fn member(&mut self, pointer: &str, name: &str, value: &Value) -> Condition {
        match name {
            "$and" => self.list(pointer, value).map_or(Condition::Unsupported, Condition::All),
            "$or" => self.list(pointer, value).map_or(Condition::Unsupported, Condition::Any),
            // The contract says that an empty `$nor` holds for nobody, as the negation of an empty `$or`.
            "$nor" => self
                .list(pointer, value)
                .map_or(Condition::Unsupported, |parts| Condition::Not(Box::new(Condition::Any(parts)))),
            "$not" => Condition::Not(Box::new(self.condition(pointer, value))),
            "$audience" => match value.as_str() {
                Some(key) => self.audience(pointer, key),
                None => self.never(pointer, "this is not the key of an audience", "write its key"),
            },
            "$savedGroup" => self.saved_group(pointer, value),
            "$history" => self.history(pointer, value).unwrap_or_else(|issue| self.closed(issue)),
            "$score" => self.score(pointer, value).unwrap_or_else(|issue| self.closed(issue)),
            "$time" => self.time(pointer, value).unwrap_or_else(|issue| self.closed(issue)),
            "$near" => super::place::near(pointer, value).unwrap_or_else(|issue| self.closed(issue)),
            _ if name.starts_with('$') => {
                let fix = match did_you_mean(name, &LOGICAL) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("use one of {} or an attribute's path", LOGICAL.join(", ")),
                };
                let issue = Issue::error(pointer, format!("`{name}` is not an operator here"), fix);
                self.issues.push(issue.coded(Code::UnknownOperator));
                let test = self.test(pointer, value);
                stranger(name, test)
            }
            _ => {
                Condition::Attribute(name.split('.').map(str::to_owned).collect(), self.test(pointer, value))
            }
        }
    }

    fn closed(&mut self, issue: Issue) -> Condition {
        self.issues.push(issue);
        Condition::Unsupported
    }

    fn unsupported(&mut self, pointer: &str, reason: impl Into<String>, fix: impl Into<String>) -> Condition {
        self.issues.push(Issue::error(pointer, reason, fix));
        Condition::Unsupported
    }

    fn never(&mut self, pointer: &str, reason: impl Into<String>, fix: impl Into<String>) -> Condition {
        self.issues.push(Issue::error(pointer, reason, fix));
        Condition::Never
    }

    fn list(&mut self, pointer: &str, value: &Value) -> Option<Vec<Condition>> {
        let Value::Array(items) = value else {
            self.unsupported(pointer, "this is not a list", "write [ { ... }, { ... } ]");
            return None;
        };
        let items = items.iter().enumerate();
        Some(items.map(|(at, item)| self.condition(&format!("{pointer}/{at}"), item)).collect())
    }

    fn audience(&mut self, pointer: &str, key: &str) -> Condition {
        let Some(at) = self.audiences.position(key) else {
            let known = self.audiences.keys();
            let fix = match did_you_mean(key, &known) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "add it to `audiences`".to_owned(),
            };
            let issue = Issue::error(pointer, format!("there is no audience `{key}`"), fix);
            self.issues.push(issue.coded(Code::UnknownReference));
            return Condition::Never;
        };
        self.audience_at(pointer, at)
    }

    /// A reference as imported payloads have it: `{ "id", "attributeKey"? }`.
    fn saved_group(&mut self, pointer: &str, value: &Value) -> Condition {
        let own = value.at(&["attributeKey"]);
        let (Some(id), None | Some(Value::String(_))) = (value.at(&["id"]).and_then(Value::as_str), own)
        else {
            return self.never(pointer, "this names no group", "write { \"id\": \"<key of an audience>\" }");
        };
        let at = self.audiences.position(id);
        let list = at.and_then(|at| self.audiences.list(at));
        match (own.and_then(Value::as_str), list) {
            (Some(path), Some(values)) => {
                let test = Test::In(scalars(values));
                Condition::Attribute(path.split('.').map(str::to_owned).collect(), test)
            }
            // A condition that names an attribute may be asked only about that one.
            (Some(path), None) if at.is_some_and(|at| self.audiences.is_about_another(at, path)) => self
                .unsupported(
                    pointer,
                    format!("`{id}` cannot be asked about `{path}`"),
                    "leave `attributeKey` out",
                ),
            _ => self.audience(&format!("{pointer}/id"), id),
        }
    }
}

/// In the contract a name with `$` that is no operator may be an attribute; where nobody has it, it is an operator that
/// this release does not know.
fn stranger(name: &str, test: Test) -> Condition {
    let about = |test| Condition::Attribute(name.split('.').map(str::to_owned).collect(), test);
    let there = Condition::All(vec![about(Test::Exists(true)), about(test)]);
    let gone = Condition::All(vec![about(Test::Exists(false)), Condition::Unsupported]);
    Condition::Any(vec![there, gone])
}

/// What `===` can find: lists and objects are never the same.
pub(super) fn scalars(values: &[Value]) -> Vec<Value> {
    values.iter().filter(|value| !matches!(value, Value::Array(_) | Value::Object(_))).cloned().collect()
}

pub(super) fn object<'v>(pointer: &str, value: &'v Value, fix: &str) -> Result<&'v Map, Issue> {
    match value {
        Value::Object(members) => Ok(members),
        _ => Err(Issue::error(pointer, "this is not an object", fix)),
    }
}
