//! The collector's storage over an object's SQLite.

use super::retention::{self, Retention};
use super::sql::{blob, integer, replace, rows, text};
use super::{placing, schema, suppression::Suppression};
use splitlight_collector::{Aggregates, Entry, Key, Storage, VisitorState};
use splitlight_protocol::event::EventId;
use std::collections::{BTreeMap, BTreeSet};
use worker::{Error, Result, SqlStorage, SqlStorageValue};

/// Days that an event's id is kept: older events are refused by their time, so 30 and a margin are enough.
const ID_DAYS_MAX: i32 = 32;

/// Ids that come packed into one blob, by number.
const UNPACK: &str = "WITH RECURSIVE n(i) AS (VALUES(0) UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?2) ";

/// The tables, and the aggregates in memory as they are in the tables.
pub(super) struct Store {
    pub(super) sql: SqlStorage,
    pub(super) retention: Retention,
    pub(super) suppression: Suppression,
    pub(super) aggregates: Aggregates,
    /// Experiments whose aggregates the rollup has not confirmed.
    pub(super) dirty: BTreeSet<String>,
    /// Whether it is written down of anybody in which shard they are.
    pub(super) has_places: bool,
}

impl Store {
    /// Opens the tables; nothing is known of what the rollup has, so everything counts as changed.
    pub(super) fn open(sql: SqlStorage, retention: Retention) -> Result<Self> {
        schema::bring_up(&sql)?;
        let mut store = Self {
            suppression: Suppression::open(&sql)?,
            has_places: placing::is_used(&sql)?,
            sql,
            retention,
            aggregates: Aggregates::default(),
            dirty: BTreeSet::new(),
        };
        for row in rows(&store.sql, "SELECT key, moments FROM aggregates", Vec::new())? {
            let damaged = || Error::RustError("a row of the aggregates is damaged".to_owned());
            store.aggregates.add_row(blob(row.first()), blob(row.get(1))).ok_or_else(damaged)?;
            // A sum that became zero has its row still, and the rollup may not know.
            store.dirty.insert(Key::from_bytes(blob(row.first())).ok_or_else(damaged)?.experiment);
        }
        Ok(store)
    }

    /// A visitor's salted hash in hexadecimal digits, which names nobody.
    pub(super) fn digest(&self, visitor: &str) -> Result<String> {
        self.suppression.hash(visitor).map(|hash| crate::project::access::hex(&hash))
    }

    pub(super) fn meta(&self, name: &str) -> Result<Option<SqlStorageValue>> {
        let found = rows(&self.sql, "SELECT value FROM meta WHERE name = ?", vec![name.into()])?;
        Ok(found.into_iter().next().and_then(|row| row.into_iter().next()))
    }

    pub(super) fn set_meta(&self, name: &str, value: SqlStorageValue) -> Result<()> {
        self.sql.exec("INSERT OR REPLACE INTO meta VALUES (?, ?)", vec![name.into(), value]).map(drop)
    }

    /// Drops what is kept no longer, once a day: ids of events that are too old to be accepted again, and the rest by
    /// the retention that the operator chose.
    pub(super) fn prune(&self, today: i32) -> Result<()> {
        if integer(self.meta("pruned")?.as_ref()) == i64::from(today) {
            return Ok(());
        }
        self.sql.exec("DELETE FROM events WHERE day < ?", vec![(today - ID_DAYS_MAX).into()])?;
        retention::drop_old(self, today)?;
        placing::drop_old(self, today.saturating_sub(self.retention.visitor_days))?;
        self.set_meta("pruned", SqlStorageValue::Integer(today.into()))
    }
}

fn packed(ids: &[EventId]) -> Result<Vec<SqlStorageValue>> {
    let bytes: Vec<u8> = ids.iter().flat_map(|id| *id.as_bytes()).collect();
    let count = i32::try_from(ids.len()).map_err(|error| Error::RustError(error.to_string()))?;
    Ok(vec![bytes.into(), count.into()])
}

impl Storage for Store {
    type Error = Error;

    fn known(&mut self, ids: &[EventId]) -> Result<BTreeSet<EventId>> {
        let query = format!("{UNPACK} SELECT i FROM n JOIN events ON id = substr(?1, i * 16 + 1, 16)");
        let found = rows(&self.sql, &query, packed(ids)?)?;
        let at = |row: &Vec<SqlStorageValue>| usize::try_from(integer(row.first())).unwrap_or(usize::MAX);
        Ok(found.iter().filter_map(|row| ids.get(at(row)).copied()).collect())
    }

