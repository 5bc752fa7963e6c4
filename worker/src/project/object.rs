//! The project object: one SQLite row of config, and the hashes of the keys.

use super::access::Entry;
use crate::shard::sql::{blob, integer, rows, text, transaction};
use crate::shard::transport;
use serde::{Deserialize, Serialize};
use splitlight_protocol::Timestamp;
use worker::{
    DurableObject, Env, Request, Response, Result, SqlStorage, SqlStorageValue, State, durable_object,
};

#[derive(Serialize, Deserialize)]
pub(super) enum Ask {
    /// What stands; the config only when it is not the version that the asker has.
    Standing {
        have: u64,
    },
    Publish(Stored),
    AddKey(Entry),
    DropKey(String),
}

/// A config as it is stored.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Stored {
    pub(super) text: String,
    pub(super) program: Vec<u8>,
    pub(super) hash: String,
    pub(super) at: Timestamp,
}

/// What stands after a question was answered.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct Standing {
    pub(super) version: u64,
    pub(super) config: Option<Stored>,
    pub(super) keys: Vec<Entry>,
}

#[durable_object]
pub(crate) struct Project {
    state: State,
}

impl DurableObject for Project {
    fn new(state: State, _env: Env) -> Self {
        Self { state }
    }

    async fn fetch(&self, mut request: Request) -> Result<Response> {
        let question = transport::heard(&mut request).await?;
        let storage = self.state.storage();
        transport::reply(transaction(&storage, || answer(&storage.sql(), question)))
    }
}

fn answer(sql: &SqlStorage, question: Ask) -> Result<Standing> {
    for table in [
        "CREATE TABLE IF NOT EXISTS config (one INTEGER PRIMARY KEY, version INTEGER, at INTEGER, hash TEXT, \
            text TEXT, program BLOB)",
        "CREATE TABLE IF NOT EXISTS keys (id TEXT PRIMARY KEY, entry BLOB)",
    ] {
        sql.exec(table, None)?;
    }
    let mut have = 0;
    match question {
        Ask::Standing { have: version } => have = version,
        Ask::Publish(stored) => publish(sql, stored)?,
        Ask::AddKey(entry) => {
            let bytes = postcard::to_allocvec(&entry).map_err(transport::damaged)?;
            sql.exec("INSERT INTO keys VALUES (?, ?)", vec![entry.id.into(), bytes.into()])?;
        }
        Ask::DropKey(id) => sql.exec("DELETE FROM keys WHERE id = ?", vec![id.into()]).map(drop)?,
    }
    let version = version(sql)?;
    let config = if version == have { None } else { stored(sql)? };
    let keys = rows(sql, "SELECT entry FROM keys ORDER BY id", Vec::new())?;
    let keys = keys.iter().map(|row| postcard::from_bytes(blob(row.first())).map_err(transport::damaged));
    Ok(Standing { version, config, keys: keys.collect::<Result<_>>()? })
}

/// Replaces the config; the same text again changes nothing.
fn publish(sql: &SqlStorage, new: Stored) -> Result<()> {
    if stored(sql)?.is_some_and(|old| old.text == new.text && old.program == new.program) {
        return Ok(());
    }
    let version = i64::try_from(version(sql)?).unwrap_or(0) + 1;
    let row = vec![
        SqlStorageValue::Integer(version),
        SqlStorageValue::Integer(new.at.ms()),
        new.hash.into(),
        new.text.into(),
        new.program.into(),
    ];
    sql.exec("INSERT OR REPLACE INTO config VALUES (1, ?, ?, ?, ?, ?)", row).map(drop)
}

fn version(sql: &SqlStorage) -> Result<u64> {
    let found = rows(sql, "SELECT version FROM config", Vec::new())?;
    Ok(found.first().map_or(0, |row| integer(row.first()).unsigned_abs()))
}

fn stored(sql: &SqlStorage) -> Result<Option<Stored>> {
    let found = rows(sql, "SELECT at, hash, text, program FROM config", Vec::new())?;
    Ok(found.first().map(|row| Stored {
        at: Timestamp::from_ms(integer(row.first())),
        hash: text(row.get(1)).to_owned(),
        text: text(row.get(2)).to_owned(),
        program: blob(row.get(3)).to_vec(),
    }))
}
