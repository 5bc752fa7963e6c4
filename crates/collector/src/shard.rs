//! A shard: everything about a share of the visitors, changed in one transaction of its storage.

use crate::aggregates::{Aggregates, Key, What};
use crate::contribution::contribution;
use crate::log::Entry;
use crate::plan::Plan;
use crate::received::{Batch, Fact, Received, Traits};
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

    /// Which of the visitors are never to come back.
    ///
    /// # Errors
    /// When the storage fails.
    fn forgotten(&mut self, visitors: &BTreeSet<&str>) -> Result<BTreeSet<String>, Self::Error>;

    /// Keeps new events as they came, for exports and recounts.
    ///
    /// # Errors
    /// When the storage fails.
    fn log(&mut self, entries: &[Entry<'_>]) -> Result<(), Self::Error>;

    /// Drops everything that names a visitor, and keeps only what is needed to know them again.
    ///
    /// # Errors
    /// When the storage fails.
    fn forget(&mut self, visitor: &str) -> Result<(), Self::Error>;
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
        let visitors = batches.iter().map(|batch| batch.visitor.as_str()).collect();
        let gone = self.storage.forgotten(&visitors)?;
        let new = self.admit(batches.iter().filter(|batch| !gone.contains(&batch.visitor)))?;
        let mut gained = Aggregates::default();
        let mut receipts = Vec::with_capacity(batches.len());
        let mut news: BTreeMap<&str, News<'_>> = BTreeMap::new();
        let mut kept = Vec::new();
        let mut taken = BTreeSet::new();
        for batch in batches {
            if gone.contains(&batch.visitor) {
                let outcomes = batch.events.iter().map(|event| (event.id, Outcome::Forgotten)).collect();
                receipts.push(Receipt { outcomes });
                continue;
            }
            let mut receipt = Receipt::default();
            let mut fresh = Vec::new();
            for event in &batch.events {
                if !new.contains(&event.id) || !taken.insert(event.id) {
                    receipt.outcomes.push((event.id, Outcome::Duplicate));
                    continue;
                }
                fresh.push(event);
                let here = news.entry(&batch.visitor).or_default();
                if let Fact::Dropped { count, .. } = &event.fact {
                    let key = Key { experiment: String::new(), what: What::Dropped, day: event.time.day() };
                    let n = i64::from(*count);
                    gained.add(key.clone(), Moments { n, ..Moments::default() });
                    here.aside.push((key, n));
                }
                let outcome = if let Some(key) = quarantine(plan, event) {
                    gained.add(key.clone(), Moments { n: 1, ..Moments::default() });
                    here.aside.push((key, 1));
                    Outcome::Quarantined
                } else {
                    here.facts.push((event, &batch.traits));
                    Outcome::Accepted
                };
                receipt.outcomes.push((event.id, outcome));
            }
            if !fresh.is_empty() {
                news.entry(&batch.visitor).or_default().see(batch.received.day());
                let Batch { visitor, received, consent, traits, .. } = batch;
                kept.push(Entry { visitor, received: *received, consent: *consent, traits, events: fresh });
            }
            if batch.bots > 0 {
                let key = Key { experiment: String::new(), what: What::Bots, day: batch.received.day() };
                gained.add(key, Moments { n: batch.bots.into(), ..Moments::default() });
            }
            receipts.push(receipt);
        }
        self.count(plan, &news, &mut gained)?;
        if !kept.is_empty() {
            self.storage.log(&kept)?;
        }
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

    /// Takes everything about a visitor back, as if they had never come; whether they had.
    ///
    /// Events of machines stay counted: they were kept of nobody. Whatever else of the visitor arrives later is
    /// answered with [`Outcome::Forgotten`].
    ///
    /// # Errors
    /// When the storage fails; the caller then undoes the transaction.
    pub fn forget(&mut self, visitor: &str) -> Result<bool, S::Error> {
        let state = self.storage.load(&[visitor])?.remove(visitor);
        if let Some(state) = &state {
            let part = Aggregates::default().minus(&state.part());
            if !part.is_empty() {
                self.storage.add(&part)?;
            }
        }
        self.storage.forget(visitor)?;
        Ok(state.is_some())
    }

    /// The ids that were not there before; they are now.
    fn admit<'a>(&mut self, batches: impl Iterator<Item = &'a Batch>) -> Result<BTreeSet<EventId>, S::Error> {
        let mut day = 0;
        let mut ids = BTreeSet::new();
        for batch in batches {
            day = day.max(batch.received.day());
            ids.extend(batch.events.iter().map(|event| event.id));
        }
        let ids: Vec<EventId> = ids.into_iter().collect();
        let known = if ids.is_empty() { BTreeSet::new() } else { self.storage.known(&ids)? };
        let new: Vec<EventId> = ids.into_iter().filter(|id| !known.contains(id)).collect();
        if !new.is_empty() {
            self.storage.remember(&new, day)?;
        }
        Ok(new.into_iter().collect())
    }

    fn count(
        &mut self,
        plan: &Plan,
        news: &BTreeMap<&str, News<'_>>,
        gained: &mut Aggregates,
    ) -> Result<(), S::Error> {
        let visitors: Vec<&str> = news.keys().copied().collect();
        let mut known = if visitors.is_empty() { BTreeMap::new() } else { self.storage.load(&visitors)? };
        let mut changed = BTreeMap::new();
        for (visitor, news) in news {
            let was_known = known.contains_key(*visitor);
            let mut state = known.remove(*visitor).unwrap_or_default();
            let mut touched = !news.aside.is_empty();
            for (key, n) in &news.aside {
                state.set_aside(key, *n);
            }
            for (event, traits) in &news.facts {
                touched |= state.remember(plan, event, traits);
            }
            // Somebody of whom nothing is counted is not kept only for having come.
            if state.see(news.day) && was_known || touched {
                recount(plan, &mut state, gained);
                changed.insert((*visitor).to_owned(), state);
            }
        }
        if changed.is_empty() { Ok(()) } else { self.storage.store(&changed) }
    }
}

/// What is new of a visitor in one transaction.
#[derive(Default)]
struct News<'a> {
    facts: Vec<(&'a Received, &'a Traits)>,
    /// What is counted beside the results.
    aside: Vec<(Key, i64)>,
    day: i32,
}

impl News<'_> {
    fn see(&mut self, day: i32) {
        self.day = self.day.max(day);
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

/// Where an exposure that the hash does not give is counted; `None` for any other event.
fn quarantine(plan: &Plan, event: &Received) -> Option<Key> {
    let Fact::Exposure { experiment, valid: false, .. } = &event.fact else { return None };
    // Keys that no config has are a stranger's words: they are counted together, or they would fill the storage.
    let experiment = if plan.has(experiment) { experiment.clone() } else { String::new() };
    Some(Key { experiment, what: What::Quarantined, day: event.time.day() })
}
