//! The collector's storage over an object's SQLite.

use super::sql::{blob, integer, replace, rows, text};
use splitlight_collector::{Aggregates, Key, Storage, VisitorState};
use splitlight_protocol::event::EventId;
use std::collections::{BTreeMap, BTreeSet};
use worker::{Error, Result, SqlStorage, SqlStorageValue};

/// The form of the tables; it only grows, and `open` brings older ones up to it.
const SCHEMA: i64 = 1;

/// Days that an event's id is kept: older events are refused by their time, so 30 and a margin are enough.
const ID_DAYS_MAX: i32 = 32;

/// Ids that come packed into one blob, by number.
const UNPACK: &str = "WITH RECURSIVE n(i) AS (VALUES(0) UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?2) ";

/// The tables, and the aggregates in memory as they are in the tables.
pub(super) struct Store {
    sql: SqlStorage,
    pub(super) aggregates: Aggregates,
    /// Experiments whose aggregates the rollup has not confirmed.
    pub(super) dirty: BTreeSet<String>,
}

impl Store {
    /// Opens the tables; nothing is known of what the rollup has, so everything counts as changed.
    pub(super) fn open(sql: SqlStorage) -> Result<Self> {
        for statement in [
            "CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value) WITHOUT ROWID",
            "CREATE TABLE IF NOT EXISTS events (id BLOB PRIMARY KEY, day INTEGER NOT NULL) WITHOUT ROWID",
            "CREATE TABLE IF NOT EXISTS visitors (id TEXT PRIMARY KEY, state BLOB NOT NULL)",
            "CREATE TABLE IF NOT EXISTS aggregates (key BLOB PRIMARY KEY, moments BLOB NOT NULL)",
        ] {
            sql.exec(statement, None)?;
        }
        let mut store = Self { sql, aggregates: Aggregates::default(), dirty: BTreeSet::new() };
        match integer(store.meta("schema")?.as_ref()) {
            0 => store.set_meta("schema", SqlStorageValue::Integer(SCHEMA))?,
            SCHEMA => {}
            newer => {
                let reason =
                    format!("the shard has schema {newer}, this release reads {SCHEMA}: deploy a newer one");
                return Err(Error::RustError(reason));
            }
        }
        for row in rows(&store.sql, "SELECT key, moments FROM aggregates", Vec::new())? {
            let added = store.aggregates.add_row(blob(row.first()), blob(row.get(1)));
            added.ok_or_else(|| Error::RustError("a row of the aggregates is damaged".to_owned()))?;
        }
        store.dirty = store.aggregates.experiments().map(str::to_owned).collect();
        Ok(store)
    }

    pub(super) fn meta(&self, name: &str) -> Result<Option<SqlStorageValue>> {
        let found = rows(&self.sql, "SELECT value FROM meta WHERE name = ?", vec![name.into()])?;
        Ok(found.into_iter().next().and_then(|row| row.into_iter().next()))
    }

    pub(super) fn set_meta(&self, name: &str, value: SqlStorageValue) -> Result<()> {
        self.sql.exec("INSERT OR REPLACE INTO meta VALUES (?, ?)", vec![name.into(), value]).map(drop)
    }

    /// Drops the ids of events that are too old to be accepted again, once a day.
    pub(super) fn prune(&self, today: i32) -> Result<()> {
        if integer(self.meta("pruned")?.as_ref()) == i64::from(today) {
            return Ok(());
        }
        self.sql.exec("DELETE FROM events WHERE day < ?", vec![(today - ID_DAYS_MAX).into()])?;
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
            visitors.iter().map(|(id, state)| (id.clone().into_bytes(), state.to_bytes())).collect();
        let statement = "INSERT OR REPLACE INTO visitors SELECT CAST(substr(?1, json_extract(value, '$[0]'), \
            json_extract(value, '$[1]')) AS TEXT), substr(?1, json_extract(value, '$[2]'), \
            json_extract(value, '$[3]')) FROM json_each(?2)";
        replace(&self.sql, statement, &pairs)
    }

    fn add(&mut self, gained: &Aggregates) -> Result<()> {
        self.aggregates.merge_in(gained);
        self.dirty.extend(gained.experiments().map(str::to_owned));
        let row = |(key, _): (&Key, _)| self.aggregates.row(key);
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
}
