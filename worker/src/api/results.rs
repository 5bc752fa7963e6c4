//! Results of experiments, personalizations, funnels, KPIs and cohorts, computed from the rollup's sums on demand.

use super::config::nothing_published;
use super::{Answer, Call, conditional, json_response};
use crate::clock;
use crate::problem::Problem;
use crate::project::access::hex;
use crate::project::{Published, published};
use crate::rollup::{self, Merged};
use serde::Serialize;
use sha2::{Digest, Sha256};
use splitlight_collector::{self as collector, View};
use splitlight_protocol::config::{Dimension, Experiment, Status};
use splitlight_protocol::results::Method;
use std::rc::Rc;

/// Experiments of a page, unless asked otherwise: as many as a config may have.
const LIMIT: u32 = 1000;

/// `GET /v1/experiments`.
pub(super) async fn list(call: &Call<'_>) -> Answer {
    let limit = call.query.limit(LIMIT) as usize;
    let from = call.query.number("cursor").map_or(0, |at: u64| usize::try_from(at).unwrap_or(usize::MAX));
    let (published, merged) = read(call, None).await?;
    let mut list = collector::list(&published.config, &merged.aggregates, clock::now());
    let rest = list.experiments.len().saturating_sub(from.saturating_add(limit));
    list.next_cursor = (rest > 0).then(|| (from + limit).to_string());
    list.experiments = list.experiments.into_iter().skip(from).take(limit).collect();
    tagged(call, list, |list| &mut list.date_updated, &updated(&published, &merged))
}

/// `GET /v1/experiments/{key}`: its line of the list.
pub(super) async fn experiment(call: &Call<'_>, key: &str) -> Answer {
    let (published, merged) = read(call, Some(key)).await?;
    let list = collector::list(&published.config, &merged.aggregates, clock::now());
    match list.experiments.into_iter().find(|experiment| experiment.key == key) {
        Some(experiment) => conditional(call, &tag(&experiment), || json_response(&experiment, 200)),
        None => Err(unknown("experiment", key)),
    }
}

/// `GET /v1/experiments/{key}/results`, and the same for a personalization.
pub(super) async fn results(call: &Call<'_>, key: &str, personalization: bool) -> Answer {
    let view = View { dimension: dimension(call).await?, method: method(call) };
    let is_table = call.query.text("format") == Some("csv");
    let (published, merged) = read(call, Some(key)).await?;
    known(&published, key, personalization)?;
    let now = merged.updated.unwrap_or(published.since);
    let results = collector::results_by(&published.config, &merged.aggregates, now, key, &view);
    let results = results.ok_or_else(|| unknown(what(personalization), key))?;
    if is_table {
        let table = collector::csv(&results);
        return text(call, table, "text/csv; charset=utf-8; header=present", &format!("{key}.csv"));
    }
    let date = results.date_updated.clone();
    tagged(call, results, |results| &mut results.date_updated, &date)
}

/// `GET /v1/experiments/{key}/timeseries`, and the same for a personalization.
pub(super) async fn timeseries(call: &Call<'_>, key: &str, personalization: bool) -> Answer {
    let (published, merged) = read_daily(call, Some(key)).await?;
    known(&published, key, personalization)?;
    let series = collector::timeseries(&published.config, &merged.aggregates, clock::now(), key);
    let series = series.ok_or_else(|| unknown(what(personalization), key))?;
    tagged(call, series, |series| &mut series.date_updated, &updated(&published, &merged))
}

/// `GET /v1/funnels/{key}`.
pub(super) async fn funnel(call: &Call<'_>, key: &str) -> Answer {
    let experiment = call.query.text("experiment");
    let (published, merged) = read(call, None).await?;
    if let Some(experiment) = experiment {
        let items = published.config.experiments.iter().map(|item| &item.key);
        let mut items = items.chain(published.config.personalizations.iter().map(|item| &item.key));
        if !items.any(|known| known == experiment) {
            return Err(unknown("experiment", experiment));
        }
    }
    let now = merged.updated.unwrap_or(published.since);
    let found = collector::funnel(&published.config, &merged.aggregates, now, key, experiment);
    let found = found.ok_or_else(|| unknown("funnel", key))?;
    let date = found.date_updated.clone();
    tagged(call, found, |found| &mut found.date_updated, &date)
}

/// `GET /v1/kpis`.
pub(super) async fn kpis(call: &Call<'_>) -> Answer {
    let (published, merged) = read_daily(call, Some("")).await?;
    let list = collector::kpis(&published.config, &merged.aggregates, clock::now());
    tagged(call, list, |list| &mut list.date_updated, &updated(&published, &merged))
}

