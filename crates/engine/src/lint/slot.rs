//! Slots: of all personalizations that match, only the one that goes first fills a slot.

use super::{Setting, Window};
use splitlight_protocol::config::{Config, Personalization, Status};
use splitlight_protocol::{Code, Issue, Value};

pub(super) fn personalizations(config: &Config, setting: &Setting, issues: &mut Vec<Issue>) {
    for (index, rule) in config.personalizations.iter().enumerate() {
        let mut others = config.personalizations.iter().enumerate();
        let first = others.find(|(other, first)| {
            (first.priority, *other) < (rule.priority, index) && always_before(config, setting, first, rule)
        });
        if let Some((_, first)) = first {
            let reason =
                format!("`{}` goes first wherever this rule matches, so it never wins its slot", first.key);
            let fix = "give it a lower priority number, another slot, or the other rule a narrower condition";
            let issue = Issue::warning(format!("/personalizations/{index}"), reason, fix);
            issues.push(issue.coded(Code::SlotNeverWon));
        }
    }
}

/// Whether `first` fills the slot for every visitor and page for which `rule` would, from now on.
fn always_before(
    config: &Config,
    setting: &Setting,
    first: &Personalization,
    rule: &Personalization,
) -> bool {
    fn slot(rule: &Personalization) -> &str {
        rule.slot.as_deref().unwrap_or(&rule.key)
    }
    let window = |rule: &Personalization| Window::read(config, rule.start.as_deref(), rule.end.as_deref());
    let (Some(before), Some(own)) = (window(first), window(rule)) else { return false };
    let covers = before.from <= own.from.max(setting.now) && own.until <= before.until;
    let limited = first.cap.is_some() || first.cooldown.is_some() || first.holdout > 0.0;
    // A rule that a holdout spares wins where the other is held back.
    let spared =
        config.holdouts.iter().any(|h| h.except.contains(&rule.key) && !h.except.contains(&first.key));
    [first, rule].iter().all(|rule| rule.status == Status::Running)
        && slot(first) == slot(rule)
        && first.unit == rule.unit
        && first.prerequisites.is_empty()
        && follows(rule.when.as_ref(), first.when.as_ref())
        && (first.pages.is_empty() || first.pages == rule.pages)
        && covers
        && own.until > setting.now
        && !limited
        && !spared
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
