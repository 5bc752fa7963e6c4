//! JavaScript values become ours by walking them: 17 KB less than a deserializer, and nothing is called on them.

use js_sys::{Array, Object, Reflect};
use splitlight_protocol::{Map, Value};
use wasm_bindgen::{JsCast, JsValue};

/// Containers within containers that are followed; what is deeper is left out.
const DEPTH_MAX: u32 = 8;

/// Values that are read from one object, so that an object that contains itself ends.
const VALUES_MAX: u32 = 10_000;

/// The own enumerable members of an object that JSON could carry; none when it is no object.
pub(crate) fn members(object: &JsValue) -> Map {
    match read(object, DEPTH_MAX, &mut { VALUES_MAX }) {
        Some(Value::Object(map)) => map,
        _ => Map::new(),
    }
}

/// The value, or `None` for what JSON leaves out as well: undefined, functions, symbols.
fn read(js: &JsValue, depth: u32, budget: &mut u32) -> Option<Value> {
    *budget = budget.checked_sub(1)?;
    if js.is_null() {
        return Some(Value::Null);
    }
    if let Some(truth) = js.as_bool() {
        return Some(Value::Bool(truth));
    }
    if let Some(number) = js.as_f64() {
        return Some(if number.is_finite() { Value::Number(number) } else { Value::Null });
    }
    if let Some(text) = js.as_string() {
        return Some(Value::String(text));
    }
    if !js.is_object() || depth == 0 {
        return None;
    }
    if Array::is_array(js) {
        let items = Array::from(js);
        return Some(Value::Array(
            items.iter().map(|item| read(&item, depth - 1, budget).unwrap_or_default()).collect(),
        ));
    }
    let mut map = Map::new();
    for name in Object::keys(js.unchecked_ref::<Object>()) {
        // A getter may throw; its member is then not there.
        let Ok(member) = Reflect::get(js, &name) else { continue };
        if let (Some(name), Some(value)) = (name.as_string(), read(&member, depth - 1, budget)) {
            map.insert(name, value);
        }
    }
    Some(Value::Object(map))
}
