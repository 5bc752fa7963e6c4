//! The JSON Schema of a config, from the types it is read into.

use crate::limits::KEY_CHARS_MAX;
use crate::value::Value;
use schemars::generate::SchemaSettings;
use schemars::transform::{Transform, transform_subschemas};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::json;
use std::borrow::Cow;

/// The JSON Schema (2020-12) of a config document, for editors that complete and check while people write.
///
/// It accepts every config that can be published; rules between members, such as weights that add up to 1, are for
/// [`parse`](super::parse) to say, and those of conditions for `compile`.
///
/// ```
/// let schema = splitlight_protocol::config::schema();
/// assert_eq!(schema["properties"]["version"]["const"], 1);
/// assert_eq!(schema["$defs"]["Variation"]["required"], serde_json::json!(["key"]));
/// ```
pub fn schema() -> serde_json::Value {
    let settings = SchemaSettings::draft2020_12().with_transform(Plain);
    settings.into_generator().into_root_schema_for::<super::Config>().to_value()
}

/// Leaves out what only readers of the Rust documentation understand.
#[derive(Clone)]
pub(crate) struct Plain;

impl Transform for Plain {
    fn transform(&mut self, schema: &mut Schema) {
        // A number's width in memory says nothing to people.
        schema.remove("format");
        if let Some(serde_json::Value::String(text)) = schema.get_mut("description") {
            let told = text.split("```").next().unwrap_or_default().trim_end();
            *text = told.replace("[`", "`").replace("`]", "`");
        }
        transform_subschemas(self, schema);
    }
}

/// Where the schema is.
pub(super) fn document(schema: &mut Schema) {
    schema.insert("title".to_owned(), "A Splitlight config".into());
    let Some(properties) = schema.get_mut("properties").and_then(serde_json::Value::as_object_mut) else {
        return;
    };
    let address = json!({ "type": "string", "description": "Where this schema is, for editors." });
    properties.insert("$schema".to_owned(), address);
}

/// A change is exactly one edit, and every edit but `css` has a selector.
pub(super) fn one_edit(schema: &mut Schema) {
    let edits = ["text", "html", "attribute", "class", "style", "insert", "move", "remove"];
    let written = |name: &str| json!({ name: { "not": { "type": "null" } } });
    let mut ways: Vec<serde_json::Value> = edits
        .iter()
        .map(|name| json!({ "required": ["selector", name], "properties": written(name) }))
        .collect();
    ways.push(json!({ "required": ["css"], "properties": written("css") }));
    schema.insert("oneOf".to_owned(), ways.into());
}

/// A name that other documents refer to.
pub(super) struct Key;

impl JsonSchema for Key {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Key".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": format!("^[A-Za-z0-9_.:-]{{1,{KEY_CHARS_MAX}}}$") })
    }
}

/// A day of the calendar.
pub(super) struct Day;

impl JsonSchema for Day {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Day".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$" })
    }
}

/// A part of all, 0 to 1.
pub(super) struct Share;

impl JsonSchema for Share {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Share".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "number", "minimum": 0, "maximum": 1 })
    }
}

/// 1 or 2.
pub(super) struct HashVersion;

impl JsonSchema for HashVersion {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "HashVersion".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "integer", "enum": [1, 2] })
    }
}

/// A condition: what is not an operator is the path of an attribute.
pub(super) struct Condition;

impl JsonSchema for Condition {
    fn schema_name() -> Cow<'static, str> {
        "Condition".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let inner = generator.subschema_for::<Self>();
        json_schema!({
            "description": "Who is meant: attributes by their paths, such as { \"geo.city\": \"Madrid\" }, and operators.",
            "type": "object",
            "properties": {
                "$and": { "type": "array", "items": inner, "description": "All of these hold." },
                "$or": { "type": "array", "items": inner, "description": "One of these holds." },
                "$nor": { "type": "array", "items": inner, "description": "None of these holds." },
                "$not": { "$ref": inner.get("$ref"), "description": "This does not hold." },
                "$audience": { "type": "string", "description": "The key of an audience." },
                "$savedGroup": { "type": "object", "description": "A group of an imported payload." },
                "$history": { "type": "object", "description": "What the visitor did, such as { \"event\": \"purchase\", \"within\": \"30d\", \"count\": { \"$gte\": 1 } }." },
                "$score": { "type": "object", "description": "A score, such as { \"score\": \"lead\", \"value\": { \"$gte\": 40 } }." },
                "$time": { "type": "object", "description": "Days and hours, such as { \"days\": [\"sat\", \"sun\"], \"zone\": \"visitor\" }." },
                "$near": { "type": "object", "description": "A distance, such as { \"latitude\": 40.4, \"longitude\": -3.7, \"km\": 25 }." },
            },
            "additionalProperties": true,
        })
    }
}

impl JsonSchema for Value {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Value".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!(true)
    }
}
