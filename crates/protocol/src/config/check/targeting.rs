//! The rules for units, hash ranges, prerequisites, caps, features and holdouts.

use super::super::{Experiment, Feature, Filter, Holdout, Personalization, Prerequisite, Rule};
use super::{At, check_experiment as check_whole_experiment, check_key, check_share};
use crate::issue::{Code, did_you_mean};
use crate::time::parse_span;
use std::collections::BTreeSet;

pub(super) fn check_experiment(experiment: &Experiment, at: &mut At) {
    check_version("/hashVersion", experiment.hash_version, at);
    check_unit("/unit", &experiment.unit, at);
    if let Some(unit) = &experiment.fallback_unit {
        check_unit("/fallbackUnit", unit, at);
    }
    check_filters("", &experiment.filters, at);
    check_prerequisites("", &experiment.prerequisites, at);
    let wanted = experiment.variations.len();
    if let Some(ranges) = &experiment.ranges {
        if ranges.len() != wanted {
            let reason = format!("{} ranges for {wanted} variations", ranges.len());
            at.error("/ranges", reason, "write a range per variation, or weights");
        }
        check_ranges("/ranges", ranges, at);
    }
    for (index, context) in experiment.contexts.iter().enumerate() {
        let here = format!("/contexts/{index}/weights");
        if context.weights.len() != wanted {
            let reason = format!("{} weights for {wanted} variations", context.weights.len());
            at.error(&here, reason, "write a weight per variation");
        }
        for (index, weight) in context.weights.iter().enumerate() {
            check_share(&format!("{here}/{index}"), *weight, at);
        }
    }
    for (index, variation) in experiment.variations.iter().enumerate() {
        if let Some(redirect) = &variation.redirect {
            check_redirect(&format!("/variations/{index}/redirect/to"), &redirect.to, at);
        }
    }
}

/// Only addresses of pages: a scheme such as `javascript:` would run code.
fn check_redirect(path: &str, to: &str, at: &mut At) {
    let page = to.starts_with("https://") || to.starts_with("http://");
    let relative = to.starts_with('/') && !to.starts_with("//") && !to.starts_with("/\\");
    if !(page || relative) || to.contains(|c: char| c.is_whitespace() || c.is_control()) {
        at.error(path, format!("`{to}` is not the address of a page"), "write /path or https://host/path");
    }
}

pub(super) fn check_personalization(rule: &Personalization, at: &mut At) {
    check_unit("/unit", &rule.unit, at);
    check_prerequisites("", &rule.prerequisites, at);
    if rule.cap.as_ref().is_some_and(|cap| cap.times == 0) {
        at.error("/cap/times", "0 times is never", "write 1 or more, or set the status to stopped");
    }
    if let Some(cooldown) = &rule.cooldown
        && parse_span(cooldown).is_none()
    {
        at.error("/cooldown", format!("`{cooldown}` is not a span"), "write a span such as 7d or 12h");
    }
}

pub(super) fn check_holdout(holdout: &Holdout, at: &mut At) {
    check_share("/share", holdout.share, at);
    check_unit("/unit", &holdout.unit, at);
}

pub(super) fn check_feature(
    feature: &Feature,
    experiments: &BTreeSet<String>,
    metrics: &BTreeSet<String>,
    at: &mut At,
) {
    for (index, rule) in feature.rules.iter().enumerate() {
        check_rule(&format!("/rules/{index}"), rule, experiments, metrics, at);
    }
}

fn check_rule(
    here: &str,
    rule: &Rule,
    experiments: &BTreeSet<String>,
    metrics: &BTreeSet<String>,
    at: &mut At,
) {
    let given = [rule.value.is_some(), rule.experiment.is_some(), rule.run.is_some()];
    if given.into_iter().filter(|given| *given).count() != 1 {
        let fix = "write one of them: a `value`, the key of an `experiment`, or an experiment to `run`";
        at.error(here, "a rule gives either `value`, `experiment` or `run`", fix);
    }
    if let Some(key) = rule.experiment.as_ref().filter(|key| !experiments.contains(*key)) {
        let known: Vec<&str> = experiments.iter().map(String::as_str).collect();
        let fix = match did_you_mean(key, &known) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "add it to `experiments`".to_owned(),
        };
        let reason = format!("there is no experiment `{key}`");
        at.broken(Code::UnknownReference, &format!("{here}/experiment"), reason, fix);
    }
    if let Some(experiment) = &rule.run {
        let mut inner = At { base: format!("{}{here}/run", at.base), issues: Vec::new() };
        check_key("/key", &experiment.key, &mut inner);
        check_whole_experiment(experiment, metrics, &mut inner);
        at.issues.append(&mut inner.issues);
    }
    check_share(&format!("{here}/coverage"), rule.coverage, at);
    check_version(&format!("{here}/hashVersion"), rule.hash_version, at);
    check_unit(&format!("{here}/unit"), &rule.unit, at);
    check_filters(here, &rule.filters, at);
    check_prerequisites(here, &rule.prerequisites, at);
    if let Some(range) = rule.range {
        check_range(&format!("{here}/range"), range, at);
    }
}

fn check_version(path: &str, version: u32, at: &mut At) {
    if !matches!(version, 1 | 2) {
        at.error(path, format!("there is no hash version {version}"), "write 2");
    }
}

fn check_unit(path: &str, unit: &str, at: &mut At) {
    if unit.is_empty() || unit.starts_with('$') {
        let fix = "write visitor, user, or the path of an attribute such as company.id";
        at.error(path, format!("`{unit}` is not a unit"), fix);
    }
}

fn check_filters(here: &str, filters: &[Filter], at: &mut At) {
    for (index, filter) in filters.iter().enumerate() {
        let here = format!("{here}/filters/{index}");
        check_version(&format!("{here}/hashVersion"), filter.hash_version, at);
        check_ranges(&format!("{here}/ranges"), &filter.ranges, at);
        if let Some(unit) = &filter.unit {
            check_unit(&format!("{here}/unit"), unit, at);
        }
    }
}

fn check_prerequisites(here: &str, prerequisites: &[Prerequisite], at: &mut At) {
    for (index, prerequisite) in prerequisites.iter().enumerate() {
        check_key(&format!("{here}/prerequisites/{index}/feature"), &prerequisite.feature, at);
    }
}

fn check_ranges(path: &str, ranges: &[[f64; 2]], at: &mut At) {
    for (index, range) in ranges.iter().enumerate() {
        check_range(&format!("{path}/{index}"), *range, at);
    }
}

fn check_range(path: &str, [from, to]: [f64; 2], at: &mut At) {
    if !(0.0 <= from && from <= to && to <= 1.0) {
        at.error(path, format!("[{from}, {to}] is not a range"), "write 0 <= from <= to <= 1");
    }
}
