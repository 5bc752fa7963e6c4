//! `/v1/config`: the published config, and those before it.

use super::query::LAST;
use super::{Answer, Call, conditional, json_response};
use crate::intake::read_body;
use crate::problem::Problem;
use crate::project::deliver::shown;
use crate::project::diff::diff;
use crate::project::journal::Change;
use crate::project::{self, CONFLICT, Published, Version, current, publish, published};
use crate::shard;
use serde::Deserialize;
use serde_json::{Value, json};
use splitlight_protocol::Issue;
use splitlight_protocol::limits::CONFIG_BYTES_MAX;
use std::rc::Rc;
use worker::{Headers, Response, Result};

/// Versions of a page, unless asked otherwise.
const LIMIT: u32 = 20;
/// Bytes of a wish to roll back.
const BODY_BYTES_MAX: usize = 4096;

/// `GET`: the document as it was published.
pub(super) async fn read(call: &Call<'_>) -> Answer {
    let Some(published) = published(call.env, call.context, call.settings).await else {
        return Err(nothing_published());
    };
    document(call, published.version, &published.text)
}

/// A document under the tag of its version.
fn document(call: &Call<'_>, version: u64, text: &str) -> Answer {
    let build = || -> Result<Response> {
        let headers = Headers::new();
        headers.set("content-type", "application/json")?;
        headers.set("cache-control", "private, no-cache")?;
        headers.set("x-content-type-options", "nosniff")?;
        Ok(Response::ok(text)?.with_headers(headers))
    };
    conditional(call, &format!("\"{version}\""), || build().map_err(|error| Problem::unavailable(&error)))
}

/// `PUT`: replaces the config if nothing is wrong with the new one; otherwise the running one stays.
///
/// With `if-match` only that version is replaced; with `dry_run` nothing is, and the answer says what would change.
pub(super) async fn publish(mut call: Call<'_>) -> Answer {
    let body = read_body(&mut call.request, CONFIG_BYTES_MAX).await?;
    let sound = String::from_utf8(body)
        .map_err(|_| vec![Issue::error("", "the document is not UTF-8", "save it as UTF-8")])
        .and_then(publish::check)
        .map_err(refused)?;
    replace(&call, sound, "config.publish", json!({})).await
}

/// `POST /v1/config/rollback`: publishes the document of an earlier version again, as a new version.
pub(super) async fn roll_back(mut call: Call<'_>) -> Answer {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Wish {
        version: u64,
    }
    let body = read_body(&mut call.request, BODY_BYTES_MAX).await?;
    let wish: Wish = serde_json::from_slice(&body).map_err(|error| {
        let detail = format!("The body is not as expected: {error}. Send {{\"version\": 3}}.");
        Problem::new(400, "Not a version", detail)
    })?;
    let version = stored_version(&call, wish.version).await?;
    let sound = publish::check(version.text).map_err(refused)?;
    replace(&call, sound, "config.rollback", json!({ "to": wish.version })).await
}

async fn replace(call: &Call<'_>, sound: publish::Sound, action: &str, mut details: Value) -> Answer {
    let running = current(call.env, call.settings).await.map_err(|error| Problem::unavailable(&error))?;
    let parsed = |text: &str| serde_json::from_str::<Value>(text).unwrap_or_default();
    let before = running.as_ref().map_or_else(|| json!({}), |running| parsed(&running.text));
    let changes = diff(&before, &parsed(&sound.text));
    let version = running.map_or(0, |running| running.version);
    let expected = call.request.headers().get("if-match").ok().flatten().filter(|tag| tag != "*");
    let expected = match expected.map(|tag| tag.trim_matches('"').parse::<u64>()) {
        None => None,
        Some(Ok(expected)) if expected == version => Some(expected),
        Some(_) => return Err(conflict()),
    };
    if call.query.is_set("dry_run") {
        let answer =
            json!({ "dryRun": true, "version": version, "changes": changes, "issues": sound.warnings });
        return json_response(&answer, 200);
    }
    details["replaces"] = json!(version);
    details["changes"] = json!(changes.len());
    let warnings = sound.warnings.clone();
    let change = Change::new(&call.actor, action, "", &details);
    let published = publish::publish(call.env, call.settings, sound, expected, change).await;
    let (published, secrets) = published.map_err(|error| publish_problem(&error))?;
    announce(call, &published);
    let mut answer = json!({
        "version": published.version,
        "hash": published.hash,
        "publishedAt": published.since.to_rfc3339(),
        "issues": warnings,
    });
    if !secrets.is_empty() {
        let shown = secrets.iter().map(|(key, secret)| json!({ "key": key, "secret": shown(secret) }));
        answer["webhookSecrets"] = shown.collect();
    }
    json_response(&answer, 200)
}

