//! The rules of costs.

use super::{At, check_reference};
use crate::config::Cost;
use std::collections::BTreeSet;

/// `items` are the keys of experiments and personalizations.
pub(super) fn check_cost(cost: &Cost, items: &BTreeSet<String>, at: &mut At) {
    if let Some(key) = &cost.experiment {
        check_reference("/experiment", key, "experiment", items, at);
    }
    if !(1..=Cost::AMOUNT_MAX).contains(&cost.amount) {
        let reason = format!("{} is not from 1 to {}", cost.amount, Cost::AMOUNT_MAX);
        at.error("/amount", reason, "write minor units, such as 250000 for 2500.00");
    }
    match &cost.start {
        Some(start) if cost.first_day().is_none() => {
            let reason = format!("`{start}` is not a day");
            at.error("/start", reason, "write a day such as 2026-11-01");
        }
        None if cost.every.is_some() && cost.experiment.is_none() => {
            let reason = "a cost that comes back and is of no experiment has no first day";
            at.error("/start", reason, "write `start`, such as 2026-11-01");
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use crate::config::parse;

    #[test]
    fn a_wrong_cost_says_where_why_and_what_to_write() {
        for (cost, pointer, fix) in [
            (r#""amount": 1, "experiment": "heros""#, "/costs/0/experiment", "did you mean `hero`?"),
            (r#""amount": 1, "experiment": "other""#, "/costs/0/experiment", "add it to `experiments`"),
            (r#""amount": 0"#, "/costs/0/amount", "write minor units, such as 250000 for 2500.00"),
            (r#""amount": -5"#, "/costs/0/amount", "write minor units, such as 250000 for 2500.00"),
            (r#""amount": 1, "start": "2026-02-29""#, "/costs/0/start", "write a day such as 2026-11-01"),
            (r#""amount": 1, "every": "week""#, "/costs/0/start", "write `start`, such as 2026-11-01"),
            (
                r#""amount": 1, "every": "weekly", "experiment": "hero""#,
                "/costs/0/every",
                "did you mean `week`?",
            ),
            (r#""amuont": 1"#, "/costs/0/amuont", "did you mean `amount`?"),
        ] {
            let parsed = parse(&format!(
                r#"{{ "version": 1, "project": "shop", "costs": [{{ "key": "copy", {cost} }}],
                "experiments": [{{ "key": "hero", "variations": [{{ "key": "a" }}, {{ "key": "b" }}] }}] }}"#
            ));
            let found: Vec<_> =
                parsed.issues.iter().map(|it| (it.pointer.as_str(), it.fix.as_str())).collect();
            assert_eq!(found, [(pointer, fix)], "{cost}");
            assert_eq!(parsed.config.costs, []);
        }
    }
}
