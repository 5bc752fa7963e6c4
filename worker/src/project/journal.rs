//! The audit log: who changed what, when; rows are only ever added.

use super::object::{Answer, Ask};
use super::{tell, webhooks};
use crate::settings::Settings;
use crate::shard::sql::{integer, rows, text};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use splitlight_protocol::Timestamp;
use worker::{Env, Error, Result, SqlStorage, SqlStorageValue};

/// A change, to be written in the transaction that makes it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Change {
    pub(crate) at: Timestamp,
    /// The id of the key that asked, or `ADMIN_KEY` for the deployment's secret.
    pub(crate) actor: String,
    /// What was done, such as `config.publish`.
    pub(crate) action: String,
    /// To what: a version, a key's id, an experiment's key, a visitor's salted hash.
    pub(crate) subject: String,
    /// A JSON document of what else there is to know.
    pub(crate) details: String,
}

/// A change as it was written.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) seq: i64,
    pub(crate) change: Change,
}

impl Change {
    /// A change at this moment.
    pub(crate) fn new(actor: &str, action: &str, subject: &str, details: &Value) -> Self {
        Self {
            at: crate::clock::now(),
            actor: actor.to_owned(),
            action: action.to_owned(),
            subject: subject.to_owned(),
            details: details.to_string(),
        }
    }
}

/// Writes down what happened in another object.
pub(crate) async fn note(env: &Env, settings: &Settings, change: Change) -> Result<()> {
    tell(env, settings, &Ask::Note(change)).await.map(drop)
}

/// The changes before a place in the log, newest first.
pub(crate) async fn page(env: &Env, settings: &Settings, before: i64, limit: u32) -> Result<Vec<Record>> {
    match tell(env, settings, &Ask::Audit { before, limit }).await? {
        Answer::Audit(records) => Ok(records),
        _ => Err(Error::RustError("the project object answered another question".to_owned())),
    }
}

/// Writes a change down, and has those told who want to hear of it.
pub(super) fn write(sql: &SqlStorage, change: &Change) -> Result<()> {
    let row = vec![
        SqlStorageValue::Integer(change.at.ms()),
        change.actor.clone().into(),
        change.action.clone().into(),
        change.subject.clone().into(),
        change.details.clone().into(),
    ];
    let statement = "INSERT INTO audit (at, actor, action, subject, details) VALUES (?, ?, ?, ?, ?)";
    sql.exec(statement, row)?;
    let about = json!({
        "actor": change.actor,
        "subject": change.subject,
        "details": serde_json::from_str::<Value>(&change.details).unwrap_or_default(),
    });
    webhooks::queue(sql, &change.action, change.at, &about)
}

pub(super) fn read(sql: &SqlStorage, before: i64, limit: u32) -> Result<Vec<Record>> {
    let query =
        "SELECT seq, at, actor, action, subject, details FROM audit WHERE seq < ? ORDER BY seq DESC LIMIT ?";
    let bindings = vec![SqlStorageValue::Integer(before), i32::try_from(limit).unwrap_or(i32::MAX).into()];
    let record = |row: &Vec<SqlStorageValue>| Record {
        seq: integer(row.first()),
        change: Change {
            at: Timestamp::from_ms(integer(row.get(1))),
            actor: text(row.get(2)).to_owned(),
            action: text(row.get(3)).to_owned(),
            subject: text(row.get(4)).to_owned(),
            details: text(row.get(5)).to_owned(),
        },
    };
    Ok(rows(sql, query, bindings)?.iter().map(record).collect())
}
