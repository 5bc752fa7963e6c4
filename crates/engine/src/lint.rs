//! Finds what a config may say but hardly means: rules that never win, variations nobody gets, layers that overlap.

use crate::compile::window;
use splitlight_protocol::Issue;
use splitlight_protocol::config::{Config, Experiment, Personalization, Status};

/// What a config says that its author hardly means, as warnings whose pointers index the config as given.
///
/// What keeps an item from running is for [`compile`](crate::compile()) to say; this looks at running items only.
///
/// ```
/// let parsed = splitlight_protocol::config::parse(r##"{ "version": 1, "project": "shop", "personalizations": [
///   { "key": "all", "slot": "hero", "changes": [{ "selector": "h1", "text": "Hi" }] },
///   { "key": "late", "slot": "hero", "priority": 1, "changes": [{ "selector": "h1", "text": "Ho" }] }] }"##);
/// let issues = splitlight_engine::lint(&parsed.config);
/// assert_eq!(issues.len(), 1);
/// assert_eq!(issues[0].pointer, "/personalizations/1");
/// ```
pub fn lint(config: &Config) -> Vec<Issue> {
    let mut issues = Vec::new();
    let running = config.experiments.iter().enumerate().filter(|(_, e)| e.status == Status::Running);
    let experiments: Vec<(usize, &Experiment)> = running.collect();
    for (place, &(index, experiment)) in experiments.iter().enumerate() {
        unreachable(index, experiment, &mut issues);
        if experiment.metrics.primary.is_none() {
            let fix = "name the metric that decides before the experiment starts";
            let pointer = format!("/experiments/{index}/metrics/primary");
            issues.push(Issue::warning(pointer, "no metric decides this experiment", fix));
        }
        for (_, earlier) in &experiments[..place] {
            issues.extend(overlap(config, index, earlier, experiment));
        }
    }
    for (index, rule) in config.personalizations.iter().enumerate() {
        let mut others = config.personalizations.iter().enumerate();
        let first = others.find(|(other, first)| {
            (first.priority, *other) < (rule.priority, index) && always_before(config, first, rule)
        });
        if let Some((_, first)) = first {
            let reason =
                format!("`{}` goes first wherever this rule matches, so it never wins its slot", first.key);
            let fix = "give it a lower priority number, another slot, or the other rule a narrower condition";
            issues.push(Issue::warning(format!("/personalizations/{index}"), reason, fix));
        }
    }
    issues
}

/// Whether `first` fills the slot for every visitor and page for which `rule` would.
fn always_before(config: &Config, first: &Personalization, rule: &Personalization) -> bool {
    fn slot(rule: &Personalization) -> &str {
        rule.slot.as_deref().unwrap_or(&rule.key)
    }
    let bound = first.start.is_some() || first.end.is_some();
    let limited = first.cap.is_some() || first.cooldown.is_some() || first.holdout > 0.0;
    // A rule that a holdout spares wins where the other is held back.
    let spared =
        config.holdouts.iter().any(|h| h.except.contains(&rule.key) && !h.except.contains(&first.key));
    [first, rule].iter().all(|rule| rule.status == Status::Running)
        && slot(first) == slot(rule)
        && first.unit == rule.unit
        && first.prerequisites.is_empty()
        && (first.when.is_none() || first.when == rule.when)
        && (first.pages.is_empty() || first.pages == rule.pages)
        && (!bound || (&first.start, &first.end) == (&rule.start, &rule.end))
        && !limited
        && !spared
}

/// Variations that no visitor gets: the share is 0 in the ranges or in the weights.
fn unreachable(index: usize, experiment: &Experiment, issues: &mut Vec<Issue>) {
    if experiment.ranges.is_none() && experiment.coverage <= 0.0 {
        let fix = "write a coverage above 0, or make it a draft";
        let pointer = format!("/experiments/{index}/coverage");
        issues.push(Issue::warning(pointer, "no visitor takes part", fix));
        return;
    }
    // Another context may give the variation a share.
    if !experiment.contexts.is_empty() {
        return;
    }
    let shares = match &experiment.ranges {
        Some(ranges) => ranges.iter().map(|range| range[1] - range[0]).collect(),
        None => experiment.weights(),
    };
    for (variation, share) in shares.into_iter().enumerate() {
        if share <= 0.0 {
            let pointer = format!("/experiments/{index}/variations/{variation}");
            let fix = "give it a share above 0, or remove it";
            issues.push(Issue::warning(pointer, "no visitor gets this variation", fix));
        }
    }
}

