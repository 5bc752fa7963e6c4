//! What the API asks of the project object about webhooks and alerts.

use super::journal::{self, Change};
use super::object;
use super::watch;
use super::webhooks::{self, Delivery, Receiver};
use crate::settings::Settings;
use serde::{Deserialize, Serialize};
use serde_json::json;
use splitlight_collector::Fired;
use splitlight_protocol::Timestamp;
use worker::{Env, Error, Result, SqlStorage};

/// A question about webhooks and alerts.
#[derive(Serialize, Deserialize)]
pub(crate) enum Ask {
    Receivers,
    Alerts,
    /// One receiver's deliveries in one state, or all where that is empty.
    Deliveries {
        webhook: String,
        state: String,
        before: i64,
        limit: u32,
    },
    Redeliver {
        id: String,
        change: Change,
    },
    Test {
        key: String,
        change: Change,
    },
    Rotate {
        key: String,
        until: Timestamp,
        change: Change,
    },
}

/// An answer to [`Ask`].
#[derive(Serialize, Deserialize)]
pub(crate) enum Answer {
    Receivers(Vec<Receiver>),
    /// Every alert that fired, whether it lasts or is over.
    Alerts(Vec<Fired>),
    Deliveries(Vec<Delivery>),
    /// The state that the delivery was in; `None` when there is no such delivery.
    Redelivered(Option<String>),
    /// The message's id; `None` when there is no such webhook.
    Queued(Option<String>),
    /// The new secret; `None` when there is no such webhook.
    Secret(Option<Vec<u8>>),
}

/// Answers inside the object.
pub(super) fn answer(sql: &SqlStorage, question: Ask) -> Result<Answer> {
    match question {
        Ask::Receivers => webhooks::receivers(sql).map(Answer::Receivers),
        Ask::Alerts => watch::alerts(sql).map(Answer::Alerts),
        Ask::Deliveries { webhook, state, before, limit } => {
            webhooks::deliveries(sql, &webhook, &state, before, limit).map(Answer::Deliveries)
        }
        Ask::Redeliver { id, change } => {
            let state = webhooks::redeliver(sql, &id)?;
            if matches!(state.as_deref(), Some("dead" | "delivered")) {
                journal::write(sql, &change)?;
            }
            Ok(Answer::Redelivered(state))
        }
        Ask::Test { key, change } => {
            let about = json!({ "actor": change.actor, "webhook": key });
            let id = webhooks::queue_for(sql, &key, webhooks::TEST, &about)?;
            if id.is_some() {
                journal::write(sql, &change)?;
            }
            Ok(Answer::Queued(id))
        }
        Ask::Rotate { key, until, change } => {
            let secret = webhooks::rotate(sql, &key, until)?;
            if secret.is_some() {
                journal::write(sql, &change)?;
            }
            Ok(Answer::Secret(secret))
        }
    }
}

/// Asks the project object.
pub(crate) async fn ask(env: &Env, settings: &Settings, question: Ask) -> Result<Answer> {
    match super::tell(env, settings, &object::Ask::Webhooks(question)).await? {
        object::Answer::Webhooks(answer) => Ok(answer),
        _ => Err(Error::RustError("the project object answered another question".to_owned())),
    }
}