/// Tells the shards, behind the answer.
pub(super) fn announce(call: &Call<'_>, published: &Rc<Published>) {
    let (env, settings, told) = (call.env.clone(), call.settings.clone(), published.clone());
    call.context.wait_until(async move {
        if let Err(error) = shard::announce(&env, &settings, &told).await {
            // The next batch brings the plan along.
            crate::log::report("shard-not-told", error);
        }
    });
}

/// Why publishing failed.
pub(super) fn publish_problem(error: &worker::Error) -> Problem {
    if error.to_string().contains(CONFLICT) { conflict() } else { Problem::unavailable(error) }
}

fn conflict() -> Problem {
    let detail =
        "Another version runs than the one named by `if-match`. Read it with GET /v1/config, and try again.";
    Problem::new(412, "Changed in the meantime", detail)
}

/// `GET /v1/config/versions`: what was published when and by whom, newest first.
pub(super) async fn versions(call: &Call<'_>) -> Answer {
    let limit = call.query.limit(LIMIT);
    let found = project::versions(call.env, call.settings, call.query.before(), limit + 1).await;
    let found = found.map_err(|error| Problem::unavailable(&error))?;
    let shown = &found[..found.len().min(limit as usize)];
    let next = (found.len() > shown.len()).then(|| shown.last().map(|last| last.number.to_string()));
    let lines = shown.iter().map(|known| {
        json!({
            "version": known.number,
            "publishedAt": known.at.to_rfc3339(),
            "actor": known.actor,
            "hash": known.hash,
        })
    });
    json_response(&json!({ "versions": lines.collect::<Vec<_>>(), "nextCursor": next.flatten() }), 200)
}

/// `GET /v1/config/versions/{n}`: its document.
pub(super) async fn version(call: &Call<'_>, number: &str) -> Answer {
    let found = stored_version(call, parsed_version(number)?).await?;
    document(call, found.number, &found.text)
}

/// `GET /v1/config/versions/{n}/diff`: what it changed, against the version before it or `against`.
pub(super) async fn difference(call: &Call<'_>, number: &str) -> Answer {
    let number = parsed_version(number)?;
    let against = call.query.number("against").unwrap_or(number.saturating_sub(1));
    let after = stored_version(call, number).await?;
    // Before the first version there was nothing.
    let before = if against == 0 { json!({}) } else { read_json(&stored_version(call, against).await?) };
    let changes = diff(&before, &read_json(&after));
    json_response(&json!({ "version": number, "against": against, "changes": changes }), 200)
}

fn read_json(version: &Version) -> Value {
    serde_json::from_str(&version.text).unwrap_or_default()
}

fn parsed_version(text: &str) -> std::result::Result<u64, Problem> {
    text.parse().map_err(|_| no_version(text))
}

async fn stored_version(call: &Call<'_>, number: u64) -> std::result::Result<Version, Problem> {
    // Beyond it the storage cannot tell one number from the next.
    if number > LAST.unsigned_abs() {
        return Err(no_version(&number.to_string()));
    }
    let found = project::version(call.env, call.settings, number).await;
    found.map_err(|error| Problem::unavailable(&error))?.ok_or_else(|| no_version(&number.to_string()))
}

fn no_version(number: &str) -> Problem {
    let detail = format!("There is no version `{number}`. GET /v1/config/versions lists them.");
    Problem::new(404, "No such version", detail)
}

pub(super) fn refused(issues: Vec<Issue>) -> Problem {
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
