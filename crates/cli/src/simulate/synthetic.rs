//! Visitors made up after what a config asks about.

mod asked;

use super::population::Person;
use crate::random::Random;
use crate::visitor::{Event, set};
use splitlight_protocol::config::{Config, Experiment, Page, PageKind, UNIT, UNIT_USER};
use splitlight_protocol::{Map, Timestamp, Value};
use std::collections::{BTreeMap, BTreeSet};

/// What visitors can be made of.
///
/// Of every attribute that a condition asks about, a visitor has one of the values that conditions name, another one,
/// or none, with the same chance; half of them are signed in; of every event that a condition asks about they did as
/// much as it asks for, more, less or nothing, some time within its window; they live in any time zone. Everybody sees
/// one page of every pattern.
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

impl Synthetic {
    pub(super) fn new(config: &Config) -> Self {
        let mut all = Self { pages: vec![format!("{SITE}/")], ..Self::default() };
        for audience in &config.audiences {
            all.when(config, audience.when.as_ref(), 0);
            if let (Some(path), Some(values)) = (&audience.attribute, &audience.values) {
                all.values(path, values);
            }
        }
        for score in &config.scores {
            all.score(config, score);
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
                    name: Some(asked.name.clone()),
                    time,
                    properties: asked.properties.clone(),
                    value: Some(1),
                    ..Event::default()
                });
            }
        }
        events.sort_by_key(|event| event.time);
        let user = (random.below(2) == 1).then(|| random.id());
        // Where people live: from Baker Island to the Line Islands, in whole hours.
        let utc_offset = i32::try_from(random.below(27)).ok().map(|hour| (hour - 12) * 60);
        let pages = self.pages.clone();
        Person { id: Some(random.id()), user, attributes, pages, utc_offset, events }
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
}
