//! `splitlight decide`: what one visitor gets.

use crate::arguments::{Decide, Format};
use crate::config::{self, Read};
use crate::output::{Failure, Output};
use crate::{input, table, visitor};
use serde::Serialize;
use splitlight_engine::{Decision, Decisions, Item, ItemKind, Program, decide};
use splitlight_protocol::{Timestamp, Value};

pub(crate) fn run(arguments: &Decide) -> Result<Output, Failure> {
    let read = config::read(&arguments.config)?;
    let now = input::moment(arguments.visitor.now.as_deref())?;
    let facts = visitor::facts(&arguments.visitor, &read.program, now)?;
    visitor::record(arguments, &read, &facts, now)?;
    let decisions = decide(&read.program, &splitlight_engine::Visitor::new(facts), now);
    Ok(answer(&read, &decisions, now, arguments.format)?.with_issues(&read.issues))
}

/// What was decided, as `decide` and `replay` write it.
pub(crate) fn answer(
    read: &Read,
    decisions: &Decisions,
    now: Timestamp,
    format: Format,
) -> Result<Output, Failure> {
    let decided = Decided::new(&read.program, decisions, read.version(), now);
    match format {
        Format::Json => Output::json(&decided),
        Format::Text => Ok(Output::text(decided.text())),
    }
}

/// Every answer.
#[derive(Serialize)]
struct Decided<'a> {
    /// The name of the config's version.
    config: String,
    now: String,
    experiments: Vec<DecidedItem<'a>>,
    personalizations: Vec<DecidedItem<'a>>,
    features: Vec<DecidedFeature<'a>>,
}

#[derive(Serialize)]
struct DecidedItem<'a> {
    key: &'a str,
    /// Control when a gate was closed; for a personalization that is `holdout`.
    variation: &'a str,
    reason: &'static str,
    /// Whether meeting it counts.
    exposure: bool,
    #[serde(skip)]
    open: bool,
}

#[derive(Serialize)]
struct DecidedFeature<'a> {
    key: &'a str,
    value: &'a Value,
    reason: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<usize>,
}

impl<'a> Decided<'a> {
    fn new(program: &'a Program, decisions: &'a Decisions, config: String, now: Timestamp) -> Self {
        let (experiments, personalizations) =
            decisions.iter(program).partition(|(item, _)| item.kind() == ItemKind::Experiment);
        let written = |items: Vec<(&'a Item, Decision)>| items.into_iter().map(DecidedItem::new).collect();
        let features = decisions.features(program).map(|(key, value, decision)| DecidedFeature {
            key,
            value,
            reason: decision.reason.name(),
            rule: decision.rule,
        });
        Self {
            config,
            now: now.to_rfc3339(),
            experiments: written(experiments),
            personalizations: written(personalizations),
            features: features.collect(),
        }
    }

    fn text(&self) -> String {
        let mut rows = Vec::new();
        for (section, items) in
            [("experiment", &self.experiments), ("personalization", &self.personalizations)]
        {
            rows.extend(items.iter().map(|item| {
                let shown = if item.open { item.variation } else { "-" };
                [section.to_owned(), item.key.to_owned(), shown.to_owned(), item.reason.to_owned()]
            }));
        }
        rows.extend(self.features.iter().map(|feature| {
            let value = serde_json::to_string(feature.value).unwrap_or_default();
            ["feature".to_owned(), feature.key.to_owned(), value, feature.reason.to_owned()]
        }));
        table::columns(&rows)
    }
}

impl<'a> DecidedItem<'a> {
    fn new((item, decision): (&'a Item, Decision)) -> Self {
        let variation = item.variations().get(decision.variation).map_or("", |variation| &variation.key);
        let reason = decision.reason;
        Self {
            key: item.key(),
            variation,
            reason: reason.name(),
            exposure: reason.counts(),
            open: reason.is_open(),
        }
    }
}
