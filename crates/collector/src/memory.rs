//! A storage in memory, for tests and for analyses of a log.

use crate::aggregates::Aggregates;
use crate::log::{Entry, Logged};
use crate::shard::Storage;
use crate::visitor::VisitorState;
use core::convert::Infallible;
use splitlight_protocol::event::EventId;
use std::collections::{BTreeMap, BTreeSet};

/// A storage in memory.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    /// The ids seen, with the day they arrived on.
    pub ids: BTreeMap<EventId, i32>,
    /// The visitors' states as bytes, as a real storage has them.
    pub visitors: BTreeMap<String, Vec<u8>>,
    /// The sums.
    pub aggregates: Aggregates,
    /// Who is never to come back.
    pub forgotten: BTreeSet<String>,
    /// Every event that was new, as it is kept, with its visitor.
    pub log: Vec<(String, Logged)>,
}

impl Storage for Memory {
    type Error = Infallible;

    fn known(&mut self, ids: &[EventId]) -> Result<BTreeSet<EventId>, Infallible> {
        Ok(ids.iter().filter(|id| self.ids.contains_key(id)).copied().collect())
    }

    fn remember(&mut self, ids: &[EventId], day: i32) -> Result<(), Infallible> {
        self.ids.extend(ids.iter().map(|id| (*id, day)));
        Ok(())
    }

    fn load(&mut self, visitors: &[&str]) -> Result<BTreeMap<String, VisitorState>, Infallible> {
        let known = visitors.iter().filter_map(|visitor| {
            let bytes = self.visitors.get(*visitor)?;
            Some(((*visitor).to_owned(), VisitorState::from_bytes(bytes).unwrap_or_default()))
        });
        Ok(known.collect())
    }

    fn store(&mut self, visitors: &BTreeMap<String, VisitorState>) -> Result<(), Infallible> {
        self.visitors.extend(visitors.iter().map(|(visitor, state)| (visitor.clone(), state.to_bytes())));
        Ok(())
    }

    fn add(&mut self, gained: &Aggregates) -> Result<(), Infallible> {
        self.aggregates.merge_in(gained);
        Ok(())
    }

    fn after(&mut self, visitor: &str, limit: usize) -> Result<Vec<String>, Infallible> {
        let visitors = self.visitors.keys().filter(|known| known.as_str() > visitor);
        Ok(visitors.take(limit).cloned().collect())
    }

    fn forgotten(&mut self, visitors: &BTreeSet<&str>) -> Result<BTreeSet<String>, Infallible> {
        Ok(self.forgotten.iter().filter(|known| visitors.contains(known.as_str())).cloned().collect())
    }

    fn log(&mut self, entries: &[Entry<'_>]) -> Result<(), Infallible> {
        let kept = |entry: &Entry<'_>| {
            Logged::from_bytes(&entry.to_bytes()).map(|logged| (entry.visitor.to_owned(), logged))
        };
        self.log.extend(entries.iter().filter_map(kept));
        Ok(())
    }

    fn forget(&mut self, visitor: &str) -> Result<(), Infallible> {
        self.visitors.remove(visitor);
        self.log.retain(|(known, _)| known != visitor);
        self.forgotten.insert(visitor.to_owned());
        Ok(())
    }
}
