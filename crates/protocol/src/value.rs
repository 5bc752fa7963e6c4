//! A JSON value: attributes, constants in conditions, and event properties.

use core::fmt;
use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};

/// A JSON value.
///
/// In JSON it is itself; in a compact format (one that is not human readable, such as a program's binary form) it
/// carries its type. Two objects are equal when they have the same members, in any order.
///
/// ```
/// use splitlight_protocol::Value;
/// let value: Value = serde_json::from_str(r#"{"geo":{"city":"Madrid"}}"#)?;
/// assert_eq!(value.at(&["geo", "city"]), Some(&Value::from("Madrid")));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Value {
    /// `null`, and what a missing attribute counts as.
    #[default]
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number; JSON has no others than doubles that every runtime reads alike.
    Number(f64),
    /// A string.
    String(String),
    /// An array.
    Array(Vec<Value>),
    /// An object.
    Object(Map),
}

/// An object's members, sorted by name, each name once.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Map(Vec<(String, Value)>);

impl Map {
    /// An object without members.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// The member called `name`.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.position(name).ok().map(|at| &self.0[at].1)
    }

    /// Sets the member called `name`, and returns what it replaced.
    pub fn insert(&mut self, name: String, value: Value) -> Option<Value> {
        match self.position(&name) {
            Ok(at) => Some(core::mem::replace(&mut self.0[at].1, value)),
            Err(at) => {
                self.0.insert(at, (name, value));
                None
            }
        }
    }

    /// Sets the member called `name`.
    ///
    /// ```
    /// let mut map = splitlight_protocol::Map::new();
    /// map.set("a", &"b".into());
    /// assert_eq!(map.get("a").and_then(|it| it.as_str()), Some("b"));
    /// ```
    #[inline(never)]
    pub fn set(&mut self, name: &str, value: &Value) {
        self.insert(name.to_owned(), value.clone());
    }

    /// The members by name.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Value)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// How many members there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn position(&self, name: &str) -> Result<usize, usize> {
        self.0.binary_search_by(|(other, _)| other.as_str().cmp(name))
    }
}

impl IntoIterator for Map {
    type Item = (String, Value);
    type IntoIter = std::vec::IntoIter<Self::Item>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl FromIterator<(String, Value)> for Map {
    fn from_iter<I: IntoIterator<Item = (String, Value)>>(members: I) -> Self {
        let mut map = Self::new();
        for (name, value) in members {
            map.insert(name, value);
        }
        map
    }
}

impl Value {
    /// The value at a path of member names (own members only; digits are a position in a list).
    pub fn at<S: AsRef<str>>(&self, path: &[S]) -> Option<&Self> {
        path.iter().try_fold(self, |value, name| match value {
            Self::Object(map) => map.get(name.as_ref()),
            Self::Array(items) => items.get(index(name.as_ref())?),
            _ => None,
        })
    }

    /// The string, if it is one.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// The number, if it is one.
    pub const fn as_f64(&self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(*number),
            _ => None,
        }
    }

    /// How many containers enclose the deepest value: 0 for a scalar, 1 for `[]`.
    pub fn depth(&self) -> usize {
        match self {
            Self::Array(items) => 1 + items.iter().map(Self::depth).max().unwrap_or(0),
            Self::Object(map) => 1 + map.iter().map(|(_, value)| value.depth()).max().unwrap_or(0),
            _ => 0,
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::String(text.to_owned())
    }
}

impl From<f64> for Value {
    fn from(number: f64) -> Self {
        Self::Number(number)
    }
}

impl From<bool> for Value {
    fn from(truth: bool) -> Self {
        Self::Bool(truth)
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            return match self {
                Self::Null => serializer.serialize_unit(),
                Self::Bool(truth) => serializer.serialize_bool(*truth),
                Self::Number(number) => serialize_number(*number, serializer),
                Self::String(text) => serializer.serialize_str(text),
                Self::Array(items) => items.serialize(serializer),
                Self::Object(map) => map.serialize(serializer),
            };
        }
        match self {
            Self::Null => serializer.serialize_unit_variant("Value", 0, "Null"),
            Self::Bool(truth) => serializer.serialize_newtype_variant("Value", 1, "Bool", truth),
            Self::Number(number) => serializer.serialize_newtype_variant("Value", 2, "Number", number),
            Self::String(text) => serializer.serialize_newtype_variant("Value", 3, "String", text),
            Self::Array(items) => serializer.serialize_newtype_variant("Value", 4, "Array", items),
            Self::Object(map) => serializer.serialize_newtype_variant("Value", 5, "Object", map),
        }
    }
}

