//! `/v1/config`: the published config.

use super::{Answer, Call, json_response};
use crate::intake::read_body;
use crate::problem::Problem;
use crate::project::{publish, published};
use crate::shard;
use serde_json::json;
use splitlight_protocol::Issue;
use splitlight_protocol::limits::CONFIG_BYTES_MAX;
use worker::{Headers, Response, Result};

/// `GET`: the document as it was published.
pub(super) async fn read(call: &Call<'_>) -> Answer {
    let Some(published) = published(call.env, call.context, call.settings).await else {
        return Err(nothing_published());
    };
    let build = || -> Result<Response> {
        let headers = Headers::new();
        headers.set("content-type", "application/json")?;
        headers.set("cache-control", "private, no-cache")?;
        headers.set("etag", &format!("\"{}\"", published.version))?;
        Ok(Response::ok(published.text.clone())?.with_headers(headers))
    };
    build().map_err(|error| Problem::unavailable(&error))
}

/// `PUT`: replaces the config if nothing is wrong with the new one; otherwise the running one stays.
pub(super) async fn publish(mut call: Call<'_>) -> Answer {
    let body = read_body(&mut call.request, CONFIG_BYTES_MAX).await?;
    let sound = String::from_utf8(body)
        .map_err(|_| vec![Issue::error("", "the document is not UTF-8", "save it as UTF-8")])
        .and_then(publish::check)
        .map_err(refused)?;
    let warnings = sound.warnings.clone();
    let published = publish::publish(call.env, call.settings, sound).await;
    let published = published.map_err(|error| Problem::unavailable(&error))?;
    let (env, settings, told) = (call.env.clone(), call.settings.clone(), published.clone());
    call.context.wait_until(async move {
        if let Err(error) = shard::announce(&env, &settings, &told).await {
            // The next batch brings the plan along.
            worker::console_error!("a shard did not hear of the new config yet: {error}");
        }
    });
    let answer = json!({
        "version": published.version,
        "hash": published.hash,
        "publishedAt": published.since.to_rfc3339(),
        "issues": warnings,
    });
    json_response(&answer, 200)
}

fn refused(issues: Vec<Issue>) -> Problem {
    let count = issues.len();
    let first = issues.first().map(ToString::to_string).unwrap_or_default();
    let detail = format!(
        "The config has {count} {}, so it was not published and the running one stays. The first: {first}",
        if count == 1 { "issue" } else { "issues" },
    );
    Problem::new(422, "Config refused", detail).issues(issues)
}

/// Where something published is needed.
pub(super) fn nothing_published() -> Problem {
    let detail = "No config is published yet. Publish one with PUT /v1/config.";
    Problem::new(404, "Nothing is published", detail)
}
