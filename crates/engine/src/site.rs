//! What a page has to know of a config beside the program, which only decides.

use crate::program::Program;
use splitlight_protocol::config::{Change, Config, DeclaredEvent, Edit, EventValue, Experiment};
use splitlight_protocol::{Map, Value};

/// What the script tag gets beside the program: `config`, the program's hash; `slots`, the keys of the personalizations
/// of each slot, first the one that goes first; `asks`, for every item the selectors that have to be found on a page
/// before meeting any of its variations counts; `sights`, for items that remove or move elements the selectors of those
/// that stay where they are in all variations, for who counts what was in sight; `events`, what the page makes events of.
/// What is empty is left out.
///
/// Whether a visitor counts must not depend on their variation. So control waits for the elements that the others
/// change, and each variation for those of all.
///
/// ```
/// use splitlight_engine::{compile, site};
/// use splitlight_protocol::config;
/// let config = config::parse(r##"{ "version": 1, "project": "shop",
///   "experiments": [{ "key": "hero", "variations": [{ "key": "control" },
///     { "key": "bold", "changes": [{ "selector": "h1", "text": "Hi" }] }] }],
///   "personalizations": [{ "key": "madrid", "slot": "banner", "value": 1 }] }"##).config;
/// let program = compile(&config).program;
/// let known = serde_json::to_string(&site(&config, &program, "3f2a")).unwrap();
/// assert_eq!(known, r#"{"asks":{"hero":["h1"]},"config":"3f2a","slots":{"banner":["madrid"]}}"#);
/// ```
pub fn site(config: &Config, program: &Program, hash: &str) -> Value {
    let mut members = vec![("config".to_owned(), Value::from(hash))];
    let sections = [
        ("slots", slots(config, program)),
        ("asks", asks(config, program)),
        ("sights", sights(config, program)),
    ];
    for (name, section) in sections {
        if !section.is_empty() {
            members.push((name.to_owned(), Value::Object(section)));
        }
    }
    if !config.events.is_empty() {
        members.push(("events".to_owned(), Value::Array(config.events.iter().map(event).collect())));
    }
    Value::Object(Map::from_iter(members))
}

/// A declared event without its key, which only the config needs.
fn event(declared: &DeclaredEvent) -> Value {
    let text = |text: &str| Some(Value::from(text));
    let number = |number: u32| Value::Number(number.into());
    let properties =
        declared.properties.iter().map(|(name, attribute)| (name.clone(), (&**attribute).into()));
    let value = declared.value.as_ref().map(|value| match value {
        EventValue::Fixed(value) => Value::Number(exact(*value)),
        EventValue::Attribute(name) => Value::from(&**name),
    });
    let members = [
        ("name", text(declared.name())),
        ("on", text(declared.on.word())),
        ("selector", declared.selector.as_deref().and_then(text)),
        ("percent", declared.percent.map(number)),
        ("seconds", declared.seconds.map(number)),
        ("value", value),
        ("currency", declared.currency.as_deref().and_then(text)),
        ("properties", (!declared.properties.is_empty()).then(|| Value::Object(properties.collect()))),
    ];
    let members = members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    Value::Object(members.collect())
}

#[expect(clippy::cast_precision_loss, reason = "publishing refuses values that a double cannot hold")]
fn exact(value: i64) -> f64 {
    value as f64
}

/// In the program's order, which is that in which personalizations fill their slots.
fn slots(config: &Config, program: &Program) -> Map {
    let mut slots: Vec<(String, Vec<Value>)> = Vec::new();
    for item in program.items() {
        let rule = config.personalizations.iter().find(|rule| rule.key == item.key());
        let Some(slot) = rule.and_then(|rule| rule.slot.as_ref()) else { continue };
        match slots.iter_mut().find(|(known, _)| known == slot) {
            Some((_, keys)) => keys.push(item.key().into()),
            None => slots.push((slot.clone(), vec![item.key().into()])),
        }
    }
    slots.into_iter().map(|(slot, keys)| (slot, Value::Array(keys))).collect()
}

fn asks(config: &Config, program: &Program) -> Map {
    let all = compared(config, program).map(|(key, changes)| (key.to_owned(), selectors(&changes)));
    all.filter(|(_, selectors)| !selectors.is_empty()).map(|(key, all)| (key, Value::Array(all))).collect()
}

