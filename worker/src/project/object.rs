//! The project object: the config with its history, the hashes of the keys, and the log of every change.

use super::access::Entry;
use super::agenda::Agenda;
use super::journal::{self, Change};
use super::{telling, watch, webhooks};
use crate::settings::Settings;
use crate::shard::layout::Layout;
use crate::shard::sql::{blob, integer, migrate, rows, text, transaction};
use crate::shard::transport;
use serde::{Deserialize, Serialize};
use splitlight_protocol::{Timestamp, config};
use worker::{
    DurableObject, Env, Request, Response, Result, SqlStorage, SqlStorageValue, State, durable_object,
};

/// What each release added; only the end grows.
const STEPS: [&[&str]; 4] = [
    &[
        "CREATE TABLE IF NOT EXISTS config (one INTEGER PRIMARY KEY, version INTEGER, at INTEGER, hash TEXT, \
            text TEXT, program BLOB)",
        "CREATE TABLE IF NOT EXISTS keys (id TEXT PRIMARY KEY, entry BLOB)",
    ],
    &[
        "CREATE TABLE versions (version INTEGER PRIMARY KEY, at INTEGER NOT NULL, actor TEXT NOT NULL, \
            hash TEXT NOT NULL, text TEXT NOT NULL)",
        "INSERT INTO versions SELECT version, at, '', hash, text FROM config",
        "ALTER TABLE keys ADD COLUMN expires INTEGER",
        "CREATE TABLE audit (seq INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, actor TEXT NOT NULL, \
            action TEXT NOT NULL, subject TEXT NOT NULL, details TEXT NOT NULL)",
    ],
    webhooks::TABLES,
    watch::TABLES,
];

/// Versions of the config that are kept: at 1 MB each, half of what an object may store is left for the rest.
const VERSIONS_MAX: i64 = 5000;

#[derive(Serialize, Deserialize)]
pub(super) enum Ask {
    /// What stands; the config only when it is not the version that the asker has.
    Standing {
        have: u64,
    },
    /// Replaces the config, unless the running one is not the expected version any more.
    Publish {
        stored: Stored,
        expected: Option<u64>,
        change: Change,
    },
    AddKey {
        entry: Entry,
        change: Change,
    },
    DropKey {
        id: String,
        change: Change,
    },
    /// Adds a key, and lets the one it replaces go on for a while.
    RotateKey {
        id: String,
        until: Timestamp,
        entry: Entry,
        change: Change,
    },
    /// Only writes down what happened elsewhere.
    Note(Change),
    Audit {
        before: i64,
        limit: u32,
    },
    Versions {
        before: i64,
        limit: u32,
    },
    Version(u64),
    /// What is only about webhooks.
    Webhooks(telling::Ask),
}

#[derive(Serialize, Deserialize)]
pub(super) enum Answer {
    Standing(Standing),
    /// Another version runs than the one that was expected.
    Conflict,
    Audit(Vec<journal::Record>),
    Versions(Vec<Version>),
    Webhooks(telling::Answer),
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
#[derive(Serialize, Deserialize)]
pub(super) struct Standing {
    pub(super) version: u64,
    pub(super) layout: Layout,
    pub(super) config: Option<Stored>,
    pub(super) keys: Vec<Entry>,
    /// The webhooks that a published config brought, with their secrets.
    pub(super) secrets: Vec<(String, Vec<u8>)>,
}

/// A config that was published once.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Version {
    pub(crate) number: u64,
    pub(crate) at: Timestamp,
    /// Who published it, as in the audit log; empty for what is older than the log.
    pub(crate) actor: String,
    pub(crate) hash: String,
    /// The document; empty in lists.
    pub(crate) text: String,
}

#[durable_object]
pub(crate) struct Project {
    state: State,
    env: Env,
    agenda: Agenda,
}

impl DurableObject for Project {
    fn new(state: State, env: Env) -> Self {
        Self { state, env, agenda: Agenda::default() }
    }

    async fn fetch(&self, mut request: Request) -> Result<Response> {
        let question = transport::heard(&mut request).await?;
        let storage = self.state.storage();
        let answer = transaction(&storage, || answer(&storage.sql(), &self.env, question));
        if answer.is_ok() {
            self.agenda.plan(&self.state).await?;
        }
        transport::reply(answer)
    }

    async fn alarm(&self) -> Result<Response> {
        self.agenda.ring(&self.state, &self.env).await?;
        Response::empty()
    }
}

fn answer(sql: &SqlStorage, env: &Env, question: Ask) -> Result<Answer> {
    migrated(sql)?;
    let mut have = 0;
    let mut secrets = Vec::new();
    match question {
        Ask::Standing { have: version } => have = version,
        Ask::Publish { stored, expected, change } => {
            if expected.is_some_and(|expected| running_version(sql).is_ok_and(|running| running != expected))
            {
                return Ok(Answer::Conflict);
            }
            secrets = publish(sql, stored, change)?;
        }
        Ask::AddKey { entry, change } => {
            add_key(sql, &entry)?;
            journal::write(sql, &change)?;
        }
        Ask::DropKey { id, change } => {
            let dropped = rows(sql, "DELETE FROM keys WHERE id = ? RETURNING id", vec![id.into()])?;
            if !dropped.is_empty() {
                journal::write(sql, &change)?;
            }
        }
        Ask::RotateKey { id, until, entry, change } => {
            add_key(sql, &entry)?;
            let until = SqlStorageValue::Integer(until.ms());
            sql.exec("UPDATE keys SET expires = ? WHERE id = ?", vec![until, id.into()])?;
            journal::write(sql, &change)?;
        }
        Ask::Note(change) => journal::write(sql, &change)?,
        Ask::Audit { before, limit } => return journal::read(sql, before, limit).map(Answer::Audit),
        Ask::Versions { before, limit } => return versions(sql, before, limit).map(Answer::Versions),
        Ask::Version(version) => return one_version(sql, version).map(Answer::Versions),
        Ask::Webhooks(question) => return telling::answer(sql, question).map(Answer::Webhooks),
    }
    let version = running_version(sql)?;
    let config = if version == have { None } else { stored(sql)? };
    let layout = layout(sql, Settings::current(env).shards)?;
    Ok(Answer::Standing(Standing { version, layout, config, keys: keys(sql)?, secrets }))
}

