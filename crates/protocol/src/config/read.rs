//! Reads a config item by item, so that one stranger does not close the whole document.

use super::{
    Alert, Audience, Config, Cost, DeclaredEvent, Experiment, Feature, Funnel, Holdout, Kpi, Metric,
    Personalization, Score, Webhook, check,
};
use crate::issue::{Code, Issue, Severity, did_you_mean};
use crate::limits::CONFIG_BYTES_MAX;
use crate::pointer;
use crate::value::Value;
use serde::de::DeserializeOwned;
use serde_json::Value as Json;
use std::collections::BTreeSet;

/// A config and what is wrong with the document it came from.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Parsed {
    /// Every item that could be understood.
    pub config: Config,
    /// Everything else.
    pub issues: Vec<Issue>,
}

impl Parsed {
    /// Whether nothing keeps the document from being published.
    pub fn is_sound(&self) -> bool {
        self.issues.iter().all(|issue| issue.severity != Severity::Error)
    }

    /// An issue about the config, with the pointer into the document instead, in which items that were left out still
    /// have their places.
    ///
    /// ```
    /// use splitlight_protocol::{Issue, config};
    /// let parsed = config::parse(r#"{ "version": 1, "project": "shop", "metrics": [
    ///   { "key": "broken" }, { "key": "buyers", "kind": "proportion", "event": "purchase" }] }"#);
    /// assert_eq!(parsed.config.metrics[0].key, "buyers");
    /// assert_eq!(parsed.in_document(Issue::warning("/metrics/0/event", "", "")).pointer, "/metrics/1/event");
    /// ```
    #[must_use]
    pub fn in_document(&self, issue: Issue) -> Issue {
        let Some((section, at, rest)) = place(&issue.pointer) else { return issue };
        // An item is left out when and only when an error points into it.
        let errors = self.issues.iter().filter(|issue| issue.severity == Severity::Error);
        let left_out: BTreeSet<usize> = errors
            .filter_map(|issue| place(&issue.pointer))
            .filter(|(other, ..)| *other == section)
            .map(|(_, at, _)| at)
            .collect();
        let there = (0..).filter(|at| !left_out.contains(at)).nth(at).unwrap_or(at);
        let rest = rest.map_or_else(String::new, |rest| format!("/{rest}"));
        Issue { pointer: format!("/{section}/{there}{rest}"), ..issue }
    }
}

/// The section and the position of the item that a pointer leads into, and the rest of the pointer.
fn place(pointer: &str) -> Option<(&str, usize, Option<&str>)> {
    let mut parts = pointer.strip_prefix('/')?.splitn(3, '/');
    Some((parts.next()?, parts.next()?.parse().ok()?, parts.next()))
}

/// What could be read of each section, before the checks, with positions in the document.
#[derive(Default)]
pub(super) struct Drafts {
    pub(super) audiences: Vec<(usize, Audience)>,
    pub(super) experiments: Vec<(usize, Experiment)>,
    pub(super) personalizations: Vec<(usize, Personalization)>,
    pub(super) features: Vec<(usize, Feature)>,
    pub(super) holdouts: Vec<(usize, Holdout)>,
    pub(super) scores: Vec<(usize, Score)>,
    pub(super) events: Vec<(usize, DeclaredEvent)>,
    pub(super) metrics: Vec<(usize, Metric)>,
    pub(super) funnels: Vec<(usize, Funnel)>,
    pub(super) kpis: Vec<(usize, Kpi)>,
    pub(super) costs: Vec<(usize, Cost)>,
    pub(super) alerts: Vec<(usize, Alert)>,
    pub(super) webhooks: Vec<(usize, Webhook)>,
}

/// Reads a config document. Never fails: what cannot be understood is left out and listed.
pub fn parse(text: &str) -> Parsed {
    match members(text) {
        Ok(members) => sections(members),
        Err(issue) => Parsed { config: Config::default(), issues: vec![issue] },
    }
}

/// The document's top-level members; a document that is not one JSON object is one issue.
fn members(text: &str) -> Result<serde_json::Map<String, Json>, Issue> {
    if text.len() > CONFIG_BYTES_MAX {
        let reason = format!("the document has {} bytes, the limit is {CONFIG_BYTES_MAX}", text.len());
        return Err(Issue::error("", reason, "split the project in two"));
    }
    // Our own value refuses keys that are written twice, of which serde_json would silently keep the last.
    if let Err(error) = serde_json::from_str::<Value>(text) {
        let reason = format!("this is not JSON: {error}");
        let fix = "correct the document at that line and column";
        return Err(Issue::error("", reason, fix).coded(Code::NotJson));
    }
    match serde_json::from_str(text) {
        Ok(Json::Object(members)) => Ok(members),
        _ => Err(Issue::error("", "the document is not an object", "begin with { \"version\": 1, ... }")),
    }
}

