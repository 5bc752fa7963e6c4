//! Decisions as the loader takes them: one array per item, because arrays need no member names in the download.
//!
//! A whole answer is `[items, features, kept, history]`, where `kept` is the text of kept variations and `history` the
//! bytes that the device should keep, if they are new.
//!
//! A feature is `[key, value, reason, item]`, where reading it is meeting the item with that key, if there is one.
//!
//! An item is `[key, kind, variation, reason, value, onRead, changes, redirect]`, where `kind` is 0 for an experiment and 1 for a
//! personalization, `variation` is null for a personalization that is not in force, `onRead` says that reading the
//! variation is what the visitor meets, and `changes` (null when no variation is in force) holds
//! `[selector, edit, text, more, index]` with the attributes filled in. `redirect` is `[address, keepQuery]` or null.
//!
//! `edit` is 0 text, 1 html, 2 attribute `more` (null removes it), 3 classes (arrays: `text` to add, `more` to remove),
//! 4 to 7 html before, after, inside first, inside last, 8 removal, 9 css.

use crate::standing::Standing;
use js_sys::{Array, Object, Reflect};
use splitlight_engine::{Decisions, Edit, FeatureDecision, Item, ItemKind, Program, Variation};
use splitlight_protocol::config::Position;
use splitlight_protocol::{Map, Value};
use wasm_bindgen::JsValue;

/// All features, in the order of the program.
pub(crate) fn features(program: &Program, decisions: &Decisions) -> Array {
    let entry = |(key, value, decision): (&str, &Value, FeatureDecision)| {
        let item = decision.item.and_then(|(item, _)| program.items().get(item));
        array([
            key.into(),
            js(value),
            decision.reason.name().into(),
            item.map_or(JsValue::NULL, |item| item.key().into()),
        ])
    };
    decisions.features(program).map(entry).collect()
}

/// All items, in the order of the program.
pub(crate) fn items(program: &Program, standings: &[Standing], attributes: &Map) -> Array {
    program.items().iter().zip(standings).map(|(item, standing)| entry(item, standing, attributes)).collect()
}

fn entry(item: &Item, standing: &Standing, attributes: &Map) -> JsValue {
    let experiment = item.kind() == ItemKind::Experiment;
    let open = standing.is_open();
    // For an experiment there is always one to use: control when a gate was closed.
    let variation = item.variations().get(standing.decision.variation).filter(|_| open || experiment);
    let plain = |variation: &Variation| variation.changes.is_empty() && variation.redirect.is_none();
    let plain = item.variations().iter().all(plain);
    array([
        item.key().into(),
        JsValue::from(u8::from(!experiment)),
        variation.map_or(JsValue::NULL, |variation| (&*variation.key).into()),
        standing.decision.reason.name().into(),
        variation.map_or(JsValue::NULL, |variation| js(&variation.value)),
        (open && experiment && plain).into(),
        match variation.filter(|_| open) {
            None => JsValue::NULL,
            Some(variation) => {
                let mine = |at: &usize| match &standing.left {
                    None => true,
                    Some(left) => left.iter().any(|left| *left as usize == *at),
                };
                let all = 0..variation.changes.len();
                all.filter(mine)
                    .map(|at| change(at, &variation.changes[at], attributes))
                    .collect::<Array>()
                    .into()
            }
        },
        match variation.filter(|_| open).and_then(|variation| variation.redirect.as_ref()) {
            Some((to, keep_query)) => array([(&**to).into(), (*keep_query).into()]),
            None => JsValue::NULL,
        },
    ])
}

fn change(at: usize, change: &splitlight_engine::Change, attributes: &Map) -> JsValue {
    let none = || JsValue::NULL;
    let (edit, text, more): (u8, JsValue, JsValue) = match &change.edit {
        Edit::Text(text) => (0, text.text(attributes).into(), none()),
        Edit::Html(html) => (1, html.html(attributes).into(), none()),
        Edit::Attribute(name, value) => {
            (2, value.as_ref().map_or_else(none, |value| value.text(attributes).into()), (&**name).into())
        }
        Edit::Class(add, remove) => (3, strings(add), strings(remove)),
        Edit::Insert(position, html) => (inserted(*position), html.html(attributes).into(), none()),
        Edit::Remove => (8, none(), none()),
        Edit::Css(css) => (9, (&**css).into(), none()),
    };
    array([(&*change.selector).into(), edit.into(), text, more, JsValue::from(at)])
}

const fn inserted(position: Position) -> u8 {
    match position {
        Position::Before => 4,
        Position::After => 5,
        Position::Prepend => 6,
        Position::Append => 7,
    }
}

/// A value as JavaScript has it.
fn js(value: &Value) -> JsValue {
    match value {
        Value::Null => JsValue::NULL,
        Value::Bool(truth) => (*truth).into(),
        Value::Number(number) => (*number).into(),
        Value::String(text) => (&**text).into(),
        Value::Array(items) => items.iter().map(js).collect::<Array>().into(),
        Value::Object(map) => {
            let object = Object::new();
            for (name, value) in map.iter() {
                let _ = Reflect::set(&object, &name.into(), &js(value));
            }
            object.into()
        }
    }
}

fn array<const N: usize>(items: [JsValue; N]) -> JsValue {
    items.into_iter().collect::<Array>().into()
}

fn strings(texts: &[String]) -> JsValue {
    texts.iter().map(|text| JsValue::from(&**text)).collect::<Array>().into()
}