/// Brings the tables up to this release.
pub(super) fn migrated(sql: &SqlStorage) -> Result<()> {
    migrate(sql, &STEPS).map(drop)
}

/// The layout, with the shards that were added since it was asked for last.
fn layout(sql: &SqlStorage, shards: u32) -> Result<Layout> {
    let found = rows(sql, "SELECT value FROM meta WHERE name = 'layout'", Vec::new())?;
    let known = text(found.first().and_then(|row| row.first()));
    let layout = Layout::grown(known, shards);
    if layout.text() != known {
        sql.exec("INSERT OR REPLACE INTO meta VALUES ('layout', ?)", vec![layout.text().into()])?;
    }
    Ok(layout)
}

fn add_key(sql: &SqlStorage, entry: &Entry) -> Result<()> {
    let expires = entry.expires.map_or(SqlStorageValue::Null, |at| SqlStorageValue::Integer(at.ms()));
    let row = vec![entry.id.clone().into(), entry.to_bytes()?.into(), expires];
    sql.exec("INSERT INTO keys (id, entry, expires) VALUES (?, ?, ?)", row).map(drop)
}

fn keys(sql: &SqlStorage) -> Result<Vec<Entry>> {
    let found = rows(sql, "SELECT entry, expires FROM keys ORDER BY id", Vec::new())?;
    let read = |row: &Vec<SqlStorageValue>| {
        let expires = match row.get(1) {
            Some(SqlStorageValue::Integer(ms)) => Some(Timestamp::from_ms(*ms)),
            _ => None,
        };
        Entry::from_bytes(blob(row.first()), expires)
    };
    found.iter().map(read).collect()
}

/// Replaces the config; the same text again changes nothing. The webhooks that are new, with their secrets.
pub(super) fn publish(sql: &SqlStorage, new: Stored, mut change: Change) -> Result<Vec<(String, Vec<u8>)>> {
    if stored(sql)?.is_some_and(|old| old.text == new.text && old.program == new.program) {
        return Ok(Vec::new());
    }
    let version = i64::try_from(running_version(sql)?).unwrap_or(0) + 1;
    change.subject = version.to_string();
    let row = vec![
        SqlStorageValue::Integer(version),
        SqlStorageValue::Integer(new.at.ms()),
        new.hash.clone().into(),
        new.text.clone().into(),
        new.program.into(),
    ];
    sql.exec("INSERT OR REPLACE INTO config VALUES (1, ?, ?, ?, ?, ?)", row)?;
    let row = vec![
        SqlStorageValue::Integer(version),
        SqlStorageValue::Integer(new.at.ms()),
        change.actor.clone().into(),
        new.hash.into(),
        new.text.clone().into(),
    ];
    sql.exec("INSERT INTO versions VALUES (?, ?, ?, ?, ?)", row)?;
    let oldest = SqlStorageValue::Integer(version - VERSIONS_MAX);
    sql.exec("DELETE FROM versions WHERE version <= ?", vec![oldest])?;
    watch::due_at(sql, new.at)?;
    let secrets = webhooks::reconcile(sql, &config::parse(&new.text).config.webhooks)?;
    journal::write(sql, &change)?;
    Ok(secrets)
}

fn versions(sql: &SqlStorage, before: i64, limit: u32) -> Result<Vec<Version>> {
    let bindings = vec![SqlStorageValue::Integer(before), i32::try_from(limit).unwrap_or(i32::MAX).into()];
    let query =
        "SELECT version, at, actor, hash, '' FROM versions WHERE version < ? ORDER BY version DESC LIMIT ?";
    Ok(rows(sql, query, bindings)?.iter().map(Version::read).collect())
}

fn one_version(sql: &SqlStorage, version: u64) -> Result<Vec<Version>> {
    let bindings = vec![SqlStorageValue::Integer(i64::try_from(version).unwrap_or_default())];
    let query = "SELECT version, at, actor, hash, text FROM versions WHERE version = ?";
    Ok(rows(sql, query, bindings)?.iter().map(Version::read).collect())
}

impl Version {
    #[expect(clippy::ptr_arg, reason = "it is mapped over rows, which are vectors")]
    fn read(row: &Vec<SqlStorageValue>) -> Self {
        Self {
            number: integer(row.first()).unsigned_abs(),
            at: Timestamp::from_ms(integer(row.get(1))),
            actor: text(row.get(2)).to_owned(),
            hash: text(row.get(3)).to_owned(),
            text: text(row.get(4)).to_owned(),
        }
    }
}

/// The version of the config that runs, 0 before the first.
pub(super) fn running_version(sql: &SqlStorage) -> Result<u64> {
    let found = rows(sql, "SELECT version FROM config", Vec::new())?;
    Ok(found.first().map_or(0, |row| integer(row.first()).unsigned_abs()))
}

pub(super) fn stored(sql: &SqlStorage) -> Result<Option<Stored>> {
    let found = rows(sql, "SELECT at, hash, text, program FROM config", Vec::new())?;
    Ok(found.first().map(|row| Stored {
        at: Timestamp::from_ms(integer(row.first())),
        hash: text(row.get(1)).to_owned(),
        text: text(row.get(2)).to_owned(),
        program: blob(row.get(3)).to_vec(),
    }))
}
