//! Slots: of all personalizations that match, only the one that goes first fills a slot.

use super::{Setting, Window};
use splitlight_protocol::config::{Config, Personalization, Status};
use splitlight_protocol::{Code, Issue, Value};

pub(super) fn personalizations(config: &Config, setting: &Setting, issues: &mut Vec<Issue>) {
    let rules: Vec<Live<'_>> = config
        .personalizations
        .iter()
        .enumerate()
        .filter(|(_, rule)| rule.status == Status::Running)
        .filter_map(|(at, rule)| {
            let window = Window::read(config, rule.start.as_deref(), rule.end.as_deref())?;
            Some(Live { at, rule, window })
        })
        .collect();
    for late in &rules {
        let before = |early: &&Live<'_>| (early.rule.priority, early.at) < (late.rule.priority, late.at);
        let mut earlier = rules.iter().filter(before);
        if let Some(first) = earlier.find(|early| always_before(config, setting, early, late)) {
            let key = &first.rule.key;
            let reason = format!("`{key}` goes first wherever this rule matches, so it never wins its slot");
            let fix = "give it a lower priority number, another slot, or the other rule a narrower condition";
            let issue = Issue::warning(format!("/personalizations/{}", late.at), reason, fix);
            issues.push(issue.coded(Code::SlotNeverWon));
        }
    }
}

/// A rule that runs, its place in the config and when it is open.
struct Live<'c> {
    at: usize,
    rule: &'c Personalization,
    window: Window,
}

/// Whether `early` fills the slot for every visitor and page for which `late` would, from now on.
fn always_before(config: &Config, setting: &Setting, early: &Live<'_>, late: &Live<'_>) -> bool {
    fn slot(rule: &Personalization) -> &str {
        rule.slot.as_deref().unwrap_or(&rule.key)
    }
    let (first, rule) = (early.rule, late.rule);
    let covers = early.window.from <= late.window.from.max(setting.now)
        && late.window.until <= early.window.until
        && setting.now < late.window.until;
    let limited = first.cap.is_some() || first.cooldown.is_some() || first.holdout > 0.0;
    // A rule that a holdout spares wins where the other is held back.
    let spared =
        || config.holdouts.iter().any(|h| h.except.contains(&rule.key) && !h.except.contains(&first.key));
    slot(first) == slot(rule)
        && first.unit == rule.unit
        && first.prerequisites.is_empty()
        && (first.pages.is_empty() || first.pages == rule.pages)
        && covers
        && !limited
        && follows(rule.when.as_ref(), first.when.as_ref())
        && !spared()
}

/// Whether the second condition holds wherever the first does, as far as their parts tell.
fn follows(narrow: Option<&Value>, wide: Option<&Value>) -> bool {
    match (narrow, wide) {
        (_, None) => true,
        (Some(Value::Object(narrow)), Some(Value::Object(wide))) => {
            wide.iter().all(|(name, value)| narrow.get(name) == Some(value))
        }
        _ => false,
    }
}
