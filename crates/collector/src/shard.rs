//! A shard: everything about a share of the visitors, changed in one transaction of its storage.

use crate::aggregates::{Aggregates, Key, What};
use crate::contribution::contribution;
use crate::plan::Plan;
use crate::received::{Batch, Fact, Received};
use crate::visitor::VisitorState;
use splitlight_protocol::event::{EventId, Outcome, Receipt};
use splitlight_stats::Moments;
use std::collections::{BTreeMap, BTreeSet};

/// Where a shard keeps what it knows. After an error nothing of the transaction may remain.
pub trait Storage {
    /// Why it failed.
    type Error;

    /// Which of these ids, all different, it has seen before.
    ///
    /// # Errors
    /// When the storage fails.
    fn known(&mut self, ids: &[EventId]) -> Result<BTreeSet<EventId>, Self::Error>;

    /// Remembers ids that it has not seen, with the day they arrived on, so that old ones can be dropped.
    ///
    /// # Errors
    /// When the storage fails.
    fn remember(&mut self, ids: &[EventId], day: i32) -> Result<(), Self::Error>;

    /// The states of those of the visitors that it knows.
    ///
    /// # Errors
    /// When the storage fails.
    fn load(&mut self, visitors: &[&str]) -> Result<BTreeMap<String, VisitorState>, Self::Error>;

    /// Replaces the states of visitors.
    ///
    /// # Errors
    /// When the storage fails.
    fn store(&mut self, visitors: &BTreeMap<String, VisitorState>) -> Result<(), Self::Error>;

    /// Adds to the aggregates.
    ///
    /// # Errors
    /// When the storage fails.
    fn add(&mut self, gained: &Aggregates) -> Result<(), Self::Error>;

    /// The ids of at most `limit` visitors after the given one, in a fixed order.
    ///
    /// # Errors
    /// When the storage fails.
    fn after(&mut self, visitor: &str, limit: usize) -> Result<Vec<String>, Self::Error>;
}

/// Everything about a share of the visitors.
#[derive(Debug, Default)]
pub struct Shard<S> {
    storage: S,
}

impl<S: Storage> Shard<S> {
    /// A shard over a storage.
    pub const fn new(storage: S) -> Self {
        Self { storage }
    }

    /// The storage.
    pub const fn storage(&self) -> &S {
        &self.storage
    }

    /// The storage, to tend it between transactions.
    pub const fn storage_mut(&mut self) -> &mut S {
        &mut self.storage
    }

    /// Counts batches, of any visitors, and says for each what became of its events.
    ///
    /// # Errors
    /// When the storage fails; the caller then undoes the transaction.
    pub fn apply(&mut self, plan: &Plan, batches: &[Batch]) -> Result<Vec<Receipt>, S::Error> {
        let new = self.admit(batches)?;
        let mut gained = Aggregates::default();
        let mut receipts = Vec::with_capacity(batches.len());
        let mut facts: BTreeMap<&str, Vec<&Received>> = BTreeMap::new();
        let mut taken = BTreeSet::new();
        for batch in batches {
            let mut receipt = Receipt::default();
            for event in &batch.events {
                let fresh = new.contains(&event.id) && taken.insert(event.id);
                let outcome = if fresh { judge(plan, event, &mut gained) } else { Outcome::Duplicate };
                if outcome == Outcome::Accepted {
                    facts.entry(&batch.visitor).or_default().push(event);
                }
                receipt.outcomes.push((event.id, outcome));
            }
            if batch.bots > 0 {
                let key = Key { experiment: String::new(), what: What::Bots, day: batch.received.day() };
                gained.add(key, Moments { n: batch.bots.into(), ..Moments::default() });
            }
            receipts.push(receipt);
        }
        self.count(plan, &facts, &mut gained)?;
        if !gained.is_empty() {
            self.storage.add(&gained)?;
        }
        Ok(receipts)
    }

    /// Counts the visitors after the given one anew, as a changed plan asks for; the last of them, until none is left.
    ///
    /// # Errors
    /// When the storage fails; the caller then undoes the transaction.
    pub fn recount(&mut self, plan: &Plan, after: &str, limit: usize) -> Result<Option<String>, S::Error> {
        let visitors = self.storage.after(after, limit)?;
        let names: Vec<&str> = visitors.iter().map(String::as_str).collect();
        let mut gained = Aggregates::default();
        let mut changed = self.storage.load(&names)?;
        changed.retain(|_, state| recount(plan, state, &mut gained));
        self.storage.store(&changed)?;
        self.storage.add(&gained)?;
        Ok(visitors.into_iter().last())
    }

    /// The ids that were not there before; they are now.
    fn admit(&mut self, batches: &[Batch]) -> Result<BTreeSet<EventId>, S::Error> {
        let ids: BTreeSet<EventId> =
            batches.iter().flat_map(|batch| batch.events.iter().map(|event| event.id)).collect();
        let ids: Vec<EventId> = ids.into_iter().collect();
        let known = if ids.is_empty() { BTreeSet::new() } else { self.storage.known(&ids)? };
        let new: Vec<EventId> = ids.into_iter().filter(|id| !known.contains(id)).collect();
        let day = batches.iter().map(|batch| batch.received.day()).max().unwrap_or_default();
        if !new.is_empty() {
            self.storage.remember(&new, day)?;
        }
        Ok(new.into_iter().collect())
    }

    fn count(
        &mut self,
        plan: &Plan,
        facts: &BTreeMap<&str, Vec<&Received>>,
        gained: &mut Aggregates,
    ) -> Result<(), S::Error> {
        let visitors: Vec<&str> = facts.keys().copied().collect();
        let mut known = if visitors.is_empty() { BTreeMap::new() } else { self.storage.load(&visitors)? };
        let mut changed = BTreeMap::new();
        for (visitor, events) in facts {
            let mut state = known.remove(*visitor).unwrap_or_default();
            let mut touched = false;
            for event in events {
                touched |= state.remember(plan, event);
            }
            if touched {
                recount(plan, &mut state, gained);
                changed.insert((*visitor).to_owned(), state);
            }
        }
        if changed.is_empty() { Ok(()) } else { self.storage.store(&changed) }
    }
}

/// Brings a visitor's part of the aggregates up to date; whether it changed.
fn recount(plan: &Plan, state: &mut VisitorState, gained: &mut Aggregates) -> bool {
    let now = contribution(plan, state);
    if now == state.counted {
        return false;
    }
    gained.merge_in(&now.clone().minus(&state.counted));
    state.counted = now;
    true
}

/// The fate of an event that was not received before.
fn judge(plan: &Plan, event: &Received, gained: &mut Aggregates) -> Outcome {
    let Fact::Exposure { experiment, valid: false, .. } = &event.fact else { return Outcome::Accepted };
    // Keys that no config has are a stranger's words: they are counted together, or they would fill the storage.
    let experiment = if plan.has(experiment) { experiment.clone() } else { String::new() };
    let key = Key { experiment, what: What::Quarantined, day: event.time.day() };
    gained.add(key, Moments { n: 1, ..Moments::default() });
    Outcome::Quarantined
}
