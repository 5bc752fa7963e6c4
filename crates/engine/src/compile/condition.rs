//! Reads a condition as it is written; what is unknown here is refused, so that nothing unknown runs.

use crate::condition::{Condition, Test};
use crate::history::Measure;
use crate::program::Tracked;
use splitlight_protocol::limits::{CONDITION_DEPTH_MAX, HISTORY_DAYS_MAX};
use splitlight_protocol::time::{DAY_MS, parse_span};
use splitlight_protocol::{Issue, Map, Value};

/// What a condition may refer to, and where its questions about the history are collected.
pub(super) struct Scope<'a> {
    pub(super) audiences: &'a [&'a str],
    pub(super) tracked: &'a mut Vec<Tracked>,
}

const OPERATORS: &str = "$eq, $ne, $lt, $lte, $gt, $gte, $in, $nin, $exists, $not";

impl Scope<'_> {
    /// Reads an object of paths and logical operators, all of which have to hold.
    pub(super) fn condition(&mut self, pointer: &str, written: &Value) -> Result<Condition, Issue> {
        if written.depth() > CONDITION_DEPTH_MAX {
            let reason = format!("nested deeper than {CONDITION_DEPTH_MAX}");
            return Err(Issue::error(pointer, reason, "move a part of it to an audience"));
        }
        let members =
            object(pointer, written, "a condition is an object such as { \"geo.city\": \"Madrid\" }")?;
        let parts =
            members.iter().map(|(name, value)| self.member(&format!("{pointer}/{name}"), name, value));
        let mut parts = parts.collect::<Result<Vec<_>, _>>()?;
        Ok(if parts.len() == 1 { parts.remove(0) } else { Condition::All(parts) })
    }

    fn member(&mut self, pointer: &str, name: &str, value: &Value) -> Result<Condition, Issue> {
        match name {
            "$and" => Ok(Condition::All(self.list(pointer, value)?)),
            "$or" => Ok(Condition::Any(self.list(pointer, value)?)),
            // The contract says that an empty `$nor` holds for nobody, as the negation of an empty `$or`.
            "$nor" => Ok(Condition::Not(Box::new(Condition::Any(self.list(pointer, value)?)))),
            "$not" => Ok(Condition::Not(Box::new(self.condition(pointer, value)?))),
            "$audience" => self.audience(pointer, value),
            "$history" => self.history(pointer, value),
            _ if name.starts_with('$') => {
                let fix = "use $and, $or, $nor, $not, $audience, $history or an attribute's path";
                Err(Issue::error(pointer, format!("`{name}` is not an operator here"), fix))
            }
            _ => {
                Ok(Condition::Attribute(name.split('.').map(str::to_owned).collect(), test(pointer, value)?))
            }
        }
    }

    fn list(&mut self, pointer: &str, value: &Value) -> Result<Vec<Condition>, Issue> {
        let Value::Array(items) = value else {
            return Err(Issue::error(pointer, "this is not a list", "write [ { ... }, { ... } ]"));
        };
        items.iter().enumerate().map(|(i, item)| self.condition(&format!("{pointer}/{i}"), item)).collect()
    }

    fn audience(&self, pointer: &str, value: &Value) -> Result<Condition, Issue> {
        let key = value.as_str().unwrap_or("");
        let index = self.audiences.iter().position(|known| *known == key).ok_or_else(|| {
            let fix = "add it to `audiences`, before any audience that uses it";
            Issue::error(pointer, format!("there is no audience `{key}`"), fix)
        })?;
        Ok(Condition::Audience(u32::try_from(index).unwrap_or(u32::MAX)))
    }

    fn history(&mut self, pointer: &str, value: &Value) -> Result<Condition, Issue> {
        const SHAPE: &str = "write { \"event\": ..., \"within\": \"30d\", \"count\": { \"$gte\": 3 } }";
        let members = object(pointer, value, SHAPE)?;
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
                _ => return Err(Issue::error(here, format!("`{name}` is not known in `$history`"), SHAPE)),
            };
            if question.replace((measure, test(&here, value)?)).is_some() {
                return Err(Issue::error(
                    pointer,
                    "more than one question",
                    "write one of count, sum, daysSince, distinctDays",
                ));
            }
        }
        let event = event.ok_or_else(|| Issue::error(pointer, "`event` is missing", SHAPE))?;
        let days = days.ok_or_else(|| Issue::error(pointer, "`within` is missing", SHAPE))?;
        let (measure, test) = question.ok_or_else(|| Issue::error(pointer, "there is no question", SHAPE))?;
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
        u32::try_from(at).unwrap_or(u32::MAX)
    }
}

fn window_days(pointer: &str, value: &Value) -> Result<i32, Issue> {
    let fix = format!("write whole days from 1d to {HISTORY_DAYS_MAX}d");
    let days = value.as_str().and_then(parse_span).filter(|ms| ms % DAY_MS == 0).map(|ms| ms / DAY_MS);
    let days = days.and_then(|days| i32::try_from(days).ok());
    days.filter(|days| usize::try_from(*days).is_ok_and(|days| days <= HISTORY_DAYS_MAX))
        .ok_or_else(|| Issue::error(pointer, "this is not a window of days", fix))
}

/// A test: operators, or a plain value, which is equality.
fn test(pointer: &str, written: &Value) -> Result<Test, Issue> {
    let Value::Object(members) = written else { return Ok(Test::Equal(written.clone())) };
    if !members.iter().any(|(name, _)| name.starts_with('$')) {
        // The contract lets an empty object pass always; any other is compared as a value.
        return Ok(if members.is_empty() { Test::All(Vec::new()) } else { Test::Equal(written.clone()) });
    }
    let tests = members.iter().map(|(name, value)| operator(&format!("{pointer}/{name}"), name, value));
    let mut tests = tests.collect::<Result<Vec<_>, _>>()?;
    Ok(if tests.len() == 1 { tests.remove(0) } else { Test::All(tests) })
}

fn operator(pointer: &str, name: &str, value: &Value) -> Result<Test, Issue> {
    let list = || match value {
        Value::Array(items) => Ok(items.clone()),
        _ => Err(Issue::error(pointer, "this is not a list", "write [\"a\", \"b\"]")),
    };
    let ordered = || match value {
        Value::Number(_) | Value::String(_) => Ok(value.clone()),
        _ => {
            Err(Issue::error(pointer, "only numbers and strings have an order", "write a number or a string"))
        }
    };
    let not = |test| Test::Not(Box::new(test));
    Ok(match name {
        "$eq" => Test::Equal(value.clone()),
        "$ne" => not(Test::Equal(value.clone())),
        "$lt" => Test::Less(ordered()?),
        "$lte" => Test::LessOrEqual(ordered()?),
        "$gt" => Test::Greater(ordered()?),
        "$gte" => Test::GreaterOrEqual(ordered()?),
        "$in" => Test::In(list()?),
        "$nin" => not(Test::In(list()?)),
        "$exists" => match value {
            Value::Bool(wanted) => Test::Exists(*wanted),
            _ => return Err(Issue::error(pointer, "this is not true or false", "write true or false")),
        },
        "$not" => not(test(pointer, value)?),
        _ => {
            let fix = format!("use one of {OPERATORS}");
            return Err(Issue::error(pointer, format!("`{name}` is not an operator of this release"), fix));
        }
    })
}

fn object<'v>(pointer: &str, value: &'v Value, fix: &str) -> Result<&'v Map, Issue> {
    match value {
        Value::Object(members) => Ok(members),
        _ => Err(Issue::error(pointer, "this is not an object", fix)),
    }
}
