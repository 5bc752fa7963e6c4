//! `/v1/audit`: every change, newest first.

use super::{Answer, Call, json_response};
use crate::problem::Problem;
use crate::project::journal;
use serde_json::{Value, json};

/// Entries of a page, unless asked otherwise.
const LIMIT: u32 = 50;

/// `GET`: a page; `nextCursor` is that of the next one, and null on the last.
pub(super) async fn list(call: &Call<'_>) -> Answer {
    let limit = call.query.limit(LIMIT);
    let found = journal::page(call.env, call.settings, call.query.before(), limit + 1).await;
    let found = found.map_err(|error| Problem::unavailable(&error))?;
    let shown = &found[..found.len().min(limit as usize)];
    let next = (found.len() > shown.len()).then(|| shown.last().map(|record| record.seq.to_string()));
    let entries = shown.iter().map(|record| {
        json!({
            "id": record.seq,
            "at": record.change.at.to_rfc3339(),
            "actor": record.change.actor,
            "action": record.change.action,
            "subject": record.change.subject,
            "details": serde_json::from_str::<Value>(&record.change.details).unwrap_or_default(),
        })
    });
    json_response(&json!({ "audit": entries.collect::<Vec<_>>(), "nextCursor": next.flatten() }), 200)
}
