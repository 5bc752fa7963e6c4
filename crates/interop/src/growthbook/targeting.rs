//! Conditions of the contract, evaluated as they are written: everything but regular expressions, which are closed.
//!
//! This is the part that the engine is to take over; [`Condition`](super::Condition) is the only one that uses it.

use super::padded_version;
use core::cmp::Ordering;
use splitlight_protocol::{Map, Value};
use std::sync::Arc;

/// A condition with the groups it refers to.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Targeting {
    written: Value,
    groups: Arc<Map>,
}

/// True, false, or (`None`) not understood, which closes whatever depends on it.
type Truth = Option<bool>;

impl Targeting {
    pub(super) fn compile(written: &Value, groups: &Arc<Map>) -> Self {
        Self { written: written.clone(), groups: groups.clone() }
    }

    pub(super) fn matches(&self, attributes: &Map) -> Truth {
        Asking { groups: &self.groups, entered: Vec::new() }.condition(&self.written, attributes)
    }
}

/// Kleene's conjunction.
fn all(truths: impl Iterator<Item = Truth>) -> Truth {
    let mut least = Some(true);
    for truth in truths {
        match truth {
            Some(false) => return Some(false),
            None => least = None,
            Some(true) => {}
        }
    }
    least
}

/// Kleene's disjunction.
fn any(truths: impl Iterator<Item = Truth>) -> Truth {
    not(all(truths.map(not)))
}

fn not(truth: Truth) -> Truth {
    truth.map(|truth| !truth)
}

/// A condition while it is decided.
struct Asking<'a> {
    groups: &'a Map,
    /// The groups whose conditions are being decided, to find cycles.
    entered: Vec<&'a str>,
}

impl<'a> Asking<'a> {
    fn condition(&mut self, condition: &'a Value, attributes: &Map) -> Truth {
        let Value::Object(members) = condition else { return None };
        all(members.iter().map(|(name, value)| self.member(name, value, attributes)))
    }

    fn member(&mut self, name: &str, value: &'a Value, attributes: &Map) -> Truth {
        match (name, value) {
            ("$and", Value::Array(parts)) => all(parts.iter().map(|part| self.condition(part, attributes))),
            ("$or" | "$nor", Value::Array(parts)) => {
                let found = any(parts.iter().map(|part| self.condition(part, attributes)));
                // An empty list holds for everybody.
                let found = if parts.is_empty() { Some(true) } else { found };
                if name == "$or" { found } else { not(found) }
            }
            ("$and" | "$or" | "$nor", _) => None,
            ("$not", _) => not(self.condition(value, attributes)),
            ("$savedGroup", _) => self.saved_group(value, attributes),
            _ => self.test(value, lookup(attributes, name).unwrap_or(&Value::Null)),
        }
    }

    fn saved_group(&mut self, reference: &'a Value, attributes: &Map) -> Truth {
        const NOBODY: Truth = Some(false);
        let Some(id) = reference.at(&["id"]).and_then(Value::as_str) else { return NOBODY };
        let Some(group @ Value::Object(_)) = self.groups.get(id) else { return NOBODY };
        let (given, own) = (reference.at(&["attributeKey"]), group.at(&["attributeKey"]));
        if self.entered.contains(&id) || !matches!(given, None | Some(Value::String(_))) {
            return NOBODY;
        }
        match group.at(&["type"]).and_then(Value::as_str) {
            Some("list") => match (given.or(own), group.at(&["values"])) {
                (Some(Value::String(name)), Some(Value::Array(values))) => {
                    Some(is_in(lookup(attributes, name).unwrap_or(&Value::Null), values))
                }
                _ => NOBODY,
            },
            Some("condition") => match group.at(&["condition"]) {
                Some(condition @ Value::Object(_)) => {
                    self.entered.push(id);
                    let truth = self.condition(condition, attributes);
                    self.entered.pop();
                    truth
                }
                _ => NOBODY,
            },
            Some("remote") if given.is_none() || given == own => {
                match attributes.get("__gb_remoteGroupIds") {
                    Some(Value::Array(ids)) => Some(ids.contains(&Value::from(id))),
                    _ => None,
                }
            }
            _ => None,
        }
    }

    /// A value against operators, or against a plain value, which is equality.
    fn test(&mut self, test: &'a Value, value: &Value) -> Truth {
        match test {
            Value::Object(operators) if operators.iter().all(|(name, _)| name.starts_with('$')) => {
                all(operators.iter().map(|(name, wanted)| self.operator(name, wanted, value)))
            }
            plain => Some(plain == value),
        }
    }

    fn operator(&mut self, name: &str, wanted: &'a Value, value: &Value) -> Truth {
        match (name, wanted) {
            ("$not", Value::Null) => None,
            ("$not", _) => not(self.test(wanted, value)),
            ("$size", _) => match value {
                Value::Array(items) => self.test(wanted, &Value::Number(items.len() as f64)),
                _ => Some(false),
            },
            ("$all" | "$alli", Value::Array(parts)) => self.contains_all(name == "$alli", parts, value),
            ("$elemMatch", _) => self.some_element(wanted, value),
            ("$inGroup" | "$notInGroup", _) => self.in_group(name == "$inGroup", wanted, value),
            ("$exists", wanted) => {
                Some((*value != Value::Null) != matches!(wanted, Value::Bool(false) | Value::Null))
            }
            ("$type", _) => Some(wanted.as_str() == Some(type_of(value))),
            _ => constant(name, wanted, value),
        }
    }

