//! The rules that a type cannot hold: unique keys, ranges, weights and references.

mod cost;
mod declared;
mod metric;
mod notify;
mod score;
mod targeting;

use super::read::Drafts;
use super::{Analysis, Config, Edit, Experiment, Page, Personalization};
use crate::issue::{Code, Issue, did_you_mean};
use crate::limits::{
    CONFIG_ITEMS_MAX, DECLARED_EVENTS_MAX, KEY_CHARS_MAX, LOOKS_MAX, VARIATIONS_MAX, WEBHOOKS_MAX,
};
use std::collections::BTreeSet;

/// Moves every item that keeps the rules into the config, and lists what is wrong with the others.
pub(super) fn keep_sound(config: &mut Config, drafts: Drafts, issues: &mut Vec<Issue>) {
    check_project(config, issues);
    let (metrics, known) = sound(drafts.metrics, "metrics", issues, |m| &m.key, metric::check_metric);
    let (audiences, _) = sound(
        drafts.audiences,
        "audiences",
        issues,
        |audience| &audience.key,
        |audience, at| {
            let (when, list) =
                (audience.when.is_some(), [audience.attribute.is_some(), audience.values.is_some()]);
            if (when && list != [false; 2]) || (!when && list != [true; 2]) {
                at.error(
                    "",
                    "an audience is either a condition or a list",
                    "write `when`, or `attribute` and `values`",
                );
            }
        },
    );
    let (experiments, mut taken) = sound(
        drafts.experiments,
        "experiments",
        issues,
        |e| &e.key,
        |e, at| {
            check_experiment(e, &known, at);
        },
    );
    let (personalizations, own) = sound(
        drafts.personalizations,
        "personalizations",
        issues,
        |p| &p.key,
        |p, at| {
            if taken.contains(&p.key) {
                let reason = format!("`{}` is also an experiment", p.key);
                at.broken(Code::DuplicateKey, "/key", reason, "give it its own key");
            }
            check_personalization(p, at);
        },
    );
    taken.extend(own);
    if taken.len() > CONFIG_ITEMS_MAX {
        let reason =
            format!("{} experiments and personalizations, the limit is {CONFIG_ITEMS_MAX}", taken.len());
        issues.push(Issue::error("", reason, "remove those that are over"));
    }
    let (costs, _) =
        sound(drafts.costs, "costs", issues, |c| &c.key, |c, at| cost::check_cost(c, &taken, at));
    config.costs = costs;
    let (features, _) = sound(
        drafts.features,
        "features",
        issues,
        |f| &f.key,
        |f, at| {
            targeting::check_feature(f, &taken, &known, at);
        },
    );
    let (holdouts, _) = sound(drafts.holdouts, "holdouts", issues, |h| &h.key, targeting::check_holdout);
    let (scores, _) = sound(drafts.scores, "scores", issues, |s| &s.key, score::check_score);
    let (events, declared) = sound(drafts.events, "events", issues, |e| &e.key, declared::check_event);
    if declared.len() > DECLARED_EVENTS_MAX {
        let reason = format!("{} events, the limit is {DECLARED_EVENTS_MAX}", declared.len());
        issues.push(Issue::error("/events", reason, "let one selector name several elements"));
    }
    config.events = events;
    let (funnels, _) = sound(drafts.funnels, "funnels", issues, |f| &f.key, metric::check_funnel);
    let (kpis, _) =
        sound(drafts.kpis, "kpis", issues, |k| &k.key, |k, at| metric::check_kpi(k, &metrics, at));
    config.funnels = funnels;
    config.kpis = kpis;
    let (webhooks, hooks) = sound(drafts.webhooks, "webhooks", issues, |w| &w.key, notify::check_webhook);
    if hooks.len() > WEBHOOKS_MAX {
        let reason = format!("{} webhooks, the limit is {WEBHOOKS_MAX}", hooks.len());
        issues.push(Issue::error("/webhooks", reason, "let one receiver tell the others"));
    }
    let experiment_keys: BTreeSet<String> = experiments.iter().map(|known| known.key.clone()).collect();
    let (alerts, _) = sound(
        drafts.alerts,
        "alerts",
        issues,
        |a| &a.key,
        |a, at| {
            notify::check_alert(a, &known, &experiment_keys, at);
        },
    );
    config.alerts = alerts;
    config.webhooks = webhooks;
    config.scores = scores;
    config.features = features;
    config.holdouts = holdouts;
    config.metrics = metrics;
    config.audiences = audiences;
    config.experiments = experiments;
    config.personalizations = personalizations;
}

fn check_project(config: &Config, issues: &mut Vec<Issue>) {
    let mut at = At { base: String::new(), issues: Vec::new() };
    check_key("/project", &config.project, &mut at);
    issues.append(&mut at.issues);
}

