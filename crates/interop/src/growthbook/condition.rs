//! Conditions as they are written in payloads, decided by the engine.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use splitlight_protocol::{Map, Value};
use std::cmp::Ordering;

/// The saved groups that conditions refer to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Groups {
    written: Map,
}

impl Groups {
    /// Reads groups: `{ id: [values] }` and `{ id: { "type": "list" | "condition" | "remote", ... } }`.
    pub fn new(written: &Map) -> Self {
        Self { written: written.clone() }
    }

    /// The groups as written.
    pub fn written(&self) -> &Map {
        &self.written
    }
}

/// A condition.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    written: Value,
}

impl Default for Condition {
    fn default() -> Self {
        Self::new(Value::Object(Map::new()))
    }
}

impl Condition {
    /// Compiles a condition; one that cannot be understood holds for nobody.
    pub fn new(written: Value) -> Self {
        Self { written }
    }

    /// The condition as written.
    pub fn written(&self) -> &Value {
        &self.written
    }

    /// Whether it holds; what is not understood does not, also where it is negated.
    pub fn holds(&self, attributes: &Map, groups: &Groups) -> bool {
        self.truth(attributes, groups) == Some(true)
    }

    /// Whether it holds, `None` when that depends on something that is not understood.
    pub fn truth(&self, attributes: &Map, groups: &Groups) -> Option<bool> {
        condition(&self.written, attributes, groups, &mut Vec::new())
    }
}

type T = Option<bool>;

fn all(it: impl Iterator<Item = T>) -> T {
    let mut r = Some(true);
    for t in it {
        match t {
            Some(false) => return Some(false),
            None => r = None,
            _ => {}
        }
    }
    r
}
fn not(t: T) -> T {
    t.map(|t| !t)
}