    fn contains_all(&mut self, fold: bool, parts: &'a [Value], value: &Value) -> Truth {
        let Value::Array(items) = value else { return Some(false) };
        all(parts.iter().map(|part| match (fold, part) {
            (true, Value::String(_)) => Some(items.iter().any(|item| lower(item) == lower(part))),
            _ => any(items.iter().map(|item| self.test(part, item))),
        }))
    }

    fn some_element(&mut self, test: &'a Value, value: &Value) -> Truth {
        let Value::Object(members) = test else { return None };
        let Value::Array(items) = value else { return Some(false) };
        // Operators that name attributes ask about an element's fields, the others about the element itself.
        let field =
            |name: &str| !name.starts_with('$') || matches!(name, "$or" | "$and" | "$nor" | "$savedGroup");
        let fields = members.iter().any(|(name, _)| field(name));
        let elements = items.iter().filter(|item| **item != Value::Null);
        any(elements.map(|item| match item {
            Value::Object(own) if fields => self.condition(test, own),
            _ if fields => self.condition(test, &Map::new()),
            _ => self.test(test, item),
        }))
    }

    fn in_group(&self, inside: bool, id: &Value, value: &Value) -> Truth {
        let Some(group) = id.as_str().and_then(|id| self.groups.get(id)) else { return Some(!inside) };
        let values = match (group, group.at(&["type"]).and_then(Value::as_str)) {
            (Value::Array(values), _) => Some(values),
            (_, Some("list")) => match group.at(&["values"]) {
                Some(Value::Array(values)) => Some(values),
                _ => None,
            },
            (_, Some(other)) if other != "condition" => return None,
            _ => None,
        };
        // A group that is no list lets nobody in, and takes nobody for outside either.
        Some(values.is_some_and(|values| is_in(value, values) == inside))
    }
}

/// Operators that need nothing but the two values.
fn constant(name: &str, wanted: &Value, value: &Value) -> Truth {
    use Ordering::{Equal, Greater, Less};
    let is = |orders: &[Ordering]| Some(order(value, wanted).is_some_and(|found| orders.contains(&found)));
    let version = |orders: &[Ordering]| versions(value, wanted).is_some_and(|found| orders.contains(&found));
    match name {
        "$eq" => Some(is_scalar(wanted) && wanted == value),
        "$ne" => Some(!is_scalar(wanted) || wanted != value),
        "$lt" => is(&[Less]),
        "$lte" => is(&[Less, Equal]),
        "$gt" => is(&[Greater]),
        "$gte" => is(&[Greater, Equal]),
        "$veq" => Some(version(&[Equal])),
        "$vne" => Some(!version(&[Equal])),
        "$vlt" => Some(version(&[Less])),
        "$vlte" => Some(version(&[Less, Equal])),
        "$vgt" => Some(version(&[Greater])),
        "$vgte" => Some(version(&[Greater, Equal])),
        "$in" | "$nin" => Some(in_list(wanted, value, name == "$in")),
        "$ini" | "$nini" => Some(in_list(&lower(wanted), &lower(value), name == "$ini")),
        // Logical operators have no meaning about one value.
        "$or" | "$and" | "$nor" | "$all" | "$alli" => Some(false),
        _ => None,
    }
}

/// Two numbers, or two strings by UTF-16 code units; anything else has no order.
fn order(value: &Value, bound: &Value) -> Option<Ordering> {
    match (value, bound) {
        (Value::Number(value), Value::Number(bound)) => value.partial_cmp(bound),
        (Value::String(value), Value::String(bound)) => Some(value.encode_utf16().cmp(bound.encode_utf16())),
        _ => None,
    }
}

/// The order of two versions, both texts or both numbers.
fn versions(value: &Value, bound: &Value) -> Option<Ordering> {
    order(value, bound)?;
    let [value, bound] = [value, bound].map(padded_version);
    Some(value.encode_utf16().cmp(bound.encode_utf16()))
}

/// What is no list has nobody in it, and nobody outside it.
fn in_list(list: &Value, value: &Value, inside: bool) -> bool {
    matches!(list, Value::Array(values) if is_in(value, values) == inside)
}

/// Whether a value, or one of its elements, is in a list; lists and objects are never equal there.
fn is_in(value: &Value, values: &[Value]) -> bool {
    let found = |value: &Value| is_scalar(value) && values.contains(value);
    match value {
        Value::Array(items) => items.iter().any(found),
        value => found(value),
    }
}

fn is_scalar(value: &Value) -> bool {
    !matches!(value, Value::Array(_) | Value::Object(_))
}

fn lower(value: &Value) -> Value {
    match value {
        Value::String(text) => Value::String(text.to_lowercase()),
        Value::Array(items) => Value::Array(items.iter().map(lower).collect()),
        value => value.clone(),
    }
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// The value at a dotted path, through objects and, by index, arrays.
fn lookup<'v>(attributes: &'v Map, path: &str) -> Option<&'v Value> {
    let mut names = path.split('.');
    let first = attributes.get(names.next()?)?;
    names.try_fold(first, |value, name| match value {
        Value::Array(items) => items.get(name.parse::<usize>().ok()?),
        value => value.at(&[name]),
    })
}