/// Where the checks of one item report to.
struct At {
    base: String,
    issues: Vec<Issue>,
}

impl At {
    fn error(&mut self, path: &str, reason: impl Into<String>, fix: impl Into<String>) {
        self.broken(Code::Invalid, path, reason, fix);
    }

    /// An error against a rule that has a name of its own.
    fn broken(&mut self, code: Code, path: &str, reason: impl Into<String>, fix: impl Into<String>) {
        self.issues.push(Issue::error(format!("{}{path}", self.base), reason, fix).coded(code));
    }
}

/// The items that keep the rules, and their keys.
fn sound<T>(
    drafts: Vec<(usize, T)>,
    section: &str,
    issues: &mut Vec<Issue>,
    key: impl Fn(&T) -> &String,
    check: impl Fn(&T, &mut At),
) -> (Vec<T>, BTreeSet<String>) {
    let mut keys = BTreeSet::new();
    let mut items = Vec::with_capacity(drafts.len());
    for (index, item) in drafts {
        let mut at = At { base: format!("/{section}/{index}"), issues: Vec::new() };
        check_key("/key", key(&item), &mut at);
        check(&item, &mut at);
        if keys.contains(key(&item)) {
            let reason = format!("`{}` is taken by an earlier item", key(&item));
            at.broken(Code::DuplicateKey, "/key", reason, "give it its own key");
        }
        if at.issues.is_empty() {
            keys.insert(key(&item).clone());
            items.push(item);
        }
        issues.append(&mut at.issues);
    }
    (items, keys)
}

fn check_key(path: &str, key: &str, at: &mut At) {
    let fine = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ':');
    if key.is_empty() {
        at.error(path, "the key is empty", "write letters, digits, - _ . or :");
    } else if key.chars().count() > KEY_CHARS_MAX {
        at.error(path, format!("the key has more than {KEY_CHARS_MAX} characters"), "shorten it");
    } else if let Some(odd) = key.chars().find(|c| !fine(*c)) {
        at.error(
            path,
            format!("the key `{key}` has the character {odd:?}"),
            "use letters, digits, - _ . or :",
        );
    }
}

fn check_experiment(experiment: &Experiment, metrics: &BTreeSet<String>, at: &mut At) {
    check_share("/coverage", experiment.coverage, at);
    check_pages(&experiment.pages, at);
    check_variations(experiment, at);
    targeting::check_experiment(experiment, at);
    if let Some(layer) = &experiment.layer {
        let [from, to] = layer.range;
        if !(0.0 <= from && from < to && to <= 1.0) {
            at.error("/layer/range", format!("[{from}, {to}] is not a range"), "write 0 <= from < to <= 1");
        }
        check_key("/layer/key", &layer.key, at);
    }
    check_analysis(&experiment.analysis, at);
    let roles = &experiment.metrics;
    let named = roles.primary.iter().map(|key| ("/metrics/primary".to_owned(), key));
    let second = roles.secondary.iter().enumerate().map(|(i, key)| (format!("/metrics/secondary/{i}"), key));
    let guards =
        roles.guardrails.iter().enumerate().map(|(i, key)| (format!("/metrics/guardrails/{i}"), key));
    for (path, key) in named.chain(second).chain(guards) {
        check_reference(&path, key, "metric", metrics, at);
    }
}

/// Whether something that is referred to is there.
fn check_reference(path: &str, key: &str, what: &str, known: &BTreeSet<String>, at: &mut At) {
    if known.contains(key) {
        return;
    }
    let names: Vec<&str> = known.iter().map(String::as_str).collect();
    let fix = match did_you_mean(key, &names) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("add it to `{what}s`"),
    };
    at.broken(Code::UnknownReference, path, format!("there is no {what} `{key}`"), fix);
}

fn check_analysis(analysis: &Analysis, at: &mut At) {
    let confidence = analysis.confidence;
    if !(0.5 < confidence && confidence < 1.0) {
        at.error("/analysis/confidence", format!("{confidence} is no confidence"), "write 0.95");
    }
    if analysis.sample_size == 0 {
        at.error("/analysis/sampleSize", "no visitors are planned", "write the planned total, such as 10000");
    }
    let looks = analysis.looks;
    if !(1..=LOOKS_MAX).contains(&looks) {
        at.error("/analysis/looks", format!("{looks} looks"), format!("write 1 to {LOOKS_MAX}"));
    }
}

