//! Visitors made up after what a config asks about.

use super::population::Person;
use crate::random::Random;
use crate::visitor::{Event, set};
use splitlight_protocol::config::{Config, Experiment, Page, PageKind, UNIT, UNIT_USER};
use splitlight_protocol::limits::CONDITION_DEPTH_MAX;
use splitlight_protocol::time::{DAY_MS, parse_span};
use splitlight_protocol::{Map, Timestamp, Value};
use std::collections::{BTreeMap, BTreeSet};

/// What visitors can be made of.
///
/// Of every attribute that a condition asks about, a visitor has one of the values that conditions name, another one,
/// or none, with the same chance; half of them are signed in; of every event that a condition asks about they did as
/// much as it asks for, more, less or nothing, some time within its window. Everybody sees one page of every pattern.
#[derive(Debug, Default)]
pub(super) struct Synthetic {
    attributes: BTreeMap<String, Vec<Value>>,
    /// Attributes that are hashed, which have to differ between visitors.
    units: BTreeSet<String>,
    events: Vec<Asked>,
    pages: Vec<String>,
}

/// An event that conditions ask about.
#[derive(Debug, PartialEq)]
struct Asked {
    name: String,
    properties: Map,
    within_ms: i64,
    /// The largest number that is asked for.
    wanted: usize,
}

/// Stands for every value that no condition names.
const OTHER: &str = "something-else";

/// Pages of a site that no pattern names are one.
const SITE: &str = "https://site.test";

/// More events than this say nothing more about a rule that asks for even more of them.
const WANTED_MAX: usize = 50;

impl Synthetic {
    pub(super) fn new(config: &Config) -> Self {
        let mut all = Self { pages: vec![format!("{SITE}/")], ..Self::default() };
        for audience in &config.audiences {
            all.when(config, audience.when.as_ref(), 0);
            if let (Some(path), Some(values)) = (&audience.attribute, &audience.values) {
                all.values(path, values);
            }
        }
        let runs = config.features.iter().flat_map(|feature| &feature.rules);
        for experiment in config.experiments.iter().chain(runs.clone().filter_map(|rule| rule.run.as_deref()))
        {
            all.experiment(config, experiment);
        }
        for rule in runs {
            all.when(config, rule.when.as_ref(), 0);
            all.unit(&rule.unit);
        }
        for rule in &config.personalizations {
            all.when(config, rule.when.as_ref(), 0);
            all.unit(&rule.unit);
            all.pages(&rule.pages);
        }
        for holdout in &config.holdouts {
            all.unit(&holdout.unit);
        }
        all
    }