fn condition(c: &Value, a: &Map, g: &Groups, path: &mut Vec<String>) -> T {
    let Value::Object(m) = c else { return None };
    let v: Vec<T> = m.iter().map(|(k, v)| member(k, v, a, g, path)).collect();
    all(v.into_iter())
}
fn member(k: &str, v: &Value, a: &Map, g: &Groups, path: &mut Vec<String>) -> T {
    let mut list = |any: bool| {
        let Value::Array(l) = v else { return None };
        let ts: Vec<T> = l.iter().map(|c| condition(c, a, g, path)).collect();
        if any {
            if l.is_empty() { Some(true) } else { not(all(ts.into_iter().map(not))) }
        } else {
            all(ts.into_iter())
        }
    };
    match k {
        "$and" => list(false),
        "$or" => list(true),
        "$nor" => not(list(true)),
        "$not" => not(condition(v, a, g, path)),
        "$savedGroup" => group(v, a, g, path),
        _ => {
            let mut parts = k.split('.');
            let mut x = a.get(parts.next().unwrap_or_default());
            for p in parts {
                x = x.and_then(|x| x.at(&[p]));
            }
            test(v, x.unwrap_or(&Value::Null), a, g, path)
        }
    }
}
fn group(v: &Value, a: &Map, g: &Groups, path: &mut Vec<String>) -> T {
    let Some(id) = v.at(&["id"]).and_then(Value::as_str) else { return Some(false) };
    if path.iter().any(|p| p == id) {
        return Some(false);
    }
    let ak = v.at(&["attributeKey"]);
    if !matches!(ak, None | Some(Value::String(_))) {
        return Some(false);
    }
    let Some(e @ Value::Object(_)) = g.written.get(id) else { return Some(false) };
    match e.at(&["type"]).and_then(Value::as_str) {
        Some("list") => {
            let (Some(Value::String(k)), Some(Value::Array(l))) =
                (ak.or(e.at(&["attributeKey"])), e.at(&["values"]))
            else {
                return Some(false);
            };
            let test = Map::from_iter([("$in".to_owned(), Value::Array(l.clone()))]);
            member(k, &Value::Object(test), a, g, path)
        }
        Some("condition") => {
            let Some(c @ Value::Object(_)) = e.at(&["condition"]) else { return Some(false) };
            path.push(id.to_owned());
            let t = condition(c, a, g, path);
            path.pop();
            t
        }
        Some("remote") => {
            if ak.is_some() && ak != e.at(&["attributeKey"]) {
                return None;
            }
            match a.get("__gb_remoteGroupIds") {
                Some(Value::Array(l)) => Some(l.contains(&Value::from(id))),
                _ => None,
            }
        }
        _ => None,
    }
}
fn test(c: &Value, x: &Value, a: &Map, g: &Groups, path: &mut Vec<String>) -> T {
    match c {
        Value::Object(m) if m.is_empty() => Some(true),
        Value::Object(m) if m.iter().all(|(k, _)| k.starts_with('$')) => {
            let v: Vec<T> = m.iter().map(|(k, v)| op(k, v, x, a, g, path)).collect();
            all(v.into_iter())
        }
        c => Some(c == x),
    }
}
fn scalar(v: &Value) -> bool {
    !matches!(v, Value::Array(_) | Value::Object(_))
}
fn within(l: &[Value], x: &Value) -> bool {
    let has = |x: &Value| scalar(x) && l.contains(x);
    match x {
        Value::Array(xs) => xs.iter().any(has),
        x => has(x),
    }
}
fn cmp(a: &Value, b: &Value) -> Option<Ordering> {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a.partial_cmp(b),
        (Value::String(a), Value::String(b)) => Some(a.encode_utf16().cmp(b.encode_utf16())),
        _ => None,
    }
}
fn lower(v: &Value) -> Value {
    match v {
        Value::String(s) => Value::String(s.to_lowercase()),
        Value::Array(l) => Value::Array(l.iter().map(lower).collect()),
        v => v.clone(),
    }
}
/// tmp
pub fn padded_version(v: &Value) -> String {
    padded(v).unwrap_or_else(|| "    0".to_owned())
}
fn padded(v: &Value) -> Option<String> {
    let t = match v {
        Value::String(s) if s.is_empty() => "0".to_owned(),
        Value::String(s) => s.clone(),
        Value::Number(n) => super::number_text(*n),
        _ => return None,
    };
    let t = t.strip_prefix('v').unwrap_or(&t);
    let t = t.split('+').next().unwrap_or(t);
    let mut p: Vec<&str> = t.split(['-', '.']).collect();
    if p.len() == 3 {
        p.push("~");
    }
    let p: Vec<String> = p
        .into_iter()
        .map(|p| {
            if !p.is_empty() && p.bytes().all(|b| b.is_ascii_digit()) {
                format!("{p:>5}")
            } else {
                p.to_owned()
            }
        })
        .collect();
    Some(p.join("-"))
}
fn op(k: &str, v: &Value, x: &Value, a: &Map, g: &Groups, path: &mut Vec<String>) -> T {
    use Ordering::{Equal, Greater, Less};
    let ord = |o: &[Ordering]| Some(cmp(x, v).is_some_and(|c| o.contains(&c)));
    let ver = |o: &[Ordering]| {
        let same =
            matches!((x, v), (Value::String(_), Value::String(_)) | (Value::Number(_), Value::Number(_)));
        match (padded(x), padded(v)) {
            (Some(a), Some(b)) if same => Some(o.contains(&a.encode_utf16().cmp(b.encode_utf16()))),
            _ => Some(o == [Less, Greater].as_slice()),
        }
    };
    match k {
        "$eq" => Some(scalar(v) && v == x),
        "$ne" => Some(!(scalar(v) && v == x)),
        "$lt" => ord(&[Less]),
        "$lte" => ord(&[Less, Equal]),
        "$gt" => ord(&[Greater]),
        "$gte" => ord(&[Greater, Equal]),
        "$veq" => ver(&[Equal]),
        "$vne" => ver(&[Less, Greater]),
        "$vlt" => ver(&[Less]),
        "$vlte" => ver(&[Less, Equal]),
        "$vgt" => ver(&[Greater]),
        "$vgte" => ver(&[Greater, Equal]),
        "$exists" => Some((*x != Value::Null) == !matches!(v, Value::Bool(false) | Value::Null)),
        "$in" | "$nin" | "$ini" | "$nini" => {
            let Value::Array(l) = v else { return Some(false) };
            let r = if k.ends_with("ni") || k == "$ini" || k == "$nini" {
                let Value::Array(l) = lower(v) else { return Some(false) };
                within(&l, &lower(x))
            } else {
                within(l, x)
            };
            Some(if k.starts_with("$n") { !r } else { r })
        }
        "$inGroup" | "$notInGroup" => {
            let neg = k == "$notInGroup";
            let entry = v.as_str().and_then(|id| g.written.get(id));
            let l = match entry {
                None => &Vec::new(),
                Some(Value::Array(l)) => l,
                Some(e) => match (e.at(&["type"]), e.at(&["values"])) {
                    (Some(t), Some(Value::Array(l))) if t.as_str() == Some("list") => l,
                    _ => return Some(false),
                },
            };
            Some(within(l, x) != neg)
        }
        "$all" | "$alli" => {
            let (Value::Array(l), Value::Array(xs)) = (v, x) else { return Some(false) };
            let fold = |v: &Value| if k == "$alli" { lower(v) } else { v.clone() };
            let per: Vec<T> = l
                .iter()
                .map(|c| {
                    let c = fold(c);
                    let ts: Vec<T> = xs.iter().map(|x| test(&c, &fold(x), a, g, path)).collect();
                    not(all(ts.into_iter().map(not)))
                })
                .collect();
            all(per.into_iter())
        }
        "$elemMatch" => {
            let Value::Array(xs) = x else { return Some(false) };
            let Value::Object(m) = v else { return None };
            let fields = !m.iter().any(|(k, _)| k.starts_with('$'))
                || m.iter().any(|(k, _)| matches!(k, "$or" | "$and" | "$nor" | "$savedGroup"));
            let ts: Vec<T> = xs
                .iter()
                .filter(|x| **x != Value::Null)
                .map(|x| {
                    if fields && !m.is_empty() {
                        let inner = if let Value::Object(x) = x { x.clone() } else { Map::new() };
                        condition(v, &inner, g, path)
                    } else {
                        test(v, x, a, g, path)
                    }
                })
                .collect();
            not(all(ts.into_iter().map(not)))
        }
        "$size" => match x {
            Value::Array(xs) => test(v, &Value::Number(xs.len() as f64), a, g, path),
            _ => Some(false),
        },
        "$type" => {
            let t = match x {
                Value::Null => "null",
                Value::Bool(_) => "boolean",
                Value::Number(_) => "number",
                Value::String(_) => "string",
                Value::Array(_) => "array",
                Value::Object(_) => "object",
            };
            Some(v.as_str() == Some(t))
        }
        "$not" => {
            if *v == Value::Null {
                return None;
            }
            not(test(v, x, a, g, path))
        }
        "$or" | "$and" | "$nor" => Some(false),
        _ => None,
    }
}

impl Serialize for Condition {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.written.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Condition {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Value::deserialize(deserializer).map(Self::new)
    }
}
