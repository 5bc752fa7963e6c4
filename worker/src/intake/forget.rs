//! `POST <prefix>/forget`: a browser asks that its visitor be forgotten, events, results and all.
//!
//! The body is `{"key", "visitor", "signature"?}` with a write key. A visitor's id is random and only their browser has it,
//! so that whoever knows it may ask; where only signed ids count, the edge's signature has to be there too.

use super::{check_scope, check_visitor, cors, read_body, take_quota};
use crate::edge::cookie;
use crate::problem::Problem;
use crate::project::access;
use crate::project::journal::{self, Change};
use crate::settings::Settings;
use crate::shard;
use serde::Deserialize;
use serde_json::json;
use worker::{Env, Request, Response, Result};

/// A key, an id and a signature are far shorter.
const BYTES_MAX: usize = 2048;

/// Who has asked for a change, in the audit log.
const ACTOR: &str = "visitor";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    key: String,
    visitor: String,
    #[serde(default)]
    signature: String,
}

/// Forgets the visitor, and whoever claims to be them later; the same again changes nothing.
///
/// # Errors
/// When the runtime refuses a header.
pub(crate) async fn answer(mut request: Request, env: &Env, settings: &Settings) -> Result<Response> {
    let origin = request.headers().get("origin")?;
    let response = match forget(&mut request, env, settings).await {
        Ok(response) => response,
        Err(problem) => problem.respond()?,
    };
    cors::allow(response, origin.as_deref(), &settings.allowed_origins)
}

async fn forget(
    request: &mut Request,
    env: &Env,
    settings: &Settings,
) -> std::result::Result<Response, Problem> {
    let unavailable = |error: worker::Error| Problem::unavailable(&error);
    let asked: Asked = serde_json::from_slice(&read_body(request, BYTES_MAX).await?).map_err(|error| {
        let detail = format!("The body is not {{\"key\", \"visitor\", \"signature\"?}}: {error}.");
        Problem::new(400, "Not a visitor to forget", detail)
    })?;
    check_visitor(&asked.visitor).map_err(|problem| problem.at("/visitor"))?;
    check_scope(access::scope_of(env, settings, &asked.key).await.map_err(unavailable)?)?;
    let source = request.headers().get("cf-connecting-ip").ok().flatten().unwrap_or_default();
    take_quota(&source, 1, settings.source_events_per_second)?;
    let signed = format!("{}={}.{}", cookie::ID, asked.visitor, asked.signature);
    if settings.signed_only && !cookie::is_signed(&signed, &asked.visitor, env) {
        let detail = "Only ids that this edge has signed count here. Send what follows the id in the cookie as `signature`.";
        return Err(Problem::new(403, "Not signed", detail).at("/signature"));
    }
    let done = shard::forget(env, settings, &asked.visitor).await.map_err(unavailable)?;
    if done.was_known {
        let change = Change::new(ACTOR, "visitor.forget", &done.proof, &json!({ "wasKnown": true }));
        journal::note(env, settings, change).await.map_err(unavailable)?;
    }
    Response::from_json(&done.answer()).map_err(unavailable)
}