/// Two experiments of a layer that claim the same visitors at the same time.
fn overlap(config: &Config, index: usize, earlier: &Experiment, later: &Experiment) -> Option<Issue> {
    let (one, other) = (earlier.layer.as_ref()?, later.layer.as_ref()?);
    let shared = one.range[0].max(other.range[0]) < one.range[1].min(other.range[1]);
    let moments = |e: &Experiment| window("", e.start.as_deref(), e.end.as_deref(), &config.timezone).ok();
    let ((start, end), (from, to)) = (moments(earlier)?, moments(later)?);
    let over = |end: Option<_>, start: Option<_>| end.zip(start).is_some_and(|(end, start)| end <= start);
    if one.key != other.key || !shared || over(end, from) || over(to, start) {
        return None;
    }
    let reason = format!("shares visitors of layer `{}` with `{}`", one.key, earlier.key);
    let fix = "give each experiment of a layer a range of its own, or schedules that do not meet";
    Some(Issue::warning(format!("/experiments/{index}/layer/range"), reason, fix))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pointers of the findings in the sections given.
    fn found(sections: &str) -> Vec<String> {
        let text = format!(r#"{{ "version": 1, "project": "shop", {sections} }}"#);
        let parsed = splitlight_protocol::config::parse(&text);
        assert_eq!(parsed.issues, [], "{text}");
        lint(&parsed.config).into_iter().map(|issue| issue.pointer).collect()
    }

    fn experiments(first: &str, second: &str) -> Vec<String> {
        let metrics = r#""metrics": { "primary": "buy" }, "variations": [{ "key": "a" }, { "key": "b" }]"#;
        found(&format!(
            r#""metrics": [{{ "key": "buy", "kind": "proportion", "event": "buy" }}], "experiments": [
            {{ "key": "one", {metrics}, {first} }}, {{ "key": "two", {metrics}, {second} }}]"#
        ))
    }

    #[test]
    fn layers_overlap_only_while_both_run() {
        let first = r#""layer": { "key": "l", "range": [0, 0.6] }, "end": "2026-02-01""#;
        let second = r#""layer": { "key": "l", "range": [0.5, 1] }"#;
        assert_eq!(experiments(first, second), ["/experiments/1/layer/range"]);
        assert!(experiments(first, &format!(r#"{second}, "start": "2026-02-01""#)).is_empty());
        assert!(experiments(first, r#""layer": { "key": "l", "range": [0.6, 1] }"#).is_empty());
    }

    #[test]
    fn nobody_takes_part_without_coverage() {
        assert_eq!(experiments(r#""coverage": 0"#, r#""coverage": 0.1"#), ["/experiments/0/coverage"]);
    }

    #[test]
    fn a_variation_needs_a_share_and_an_experiment_a_metric() {
        let text = r#""experiments": [{ "key": "e", "variations": [
            { "key": "a", "weight": 1 }, { "key": "b", "weight": 0 }] }]"#;
        assert_eq!(found(text), ["/experiments/0/variations/1", "/experiments/0/metrics/primary"]);
    }

    #[test]
    fn a_rule_wins_where_the_first_may_not() {
        let rules = |first: &str| {
            let change = r#""slot": "s", "changes": [{ "selector": "h1", "text": "Hi" }]"#;
            found(&format!(
                r#""personalizations": [{{ "key": "p", {change}{first} }}, {{ "key": "q", {change} }}]"#
            ))
        };
        assert_eq!(rules(""), ["/personalizations/1"]);
        assert_eq!(rules(r#", "priority": 1"#), ["/personalizations/0"]);
        assert!(rules(r#", "when": { "a": 1 }"#).is_empty());
        assert!(rules(r#", "holdout": 0.1"#).is_empty());
        assert!(rules(r#", "end": "2030-01-01""#).is_empty());
    }
}
