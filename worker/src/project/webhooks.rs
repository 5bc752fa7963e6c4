//! Webhooks: who is told, by which secret, what is still to be told, and what could not be.

use crate::shard::sql::{blob, integer, rows, text};
use crate::{clock, random};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use splitlight_protocol::Timestamp;
use splitlight_protocol::config::{Topic, Webhook};
use splitlight_protocol::time::DAY_MS;
use worker::{Result, SqlStorage, SqlStorageValue};

/// What the first release with webhooks added to the project object.
pub(super) const TABLES: &[&str] = &[
    "CREATE TABLE webhooks (key TEXT PRIMARY KEY, url TEXT NOT NULL, events TEXT NOT NULL, secret BLOB NOT NULL, \
        old BLOB, old_until INTEGER)",
    "CREATE TABLE deliveries (seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL, webhook TEXT NOT NULL, \
        type TEXT NOT NULL, body TEXT NOT NULL, state TEXT NOT NULL, attempts INTEGER NOT NULL, \
        due INTEGER NOT NULL, made INTEGER NOT NULL, answer TEXT NOT NULL)",
    "CREATE INDEX deliveries_due ON deliveries (state, due)",
];

/// Deliveries that one alarm makes, at the same time; it runs again for the rest.
const AT_ONCE_MAX: i32 = 20;
/// For how long nobody else makes a delivery that is under way: longer than a receiver may take to answer.
const LEASE_MS: i64 = 60_000;
/// How long deliveries stay visible once nothing is to be done about them any more.
const VISIBLE_MS: i64 = 30 * DAY_MS;
/// Bytes of a secret, as Standard Webhooks recommends.
const SECRET_BYTES: usize = 32;

/// What a message is about when somebody only tries the receiver, whatever it asked for.
pub(super) const TEST: &str = "webhook.test";

/// A receiver, with what is known of it.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Receiver {
    pub(crate) key: String,
    pub(crate) url: String,
    /// A JSON array of topics.
    pub(crate) events: String,
    /// Deliveries that wait for their next try.
    pub(crate) pending: i64,
    /// Deliveries that were given up.
    pub(crate) dead: i64,
}

/// Something told, or to be told.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Delivery {
    pub(crate) seq: i64,
    /// What the receiver tells repetitions by.
    pub(crate) id: String,
    pub(crate) webhook: String,
    pub(crate) kind: String,
    pub(crate) body: String,
    /// `pending`, `delivered` or `dead`.
    pub(crate) state: String,
    pub(crate) attempts: i64,
    /// When it is tried next, or was last.
    pub(crate) due: Timestamp,
    pub(crate) made: Timestamp,
    /// What came back last: a status, or why none.
    pub(crate) answer: String,
}

/// A delivery that is under way, with what it needs.
pub(super) struct Sending {
    pub(super) seq: i64,
    pub(super) id: String,
    pub(super) url: String,
    pub(super) body: String,
    /// This one included.
    pub(super) attempts: i64,
    /// The secret, and the former one while it still holds.
    pub(super) secrets: Vec<Vec<u8>>,
}

/// Brings the receivers in line with a config; the keys and the secrets of those that are new.
pub(super) fn reconcile(sql: &SqlStorage, wanted: &[Webhook]) -> Result<Vec<(String, Vec<u8>)>> {
    let known: Vec<String> = receivers(sql)?.into_iter().map(|receiver| receiver.key).collect();
    for gone in known.iter().filter(|key| wanted.iter().all(|webhook| webhook.key != **key)) {
        sql.exec("DELETE FROM webhooks WHERE key = ?", vec![gone.as_str().into()])?;
        let dead = "UPDATE deliveries SET state = 'dead', answer = 'the webhook left the config' \
            WHERE webhook = ? AND state = 'pending'";
        sql.exec(dead, vec![gone.as_str().into()])?;
    }
    let mut fresh = Vec::new();
    for webhook in wanted {
        let (key, url) = (webhook.key.as_str(), webhook.url.as_str());
        let events = serde_json::to_string(&webhook.events)?;
        if known.iter().any(|known| known == key) {
            let bindings = vec![url.into(), events.into(), key.into()];
            sql.exec("UPDATE webhooks SET url = ?, events = ? WHERE key = ?", bindings)?;
        } else {
            let secret = random::bytes::<SECRET_BYTES>()?.to_vec();
            let row = vec![key.into(), url.into(), events.into(), SqlStorageValue::Blob(secret.clone())];
            sql.exec("INSERT INTO webhooks (key, url, events, secret) VALUES (?, ?, ?, ?)", row)?;
            fresh.push((key.to_owned(), secret));
        }
    }
    Ok(fresh)
}

