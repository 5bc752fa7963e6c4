//! A condition with the groups it refers to, compiled by the engine.

use super::groups::needed;
use splitlight_engine::Targeting as Compiled;
use splitlight_protocol::config::Audience;
use splitlight_protocol::{Map, Value};
use std::sync::Arc;

/// A condition with the groups it refers to.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Targeting(Compiled);

impl Targeting {
    pub(super) fn compile(written: &Value, groups: &Arc<Map>) -> Self {
        // Only the groups that are needed, because a payload may have many, with long lists.
        let ids = needed(written, groups).into_iter();
        let audiences: Vec<Audience> = ids.filter_map(|id| Some(audience(&id, groups.get(&id)?))).collect();
        Self(Compiled::compile(written, &audiences).0)
    }

    pub(super) fn matches(&self, attributes: &Map) -> Option<bool> {
        self.0.holds(attributes)
    }
}

/// A group as an audience; one that is neither a condition nor a list closes whatever asks for it.
fn audience(id: &str, group: &Value) -> Audience {
    let text = |name: &str| group.at(&[name]).and_then(Value::as_str);
    let list = |value: Option<&Value>| match value {
        Some(Value::Array(values)) => Some(values.clone()),
        _ => None,
    };
    let mut audience =
        Audience { key: id.to_owned(), name: None, when: None, attribute: None, values: list(Some(group)) };
    match text("type") {
        Some("list") => {
            audience.values = list(group.at(&["values"]));
            audience.attribute = text("attributeKey").map(str::to_owned);
        }
        Some("condition") => {
            let written = group.at(&["condition"]).filter(|written| matches!(written, Value::Object(_)));
            audience.when = Some(written.cloned().unwrap_or_else(nobody));
        }
        Some("remote") => {
            audience.attribute = text("attributeKey").map(str::to_owned);
            audience.when = Some(remote(id));
        }
        _ => {}
    }
    audience
}

/// What nobody meets.
fn nobody() -> Value {
    Value::Object(Map::from_iter([("$not".to_owned(), Value::Object(Map::new()))]))
}

/// Who is in a remote group: the host application says so in an attribute; without it, that is not known.
fn remote(id: &str) -> Value {
    let object = |name: &str, value: Value| Value::Object(Map::from_iter([(name.to_owned(), value)]));
    let ids = |test: Value| object("__gb_remoteGroupIds", test);
    let among = ids(object("$elemMatch", object("$eq", Value::from(id))));
    let missing = ids(object("$not", object("$type", Value::from("array"))));
    let unknown = ids(object("$unresolved", true.into()));
    object("$or", Value::Array(vec![among, object("$and", Value::Array(vec![missing, unknown]))]))
}
