//! What the edge handed over, from the JSON that the loader has parsed.

use splitlight_protocol::handover::{Handed, Handover};
use splitlight_protocol::{Map, Value};

/// The hand-over in a value; members that are not as the edge writes them count as missing.
pub(crate) fn read(mut value: Option<Value>) -> Handover {
    let mut decisions = Vec::new();
    if let Some(Value::Array(items)) = value.as_ref().and_then(|value| value.at(&["decisions"])) {
        for item in items {
            decisions.extend(handed(item));
        }
    }
    let config = value.as_ref().and_then(|value| text(value, "config")).unwrap_or_default();
    let attributes = match &mut value {
        Some(Value::Object(members)) => object(members.insert("attributes".to_owned(), Value::Null)),
        _ => Map::new(),
    };
    Handover { config, attributes, decisions }
}

/// The members of an object; none of anything else.
pub(crate) fn object(value: Option<Value>) -> Map {
    match value {
        Some(Value::Object(map)) => map,
        _ => Map::new(),
    }
}

fn handed(value: &Value) -> Option<Handed> {
    let left = match value.at(&["left"]) {
        Some(Value::Array(indexes)) => indexes.iter().filter_map(Value::as_f64).map(index).collect(),
        _ => Vec::new(),
    };
    Some(Handed {
        key: text(value, "key")?,
        variation: text(value, "variation")?,
        reason: text(value, "reason")?,
        left,
        // The loader reads them by itself.
        asks: None,
    })
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "an index out of range finds no change"
)]
fn index(number: f64) -> u32 {
    number as u32
}

fn text(value: &Value, name: &str) -> Option<String> {
    value.at(&[name])?.as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_the_edge_writes() {
        let written = Handover {
            config: "h".to_owned(),
            attributes: Map::from_iter([("geo".to_owned(), Value::Object(Map::new()))]),
            decisions: vec![Handed {
                key: "hero".to_owned(),
                variation: "bold".to_owned(),
                reason: "assigned".to_owned(),
                left: vec![1],
                asks: None,
            }],
        };
        let json = serde_json::to_string(&written).expect("writes");
        let value: Value = serde_json::from_str(&json).expect("reads");
        assert_eq!(read(Some(value)), written);
        assert_eq!(read(None), Handover::default());
        assert_eq!(read(Some(Value::from("x"))), Handover::default());
    }
}