/// A new secret; the former one signs as well until a moment. `None` when there is no such webhook.
pub(super) fn rotate(sql: &SqlStorage, key: &str, until: Timestamp) -> Result<Option<Vec<u8>>> {
    let secret = random::bytes::<SECRET_BYTES>()?.to_vec();
    let statement = "UPDATE webhooks SET old = secret, old_until = ?, secret = ? WHERE key = ? RETURNING key";
    let bindings =
        vec![SqlStorageValue::Integer(until.ms()), SqlStorageValue::Blob(secret.clone()), key.into()];
    Ok((!rows(sql, statement, bindings)?.is_empty()).then_some(secret))
}

/// The receivers, by key.
pub(super) fn receivers(sql: &SqlStorage) -> Result<Vec<Receiver>> {
    let query = "SELECT key, url, events, \
        (SELECT count(*) FROM deliveries WHERE webhook = key AND state = 'pending'), \
        (SELECT count(*) FROM deliveries WHERE webhook = key AND state = 'dead') FROM webhooks ORDER BY key";
    let read = |row: &Vec<SqlStorageValue>| Receiver {
        key: text(row.first()).to_owned(),
        url: text(row.get(1)).to_owned(),
        events: text(row.get(2)).to_owned(),
        pending: integer(row.get(3)),
        dead: integer(row.get(4)),
    };
    Ok(rows(sql, query, Vec::new())?.iter().map(read).collect())
}

/// Queues a message for everybody who wants to hear of it, in the transaction that makes it true.
pub(super) fn queue(sql: &SqlStorage, kind: &str, at: Timestamp, about: &Value) -> Result<()> {
    for receiver in receivers(sql)? {
        let topics: Vec<Topic> = serde_json::from_str(&receiver.events).unwrap_or_default();
        if wants(&topics, kind) {
            put(sql, &receiver.key, kind, at, about)?;
        }
    }
    Ok(())
}

/// Queues a message for one receiver, whatever it wants; its id, or `None` when there is no such webhook.
pub(super) fn queue_for(sql: &SqlStorage, key: &str, kind: &str, about: &Value) -> Result<Option<String>> {
    let found = rows(sql, "SELECT key FROM webhooks WHERE key = ?", vec![key.into()])?;
    if found.is_empty() { Ok(None) } else { put(sql, key, kind, clock::now(), about).map(Some) }
}

fn put(sql: &SqlStorage, key: &str, kind: &str, at: Timestamp, about: &Value) -> Result<String> {
    let id = format!("msg_{}", super::access::hex(&random::bytes::<16>()?));
    let body = json!({ "id": id, "type": kind, "timestamp": at.to_rfc3339(), "data": about }).to_string();
    let now = SqlStorageValue::Integer(clock::now().ms());
    let row = vec![id.clone().into(), key.into(), kind.into(), body.into(), now.clone(), now];
    let statement = "INSERT INTO deliveries (id, webhook, type, body, state, attempts, due, made, answer) \
        VALUES (?, ?, ?, ?, 'pending', 0, ?, ?, '')";
    sql.exec(statement, row)?;
    Ok(id)
}

fn wants(topics: &[Topic], kind: &str) -> bool {
    let topic = kind.split('.').next().unwrap_or_default();
    topics.iter().any(|wanted| wanted.name() == topic)
}

/// Deliveries before a place, newest first, of one receiver and in one state, or of all where that is empty.
pub(super) fn deliveries(
    sql: &SqlStorage,
    webhook: &str,
    state: &str,
    before: i64,
    limit: u32,
) -> Result<Vec<Delivery>> {
    let query = "SELECT seq, id, webhook, type, body, state, attempts, due, made, answer FROM deliveries \
        WHERE seq < ?1 AND (?2 = '' OR webhook = ?2) AND (?3 = '' OR state = ?3) ORDER BY seq DESC LIMIT ?4";
    let limit = i32::try_from(limit).unwrap_or(i32::MAX);
    let bindings = vec![SqlStorageValue::Integer(before), webhook.into(), state.into(), limit.into()];
    let read = |row: &Vec<SqlStorageValue>| Delivery {
        seq: integer(row.first()),
        id: text(row.get(1)).to_owned(),
        webhook: text(row.get(2)).to_owned(),
        kind: text(row.get(3)).to_owned(),
        body: text(row.get(4)).to_owned(),
        state: text(row.get(5)).to_owned(),
        attempts: integer(row.get(6)),
        due: Timestamp::from_ms(integer(row.get(7))),
        made: Timestamp::from_ms(integer(row.get(8))),
        answer: text(row.get(9)).to_owned(),
    };
    Ok(rows(sql, query, bindings)?.iter().map(read).collect())
}