fn sights(config: &Config, program: &Program) -> Map {
    let away = |change: &&Change| matches!(change.edit, Edit::Remove | Edit::Move(_));
    let of_item = |(key, changes): (&str, Vec<&Change>)| {
        let gone: Vec<&str> = changes.iter().copied().filter(away).map(|change| &*change.selector).collect();
        let stays =
            changes.into_iter().filter(|change| !gone.contains(&&*change.selector)).collect::<Vec<_>>();
        (!gone.is_empty()).then(|| (key.to_owned(), Value::Array(selectors(&stays))))
    };
    compared(config, program).filter_map(of_item).collect()
}

/// The items whose visitors are compared with others who see other changes: their keys, and the changes of all variations.
fn compared<'a>(
    config: &'a Config,
    program: &'a Program,
) -> impl Iterator<Item = (&'a str, Vec<&'a Change>)> {
    let rules = config.features.iter().flat_map(|feature| &feature.rules);
    let experiments = config.experiments.iter().chain(rules.filter_map(|rule| rule.run.as_deref()));
    let changes =
        |it: &'a Experiment| it.variations.iter().flat_map(|variation| &variation.changes).collect();
    let experiments = experiments.map(move |it| (&*it.key, changes(it)));
    // Without a holdout everybody who is asked has the same changes.
    let held = config.personalizations.iter().filter(|rule| rule.holdout > 0.0);
    let held = held.map(|rule| (&*rule.key, rule.changes.iter().collect()));
    experiments.chain(held).filter(|(key, _)| program.item(key).is_some())
}

/// Each once, in the order in which they are written; a style sheet has none.
fn selectors(changes: &[&Change]) -> Vec<Value> {
    let mut all: Vec<Value> = Vec::new();
    for change in changes.iter().filter(|change| !change.selector.is_empty()) {
        let target = match &change.edit {
            Edit::Move(place) => Some(&place.target),
            _ => None,
        };
        for selector in [Some(&change.selector), target].into_iter().flatten() {
            let selector = Value::from(&**selector);
            if !all.contains(&selector) {
                all.push(selector);
            }
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compile;
    use splitlight_protocol::config;

    #[test]
    fn declared_events_are_told_under_their_names() {
        let config = config::parse(
            r#"{ "version": 1, "project": "shop", "events": [
              { "key": "k", "name": "add", "on": "click", "selector": ".a", "value": "data-price", "currency": "EUR",
                "properties": { "sku": "data-sku" } },
              { "key": "deep", "on": "scroll", "percent": 90, "value": 5 }] }"#,
        )
        .config;
        let known = serde_json::to_value(site(&config, &compile(&config).program, "h")).expect("writes");
        let expected = serde_json::json!([
            { "name": "add", "on": "click", "selector": ".a", "value": "data-price", "currency": "EUR",
              "properties": { "sku": "data-sku" } },
            { "name": "deep", "on": "scroll", "percent": 90, "value": 5 }]);
        assert_eq!(known["events"], expected);
    }

    #[test]
    fn nothing_but_what_is_live_is_told() {
        let config = config::parse(
            r##"{ "version": 1, "project": "shop", "experiments": [
              { "key": "secret", "status": "draft", "variations": [{ "key": "a" },
                { "key": "b", "changes": [{ "selector": "#secret", "remove": true }] }] },
              { "key": "two", "variations": [{ "key": "a", "changes": [{ "selector": "h1", "text": "x" }] },
                { "key": "b", "changes": [{ "selector": "h1", "text": "y" }, { "selector": "p", "style": { "color": "red" } },
                  { "css": "p{}" }, { "selector": "p", "move": { "position": "after", "target": "main" } }] }] }],
            "personalizations": [
              { "key": "later", "slot": "s", "priority": 2, "holdout": 0.1, "changes": [{ "selector": "#s", "text": "l" }] },
              { "key": "first", "slot": "s", "priority": 1, "changes": [{ "selector": "#s", "text": "f" }] }] }"##,
        )
        .config;
        let known = serde_json::to_string(&site(&config, &compile(&config).program, "h")).expect("writes");
        assert_eq!(
            known,
            r##"{"asks":{"later":["#s"],"two":["h1","p","main"]},"config":"h","sights":{"two":["h1"]},"slots":{"s":["first","later"]}}"##
        );
    }
}