    fn remember(&mut self, ids: &[EventId], day: i32) -> Result<()> {
        let statement = format!("{UNPACK} INSERT INTO events SELECT substr(?1, i * 16 + 1, 16), ?3 FROM n");
        let mut bindings = packed(ids)?;
        bindings.push(day.into());
        self.sql.exec(&statement, bindings).map(drop)
    }

    fn load(&mut self, visitors: &[&str]) -> Result<BTreeMap<String, VisitorState>> {
        let query = "SELECT id, state FROM visitors WHERE id IN (SELECT value FROM json_each(?))";
        let found = rows(&self.sql, query, vec![serde_json::to_string(visitors)?.into()])?;
        let state = |row: &Vec<SqlStorageValue>| {
            let state = VisitorState::from_bytes(blob(row.get(1)));
            let state = state.ok_or_else(|| Error::RustError("a visitor's state is damaged".to_owned()))?;
            Ok((text(row.first()).to_owned(), state))
        };
        found.iter().map(state).collect()
    }

    fn store(&mut self, visitors: &BTreeMap<String, VisitorState>) -> Result<()> {
        let pairs: Vec<_> =
            visitors.iter().map(|(id, state)| (id.as_bytes(), state.to_bytes(), state.seen())).collect();
        let statement = "INSERT OR REPLACE INTO visitors SELECT CAST(substr(?1, json_extract(value, '$[0]'), \
            json_extract(value, '$[1]')) AS TEXT), substr(?1, json_extract(value, '$[2]'), \
            json_extract(value, '$[3]')), json_extract(value, '$[4]') FROM json_each(?2)";
        replace(&self.sql, statement, &pairs)
    }

    fn add(&mut self, gained: &Aggregates) -> Result<()> {
        self.aggregates.merge_in(gained);
        self.dirty.extend(gained.experiments().map(str::to_owned));
        let row = |(key, _): (&Key, _)| {
            let (key, moments) = self.aggregates.row(key);
            (key, moments, 0)
        };
        let pairs: Vec<_> = gained.iter().map(row).collect();
        let statement = "INSERT OR REPLACE INTO aggregates SELECT substr(?1, json_extract(value, '$[0]'), \
            json_extract(value, '$[1]')), substr(?1, json_extract(value, '$[2]'), \
            json_extract(value, '$[3]')) FROM json_each(?2)";
        replace(&self.sql, statement, &pairs)
    }

    fn after(&mut self, visitor: &str, limit: usize) -> Result<Vec<String>> {
        let limit = i32::try_from(limit).unwrap_or(i32::MAX);
        let query = "SELECT id FROM visitors WHERE id > ? ORDER BY id LIMIT ?";
        let found = rows(&self.sql, query, vec![visitor.into(), limit.into()])?;
        Ok(found.iter().map(|row| text(row.first()).to_owned()).collect())
    }

    fn forgotten(&mut self, visitors: &BTreeSet<&str>) -> Result<BTreeSet<String>> {
        self.suppression.find(&self.sql, visitors)
    }

    fn log(&mut self, entries: &[Entry<'_>]) -> Result<()> {
        if self.retention.event_days == 0 {
            return Ok(());
        }
        let rows: Vec<_> = entries
            .iter()
            .map(|entry| (entry.visitor.as_bytes(), entry.to_bytes(), entry.received.day()))
            .collect();
        let statement = "INSERT INTO log (visitor, entry, day) SELECT CAST(substr(?1, \
            json_extract(value, '$[0]'), json_extract(value, '$[1]')) AS TEXT), substr(?1, \
            json_extract(value, '$[2]'), json_extract(value, '$[3]')), json_extract(value, '$[4]') \
            FROM json_each(?2)";
        replace(&self.sql, statement, &rows)
    }

    fn forget(&mut self, visitor: &str) -> Result<()> {
        self.sql.exec("DELETE FROM visitors WHERE id = ?", vec![visitor.into()])?;
        self.sql.exec("DELETE FROM log WHERE visitor = ?", vec![visitor.into()])?;
        self.suppression.add(&self.sql, visitor)
    }
}
