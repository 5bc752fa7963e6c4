//! The rollup object: the latest snapshot of every shard, and their sum.

use crate::shard::sql::{blob, integer, migrate, rows, text, transaction};
use crate::shard::transport;
use serde::{Deserialize, Serialize};
use splitlight_collector::{Aggregates, Rollup as Sums, Snapshot};
use splitlight_protocol::Timestamp;
use std::cell::RefCell;
use worker::{DurableObject, Env, Error, Request, Response, Result, SqlStorageValue, State, durable_object};

/// What each release added; only the end grows.
const STEPS: [&[&str]; 2] = [
    &["CREATE TABLE IF NOT EXISTS parts (experiment TEXT, shard INTEGER, at INTEGER NOT NULL, \
        sums BLOB NOT NULL, PRIMARY KEY (experiment, shard))"],
    &["CREATE TABLE days (experiment TEXT, shard INTEGER, day INTEGER, sums BLOB NOT NULL, \
        PRIMARY KEY (experiment, shard, day)) WITHOUT ROWID"],
];

#[derive(Serialize, Deserialize)]
enum Ask {
    Replace(Snapshot),
    /// The sums of one experiment over all days, or of all.
    Read(Option<String>),
    /// The same day by day.
    Daily(Option<String>),
}

/// The sum of the shards and when its newest part arrived.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Merged {
    pub(crate) updated: Option<Timestamp>,
    pub(crate) aggregates: Aggregates,
}

#[durable_object]
pub(crate) struct Rollup {
    state: State,
    sums: RefCell<Option<Sums>>,
}

impl DurableObject for Rollup {
    fn new(state: State, _env: Env) -> Self {
        Self { state, sums: RefCell::default() }
    }

    async fn fetch(&self, mut request: Request) -> Result<Response> {
        let question = transport::heard(&mut request).await?;
        transport::reply(self.answer(question))
    }
}

impl Rollup {
    fn answer(&self, question: Ask) -> Result<Merged> {
        let mut sums = self.sums.borrow_mut();
        if sums.is_none() {
            *sums = Some(transaction(&self.state.storage(), || self.read())?);
        }
        let Some(known) = sums.as_mut() else { return Ok(Merged::default()) };
        match question {
            Ask::Read(experiment) => {
                Ok(Merged { updated: known.updated(), aggregates: known.merged(experiment.as_deref()) })
            }
            Ask::Daily(experiment) => {
                Ok(Merged { updated: known.updated(), aggregates: known.daily(experiment.as_deref()) })
            }
            Ask::Replace(snapshot) => {
                let stored = transaction(&self.state.storage(), || self.replace(known, &snapshot));
                if stored.is_err() {
                    // The memory may hold what was rolled back.
                    *sums = None;
                }
                stored.map(|()| Merged::default())
            }
        }
    }

    fn read(&self) -> Result<Sums> {
        let sql = self.state.storage().sql();
        migrate(&sql, &STEPS)?;
        let mut sums = Sums::default();
        let sums_of = |value: Option<&SqlStorageValue>| {
            let read = Aggregates::from_bytes(blob(value));
            read.ok_or_else(|| Error::RustError("a part of the rollup is damaged".to_owned()))
        };
        let shard = |value: Option<&SqlStorageValue>| u32::try_from(integer(value)).unwrap_or_default();
        for row in rows(&sql, "SELECT experiment, shard, at, sums FROM parts", Vec::new())? {
            let at = Timestamp::from_ms(integer(row.get(2)));
            sums.restore(shard(row.get(1)), text(row.first()), at, sums_of(row.get(3))?);
        }
        for row in rows(&sql, "SELECT experiment, shard, day, sums FROM days", Vec::new())? {
            let day = i32::try_from(integer(row.get(2))).unwrap_or_default();
            sums.restore_day(shard(row.get(1)), text(row.first()), day, sums_of(row.get(3))?);
        }
        Ok(sums)
    }

    fn replace(&self, sums: &mut Sums, snapshot: &Snapshot) -> Result<()> {
        let sql = self.state.storage().sql();
        for (experiment, part) in &snapshot.parts {
            let Some(changed) = sums.replace(snapshot.shard, experiment, snapshot.at, part) else { continue };
            let whole = sums.part(snapshot.shard, experiment).map(Aggregates::to_bytes).unwrap_or_default();
            let (name, shard) = (experiment.as_str(), i64::from(snapshot.shard));
            let at = SqlStorageValue::try_from_i64(snapshot.at.ms())?;
            let row = vec![name.into(), shard.into(), at, whole.into()];
            sql.exec("INSERT OR REPLACE INTO parts VALUES (?, ?, ?, ?)", row)?;
            for (day, sums) in changed {
                let row = vec![name.into(), shard.into(), day.into(), sums.to_bytes().into()];
                sql.exec("INSERT OR REPLACE INTO days VALUES (?, ?, ?, ?)", row)?;
            }
        }
        Ok(())
    }
}

/// Hands a shard's snapshot over; when this returns, it is on disk.
pub(crate) async fn send(env: &Env, project: &str, snapshot: &Snapshot) -> Result<()> {
    transport::ask::<_, Merged>(&object(env, project)?, &Ask::Replace(snapshot.clone())).await.map(drop)
}

/// The sum of the shards, of one experiment or of all.
pub(crate) async fn read(env: &Env, project: &str, experiment: Option<&str>) -> Result<Merged> {
    transport::ask(&object(env, project)?, &Ask::Read(experiment.map(str::to_owned))).await
}

/// The sum of the shards day by day, of one experiment or of all.
pub(crate) async fn read_daily(env: &Env, project: &str, experiment: Option<&str>) -> Result<Merged> {
    transport::ask(&object(env, project)?, &Ask::Daily(experiment.map(str::to_owned))).await
}

fn object(env: &Env, project: &str) -> Result<worker::Stub> {
    env.durable_object("ROLLUP")?.get_by_name(project)
}
