//! A condition with the groups it refers to, compiled by the engine.

use splitlight_engine::Targeting as Compiled;
use splitlight_protocol::config::Audience;
use splitlight_protocol::{Map, Value};
use std::sync::Arc;

/// A condition with the groups it refers to.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Targeting(Compiled);

impl Targeting {
    pub(super) fn compile(written: &Value, groups: &Arc<Map>) -> Self {
        // A group is referred to by its id as a text; without any there is nothing to compile but the condition.
        let audiences: Vec<Audience> =
            if mentions_group(written) { groups.iter().map(audience).collect() } else { Vec::new() };
        Self(Compiled::compile(written, &audiences).0)
    }

    pub(super) fn matches(&self, attributes: &Map) -> Option<bool> {
        self.0.holds(attributes)
    }
}

fn mentions_group(written: &Value) -> bool {
    match written {
        Value::Object(members) => members.iter().any(|(name, value)| {
            matches!(name, "$savedGroup" | "$inGroup" | "$notInGroup") || mentions_group(value)
        }),
        Value::Array(items) => items.iter().any(mentions_group),
        _ => false,
    }
}

/// A group as an audience; one that is neither a condition nor a list closes whatever asks for it.
fn audience((id, group): (&str, &Value)) -> Audience {
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
        Some("condition") => audience.when = group.at(&["condition"]).cloned(),
        Some("remote") => {
            audience.attribute = text("attributeKey").map(str::to_owned);
            audience.when = Some(remote(id));
        }
        _ => {}
    }
    audience
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
