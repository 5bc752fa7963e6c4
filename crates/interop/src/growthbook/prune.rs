//! Conditions, decided as far as the attributes that are known decide them.

use super::condition::{Condition, Groups};
use splitlight_protocol::{Map, Value};

/// How many groups one condition may enter, each time counted; a condition that enters more stays as it is written.
const GROUPS_ENTERED_MAX: usize = 4096;

/// How deep groups may refer to each other.
const GROUP_DEPTH_MAX: usize = 100;

/// A condition after pruning.
#[derive(Clone, Debug, PartialEq)]
pub enum Pruned {
    /// It holds or fails, whatever the other attributes are.
    Decided(bool),
    /// What is left of it.
    Rest(Value),
}

impl Pruned {
    /// `true`, `false` or the condition that is left.
    pub fn into_value(self) -> Value {
        match self {
            Self::Decided(truth) => Value::Bool(truth),
            Self::Rest(condition) => condition,
        }
    }
}

/// Decides a condition as far as known attributes do; attributes that are not given may have any value.
///
/// What only a newer SDK understands stays, and so does a condition that is not well formed.
///
/// ```
/// use splitlight_interop::growthbook::{Pruned, prune_condition};
/// use splitlight_protocol::{Map, Value};
/// let condition: Value = serde_json::from_str(r#"{ "plan": "pro", "country": "ES" }"#)?;
/// let known = Map::from_iter([("plan".to_owned(), Value::from("pro"))]);
/// let rest: Value = serde_json::from_str(r#"{ "country": "ES" }"#)?;
/// assert_eq!(prune_condition(&condition, &known, &Map::new()), Pruned::Rest(rest));
/// # Ok::<(), serde_json::Error>(())
/// ```
pub fn prune_condition(condition: &Value, known: &Map, saved_groups: &Map) -> Pruned {
    Pruner::new(known, saved_groups).root(condition)
}

/// The condition is none that could be decided, so the whole of it stays as written.
pub(super) struct Malformed;

pub(super) struct Pruner<'a> {
    known: &'a Map,
    written: &'a Map,
    groups: Groups,
    entered: usize,
    path: Vec<String>,
}

impl<'a> Pruner<'a> {
    pub(super) fn new(known: &'a Map, written: &'a Map) -> Self {
        Self { known, written, groups: Groups::new(written), entered: 0, path: Vec::new() }
    }

    pub(super) fn root(&mut self, condition: &Value) -> Pruned {
        self.entered = 0;
        self.path.clear();
        self.all(condition).unwrap_or_else(|Malformed| Pruned::Rest(condition.clone()))
    }

    /// What is left of a group's own condition, for groups that have one.
    pub(super) fn group(&mut self, id: &str) -> Option<Value> {
        self.entered = 0;
        self.path.clear();
        let reference = Value::Object(Map::from_iter([("id".to_owned(), Value::from(id))]));
        match self.saved_group(&reference) {
            Ok(Some(Pruned::Rest(condition))) => Some(condition),
            _ => None,
        }
    }

    /// The members of a condition, all of which have to hold.
    fn all(&mut self, condition: &Value) -> Result<Pruned, Malformed> {
        let Value::Object(members) = condition else { return Err(Malformed) };
        let mut rest = Vec::new();
        for (name, value) in members.iter() {
            match self.member(name, value)? {
                Pruned::Decided(false) => return Ok(Pruned::Decided(false)),
                Pruned::Decided(true) => {}
                Pruned::Rest(value) => rest.push((name.to_owned(), value)),
            }
        }
        let rest = Map::from_iter(rest);
        Ok(if rest.is_empty() { Pruned::Decided(true) } else { Pruned::Rest(Value::Object(rest)) })
    }

    fn member(&mut self, name: &str, value: &Value) -> Result<Pruned, Malformed> {
        let as_written = || Pruned::Rest(value.clone());
        Ok(match name {
            "$and" => self.list(value, false)?,
            "$or" => self.list(value, true)?,
            "$nor" => opposite(self.list(value, true)?),
            "$not" => opposite(self.all(value)?),
            // A group that is not decided stays a reference, so that a payload holds it once.
            "$savedGroup" => match self.saved_group(value)? {
                Some(Pruned::Decided(truth)) => Pruned::Decided(truth),
                _ => as_written(),
            },
            _ if self.is_known(name) => {
                let member = Map::from_iter([(name.to_owned(), value.clone())]);
                let truth = Condition::new(Value::Object(member), &self.groups).truth(self.known);
                truth.map_or_else(as_written, Pruned::Decided)
            }
            _ => as_written(),
        })
    }

    /// Conditions of which one (`any`) or all have to hold; one that says `any` decides.
    fn list(&mut self, conditions: &Value, any: bool) -> Result<Pruned, Malformed> {
        let Value::Array(conditions) = conditions else { return Err(Malformed) };
        let mut rest = Vec::new();
        for condition in conditions {
            match self.all(condition)? {
                Pruned::Decided(truth) if truth == any => return Ok(Pruned::Decided(any)),
                Pruned::Decided(_) => {}
                Pruned::Rest(condition) => rest.push(condition),
            }
        }
        // An empty `$or` holds, as an empty `$and` does.
        let empty = !any || conditions.is_empty();
        Ok(if rest.is_empty() { Pruned::Decided(empty) } else { Pruned::Rest(Value::Array(rest)) })
    }

    /// The members of a group as far as they are known; `None` when only other attributes tell.
    fn saved_group(&mut self, reference: &Value) -> Result<Option<Pruned>, Malformed> {
        const NOBODY: Option<Pruned> = Some(Pruned::Decided(false));
        let Some(id) = reference.at(&["id"]).and_then(Value::as_str) else { return Ok(NOBODY) };
        if self.path.iter().any(|entered| entered == id) {
            return Ok(NOBODY);
        }
        self.entered += 1;
        if self.entered > GROUPS_ENTERED_MAX || self.path.len() >= GROUP_DEPTH_MAX {
            return Err(Malformed);
        }
        let Some(entry @ Value::Object(_)) = self.written.get(id) else { return Ok(NOBODY) };
        let attribute = reference.at(&["attributeKey"]);
        if !matches!(attribute, None | Some(Value::String(_))) {
            return Ok(NOBODY);
        }
        match (entry.at(&["type"]).and_then(Value::as_str), entry.at(&["condition"])) {
            (Some("list"), _) => {
                let attribute = attribute.or(entry.at(&["attributeKey"])).and_then(Value::as_str);
                let (Some(attribute), Some(Value::Array(_))) = (attribute, entry.at(&["values"])) else {
                    return Ok(NOBODY);
                };
                let test = Map::from_iter([("$savedGroup".to_owned(), reference.clone())]);
                let condition = Condition::new(Value::Object(test), &self.groups);
                let known = self.is_known(attribute);
                Ok(known.then(|| Pruned::Decided(condition.holds(self.known))))
            }
            (Some("condition"), Some(condition @ Value::Object(_))) => {
                self.path.push(id.to_owned());
                let pruned = self.all(condition);
                self.path.pop();
                pruned.map(Some)
            }
            (Some("condition"), _) => Ok(NOBODY),
            _ => Ok(None),
        }
    }

    /// Whether an attribute is known; of an object only a part may be, so a path into one is not.
    fn is_known(&self, name: &str) -> bool {
        !name.contains('.') && self.known.get(name).is_some()
    }
}

fn opposite(pruned: Pruned) -> Pruned {
    match pruned {
        Pruned::Decided(truth) => Pruned::Decided(!truth),
        rest @ Pruned::Rest(_) => rest,
    }
}
