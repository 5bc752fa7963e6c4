//! The intake of events: a batch is read, checked against the published config and counted by the visitor's shard.
//!
//! `POST <prefix>/e` answers 200 with `{"accepted", "duplicate", "quarantined", "tooOld", "outcomes": [[id, outcome]]}`
//! once the events are on disk. Any other status means that nothing of the batch was stored. The entry script takes
//! batches to [`crate::desk`]; here is what they are checked by, and what the other methods get.

pub(crate) mod body;
pub(crate) mod check;
pub(crate) mod cors;

use crate::problem::Problem;
use crate::project::access::Scope;
use crate::settings::Settings;
use serde::Serialize;
use splitlight_protocol::event::{Batch, EventId, Outcome};
use worker::{Method, Request, Response, Result};

pub(crate) use body::read as read_body;

/// Answers the methods of `<prefix>/e` that bring no batch.
pub(crate) fn respond(request: &Request, settings: &Settings) -> Result<Response> {
    let origin = request.headers().get("origin")?;
    let response = match request.method() {
        Method::Options => cors::preflight(),
        _ => Problem::method("POST, OPTIONS").respond(),
    }?;
    cors::allow(response, origin.as_deref(), &settings.allowed_origins)
}

/// Reads a batch from a body.
pub(crate) fn parse(body: &[u8]) -> std::result::Result<Batch, Problem> {
    Batch::parse(body).map_err(|error| {
        let place =
            if error.pointer.is_empty() { "The body".to_owned() } else { format!("`{}`", error.pointer) };
        let detail = format!("{place} is not as expected: {}. Nothing was stored.", error.reason);
        Problem::new(400, "Not a batch of events", detail).at(error.pointer)
    })
}

/// Refuses a key that may not send events.
pub(crate) fn check_scope(scope: Option<Scope>) -> std::result::Result<(), Problem> {
    match scope {
        Some(Scope::Write) => Ok(()),
        Some(other) => {
            let detail = format!(
                "The batch's `key` has the scope {}, and events take one with the scope write. \
                 Make one with POST /v1/keys.",
                other.name()
            );
            Err(Problem::new(403, "Wrong scope", detail).at("/key"))
        }
        None => {
            let detail = "The batch's `key` is not a key of this project. Make one with POST /v1/keys.";
            Err(Problem::new(401, "Unknown key", detail).at("/key"))
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Counts<'o> {
    accepted: usize,
    duplicate: usize,
    quarantined: usize,
    too_old: usize,
    outcomes: &'o [(EventId, Outcome)],
}

/// The text of the answer to a batch.
pub(crate) fn answer(outcomes: &[(EventId, Outcome)]) -> String {
    let count = |wanted| outcomes.iter().filter(|(_, outcome)| *outcome == wanted).count();
    let counts = Counts {
        accepted: count(Outcome::Accepted),
        duplicate: count(Outcome::Duplicate),
        quarantined: count(Outcome::Quarantined),
        too_old: count(Outcome::TooOld),
        outcomes,
    };
    serde_json::to_string(&counts).unwrap_or_default()
}