/// A position in a list, as digits without a leading zero.
fn index(text: &str) -> Option<usize> {
    if text.is_empty() || (text.len() > 1 && text.as_bytes().first() == Some(&b'0')) {
        return None;
    }
    text.bytes().try_fold(0_usize, |number, byte| {
        let digit = byte.checked_sub(b'0').filter(|digit| *digit < 10)?;
        number.checked_mul(10)?.checked_add(usize::from(digit))
    })
}

/// Writes whole numbers without a fraction, as JavaScript does, so that `3` stays `3`.
#[expect(clippy::cast_possible_truncation, reason = "guarded by the range that doubles hold exactly")]
fn serialize_number<S: Serializer>(number: f64, serializer: S) -> Result<S::Ok, S::Error> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if number.abs() < EXACT && (number as i64 as f64).to_bits() == number.to_bits() {
        serializer.serialize_i64(number as i64)
    } else {
        serializer.serialize_f64(number)
    }
}

impl Serialize for Map {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

/// The typed form of [`Value`] in compact formats; the order of the variants is part of the format.
#[derive(serde::Deserialize)]
enum Compact {
    Null,
    Bool(bool),
    Number(f64),
    String(String),
    Array(Vec<Value>),
    Object(Map),
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            return deserializer.deserialize_any(AnyValue);
        }
        Ok(match Compact::deserialize(deserializer)? {
            Compact::Null => Self::Null,
            Compact::Bool(truth) => Self::Bool(truth),
            Compact::Number(number) => Self::Number(number),
            Compact::String(text) => Self::String(text),
            Compact::Array(items) => Self::Array(items),
            Compact::Object(map) => Self::Object(map),
        })
    }
}

impl<'de> Deserialize<'de> for Map {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(AnyMap)
    }
}

struct AnyValue;

impl<'de> Visitor<'de> for AnyValue {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, truth: bool) -> Result<Value, E> {
        Ok(Value::Bool(truth))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(Value::Number(number as f64))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(Value::Number(number as f64))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
        Ok(Value::Number(number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::String(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Value, E> {
        Ok(Value::String(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut array = Vec::new();
        while let Some(item) = items.next_element()? {
            array.push(item);
        }
        Ok(Value::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<Value, A::Error> {
        AnyMap.visit_map(members).map(Value::Object)
    }
}

struct AnyMap;

impl<'de> Visitor<'de> for AnyMap {
    type Value = Map;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Map, A::Error> {
        let mut map = Map::new();
        while let Some((name, value)) = members.next_entry::<String, Value>()? {
            if map.get(&name).is_some() {
                return Err(de::Error::custom(format_args!("the key `{name}` is written twice")));
            }
            map.insert(name, value);
        }
        Ok(map)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"{"a":[1,-0.5,null,true,"x"],"b":{"c":9007199254740991}}"#;

    #[test]
    fn survives_json_and_the_compact_form() {
        let value: Value = serde_json::from_str(TEXT).expect("valid");
        assert_eq!(serde_json::to_string(&value).expect("writes"), TEXT);
        let bytes = postcard::to_allocvec(&value).expect("writes");
        assert_eq!(postcard::from_bytes::<Value>(&bytes).expect("reads"), value);
    }

    #[test]
    fn names_a_key_that_is_written_twice() {
        let error = serde_json::from_str::<Value>(r#"{"a":1,"a":2}"#).expect_err("must be refused");
        assert!(error.to_string().contains("`a` is written twice"), "{error}");
    }

    #[test]
    fn equality_ignores_the_order_of_members() {
        let left: Value = serde_json::from_str(r#"{"a":1,"b":2}"#).expect("valid");
        let right: Value = serde_json::from_str(r#"{"b":2,"a":1}"#).expect("valid");
        assert_eq!(left, right);
    }
}