/// Gives a delivery all its tries again, under the same id; its state, or `None` when there is no such delivery.
///
/// One that is pending stays as it is, so that none is ever made twice at once.
pub(super) fn redeliver(sql: &SqlStorage, id: &str) -> Result<Option<String>> {
    let query =
        "SELECT state, EXISTS (SELECT 1 FROM webhooks WHERE key = webhook) FROM deliveries WHERE id = ?";
    let found = rows(sql, query, vec![id.into()])?;
    let Some(row) = found.first() else { return Ok(None) };
    let state = if integer(row.get(1)) == 0 { "homeless" } else { text(row.first()) };
    if matches!(state, "dead" | "delivered") {
        let statement = "UPDATE deliveries SET state = 'pending', attempts = 0, due = ? WHERE id = ?";
        sql.exec(statement, vec![SqlStorageValue::Integer(clock::now().ms()), id.into()])?;
    }
    Ok(Some(state.to_owned()))
}

/// When the next delivery is due, `None` while nobody waits.
pub(super) fn next_due(sql: &SqlStorage) -> Result<Option<Timestamp>> {
    let query = "SELECT due FROM deliveries WHERE state = 'pending' ORDER BY due LIMIT 1";
    Ok(rows(sql, query, Vec::new())?.first().map(|row| Timestamp::from_ms(integer(row.first()))))
}

/// Takes some of what is due, so that nobody else does; and drops what was visible for long enough.
pub(super) fn claim(sql: &SqlStorage, now: Timestamp) -> Result<Vec<Sending>> {
    let old = SqlStorageValue::Integer(now.plus_ms(-VISIBLE_MS).ms());
    sql.exec("DELETE FROM deliveries WHERE state IN ('delivered', 'dead') AND due < ?", vec![old])?;
    let query = "SELECT seq, id, url, body, attempts + 1, secret, old, old_until FROM deliveries \
        JOIN webhooks ON key = webhook WHERE state = 'pending' AND due <= ? ORDER BY due, seq LIMIT ?";
    let found = rows(sql, query, vec![SqlStorageValue::Integer(now.ms()), AT_ONCE_MAX.into()])?;
    let mut sending = Vec::with_capacity(found.len());
    for row in &found {
        let former = (integer(row.get(7)) > now.ms()).then(|| blob(row.get(6)).to_vec());
        let claimed = Sending {
            seq: integer(row.first()),
            id: text(row.get(1)).to_owned(),
            url: text(row.get(2)).to_owned(),
            body: text(row.get(3)).to_owned(),
            attempts: integer(row.get(4)),
            secrets: std::iter::once(blob(row.get(5)).to_vec()).chain(former).collect(),
        };
        let lease = SqlStorageValue::Integer(now.plus_ms(LEASE_MS).ms());
        let bindings = vec![SqlStorageValue::Integer(claimed.attempts), lease, claimed.seq.into()];
        sql.exec("UPDATE deliveries SET attempts = ?, due = ? WHERE seq = ?", bindings)?;
        sending.push(claimed);
    }
    Ok(sending)
}

/// Writes down what became of a try.
pub(super) fn settle(
    sql: &SqlStorage,
    sent: &Sending,
    state: &str,
    due: Timestamp,
    answer: &str,
) -> Result<()> {
    // What became of the webhook in the meantime goes before what became of the try.
    let statement =
        "UPDATE deliveries SET state = ?, due = ?, answer = ? WHERE seq = ? AND state = 'pending'";
    let due = SqlStorageValue::Integer(due.ms());
    sql.exec(statement, vec![state.into(), due, answer.into(), sent.seq.into()]).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_webhook_hears_what_it_asked_for() {
        assert!(wants(&[Topic::Config, Topic::Key], "key.create"));
        assert!(!wants(&[Topic::Config], "experiment.ship"));
        assert!(!wants(&[Topic::Config], "configuration.publish"));
        assert!(!wants(&Topic::ALL, TEST), "it goes to the one that is tried");
    }
}
