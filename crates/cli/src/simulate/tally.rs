//! What a population got, counted.

use super::population::Person;
use splitlight_engine::{Decision, Item, ItemKind, Program, Reason};
use splitlight_protocol::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// Counts by item, in the order of the program.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) visitors: u64,
    pub(super) views: u64,
    pub(super) items: Vec<Counts>,
    /// By number of the slot.
    pub(super) slots: BTreeMap<u32, Slot>,
}

/// What became of one item.
#[derive(Debug, Default)]
pub(super) struct Counts {
    /// Visitors by variation.
    pub(super) visitors: Vec<u64>,
    /// Visitors who never got one, by the last gate that was closed.
    pub(super) closed: BTreeMap<&'static str, u64>,
    /// Views in which the item filled its slot.
    pub(super) won: u64,
    /// Views in which it would have shown the original page to measure it.
    pub(super) held_out: u64,
    /// Views in which it was open and another had the slot, by the position of the other.
    pub(super) lost_to: BTreeMap<usize, u64>,
}

/// What became of a slot.
#[derive(Debug, Default)]
pub(super) struct Slot {
    /// Views in which a rule filled it.
    pub(super) filled: u64,
    /// Views in which more than one rule would have.
    pub(super) contested: u64,
}

impl Tally {
    pub(super) fn new(program: &Program) -> Self {
        let items = program.items().iter();
        let counts = |item: &Item| Counts { visitors: vec![0; item.variations().len()], ..Counts::default() };
        Self { items: items.map(counts).collect(), ..Self::default() }
    }

    pub(super) fn add(&mut self, program: &Program, person: &Person, now: Timestamp) {
        self.visitors += 1;
        let mut best: Vec<Option<Decision>> = vec![None; self.items.len()];
        person.visit(program, now, |answers| {
            self.views += 1;
            for (best, (_, decision)) in best.iter_mut().zip(answers) {
                let better = best.is_none_or(|best| {
                    !best.reason.is_open() && (decision.reason.is_open() || decision.reason != Reason::Page)
                });
                if better {
                    *best = Some(*decision);
                }
            }
            self.add_slots(answers);
        });
        for (counts, best) in self.items.iter_mut().zip(best) {
            let Some(best) = best else { continue };
            match counts.visitors.get_mut(best.variation).filter(|_| best.reason.is_open()) {
                Some(visitors) => *visitors += 1,
                None => *counts.closed.entry(best.reason.name()).or_default() += 1,
            }
        }
    }

    fn add_slots(&mut self, answers: &[(&Item, Decision)]) {
        let mut winners: BTreeMap<u32, usize> = BTreeMap::new();
        let mut contested = BTreeSet::new();
        for (at, (item, decision)) in answers.iter().enumerate() {
            let ItemKind::Personalization { slot } = item.kind() else { continue };
            let counts = &mut self.items[at];
            if decision.reason.is_open() {
                winners.insert(slot, at);
                counts.won += 1;
                counts.held_out += u64::from(decision.variation == 0);
            } else if decision.reason == Reason::Slot
                && let Some(winner) = winners.get(&slot)
            {
                *counts.lost_to.entry(*winner).or_default() += 1;
                contested.insert(slot);
            }
        }
        for slot in winners.keys() {
            self.slots.entry(*slot).or_default().filled += 1;
        }
        for slot in contested {
            self.slots.entry(slot).or_default().contested += 1;
        }
    }
}
