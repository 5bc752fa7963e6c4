//! The intake of events: a batch is read, checked against the published config and counted by the visitor's shard.
//!
//! `POST <prefix>/e` answers 200 with `{"accepted", "duplicate", "quarantined", "tooOld", "forgotten", "outcomes": [[id, outcome]]}`
//! once the events are on disk. Any other status means that nothing of the batch was stored.

mod body;
mod check;
mod cors;

use crate::problem::Problem;
use crate::project::access::{Scope, scope_of};
use crate::project::published;
use crate::settings::Settings;
use crate::{clock, shard};
use check::Checked;
use serde_json::json;
use splitlight_engine::attributes::is_bot;
use splitlight_protocol::event::{Batch, EventId, Outcome};
use splitlight_protocol::limits::BATCH_BYTES_MAX;
use worker::{Context, Env, Method, Request, Response, Result};

pub(crate) use body::read as read_body;

/// Answers `POST <prefix>/e` and its preflight.
pub(crate) async fn receive(
    mut request: Request,
    env: &Env,
    context: &Context,
    settings: &Settings,
) -> Result<Response> {
    let origin = request.headers().get("origin")?;
    let response = match request.method() {
        Method::Options => cors::preflight(),
        Method::Post => match count(&mut request, env, context, settings).await {
            Ok(outcomes) => answer(&outcomes),
            Err(problem) => problem.respond(),
        },
        _ => Problem::method("POST, OPTIONS").respond(),
    }?;
    cors::allow(response, origin.as_deref(), &settings.allowed_origins)
}

async fn count(
    request: &mut Request,
    env: &Env,
    context: &Context,
    settings: &Settings,
) -> std::result::Result<Vec<(EventId, Outcome)>, Problem> {
    body::check_type(request, &["application/json", "text/plain"])?;
    let batch = Batch::parse(&read_body(request, BATCH_BYTES_MAX).await?).map_err(|error| {
        let place =
            if error.pointer.is_empty() { "The body".to_owned() } else { format!("`{}`", error.pointer) };
        let detail = format!("{place} is not as expected: {}. Nothing was stored.", error.reason);
        Problem::new(400, "Not a batch of events", detail).at(error.pointer)
    })?;
    let user_agent = request.headers().get("user-agent").ok().flatten().unwrap_or_default();
    check_key(env, settings, &batch.key).await?;
    let Some(published) = published(env, context, settings).await else {
        let detail = "No config is published, so nothing can be counted. Publish one with PUT /v1/config.";
        return Err(Problem::new(503, "Nothing is published", detail).header("retry-after", "30"));
    };
    let checked = Checked::new(&batch, &published.checking, clock::now(), is_bot(&user_agent));
    if !checked.asks_shard() {
        return Ok(checked.outcomes(&[]));
    }
    let receipt = shard::count(env, settings, &published, checked.batch.clone()).await;
    let receipt = receipt.map_err(|error| Problem::unavailable(&error))?;
    Ok(checked.outcomes(&receipt.outcomes))
}

async fn check_key(env: &Env, settings: &Settings, key: &str) -> std::result::Result<(), Problem> {
    match scope_of(env, settings, key).await.map_err(|error| Problem::unavailable(&error))? {
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

fn answer(outcomes: &[(EventId, Outcome)]) -> Result<Response> {
    let count = |wanted| outcomes.iter().filter(|(_, outcome)| *outcome == wanted).count();
    let mut response = Response::from_json(&json!({
        "accepted": count(Outcome::Accepted),
        "duplicate": count(Outcome::Duplicate),
        "quarantined": count(Outcome::Quarantined),
        "tooOld": count(Outcome::TooOld),
        "forgotten": count(Outcome::Forgotten),
        "outcomes": outcomes,
    }))?;
    response.headers_mut().set("cache-control", "no-store")?;
    Ok(response)
}
