//! What stands for each item on this page: a visitor never sees two variations of one item on one page.

use splitlight_engine::{Code, Decision, Decisions, Reason};
use splitlight_protocol::handover::Handed;

/// How an item stands.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Standing {
    pub(crate) decision: Decision,
    /// For what the edge has rendered: the changes that it left to the browser.
    pub(crate) left: Option<Vec<u32>>,
    /// The variation that this page has shown.
    shown: Option<usize>,
}

impl Standing {
    /// Whether a variation is in force, control included.
    pub(crate) fn is_open(&self) -> bool {
        is_open(self.decision)
    }
}

fn is_open(decision: Decision) -> bool {
    decision.reason.is_open()
}

/// The first decisions of a page, with those of the edge in place of ours.
pub(crate) fn first(program: &Code, mut decisions: Decisions, handed: &[Handed]) -> Vec<Standing> {
    decisions.adopt(program, handed);
    let stand = |(at, decision): (usize, &Decision)| {
        let key = program.item(at).key;
        let handed = handed.iter().find(|handed| handed.key == key);
        let adopted = handed.filter(|handed| handed.reason != Reason::Deferred.name());
        let left = adopted.filter(|_| is_open(*decision)).map(|handed| handed.left.clone());
        let shown = is_open(*decision).then_some(decision.variation);
        Standing { decision: *decision, left, shown }
    };
    decisions.items().iter().enumerate().map(stand).collect()
}

/// Decides again. With `keep`, what is in force stays, also when it would no longer match, and only new items join.
pub(crate) fn again(program: &Code, standings: &mut [Standing], decisions: &Decisions, keep: bool) {
    let mut taken = Vec::new();
    let slot = |at| program.item(at).slot;
    if keep {
        let kept = standings.iter().enumerate().filter(|(_, standing)| standing.is_open());
        taken.extend(kept.filter_map(|(at, _)| slot(at)));
    }
    for (at, (standing, decision)) in standings.iter_mut().zip(decisions.items()).enumerate() {
        let mut decision = *decision;
        if keep && standing.is_open() {
            continue;
        }
        if is_open(decision) {
            if slot(at).is_some_and(|slot| taken.contains(&slot)) {
                decision = Decision { variation: 0, reason: Reason::Slot };
            } else if let Some(shown) = standing.shown.filter(|shown| *shown != decision.variation) {
                // The page shows another variation; it stays on it, and does not count.
                decision = Decision { variation: shown, reason: Reason::Forced };
            } else {
                standing.shown = Some(decision.variation);
            }
        }
        standing.decision = decision;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use splitlight_engine::{Facts, Program, Visitor, compile, decide};
    use splitlight_protocol::{Map, Timestamp, Value, config};

    /// Two rules for one slot; the first is for plan `gold` and wins where it matches.
    fn program() -> Program {
        let parsed = config::parse(
            r#"{ "version": 1, "project": "shop", "personalizations": [
            { "key": "gold", "slot": "s", "priority": 1, "when": { "plan": "gold" }, "changes": [{ "selector": "p", "text": "g" }] },
            { "key": "all", "slot": "s", "priority": 2, "changes": [{ "selector": "p", "text": "a" }] }] }"#,
        );
        compile(&parsed.config).program
    }

    fn decided(program: &Program, plan: &str) -> Decisions {
        let attributes = Map::from_iter([("plan".to_owned(), Value::from(plan))]);
        let facts = Facts { id: Some("v".to_owned()), attributes, url: "/".to_owned(), ..Facts::default() };
        decide(program, &Visitor::new(facts), Timestamp::from_ms(0))
    }

    fn reasons(standings: &[Standing]) -> Vec<Reason> {
        standings.iter().map(|standing| standing.decision.reason).collect()
    }

    #[test]
    fn what_is_in_force_keeps_its_slot() {
        let program = program();
        let mut standings = first(&program, decided(&program, ""), &[]);
        assert_eq!(reasons(&standings), [Reason::Audience, Reason::Assigned]);
        again(&program, &mut standings, &decided(&program, "gold"), true);
        assert_eq!(reasons(&standings), [Reason::Slot, Reason::Assigned]);
        again(&program, &mut standings, &decided(&program, "gold"), false);
        assert_eq!(reasons(&standings), [Reason::Assigned, Reason::Slot]);
    }

    #[test]
    fn a_page_shows_one_variation_of_an_item() {
        let program = program();
        let handed = Handed {
            key: "all".to_owned(),
            variation: "holdout".to_owned(),
            reason: "assigned".to_owned(),
            left: vec![0],
            asks: None,
        };
        let mut standings = first(&program, decided(&program, ""), &[handed]);
        assert_eq!(standings[1].left, Some(vec![0]));
        again(&program, &mut standings, &decided(&program, ""), false);
        assert_eq!(standings[1].decision, Decision { variation: 0, reason: Reason::Forced });
    }
}
