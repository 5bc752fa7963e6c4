//! Who asks for a page, from the request.

use super::cookie::Identity;
use super::said::Said;
use super::segments;
use crate::preview::{PARAMETER, Preview};
use crate::settings::Settings;
use crate::{clock, signature};
use serde::Deserialize;
use splitlight_engine::{Facts, Visitor, attributes, utc_offset};
use splitlight_protocol::{Map, Timestamp, Value};
use worker::{Env, Url};

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
pub(crate) struct Looks<'a> {
    said: &'a Said,
    pub(crate) identity: Identity,
    pub(crate) geo: Option<Map>,
    pub(crate) preview: Option<Preview>,
    segments: Option<Vec<u32>>,
    pub(crate) now: Timestamp,
}

impl<'a> Looks<'a> {
    /// Reads a request for the program with a hash; a visitor without an id gets one when that is allowed.
    pub(crate) fn new(said: &'a Said, env: &Env, settings: &Settings, hash: &str) -> Self {
        let now = clock::now();
        let keys = signature::keys(env);
        let identity = Identity::new(said, &keys, settings);
        let known = identity.known_id();
        let segments = known.and_then(|id| segments::read(&said.cookies, &keys, id, hash, now));
        let preview = keys.first().and_then(|key| preview(&said.url, key, now));
        Self { identity, geo: geo(&said.place), preview, segments, said, now }
    }

    /// The visitor at an address, as far as the request and their consent say.
    pub(crate) fn visitor_at(&self, url: &str) -> Visitor {
        let Self { said, identity, .. } = self;
        let language = said.languages.split([',', ';']).next().unwrap_or_default().trim();
        let mut attributes = attributes::from_page(url, &said.referrer, &said.agent, language);
        if let Some(geo) = &self.geo {
            attributes.insert("geo".to_owned(), Value::Object(geo.clone()));
        }
        let zone = attributes.get("geo").and_then(|geo| geo.at(&["timezone"])).and_then(Value::as_str);
        let utc_offset = zone.and_then(|zone| utc_offset(zone, self.now));
        let forced = self.preview.as_ref().map(|it| (it.item.clone(), it.variation.clone()));
        Visitor::new(Facts {
            id: identity.id().map(str::to_owned),
            sticky: identity.sticky(),
            forced: forced.into_iter().collect(),
            attributes,
            // It is on the device: rules that ask for it are the browser's, but for what it says in the segments.
            history: None,
            segments: self.segments.clone(),
            // What the site itself says of its visitor, it says in the page.
            partial: true,
            utc_offset,
            url: url.to_owned(),
            consent: identity.consent(),
            bot: attributes::is_bot(&said.agent) || said.is_ahead(),
            ..Facts::default()
        })
    }

    /// The visitor of the page.
    pub(crate) fn visitor(&self) -> Visitor {
        self.visitor_at(&self.said.url)
    }
}

/// What a preview link in the address asks for, when it is genuine.
fn preview(url: &str, key: &[u8], now: Timestamp) -> Option<Preview> {
    // Addresses are cut up only where there may be one.
    let url = Some(url).filter(|url| url.contains(PARAMETER))?;
    let url = Url::parse(url).ok()?;
    let token = url.query_pairs().find(|(name, _)| name == PARAMETER)?.1;
    Preview::read(&token, key, now)
}

/// A page that is fetched ahead may never be seen.
pub(crate) fn is_prefetch(header: &impl Fn(&str) -> String) -> bool {
    ["sec-purpose", "purpose", "x-moz"].iter().any(|name| header(name).starts_with("prefetch"))
}

/// Where the visitor is, from the runtime's JSON; `None` when nobody says.
fn geo(json: &str) -> Option<Map> {
    if json.is_empty() {
        return None;
    }
    let place: Place = serde_json::from_str(json).ok()?;
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
