//! `/v1/experiments` and `/v1/personalizations`: results, computed from the rollup's sums on demand.

use super::config::nothing_published;
use super::{Answer, Call, conditional, json_response};
use crate::problem::Problem;
use crate::project::access::hex;
use crate::project::{Published, published};
use crate::rollup::{self, Merged};
use serde::Serialize;
use sha2::{Digest, Sha256};
use splitlight_collector as collector;
use splitlight_protocol::Timestamp;
use std::rc::Rc;

/// `GET /v1/experiments`.
pub(super) async fn list(call: &Call<'_>) -> Answer {
    let (published, merged) = read(call, None).await?;
    let mut list = collector::list(&published.config, &merged.aggregates, Timestamp::default());
    let tag = tag(&list);
    list.date_updated = updated(&published, &merged);
    conditional(call, &tag, || json_response(&list, 200))
}

/// `GET /v1/experiments/{key}`: its line of the list.
pub(super) async fn experiment(call: &Call<'_>, key: &str) -> Answer {
    let (published, merged) = read(call, Some(key)).await?;
    let list = collector::list(&published.config, &merged.aggregates, Timestamp::default());
    match list.experiments.into_iter().find(|experiment| experiment.key == key) {
        Some(experiment) => conditional(call, &tag(&experiment), || json_response(&experiment, 200)),
        None => Err(unknown("experiment", key)),
    }
}

/// `GET /v1/experiments/{key}/results`, and the same for a personalization.
pub(super) async fn results(call: &Call<'_>, key: &str, personalization: bool) -> Answer {
    let (published, merged) = read(call, Some(key)).await?;
    let what = if personalization { "personalization" } else { "experiment" };
    if published.config.personalizations.iter().any(|rule| rule.key == key) != personalization {
        return Err(unknown(what, key));
    }
    let results = collector::results(&published.config, &merged.aggregates, Timestamp::default(), key);
    let mut results = results.ok_or_else(|| unknown(what, key))?;
    let tag = tag(&results);
    results.date_updated = updated(&published, &merged);
    conditional(call, &tag, || json_response(&results, 200))
}

async fn read(
    call: &Call<'_>,
    experiment: Option<&str>,
) -> std::result::Result<(Rc<Published>, Merged), Problem> {
    let published = published(call.env, call.context, call.settings).await.ok_or_else(nothing_published)?;
    let merged = rollup::read(call.env, &call.settings.project, experiment).await;
    Ok((published, merged.map_err(|error| Problem::unavailable(&error))?))
}

fn unknown(what: &str, key: &str) -> Problem {
    let detail = format!(
        "The published config has no {what} with the key `{key}` that is not a draft. \
         GET /v1/config shows what it has."
    );
    Problem::new(404, "Unknown key", detail)
}

/// When the newest number arrived, or else the config.
fn updated(published: &Published, merged: &Merged) -> String {
    merged.updated.unwrap_or(published.since).to_rfc3339()
}

/// The hash of everything but the time, so that polling costs nothing while nothing changes.
fn tag<T: Serialize>(value: &T) -> String {
    let hash = Sha256::digest(serde_json::to_vec(value).unwrap_or_default());
    format!("\"{}\"", hex(&hash[..16]))
}
