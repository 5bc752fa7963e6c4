//! Config to program: everything that can be decided before a visitor comes is decided here.

mod condition;
mod schedule;

use crate::change::Change;
use crate::condition::{Condition, UNKNOWN_AUDIENCE};
use crate::hash::HashVersion;
use crate::page::Pattern;
use crate::program::{Item, ItemKind, Layer, Program, Tracked, Variation};
use condition::Scope;
use splitlight_protocol::config::{self, Config, Status};
use splitlight_protocol::{Issue, Value};

/// A program and what is wrong with the config it came from.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Compiled {
    /// Every live item that could be understood.
    pub program: Program,
    /// Why others could not; each is left out of the program, which closes it.
    pub issues: Vec<Issue>,
}

/// Compiles a config. Never fails: an item that cannot be understood is left out and listed.
///
/// Pointers of issues index the config as given.
pub fn compile(config: &Config) -> Compiled {
    let mut compiler = Compiler { config, tracked: Vec::new(), issues: Vec::new() };
    let audiences = compiler.audiences();
    let mut items = compiler.experiments();
    items.extend(compiler.personalizations());
    let program = Program { audiences, tracked: compiler.tracked, items };
    Compiled { program, issues: compiler.issues }
}

struct Compiler<'a> {
    config: &'a Config,
    tracked: Vec<Tracked>,
    issues: Vec<Issue>,
}

impl Compiler<'_> {
    /// An audience sees only the ones before it, so that no cycle can be written.
    fn audiences(&mut self) -> Vec<Condition> {
        let config = self.config;
        let mut compiled = Vec::with_capacity(config.audiences.len());
        for (index, audience) in config.audiences.iter().enumerate() {
            let known: Vec<&str> = config.audiences[..index].iter().map(|a| a.key.as_str()).collect();
            let pointer = format!("/audiences/{index}/when");
            compiled.push(
                self.condition(&pointer, Some(&audience.when), &known)
                    .unwrap_or(Condition::Audience(UNKNOWN_AUDIENCE)),
            );
        }
        compiled
    }

    fn experiments(&mut self) -> Vec<Item> {
        let config = self.config;
        let mut items = Vec::new();
        for (index, experiment) in config.experiments.iter().enumerate() {
            if experiment.status != Status::Running {
                continue;
            }
            let base = format!("/experiments/{index}");
            let window = self.window(&base, experiment.start.as_deref(), experiment.end.as_deref());
            let when = self.when(&base, experiment.when.as_ref());
            let (Some((start, end)), Some(when)) = (window, when) else { continue };
            items.push(Item {
                key: experiment.key.clone(),
                kind: ItemKind::Experiment,
                start,
                end,
                pages: pages(&experiment.pages),
                when,
                layer: experiment.layer.as_ref().map(|layer| Layer {
                    key: layer.key.clone(),
                    from: layer.range[0],
                    to: layer.range[1],
                }),
                seed: experiment.seed.clone().unwrap_or_else(|| experiment.key.clone()),
                hash_version: if experiment.hash_version == 1 { HashVersion::V1 } else { HashVersion::V2 },
                ranges: ranges(&experiment.weights(), experiment.coverage),
                variations: experiment.variations.iter().map(variation).collect(),
            });
        }
        items
    }

    fn personalizations(&mut self) -> Vec<Item> {
        let config = self.config;
        let mut slots: Vec<&str> = Vec::new();
        let mut items = Vec::new();
        for (index, rule) in config.personalizations.iter().enumerate() {
            if rule.status != Status::Running {
                continue;
            }
            let base = format!("/personalizations/{index}");
            let window = self.window(&base, rule.start.as_deref(), rule.end.as_deref());
            let when = self.when(&base, rule.when.as_ref());
            let (Some((start, end)), Some(when)) = (window, when) else { continue };
            let name = rule.slot.as_deref().unwrap_or(&rule.key);
            let slot = slots.iter().position(|known| *known == name).unwrap_or_else(|| {
                slots.push(name);
                slots.len() - 1
            });
            let slot = u32::try_from(slot).unwrap_or(u32::MAX);
            let item = personalization(rule, slot, (start, end), when);
            items.push((rule.priority, item));
        }
        // A stable sort, so that ties go by the order in the document.
        items.sort_by_key(|(priority, _)| *priority);
        items.into_iter().map(|(_, item)| item).collect()
    }

    fn when(&mut self, base: &str, when: Option<&Value>) -> Option<Condition> {
        let config = self.config;
        let known: Vec<&str> = config.audiences.iter().map(|audience| audience.key.as_str()).collect();
        self.condition(&format!("{base}/when"), when, &known)
    }

    fn condition(&mut self, pointer: &str, when: Option<&Value>, audiences: &[&str]) -> Option<Condition> {
        let Some(when) = when else { return Some(Condition::everybody()) };
        let mut scope = Scope { audiences, tracked: &mut self.tracked };
        scope.condition(pointer, when).map_err(|issue| self.issues.push(issue)).ok()
    }

    fn window(&mut self, base: &str, start: Option<&str>, end: Option<&str>) -> Option<schedule::Window> {
        schedule::window(base, start, end, &self.config.timezone)
            .map_err(|issue| self.issues.push(issue))
            .ok()
    }
}

fn personalization(
    rule: &config::Personalization,
    slot: u32,
    window: schedule::Window,
    when: Condition,
) -> Item {
    let version = |key: &str, changes| Variation { key: key.to_owned(), value: Value::Null, changes };
    Item {
        key: rule.key.clone(),
        kind: ItemKind::Personalization { slot },
        start: window.0,
        end: window.1,
        pages: pages(&rule.pages),
        when,
        layer: None,
        seed: rule.key.clone(),
        hash_version: HashVersion::V2,
        ranges: vec![(0.0, rule.holdout), (rule.holdout, 1.0)],
        variations: vec![
            version("holdout", Vec::new()),
            version("shown", rule.changes.iter().map(Change::new).collect()),
        ],
    }
}

fn variation(written: &config::Variation) -> Variation {
    Variation {
        key: written.key.clone(),
        value: written.value.clone().unwrap_or_default(),
        changes: written.changes.iter().map(Change::new).collect(),
    }
}

fn pages(written: &[config::Page]) -> Vec<Pattern> {
    let pattern = |page: &config::Page| match (&page.include, &page.exclude) {
        (Some(text), _) => Some(Pattern::new(true, text)),
        (None, Some(text)) => Some(Pattern::new(false, text)),
        (None, None) => None,
    };
    written.iter().filter_map(pattern).collect()
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