/// `GET /v1/cohorts`.
pub(super) async fn cohorts(call: &Call<'_>) -> Answer {
    let (published, merged) = read_daily(call, Some("")).await?;
    let table = collector::cohorts(&published.config, &merged.aggregates, clock::now());
    let table = table.ok_or_else(|| {
        let detail = "The published config does not count cohorts. Publish it with \"cohorts\": true; \
            visitors count from then on.";
        Problem::new(404, "Not counted", detail)
    })?;
    tagged(call, table, |table| &mut table.date_updated, &updated(&published, &merged))
}

/// The dimension that the results are wanted by, which the published config has to count.
async fn dimension(call: &Call<'_>) -> std::result::Result<Option<Dimension>, Problem> {
    let Some(name) = call.query.text("dimension") else { return Ok(None) };
    let found = Dimension::ALL.into_iter().find(|dimension| dimension.name() == name);
    let Some(found) = found else { return Ok(None) };
    let published = running(call).await?;
    if published.config.dimensions.contains(&found) {
        return Ok(Some(found));
    }
    let detail = format!(
        "The published config does not count by `{name}`. Add it to `dimensions` and publish: visitors who \
         were there before are counted too."
    );
    Err(Problem::new(400, "Not counted", detail))
}

fn method(call: &Call<'_>) -> Option<Method> {
    let name = call.query.text("method")?;
    Method::ALL.into_iter().find(|method| method.name() == name)
}

const fn what(personalization: bool) -> &'static str {
    if personalization { "personalization" } else { "experiment" }
}

/// That the key is of the kind that was asked for.
fn known(published: &Published, key: &str, personalization: bool) -> std::result::Result<(), Problem> {
    let is_rule = published.config.personalizations.iter().any(|rule| rule.key == key);
    if is_rule == personalization { Ok(()) } else { Err(unknown(what(personalization), key)) }
}

/// Refuses what is not an experiment of the published config, or a draft.
pub(super) async fn must_exist(call: &Call<'_>, key: &str) -> std::result::Result<(), Problem> {
    let published = running(call).await?;
    let is = |experiment: &Experiment| experiment.key == key && experiment.status != Status::Draft;
    if published.config.experiments.iter().any(is) { Ok(()) } else { Err(unknown("experiment", key)) }
}

/// The answer with its date, under a tag that everything but the date gives.
pub(super) fn tagged<T: Serialize>(
    call: &Call<'_>,
    mut answer: T,
    date: fn(&mut T) -> &mut String,
    at: &str,
) -> Answer {
    date(&mut answer).clear();
    let tag = tag(&answer);
    at.clone_into(date(&mut answer));
    conditional(call, &tag, || json_response(&answer, 200))
}

/// A text as a file, or 304 when the asker has it already.
pub(super) fn text(call: &Call<'_>, text: String, kind: &str, file: &str) -> Answer {
    let tag = format!("\"{}\"", hex(&Sha256::digest(text.as_bytes())[..16]));
    let build = || -> worker::Result<worker::Response> {
        let headers = worker::Headers::new();
        headers.set("content-type", kind)?;
        headers.set("content-disposition", &format!("attachment; filename=\"{file}\""))?;
        headers.set("cache-control", "private, no-cache")?;
        headers.set("x-content-type-options", "nosniff")?;
        Ok(worker::Response::from_bytes(text.into_bytes())?.with_headers(headers))
    };
    conditional(call, &tag, || build().map_err(|error| Problem::unavailable(&error)))
}

async fn running(call: &Call<'_>) -> std::result::Result<Rc<Published>, Problem> {
    published(call.env, call.context, call.settings).await.ok_or_else(nothing_published)
}

pub(super) async fn read_daily(
    call: &Call<'_>,
    experiment: Option<&str>,
) -> std::result::Result<(Rc<Published>, Merged), Problem> {
    let published = running(call).await?;
    let merged = rollup::read_daily(call.env, &call.settings.project, experiment).await;
    Ok((published, merged.map_err(|error| Problem::unavailable(&error))?))
}

async fn read(
    call: &Call<'_>,
    experiment: Option<&str>,
) -> std::result::Result<(Rc<Published>, Merged), Problem> {
    let published = running(call).await?;
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
pub(super) fn updated(published: &Published, merged: &Merged) -> String {
    merged.updated.unwrap_or(published.since).to_rfc3339()
}

/// The hash of everything but the time, so that polling costs nothing while nothing changes.
fn tag<T: Serialize>(value: &T) -> String {
    let hash = Sha256::digest(serde_json::to_vec(value).unwrap_or_default());
    format!("\"{}\"", hex(&hash[..16]))
}
