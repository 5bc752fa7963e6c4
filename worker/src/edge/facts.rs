//! Who asks for a page, from the request.

use super::cookie::Identity;
use splitlight_engine::{Facts, Visitor, attributes};
use splitlight_protocol::{Map, Value};
use worker::Request;
use worker::js_sys::Reflect;
use worker::wasm_bindgen::JsValue;

/// What the edge knows of where a visitor is, as conditions ask for it.
const GEO: [&str; 8] =
    ["country", "region", "city", "postalCode", "continent", "timezone", "latitude", "longitude"];

/// The visitor, as far as the request and their consent say.
pub(crate) fn visitor(request: &Request, identity: &Identity) -> Visitor {
    let header = |name: &str| request.headers().get(name).ok().flatten().unwrap_or_default();
    let url = request.inner().url();
    let agent = header("user-agent");
    let languages = header("accept-language");
    let language = languages.split([',', ';']).next().unwrap_or_default().trim();
    let mut attributes = attributes::from_page(&url, &header("referer"), &agent, language);
    if let Some(geo) = geo(request) {
        attributes.insert("geo".to_owned(), Value::Object(geo));
    }
    Visitor::new(Facts {
        id: identity.id().map(str::to_owned),
        attributes,
        // It is on the device: rules that ask for it are the browser's.
        history: None,
        url,
        consent: identity.consent(),
        bot: attributes::is_bot(&agent) || is_prefetch(&header),
    })
}

/// A page that is fetched ahead may never be seen.
fn is_prefetch(header: &impl Fn(&str) -> String) -> bool {
    ["sec-purpose", "purpose", "x-moz"].iter().any(|name| header(name).starts_with("prefetch"))
}

/// Where the visitor is; `None` when nobody says. Read by reflection: the typed getters panic on a missing field.
pub(crate) fn geo(request: &Request) -> Option<Map> {
    let cf = Reflect::get(request.inner(), &JsValue::from_str("cf")).ok().filter(JsValue::is_object)?;
    let known = GEO.iter().filter_map(|name| {
        let value = Reflect::get(&cf, &JsValue::from_str(name)).ok()?;
        let value = match (value.as_string(), value.as_f64()) {
            (Some(text), _) if matches!(*name, "latitude" | "longitude") => Value::Number(text.parse().ok()?),
            (Some(text), _) => Value::String(text),
            (None, Some(number)) => Value::Number(number),
            (None, None) => return None,
        };
        Some(((*name).to_owned(), value))
    });
    let geo: Map = known.collect();
    (!geo.is_empty()).then_some(geo)
}