    pub(super) fn draw(&self, now: Timestamp, random: &mut Random) -> Person {
        let mut attributes = Map::new();
        for (path, values) in &self.attributes {
            match random.below(values.len() + 2) {
                0 => {}
                1 => set(&mut attributes, path, Value::from(OTHER)),
                at => set(&mut attributes, path, values[at - 2].clone()),
            }
        }
        for path in &self.units {
            set(&mut attributes, path, Value::String(random.id()));
        }
        let mut events = Vec::new();
        for asked in &self.events {
            for _ in 0..random.below(asked.wanted * 2 + 1) {
                let ago = random.share() * asked.within_ms as f64;
                #[expect(
                    clippy::cast_possible_truncation,
                    reason = "a window is far below 2^53 milliseconds"
                )]
                let time = now.plus_ms(-(ago as i64));
                events.push(Event {
                    name: asked.name.clone(),
                    time,
                    properties: asked.properties.clone(),
                    value: Some(1),
                });
            }
        }
        events.sort_by_key(|event| event.time);
        let user = (random.below(2) == 1).then(|| random.id());
        Person { id: Some(random.id()), user, attributes, pages: self.pages.clone(), events }
    }

    fn experiment(&mut self, config: &Config, experiment: &Experiment) {
        self.when(config, experiment.when.as_ref(), 0);
        for context in &experiment.contexts {
            self.when(config, Some(&context.when), 0);
        }
        let filtered = experiment.filters.iter().filter_map(|filter| filter.unit.as_ref());
        for unit in filtered.chain(&experiment.fallback_unit).chain([&experiment.unit]) {
            self.unit(unit);
        }
        self.pages(&experiment.pages);
    }

    fn unit(&mut self, unit: &str) {
        if unit != UNIT && unit != UNIT_USER {
            self.units.insert(unit.to_owned());
        }
    }

    /// A page that each pattern is about; what a regular expression is about cannot be told.
    fn pages(&mut self, patterns: &[Page]) {
        for page in patterns {
            let Some(pattern) = page.include.as_ref().filter(|_| page.kind != PageKind::Regex) else {
                continue;
            };
            let some =
                if page.kind == PageKind::Simple { pattern.replace('*', "page") } else { pattern.clone() };
            let address = if some.starts_with('/') { format!("{SITE}{some}") } else { some };
            if !self.pages.contains(&address) {
                self.pages.push(address);
            }
        }
    }

    fn values(&mut self, path: &str, values: &[Value]) {
        let known = self.attributes.entry(path.to_owned()).or_default();
        for value in values {
            if !known.contains(value) {
                known.push(value.clone());
            }
        }
    }

    fn when(&mut self, config: &Config, when: Option<&Value>, depth: usize) {
        let Some(Value::Object(members)) = when.filter(|_| depth <= CONDITION_DEPTH_MAX) else { return };
        for (name, value) in members.iter() {
            match (name, value) {
                ("$and" | "$or" | "$nor", Value::Array(items)) => {
                    for item in items {
                        self.when(config, Some(item), depth + 1);
                    }
                }
                ("$not", inner) => self.when(config, Some(inner), depth + 1),
                ("$history", asked) => self.asked(asked),
                ("$near", near) => {
                    for axis in ["latitude", "longitude"] {
                        if let Some(degrees) = near.at(&[axis]) {
                            self.values(&format!("geo.{axis}"), core::slice::from_ref(degrees));
                        }
                    }
                }
                _ if name.starts_with('$') => {}
                (path, test) => self.test(config, path, test, depth),
            }
        }
    }

    fn test(&mut self, config: &Config, path: &str, test: &Value, depth: usize) {
        let Value::Object(operators) = test else { return self.values(path, core::slice::from_ref(test)) };
        for (operator, value) in operators.iter() {
            match (operator, value) {
                ("$in" | "$nin" | "$ini" | "$nini", Value::Array(items)) => {
                    self.values(path, items);
                }
                ("$lt" | "$lte" | "$gt" | "$gte", Value::Number(number)) => {
                    self.values(path, &[-1.0, 0.0, 1.0].map(|step| Value::Number(number + step)));
                }
                ("$all" | "$alli", list) => self.values(path, core::slice::from_ref(list)),
                ("$inGroup" | "$notInGroup", Value::String(key)) => {
                    let group = config.audiences.iter().find(|audience| audience.key == *key);
                    let values = group.and_then(|group| group.values.as_deref()).unwrap_or_default();
                    self.values(path, values);
                }
                ("$not", inner) if depth <= CONDITION_DEPTH_MAX => self.test(config, path, inner, depth + 1),
                ("$eq" | "$ne" | "$veq" | "$vne" | "$vlt" | "$vlte" | "$vgt" | "$vgte", value) => {
                    self.values(path, core::slice::from_ref(value));
                }
                // What a pattern or a list has to be like cannot be told; such an attribute is something else, or none.
                _ => {
                    self.attributes.entry(path.to_owned()).or_default();
                }
            }
        }
    }

    fn asked(&mut self, written: &Value) {
        let text = |name: &str| written.at(&[name]).and_then(Value::as_str);
        let Some(name) = text("event") else { return };
        let questions = ["count", "sum", "distinctDays"].into_iter().filter_map(|name| written.at(&[name]));
        let numbers = questions.flat_map(|test| match test {
            Value::Object(operators) => operators.iter().filter_map(|(_, value)| value.as_f64()).collect(),
            other => other.as_f64().into_iter().collect::<Vec<f64>>(),
        });
        let most = numbers.fold(1.0, f64::max).min(WANTED_MAX as f64);
        let properties = match written.at(&["where"]) {
            // Only equality says what an event has to be.
            Some(Value::Object(members)) => members
                .iter()
                .filter(|(_, value)| !matches!(value, Value::Object(_)))
                .map(|(name, value)| (name.to_owned(), value.clone()))
                .collect(),
            _ => Map::new(),
        };
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "1 to WANTED_MAX")]
        let wanted = most as usize;
        let within_ms = text("within").and_then(parse_span).unwrap_or(DAY_MS);
        let asked = Asked { name: name.to_owned(), properties, within_ms, wanted };
        if !self.events.contains(&asked) {
            self.events.push(asked);
        }
    }
}
