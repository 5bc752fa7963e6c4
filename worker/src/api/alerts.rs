//! `/v1/alerts`: what fired, what it means, and what to do about it.

use super::webhooks::{ask, misunderstood};
use super::{Answer, Call, json_response};
use crate::project::telling::{self, Ask};
use crate::project::watch::described;
use serde_json::{Value, json};

/// `GET`: those that last and, until they fire again or leave the config, those that are over.
pub(super) async fn list(call: &Call<'_>) -> Answer {
    let state = call.query.text("state").unwrap_or_default();
    let telling::Answer::Alerts(fired) = ask(call, Ask::Alerts).await? else { return Err(misunderstood()) };
    let lines = fired.iter().map(described).filter(|line| state.is_empty() || line["state"] == state);
    json_response(&json!({ "alerts": lines.collect::<Vec<Value>>() }), 200)
}
