//! What a visitor may ask of the shard that knows them: everything kept, and to be forgotten; and the log's export.

use super::Counted;
use super::core::{Core, merged, retain};
use super::sql::{blob, integer, rows, text};
use super::store::Store;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use splitlight_collector::{Batch, Line, Logged, Storage};
use std::fmt::Write;
use worker::{Error, Result, SqlStorageValue};

/// What became of a wish to be forgotten.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Forgotten {
    /// Whether anything was known.
    pub(crate) was_known: bool,
    /// The visitor's salted hash in hexadecimal digits, by which the deed can be recognized and the visitor cannot.
    pub(crate) proof: String,
}

impl Forgotten {
    /// The answer to whoever asked.
    pub(crate) fn answer(&self) -> Value {
        json!({ "forgotten": true, "wasKnown": self.was_known, "proof": self.proof })
    }
}

/// A part of a shard's log.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Page {
    /// One event a line, as JSON.
    pub(crate) lines: String,
    /// How many lines.
    pub(crate) count: u32,
    /// The place after the last one.
    pub(crate) next: i64,
    /// Whether there are more now.
    pub(crate) more: bool,
}

impl Core {
    /// Everything that is kept of a visitor, as JSON; `None` when nothing is.
    pub(super) fn visitor(&self, visitor: &str) -> Result<Option<String>> {
        self.with(|opened| {
            let store = opened.shard.storage_mut();
            let state = store.load(&[visitor])?.remove(visitor);
            let query = "SELECT entry FROM log WHERE visitor = ? ORDER BY seq";
            let mut events: Vec<Line> = Vec::new();
            for row in rows(&store.sql, query, vec![visitor.into()])? {
                events.extend(read(row.first())?.lines(Some(visitor)));
            }
            if state.is_none() && events.is_empty() {
                return Ok(None);
            }
            let kept = state.unwrap_or_default().export();
            Ok(Some(json!({ "visitor": visitor, "kept": kept, "events": events }).to_string()))
        })
    }

    /// Forgets a visitor; the results hear of it before the answer, or else as of any change.
    pub(super) async fn forget(&self, visitor: &str) -> Result<Forgotten> {
        let forgotten = self.commit(|opened| {
            let store = opened.shard.storage();
            let proof = store.digest(visitor)?;
            let logged = "SELECT 1 FROM log WHERE visitor = ? LIMIT 1";
            let was_logged = !rows(&store.sql, logged, vec![visitor.into()])?.is_empty();
            let was_known = opened.shard.forget(visitor)? || was_logged;
            Ok(Forgotten { was_known, proof })
        })?;
        if let Err(error) = self.push().await {
            crate::log::report("rollup-not-told", error);
            self.set_alarm(super::core::RETRY_AFTER).await?;
        }
        Ok(forgotten)
    }

    /// Counts batches that were exported, in one transaction, but for those whose visitors are in another shard.
    pub(super) async fn restore(&self, mut batches: Vec<Batch>, earlier: &[Vec<u32>]) -> Result<Counted> {
        let refusals = self.strangers(&batches, earlier).await?;
        retain(&mut batches, &refusals);
        let receipts = self.count(&batches)?;
        self.set_alarm(super::core::SNAPSHOT_AFTER).await?;
        Ok(merged(refusals, receipts.into_iter().map(Ok).collect()))
    }

    /// The events after a place in the log, about `limit` of them.
    pub(super) fn page(&self, after: i64, limit: u32) -> Result<Page> {
        self.with(|opened| page(opened.shard.storage(), after, limit))
    }
}

fn page(store: &Store, after: i64, limit: u32) -> Result<Page> {
    let mut page = Page { next: after, ..Page::default() };
    // A row has one event at least; one row more tells whether there is more.
    let bindings = vec![SqlStorageValue::Integer(after), i32::try_from(limit).unwrap_or(i32::MAX).into()];
    let query = "SELECT seq, visitor, entry FROM log WHERE seq > ? ORDER BY seq LIMIT ? + 1";
    for row in rows(&store.sql, query, bindings)? {
        if page.count >= limit {
            page.more = true;
            break;
        }
        let visitor = row.get(1).filter(|value| matches!(value, SqlStorageValue::String(_)));
        for line in read(row.get(2))?.lines(visitor.map(|visitor| text(Some(visitor)))) {
            let _ = writeln!(page.lines, "{}", serde_json::to_string(&line)?);
            page.count += 1;
        }
        page.next = integer(row.first());
    }
    Ok(page)
}

fn read(entry: Option<&SqlStorageValue>) -> Result<Logged> {
    Logged::from_bytes(blob(entry)).ok_or_else(|| Error::RustError("a row of the log is damaged".to_owned()))
}