fn check_variations(experiment: &Experiment, at: &mut At) {
    let variations = &experiment.variations;
    if !(2..=VARIATIONS_MAX).contains(&variations.len()) {
        let reason = format!("{} variations", variations.len());
        at.error("/variations", reason, format!("write 2 to {VARIATIONS_MAX}, control first"));
    }
    let mut seen = BTreeSet::new();
    for (index, variation) in variations.iter().enumerate() {
        check_key(&format!("/variations/{index}/key"), &variation.key, at);
        if !seen.insert(&variation.key) {
            let reason = format!("`{}` is taken by an earlier variation", variation.key);
            at.broken(Code::DuplicateKey, &format!("/variations/{index}/key"), reason, "give it its own key");
        }
        if let Some(weight) = variation.weight {
            check_share(&format!("/variations/{index}/weight"), weight, at);
        }
        check_changes(&format!("/variations/{index}/changes"), &variation.changes, at);
    }
    let written = variations.iter().filter(|variation| variation.weight.is_some()).count();
    let sum: f64 = variations.iter().filter_map(|variation| variation.weight).sum();
    if written != 0 && written != variations.len() {
        let reason = "some variations have a weight and some do not";
        at.broken(Code::Weights, "/variations", reason, "write all weights or none");
    } else if written != 0 && (sum - 1.0).abs() > 0.001 {
        let reason = format!("the weights add up to {sum}");
        at.broken(Code::Weights, "/variations", reason, "make them add up to 1");
    }
}

fn check_personalization(personalization: &Personalization, at: &mut At) {
    check_share("/holdout", personalization.holdout, at);
    targeting::check_personalization(personalization, at);
    check_pages(&personalization.pages, at);
    if let Some(slot) = &personalization.slot {
        check_key("/slot", slot, at);
    }
    if personalization.changes.is_empty() && personalization.value.is_none() {
        at.error(
            "/changes",
            "there is nothing to change",
            "add a change, or a `value` for the site's own code",
        );
    }
    check_changes("/changes", &personalization.changes, at);
}

fn check_share(path: &str, share: f64, at: &mut At) {
    if !(0.0..=1.0).contains(&share) {
        at.error(path, format!("{share} is not a share"), "write a number from 0 to 1");
    }
}

fn check_pages(pages: &[Page], at: &mut At) {
    for (index, page) in pages.iter().enumerate() {
        if page.include.is_some() == page.exclude.is_some() {
            let fix = "write { \"include\": \"/path/*\" } or { \"exclude\": \"/path/*\" }";
            at.error(&format!("/pages/{index}"), "a page has either `include` or `exclude`", fix);
        }
    }
}

/// Attributes whose value is code, whatever it says.
fn is_code(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name.starts_with("on") || matches!(name.as_str(), "srcdoc" | "style")
}

fn check_changes(path: &str, changes: &[super::Change], at: &mut At) {
    for (index, change) in changes.iter().enumerate() {
        let here = format!("{path}/{index}");
        match &change.edit {
            Edit::Attribute(attribute) => check_attribute(&here, attribute, at),
            Edit::Style(rules) => {
                for (property, value) in rules {
                    let odd = |c: char| matches!(c, ';' | '{' | '}' | '<' | '@');
                    if property.is_empty() || property.contains(odd) || value.contains(odd) {
                        at.error(
                            &format!("{here}/style"),
                            format!("`{property}` is not one property"),
                            "use `css`",
                        );
                    }
                }
            }
            Edit::Move(place) if place.target.trim().is_empty() => {
                let fix = "write the selector of the element to put it beside or into";
                at.error(&format!("{here}/move/target"), "the `target` is empty", fix);
            }
            Edit::Css(css) if css.contains('<') => {
                at.error(
                    &format!("{here}/css"),
                    "the style sheet has a `<`",
                    "remove it: it could end the element",
                );
            }
            _ => {}
        }
    }
}

fn is_attribute_name(name: &str) -> bool {
    let fine = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | ':' | '.');
    !name.is_empty() && name.chars().all(fine)
}

fn check_attribute(here: &str, attribute: &super::AttributeChange, at: &mut At) {
    if !is_attribute_name(&attribute.name) {
        at.error(
            &format!("{here}/attribute/name"),
            "this is not an attribute name",
            "write a name such as href",
        );
    } else if is_code(&attribute.name) {
        let reason = format!("`{}` holds code", attribute.name);
        at.error(&format!("{here}/attribute/name"), reason, "use a class, a style or your own script");
    }
    if attribute.value.as_deref().is_some_and(runs_code) {
        let fix = "write an http, https or relative address";
        at.error(&format!("{here}/attribute/value"), "the address runs code", fix);
    }
}

/// Whether an address has a scheme that runs code when followed.
///
/// Browsers drop control characters and spaces from a scheme, so they are dropped before looking.
fn runs_code(address: &str) -> bool {
    let scheme: String = address
        .chars()
        .filter(|c| !c.is_whitespace() && !c.is_control())
        .take(11)
        .map(|c| c.to_ascii_lowercase())
        .collect();
    ["javascript:", "vbscript:", "data:text"].iter().any(|code| scheme.starts_with(code))
}
