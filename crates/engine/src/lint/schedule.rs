//! Schedules that are over, or that never meet those they depend on.

use super::{Running, Setting, Window, rules as all_rules};
use splitlight_protocol::config::{Config, Status};
use splitlight_protocol::{Code, Issue};

pub(super) fn experiment(running: &Running<'_>, setting: &Setting, issues: &mut Vec<Issue>) {
    issues.extend(over(
        &running.base,
        running.window,
        setting,
        "set `status` to stopped, or write a later end",
    ));
}

/// Rules of features and of pages.
pub(super) fn rules(config: &Config, setting: &Setting, issues: &mut Vec<Issue>) {
    for (at, rule) in config.personalizations.iter().enumerate() {
        let window = Window::read(config, rule.start.as_deref(), rule.end.as_deref());
        if let Some(window) = window.filter(|_| rule.status == Status::Running) {
            let fix = "set `status` to stopped, or write a later end";
            issues.extend(over(&format!("/personalizations/{at}"), window, setting, fix));
        }
    }
    for (base, rule) in all_rules(config) {
        let Some(window) = Window::read(config, rule.start.as_deref(), rule.end.as_deref()) else { continue };
        issues.extend(over(&base, window, setting, "remove the rule, or write a later end"));
        let named = rule.experiment.as_ref();
        let experiment = named.and_then(|key| config.experiments.iter().find(|other| other.key == *key));
        let Some(experiment) = experiment.or(rule.run.as_deref()) else { continue };
        let inner = Window::read(config, experiment.start.as_deref(), experiment.end.as_deref());
        if inner.is_some_and(|inner| !inner.meets(window)) {
            let reason = format!("the rule and its experiment `{}` are never open together", experiment.key);
            let fix = "write schedules that meet, or leave the rule's out";
            issues.push(Issue::warning(base, reason, fix).coded(Code::ScheduleNeverOpen));
        }
    }
}

fn over(base: &str, window: Window, setting: &Setting, fix: &str) -> Option<Issue> {
    (window.until <= setting.now).then(|| {
        let reason = format!("the schedule was over on {}", window.until.to_rfc3339());
        Issue::warning(format!("{base}/end"), reason, fix).coded(Code::ScheduleOver)
    })
}