fn sections(members: serde_json::Map<String, Json>) -> Parsed {
    let mut config = Config { timezone: "UTC".to_owned(), ..Config::default() };
    let mut drafts = Drafts::default();
    let mut issues = Vec::new();
    for (name, value) in members {
        match name.as_str() {
            "version" => one(&name, value, &mut config.version, &mut issues),
            "project" => one(&name, value, &mut config.project, &mut issues),
            "timezone" => one(&name, value, &mut config.timezone, &mut issues),
            // For editors; here it only has to be what they take.
            "$schema" => one(&name, value, &mut String::new(), &mut issues),
            "audiences" => drafts.audiences = many(&name, value, &mut issues),
            "experiments" => drafts.experiments = many(&name, value, &mut issues),
            "personalizations" => drafts.personalizations = many(&name, value, &mut issues),
            "features" => drafts.features = many(&name, value, &mut issues),
            "holdouts" => drafts.holdouts = many(&name, value, &mut issues),
            "scores" => drafts.scores = many(&name, value, &mut issues),
            "events" => drafts.events = many(&name, value, &mut issues),
            "metrics" => drafts.metrics = many(&name, value, &mut issues),
            "dimensions" => one(&name, value, &mut config.dimensions, &mut issues),
            "funnels" => drafts.funnels = many(&name, value, &mut issues),
            "kpis" => drafts.kpis = many(&name, value, &mut issues),
            "cohorts" => one(&name, value, &mut config.cohorts, &mut issues),
            "costs" => drafts.costs = many(&name, value, &mut issues),
            "alerts" => drafts.alerts = many(&name, value, &mut issues),
            "webhooks" => drafts.webhooks = many(&name, value, &mut issues),
            _ => issues.push(unknown_section(&name)),
        }
    }
    if config.version != 1 && !issues.iter().any(|issue| issue.pointer == "/version") {
        let reason = format!("version {} is not one this release reads", config.version);
        issues.push(Issue::error("/version", reason, "write \"version\": 1"));
    }
    check::keep_sound(&mut config, drafts, &mut issues);
    Parsed { config, issues }
}

fn unknown_section(name: &str) -> Issue {
    const KNOWN: [&str; 18] = [
        "version",
        "project",
        "timezone",
        "audiences",
        "experiments",
        "personalizations",
        "features",
        "holdouts",
        "scores",
        "events",
        "metrics",
        "dimensions",
        "funnels",
        "kpis",
        "cohorts",
        "costs",
        "alerts",
        "webhooks",
    ];
    let fix = match did_you_mean(name, &KNOWN) {
        Some(known) => format!("did you mean `{known}`?"),
        None => format!("write one of {}", KNOWN.join(", ")),
    };
    let pointer = format!("/{}", pointer::escape(name));
    Issue::error(pointer, format!("`{name}` is not a section of a config"), fix).coded(Code::UnknownKey)
}

fn one<T: DeserializeOwned>(name: &str, value: Json, into: &mut T, issues: &mut Vec<Issue>) {
    match item(&format!("/{name}"), value) {
        Ok(read) => *into = read,
        Err(issue) => issues.push(issue),
    }
}

/// The items of a section, with their positions in the document.
fn many<T: DeserializeOwned>(name: &str, value: Json, issues: &mut Vec<Issue>) -> Vec<(usize, T)> {
    let Json::Array(items) = value else {
        issues.push(Issue::error(format!("/{name}"), "this is not an array", "write [ ... ]"));
        return Vec::new();
    };
    let mut read = Vec::with_capacity(items.len());
    for (index, value) in items.into_iter().enumerate() {
        match item(&format!("/{name}/{index}"), value) {
            Ok(parsed) => read.push((index, parsed)),
            Err(issue) => issues.push(issue),
        }
    }
    read
}

fn item<T: DeserializeOwned>(base: &str, value: Json) -> Result<T, Issue> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let pointer = pointer::below(base, error.path());
        explain(&pointer, &error.into_inner().to_string())
    })
}

/// Turns serde's message into a reason and a fix.
fn explain(pointer: &str, message: &str) -> Issue {
    let quoted: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    if message.starts_with("unknown field") || message.starts_with("unknown variant") {
        let (word, known) = quoted.split_first().map_or(("", &quoted[..]), |(word, known)| (*word, known));
        let fix = match did_you_mean(word, known) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("write one of {}", known.join(", ")),
        };
        let field = message.starts_with("unknown field");
        let (what, code) = if field { ("key", Code::UnknownKey) } else { ("value here", Code::Invalid) };
        return Issue::error(pointer, format!("`{word}` is not a known {what}"), fix).coded(code);
    }
    if let (true, Some(field)) = (message.starts_with("missing field"), quoted.first()) {
        let fix = format!("add `{field}`");
        return Issue::error(pointer, format!("`{field}` is missing"), fix).coded(Code::MissingKey);
    }
    Issue::error(pointer, message, "correct the value")
}
