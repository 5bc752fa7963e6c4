//! `/v1/visitors/{id}`: what is kept of a visitor, and forgetting them.

use super::{Answer, Call, json_response};
use crate::intake::check_visitor;
use crate::problem::Problem;
use crate::project::journal::{self, Change};
use crate::shard;
use serde_json::json;
use worker::{Headers, Response, Result};

/// `GET`: everything, as one JSON document.
pub(super) async fn export(call: &Call<'_>, visitor: &str) -> Answer {
    check_visitor(visitor)?;
    let found = shard::visitor(call.env, call.settings, visitor).await;
    let Some(text) = found.map_err(|error| Problem::unavailable(&error))? else {
        let detail = "Nothing is kept of this visitor: they never came, or were forgotten.";
        return Err(Problem::new(404, "Unknown visitor", detail));
    };
    let build = || -> Result<Response> {
        let headers = Headers::new();
        headers.set("content-type", "application/json")?;
        headers.set("cache-control", "no-store")?;
        Ok(Response::ok(text)?.with_headers(headers))
    };
    build().map_err(|error| Problem::unavailable(&error))
}

/// `DELETE`: forgets the visitor, and whoever claims to be them later; the same again changes nothing.
pub(super) async fn forget(call: &Call<'_>, visitor: &str) -> Answer {
    check_visitor(visitor)?;
    let done = shard::forget(call.env, call.settings, visitor).await;
    let done = done.map_err(|error| Problem::unavailable(&error))?;
    let details = json!({ "wasKnown": done.was_known });
    let change = Change::new(&call.actor, "visitor.forget", &done.proof, &details);
    // Forgetting again is harmless, so an audit log that cannot be written asks for it.
    let noted = journal::note(call.env, call.settings, change).await;
    noted.map_err(|error| Problem::unavailable(&error))?;
    json_response(&done.answer(), 200)
}
