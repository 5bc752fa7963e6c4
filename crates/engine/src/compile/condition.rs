//! Reads a condition as it is written; what is not understood is listed, and closes what depends on it.

mod test;

use super::audience::Audiences;
use crate::condition::{Condition, Test};
use crate::history::Measure;
use crate::program::Tracked;
use splitlight_protocol::issue::did_you_mean;
use splitlight_protocol::limits::{CONDITION_DEPTH_MAX, HISTORY_DAYS_MAX};
use splitlight_protocol::time::{DAY_MS, parse_span};
use splitlight_protocol::{Issue, Map, Value};

/// What a condition may refer to, and where its questions about the history and its defects are collected.
pub(super) struct Scope<'a, 'c> {
    pub(super) audiences: &'a mut Audiences<'c>,
    pub(super) tracked: &'a mut Vec<Tracked>,
    pub(super) issues: &'a mut Vec<Issue>,
}

const LOGICAL: [&str; 7] = ["$and", "$or", "$nor", "$not", "$audience", "$savedGroup", "$history"];
const HISTORY_SHAPE: &str = "write { \"event\": ..., \"within\": \"30d\", \"count\": { \"$gte\": 3 } }";

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
            "$history" => self.history(pointer, value).unwrap_or_else(|issue| {
                self.issues.push(issue);
                Condition::Unsupported
            }),
            _ if name.starts_with('$') => {
                let fix = match did_you_mean(name, &LOGICAL) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("use one of {} or an attribute's path", LOGICAL.join(", ")),
                };
                self.issues.push(Issue::error(pointer, format!("`{name}` is not an operator here"), fix));
                let test = self.test(pointer, value);
                stranger(name, test)
            }
            _ => {
                Condition::Attribute(name.split('.').map(str::to_owned).collect(), self.test(pointer, value))
            }
        }
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
            return self.never(pointer, format!("there is no audience `{key}`"), fix);
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

    fn history(&mut self, pointer: &str, value: &Value) -> Result<Condition, Issue> {
        let members = object(pointer, value, HISTORY_SHAPE)?;
        let mut question = None;
        let (mut event, mut days, mut filter) = (None, None, Vec::new());
        for (name, value) in members.iter() {
            let here = format!("{pointer}/{name}");
            let measure = match name {
                "event" => {
                    event = value.as_str();
                    continue;
                }
                "within" => {
                    days = Some(window_days(&here, value)?);
                    continue;
                }
                "where" => {
                    let wanted = object(&here, value, "write { \"category\": \"Electronics\" }")?;
                    filter = wanted.iter().map(|(name, value)| (name.to_owned(), value.clone())).collect();
                    continue;
                }
                "count" => Measure::Count,
                "sum" => Measure::Sum,
                "daysSince" => Measure::DaysSince,
                "distinctDays" => Measure::DistinctDays,
                _ => {
                    let reason = format!("`{name}` is not known in `$history`");
                    return Err(Issue::error(here, reason, HISTORY_SHAPE));
                }
            };
            if question.replace((measure, self.test(&here, value))).is_some() {
                let fix = "write one of count, sum, daysSince, distinctDays";
                return Err(Issue::error(pointer, "more than one question", fix));
            }
        }
        let missing = |what: &str| Issue::error(pointer, what, HISTORY_SHAPE);
        let event = event.ok_or_else(|| missing("`event` is missing"))?;
        let days = days.ok_or_else(|| missing("`within` is missing"))?;
        let (measure, test) = question.ok_or_else(|| missing("there is no question"))?;
        Ok(Condition::History { tracked: self.track(event, filter, days), days, measure, test })
    }

    /// The index of the tracked event, which is shared by all rules that ask about the same.
    fn track(&mut self, event: &str, filter: Vec<(String, Value)>, days: i32) -> u32 {
        let mut key = event.to_owned();
        for (name, value) in &filter {
            key.extend(["\u{1}", name.as_str(), "\u{2}"]);
            // The type is part of the key, because `3` and `"3"` are different questions.
            match value {
                Value::String(text) => key.push_str(text),
                other => key.extend(["\u{3}", &format!("{other:?}")]),
            }
        }
        let at = self.tracked.iter().position(|tracked| tracked.key == key).unwrap_or_else(|| {
            self.tracked.push(Tracked { key, event: event.to_owned(), filter, days });
            self.tracked.len() - 1
        });
        self.tracked[at].days = self.tracked[at].days.max(days);
        super::index(at)
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

fn window_days(pointer: &str, value: &Value) -> Result<i32, Issue> {
    let fix = format!("write whole days from 1d to {HISTORY_DAYS_MAX}d");
    let days = value.as_str().and_then(parse_span).filter(|ms| ms % DAY_MS == 0).map(|ms| ms / DAY_MS);
    let days = days.and_then(|days| i32::try_from(days).ok());
    days.filter(|days| usize::try_from(*days).is_ok_and(|days| days <= HISTORY_DAYS_MAX))
        .ok_or_else(|| Issue::error(pointer, "this is not a window of days", fix))
}

fn object<'v>(pointer: &str, value: &'v Value, fix: &str) -> Result<&'v Map, Issue> {
    match value {
        Value::Object(members) => Ok(members),
        _ => Err(Issue::error(pointer, "this is not an object", fix)),
    }
}
