//! `POST /v1/experiments/{key}/start`, `pause`, `stop` and `ship`: the config with one experiment changed.

use super::config::{announce, nothing_published, publish_problem, refused};
use super::{Answer, Call, json_response};
use crate::intake::read_body;
use crate::problem::Problem;
use crate::project::diff::diff;
use crate::project::journal::Change;
use crate::project::steer::{Act, Refusal, steer};
use crate::project::{Published, current, publish};
use crate::rollup;
use serde::Deserialize;
use serde_json::{Value, json};
use splitlight_collector as collector;

/// Bytes of a wish.
const BODY_BYTES_MAX: usize = 4096;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wish {
    variation: String,
}

/// Does it, or with `dry_run` says what would change.
pub(super) async fn act(mut call: Call<'_>, key: &str, verb: &str) -> Answer {
    let body = read_body(&mut call.request, BODY_BYTES_MAX).await?;
    let act = match verb {
        "start" => Act::Start,
        "pause" => Act::Pause,
        "stop" => Act::Stop,
        _ => {
            let wish: Wish = serde_json::from_slice(&body).map_err(|error| {
                let detail =
                    format!("The body is not as expected: {error}. Send {{\"variation\": \"<key>\"}}.");
                Problem::new(400, "Not a variation to ship", detail)
            })?;
            Act::Ship(wish.variation)
        }
    };
    let running = current(call.env, call.settings).await.map_err(|error| Problem::unavailable(&error))?;
    let running = running.ok_or_else(nothing_published)?;
    let text = steer(&running.text, key, &act).map_err(|refusal| match refusal {
        Refusal::Unknown(detail) => Problem::new(404, "Unknown key", detail),
        Refusal::Conflict(detail) => Problem::new(409, "Not possible now", detail),
    })?;
    let sound = publish::check(text).map_err(refused)?;
    let read = |text: &str| serde_json::from_str::<Value>(text).unwrap_or_default();
    let changes = diff(&read(&running.text), &read(&sound.text));
    let mut details = json!({ "experiment": key, "changes": changes });
    if let Act::Ship(variation) = &act {
        details["variation"] = json!(variation);
    }
    if matches!(act, Act::Stop | Act::Ship(_)) {
        details["decidedOn"] = inputs(&call, &running, key).await?;
    }
    if call.query.is_set("dry_run") {
        return json_response(
            &json!({ "dryRun": true, "version": running.version, "changes": changes }),
            200,
        );
    }
    let change = Change::new(&call.actor, &format!("experiment.{}", act.name()), "", &details);
    let published = publish::publish(call.env, call.settings, sound, Some(running.version), change).await;
    let (published, _) = published.map_err(|error| publish_problem(&error))?;
    announce(&call, &published);
    json_response(&json!({ "version": published.version, "changes": changes }), 200)
}

/// What the results said at that moment, so that the decision can be judged later.
async fn inputs(call: &Call<'_>, running: &Published, key: &str) -> Result<Value, Problem> {
    let merged = rollup::read(call.env, &call.settings.project, Some(key)).await;
    let merged = merged.map_err(|error| Problem::unavailable(&error))?;
    let updated = merged.updated.unwrap_or(running.since);
    let results = collector::results(&running.config, &merged.aggregates, updated, key);
    Ok(serde_json::to_value(results).unwrap_or_default())
}
