//! Experiments and personalizations to items.

use super::history::read_window;
use super::{Compiler, index};
use crate::change::Change;
use crate::condition::Test;
use crate::hash::HashVersion;
use crate::history::{SHOWN, Window};
use crate::page::Pattern;
use crate::program::{Cap, Context, Item, ItemKind, Variation};
use crate::sticky::StickyRule;
use crate::unit::Filter;
use splitlight_protocol::Value;
use splitlight_protocol::config::{self, CapSpan, Experiment, Personalization, Status};
use splitlight_protocol::limits::HISTORY_DAYS_MAX;

impl Compiler<'_> {
    /// The live experiments, and for every live one its key and its place.
    pub(super) fn experiments(&mut self) -> (Vec<Item>, Vec<(String, u32)>) {
        let config = self.config;
        let (mut items, mut places) = (Vec::new(), Vec::new());
        for (at, experiment) in config.experiments.iter().enumerate() {
            if let Some(item) = self.experiment(&format!("/experiments/{at}"), experiment) {
                places.push((experiment.key.clone(), index(items.len())));
                items.push(item);
            }
        }
        (items, places)
    }

    /// An experiment as an item, when it is live and understood.
    pub(super) fn experiment(&mut self, base: &str, experiment: &Experiment) -> Option<Item> {
        if experiment.status != Status::Running {
            return None;
        }
        let window = self.window(base, experiment.start.as_deref(), experiment.end.as_deref());
        let when = self.when(base, experiment.when.as_ref());
        let prerequisites = self.prerequisites(base, &experiment.prerequisites);
        let contexts = self.contexts(base, experiment);
        let pages = self.pages(base, &experiment.pages);
        let (start, end) = window?;
        let mut filters = self.filters(&experiment.filters);
        filters.extend(experiment.layer.as_ref().map(|layer| Filter {
            seed: layer.key.clone(),
            hash_version: HashVersion::V2,
            ranges: vec![(layer.range[0], layer.range[1])],
            unit: None,
        }));
        Some(Item {
            key: experiment.key.clone(),
            kind: ItemKind::Experiment,
            start,
            end,
            pages: pages?,
            when,
            prerequisites,
            unit: self.unit(&experiment.unit),
            fallback: experiment.fallback_unit.as_deref().map(|unit| self.unit(unit)),
            holdouts: self.holdouts(&experiment.key),
            filters,
            seed: experiment.seed.clone().unwrap_or_else(|| experiment.key.clone()),
            hash_version: hash_version(experiment.hash_version),
            ranges: match &experiment.ranges {
                Some(ranges) => ranges.iter().map(|[from, to]| (*from, *to)).collect(),
                None => ranges(&experiment.weights(), experiment.coverage),
            },
            contexts,
            sticky: experiment.sticky.then_some(StickyRule {
                version: experiment.bucket_version,
                min_version: experiment.min_bucket_version,
            }),
            caps: Vec::new(),
            variations: experiment.variations.iter().map(variation).collect(),
        })
    }

    /// The live personalizations in the order in which they fill slots.
    pub(super) fn personalizations(&mut self) -> Vec<Item> {
        let config = self.config;
        let mut slots: Vec<&str> = Vec::new();
        let mut items = Vec::new();
        for (at, rule) in config.personalizations.iter().enumerate() {
            if rule.status != Status::Running {
                continue;
            }
            let name = rule.slot.as_deref().unwrap_or(&rule.key);
            let slot = slots.iter().position(|known| *known == name).unwrap_or_else(|| {
                slots.push(name);
                slots.len() - 1
            });
            if let Some(item) = self.personalization(&format!("/personalizations/{at}"), rule, index(slot)) {
                items.push((rule.priority, item));
            }
        }
        // A stable sort, so that ties go by the order in the document.
        items.sort_by_key(|(priority, _)| *priority);
        items.into_iter().map(|(_, item)| item).collect()
    }

    fn personalization(&mut self, base: &str, rule: &Personalization, slot: u32) -> Option<Item> {
        let window = self.window(base, rule.start.as_deref(), rule.end.as_deref());
        let when = self.when(base, rule.when.as_ref());
        let prerequisites = self.prerequisites(base, &rule.prerequisites);
        let pages = self.pages(base, &rule.pages);
        let caps = self.caps(base, rule);
        let (start, end) = window?;
        let version =
            |key: &str, value, changes| Variation { key: key.to_owned(), value, changes, redirect: None };
        Some(Item {
            key: rule.key.clone(),
            kind: ItemKind::Personalization { slot },
            start,
            end,
            pages: pages?,
            when,
            prerequisites,
            unit: self.unit(&rule.unit),
            fallback: None,
            holdouts: self.holdouts(&rule.key),
            filters: Vec::new(),
            seed: rule.key.clone(),
            hash_version: HashVersion::V2,
            ranges: vec![(0.0, rule.holdout), (rule.holdout, 1.0)],
            contexts: Vec::new(),
            sticky: None,
            caps: caps?,
            variations: vec![
                version("holdout", Value::Null, Vec::new()),
                version(
                    "shown",
                    rule.value.clone().unwrap_or_default(),
                    rule.changes.iter().map(Change::new).collect(),
                ),
            ],
        })
    }

    /// How often it may be shown; nothing when that is not understood.
    fn caps(&mut self, base: &str, rule: &Personalization) -> Option<Vec<Cap>> {
        let mut windows = Vec::new();
        if let Some(cap) = &rule.cap {
            let window = match cap.per {
                CapSpan::Session => Window::Session,
                CapSpan::Day => Window::Days(1),
                CapSpan::Lifetime => Window::Days(i32::try_from(HISTORY_DAYS_MAX).unwrap_or(i32::MAX)),
            };
            windows.push((window, cap.times));
        }
        if let Some(cooldown) = &rule.cooldown {
            match read_window(&format!("{base}/cooldown"), &Value::from(&**cooldown)) {
                Ok(window) => windows.push((window, 1)),
                Err(issue) => {
                    self.issues.push(issue);
                    return None;
                }
            }
        }
        let key = Value::from(&*rule.key);
        let cap = |(window, times): (Window, u32)| {
            let filter = vec![("item".to_owned(), Test::Equal(key.clone()))];
            let written = [("item", &key)];
            let tracked = self.scope().track(SHOWN, &written, filter, |tracked| tracked.keep(window), "");
            Cap { tracked, window, times }
        };
        Some(windows.into_iter().map(cap).collect())
    }

    fn contexts(&mut self, base: &str, experiment: &Experiment) -> Vec<Context> {
        let contexts = experiment.contexts.iter().enumerate().map(|(at, context)| Context {
            leaf: context.leaf,
            when: self.when(&format!("{base}/contexts/{at}"), Some(&context.when)),
            ranges: ranges(&context.weights, experiment.coverage),
        });
        contexts.collect()
    }

    pub(super) fn filters(&mut self, written: &[config::Filter]) -> Vec<Filter> {
        let filter = |filter: &config::Filter| Filter {
            seed: filter.seed.clone(),
            hash_version: hash_version(filter.hash_version),
            ranges: filter.ranges.iter().map(|[from, to]| (*from, *to)).collect(),
            unit: filter.unit.as_deref().map(|unit| self.unit(unit)),
        };
        written.iter().map(filter).collect()
    }

    /// The holdouts that hold out of an item.
    fn holdouts(&self, key: &str) -> Vec<u32> {
        let all = self.config.holdouts.iter().enumerate();
        let mine = all.filter(|(_, holdout)| !holdout.except.iter().any(|except| except == key));
        mine.map(|(at, _)| index(at)).collect()
    }

    fn pages(&mut self, base: &str, written: &[config::Page]) -> Option<Vec<Pattern>> {
        let mut patterns = Vec::with_capacity(written.len());
        let mut sound = true;
        for (at, page) in written.iter().enumerate() {
            let (include, text) = match (&page.include, &page.exclude) {
                (Some(text), _) => (true, text),
                (None, Some(text)) => (false, text),
                (None, None) => continue,
            };
            match Pattern::compile(include, page.kind, text) {
                Ok(pattern) => patterns.push(pattern),
                Err(refused) => {
                    sound = false;
                    let name = if include { "include" } else { "exclude" };
                    let pointer = format!("{base}/pages/{at}/{name}");
                    self.issues.push(refused.issue(&pointer));
                }
            }
        }
        sound.then_some(patterns)
    }
}

pub(super) fn hash_version(written: u32) -> HashVersion {
    if written == 1 { HashVersion::V1 } else { HashVersion::V2 }
}

fn variation(written: &config::Variation) -> Variation {
    Variation {
        key: written.key.clone(),
        value: written.value.clone().unwrap_or_default(),
        changes: written.changes.iter().map(Change::new).collect(),
        redirect: written.redirect.as_ref().map(|redirect| (redirect.to.clone(), redirect.keep_query)),
    }
}

/// The contract's ranges: each variation starts where the weights before it end, and takes its covered share.
fn ranges(weights: &[f64], coverage: f64) -> Vec<(f64, f64)> {
    let mut start = 0.0;
    weights
        .iter()
        .map(|weight| {
            let range = (start, start + coverage * weight);
            start += weight;
            range
        })
        .collect()
}
