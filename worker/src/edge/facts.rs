//! Who asks for a page, from the request.

use super::cookie::{self, Identity};
use crate::preview::{PARAMETER, Preview};
use crate::settings::Settings;
use crate::signature;
use serde::Deserialize;
use splitlight_engine::{Facts, Visitor, attributes, utc_offset};
use splitlight_protocol::{Map, Timestamp, Value};
use worker::js_sys::Reflect;
use worker::wasm_bindgen::JsValue;
use worker::{Env, Request, Url};

/// What the edge knows of where a visitor is, as conditions ask for it; every part may be missing.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Place {
    country: Value,
    region: Value,
    city: Value,
    postal_code: Value,
    continent: Value,
    timezone: Value,
    latitude: Value,
    longitude: Value,
}

/// Who looks at a page, and when.
pub(crate) struct Looks {
    pub(crate) identity: Identity,
    pub(crate) geo: Option<Map>,
    pub(crate) preview: Option<Preview>,
    pub(crate) visitor: Visitor,
    pub(crate) now: Timestamp,
}

impl Looks {
    /// Reads a request; a visitor without an id gets one when that is allowed.
    pub(crate) fn new(request: &Request, env: &Env, settings: &Settings, now: Timestamp) -> Self {
        let identity = cookie::identity(request, env, settings);
        let preview = preview(request, env, now);
        let geo = geo(request);
        let url = request.inner().url();
        let visitor = visitor(request, url, &identity, geo.clone(), preview.as_ref(), now);
        Self { identity, geo, preview, visitor, now }
    }
}

/// What a preview link in the address asks for, when it is genuine.
fn preview(request: &Request, env: &Env, now: Timestamp) -> Option<Preview> {
    // Addresses are cut up only where there may be one.
    let url = Some(request.inner().url()).filter(|url| url.contains(PARAMETER))?;
    let url = Url::parse(&url).ok()?;
    let token = url.query_pairs().find(|(name, _)| name == PARAMETER)?.1;
    Preview::read(&token, &signature::key(env)?, now)
}

/// The visitor, as far as the request and their consent say.
pub(crate) fn visitor(
    request: &Request,
    url: String,
    identity: &Identity,
    geo: Option<Map>,
    preview: Option<&Preview>,
    now: Timestamp,
) -> Visitor {
    let header = |name: &str| request.headers().get(name).ok().flatten().unwrap_or_default();
    let agent = header("user-agent");
    let languages = header("accept-language");
    let language = languages.split([',', ';']).next().unwrap_or_default().trim();
    let mut attributes = attributes::from_page(&url, &header("referer"), &agent, language);
    if let Some(geo) = geo {
        attributes.insert("geo".to_owned(), Value::Object(geo));
    }
    let zone = attributes.get("geo").and_then(|geo| geo.at(&["timezone"])).and_then(Value::as_str);
    let utc_offset = zone.and_then(|zone| utc_offset(zone, now));
    Visitor::new(Facts {
        id: identity.id().map(str::to_owned),
        sticky: identity.sticky(),
        forced: preview.map(|it| (it.item.clone(), it.variation.clone())).into_iter().collect(),
        attributes,
        // It is on the device: rules that ask for it are the browser's.
        history: None,
        // What the site itself says of its visitor, it says in the page.
        partial: true,
        utc_offset,
        url,
        consent: identity.consent(),
        bot: attributes::is_bot(&agent) || is_prefetch(&header),
        ..Facts::default()
    })
}

/// A page that is fetched ahead may never be seen.
pub(crate) fn is_prefetch(header: &impl Fn(&str) -> String) -> bool {
    ["sec-purpose", "purpose", "x-moz"].iter().any(|name| header(name).starts_with("prefetch"))
}

/// Where the visitor is; `None` when nobody says. Not by the typed getters, which panic on a missing field.
fn geo(request: &Request) -> Option<Map> {
    let cf = Reflect::get(request.inner(), &JsValue::from_str("cf")).ok()?;
    // Asking for its parts would make an error, which is costly in JavaScript.
    if cf.is_falsy() {
        return None;
    }
    let place: Place = serde_wasm_bindgen::from_value(cf).ok()?;
    let known = [
        ("country", place.country),
        ("region", place.region),
        ("city", place.city),
        ("postalCode", place.postal_code),
        ("continent", place.continent),
        ("timezone", place.timezone),
        ("latitude", degrees(place.latitude)),
        ("longitude", degrees(place.longitude)),
    ];
    let geo: Map = known
        .into_iter()
        .filter(|(_, value)| *value != Value::Null)
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
    (!geo.is_empty()).then_some(geo)
}

/// Cloudflare writes coordinates as text, and distances need numbers.
fn degrees(value: Value) -> Value {
    match value {
        Value::String(text) => text.parse().map_or(Value::Null, Value::Number),
        other => other,
    }
}
