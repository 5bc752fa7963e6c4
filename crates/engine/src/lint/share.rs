//! Shares: items nobody takes part in, variations nobody gets, rules nobody reaches.

use super::Running;
use splitlight_protocol::config::{Config, Experiment, Rule};
use splitlight_protocol::{Code, Issue};

pub(super) fn experiment(running: &Running<'_>, issues: &mut Vec<Issue>) {
    let (base, experiment) = (&running.base, running.experiment);
    if experiment.ranges.is_none() && experiment.coverage <= 0.0 {
        let fix = "write a coverage above 0, or make it a draft";
        issues.push(nobody(format!("{base}/coverage"), fix));
        return;
    }
    for (at, filter) in experiment.filters.iter().enumerate() {
        if length(&filter.ranges) <= 0.0 {
            let fix = "write a range that is not empty, or remove the filter";
            issues.push(nobody(format!("{base}/filters/{at}/ranges"), fix));
            return;
        }
    }
    for (at, share) in shares(experiment).into_iter().enumerate() {
        if share <= 0.0 {
            let pointer = format!("{base}/variations/{at}");
            let fix = "give it a share above 0, or remove it";
            let issue = Issue::warning(pointer, "no visitor gets this variation", fix);
            issues.push(issue.coded(Code::UnreachableVariation));
        }
    }
}

/// Rules after one that everybody stops at.
pub(super) fn rules(config: &Config, issues: &mut Vec<Issue>) {
    for (feature, written) in config.features.iter().enumerate() {
        let Some(last) = written.rules.iter().position(applies_always) else { continue };
        for rule in last + 1..written.rules.len() {
            let reason = format!("rule {last} gives everybody a value, so this one is never reached");
            let fix = "move it before that rule, or remove it";
            let pointer = format!("/features/{feature}/rules/{rule}");
            issues.push(Issue::warning(pointer, reason, fix).coded(Code::UnreachableRule));
        }
    }
}

/// Holdouts that leave nobody.
pub(super) fn holdouts(config: &Config, issues: &mut Vec<Issue>) {
    let whole = config.holdouts.iter().enumerate().filter(|(_, holdout)| holdout.share >= 1.0);
    issues.extend(whole.map(|(at, _)| nobody(format!("/holdouts/{at}/share"), "write a share below 1")));
    let held = config.personalizations.iter().enumerate().filter(|(_, rule)| rule.holdout >= 1.0);
    let fix = "write a holdout below 1, or make it a draft";
    issues.extend(held.map(|(at, _)| nobody(format!("/personalizations/{at}/holdout"), fix)));
}

fn nobody(pointer: String, fix: &str) -> Issue {
    Issue::warning(pointer, "no visitor takes part", fix).coded(Code::Nobody)
}

fn applies_always(rule: &Rule) -> bool {
    rule.value.is_some()
        && rule.when.is_none()
        && rule.prerequisites.is_empty()
        && rule.filters.is_empty()
        && (rule.start.is_none() && rule.end.is_none())
        && rule.range.is_none()
        && rule.coverage >= 1.0
}

/// The largest share of the units that each variation has, in any context.
fn shares(experiment: &Experiment) -> Vec<f64> {
    let mut shares = match &experiment.ranges {
        // The first range that holds a unit decides, so a range has what the earlier ones leave.
        Some(ranges) => (0..ranges.len()).map(|at| length(&ranges[..=at]) - length(&ranges[..at])).collect(),
        None => experiment.weights(),
    };
    for context in &experiment.contexts {
        for (share, weight) in shares.iter_mut().zip(&context.weights) {
            *share = share.max(*weight);
        }
    }
    shares
}

/// How much of `[0, 1)` ranges hold together.
pub(super) fn length(ranges: &[[f64; 2]]) -> f64 {
    let mut sorted = ranges.to_vec();
    sorted.sort_by(|one, other| one[0].total_cmp(&other[0]));
    let (mut held, mut until) = (0.0, 0.0_f64);
    for [from, to] in sorted {
        held += (to - from.max(until)).max(0.0);
        until = until.max(to);
    }
    held
}
