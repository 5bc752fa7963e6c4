//! The visitor that arguments describe.

use crate::arguments::{Consent, Decide, Visitor};
use crate::config::Read;
use crate::input;
use crate::output::Failure;
use serde::Deserialize;
use splitlight_engine::{Facts, History, Program, attributes, utc_offset};
use splitlight_protocol::{Map, Timestamp, Value};

/// Something a visitor did.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Event {
    #[serde(rename = "event")]
    pub(crate) name: Option<String>,
    /// Instead of an event: the page at this address was visited.
    #[serde(default)]
    pub(crate) url: String,
    /// The page before it.
    #[serde(default)]
    pub(crate) referrer: String,
    /// Milliseconds since 1970, as in a batch of events.
    pub(crate) time: Timestamp,
    #[serde(default)]
    pub(crate) properties: Map,
    #[serde(default)]
    pub(crate) value: Option<i64>,
}

impl Event {
    /// Adds the event to a history, when a rule of the program asks about it.
    pub(crate) fn record(&self, history: &mut History, program: &Program) {
        match &self.name {
            Some(name) => history.record(program, name, &self.properties, self.value, self.time),
            None => history.visit(program, &self.url, &self.referrer, self.time),
        };
    }
}

/// The facts that the arguments give.
pub(crate) fn facts(arguments: &Visitor, program: &Program, now: Timestamp) -> Result<Facts, Failure> {
    let attributes = all_attributes(arguments)?;
    let zone = attributes.get("geo").and_then(|geo| geo.at(&["timezone"])).and_then(Value::as_str);
    Ok(Facts {
        utc_offset: arguments.utc_offset.or_else(|| utc_offset(zone?, now)),
        partial: arguments.edge,
        id: arguments.id.clone(),
        user: arguments.user.clone(),
        history: history(arguments, program, now)?,
        attributes,
        url: arguments.url.clone(),
        consent: match arguments.consent {
            Consent::Granted => splitlight_engine::Consent::Granted,
            Consent::Pending => splitlight_engine::Consent::Pending,
            Consent::Denied => splitlight_engine::Consent::Denied,
        },
        bot: arguments.user_agent.as_deref().is_some_and(attributes::is_bot),
        ..Facts::default()
    })
}

fn history(arguments: &Visitor, program: &Program, now: Timestamp) -> Result<Option<History>, Failure> {
    if arguments.edge {
        return Ok(None);
    }
    let mut history = History::default();
    let path = arguments.events.as_deref();
    let events: Vec<Event> = path.map(input::json_lines).transpose()?.unwrap_or_default();
    for event in events {
        event.record(&mut history, program);
    }
    // As in a browser, where the page that is decided about is a page of the session.
    history.visit(program, &arguments.url, &arguments.referrer, now);
    Ok(Some(history))
}

/// Writes the record of a decision, where one is asked for.
pub(crate) fn record(arguments: &Decide, read: &Read, facts: &Facts, now: Timestamp) -> Result<(), Failure> {
    let Some(path) = &arguments.record else { return Ok(()) };
    let record = serde_json::to_string_pretty(&facts.record(&read.version(), now))
        .map_err(|error| Failure(error.to_string()))?;
    std::fs::write(path, record + "\n").map_err(|error| Failure(format!("cannot write {path}: {error}")))
}

/// What the page says, over it the file, over it the single attributes.
fn all_attributes(arguments: &Visitor) -> Result<Map, Failure> {
    let (agent, language) = (arguments.user_agent.as_deref(), arguments.language.as_deref());
    let mut all = attributes::from_page(
        &arguments.url,
        &arguments.referrer,
        agent.unwrap_or_default(),
        language.unwrap_or_default(),
    );
    if let Some(path) = &arguments.attributes {
        let Value::Object(written) = input::json(path)? else {
            return Err(Failure(format!("{}: the attributes are not an object", input::named(path))));
        };
        for (name, value) in written.iter() {
            all.insert(name.to_owned(), value.clone());
        }
    }
    for written in &arguments.attribute {
        let (path, text) = written
            .split_once('=')
            .filter(|(path, _)| !path.is_empty())
            .ok_or_else(|| Failure(format!("--attribute: `{written}` has no value; write it as plan=pro")))?;
        let value = serde_json::from_str(text).unwrap_or_else(|_| Value::from(text));
        set(&mut all, path, value);
    }
    Ok(all)
}

/// Sets the attribute at a path, and makes the objects on the way.
pub(crate) fn set(into: &mut Map, path: &str, value: Value) {
    let Some((first, rest)) = path.split_once('.') else {
        into.insert(path.to_owned(), value);
        return;
    };
    let mut inner = match into.get(first) {
        Some(Value::Object(inner)) => inner.clone(),
        _ => Map::new(),
    };
    set(&mut inner, rest, value);
    into.insert(first.to_owned(), Value::Object(inner));
}
