//! `GET <prefix>/e.gif`: a conversion without a script, for `<noscript>` and for mails.
//!
//! The address says what: `key`, `name`, and if wanted `value`, `id` (a UUID that makes it count once) and `visitor`;
//! without one it is whom the cookie says. The answer is always the same picture, and a header says what was done.

use super::check::{Checked, Sender};
use super::{check_scope, take_quota};
use crate::edge::{cookie, facts};
use crate::problem::Problem;
use crate::project::{access, published};
use crate::settings::Settings;
use crate::{clock, random, shard};
use serde_json::json;
use splitlight_engine::attributes::is_bot;
use splitlight_protocol::event::{EventId, Outcome};
use std::collections::BTreeMap;
use worker::{Context, Env, Headers, Request, Response, Result};

/// One transparent pixel.
const GIF: &[u8] = b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xff\xff\xff!\xf9\x04\x01\0\0\0\0,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;";

/// Counts the conversion and answers with the picture.
pub(crate) async fn answer(
    request: &Request,
    env: &Env,
    context: &Context,
    settings: &Settings,
) -> Result<Response> {
    let (status, outcome) = match count(request, env, context, settings).await {
        Ok(outcome) => (200, outcome),
        Err(problem) => (problem.status(), problem.detail().to_owned()),
    };
    let headers = Headers::new();
    headers.set("content-type", "image/gif")?;
    headers.set("cache-control", "no-store")?;
    headers.set("x-splitlight", &outcome)?;
    Ok(Response::from_bytes(GIF.to_vec())?.with_status(status).with_headers(headers))
}

async fn count(
    request: &Request,
    env: &Env,
    context: &Context,
    settings: &Settings,
) -> std::result::Result<String, Problem> {
    let unavailable = |error: worker::Error| Problem::unavailable(&error);
    let url = request.url().map_err(unavailable)?;
    let mut asked: BTreeMap<String, String> = url.query_pairs().into_owned().collect();
    check_scope(
        access::scope_of(env, settings, &asked.remove("key").unwrap_or_default())
            .await
            .map_err(unavailable)?,
    )?;
    let header = |name: &str| request.headers().get(name).ok().flatten().unwrap_or_default();
    let known = || cookie::visitor(&header("cookie"), env, settings);
    let Some(visitor) = asked.remove("visitor").or_else(known) else { return Ok("no_visitor".to_owned()) };
    let now = clock::now();
    let id = match asked.remove("id") {
        Some(id) => id,
        None => EventId::v7(now.ms(), random::bytes().map_err(unavailable)?).to_string(),
    };
    let mut event = json!({ "id": id, "kind": "conversion", "time": now.ms(), "name": asked.remove("name") });
    if let Some(value) = asked.remove("value") {
        event["value"] = value.parse::<i64>().map_or_else(|_| json!(value), |value| json!(value));
    }
    let batch = json!({ "visitor": visitor, "sentAt": now.ms(), "events": [event] });
    let (batch, refused) = super::parse(batch.to_string().as_bytes())?;
    take_quota(&header("cf-connecting-ip"), 1, settings.source_events_per_second)?;
    // A conversion has no dimensions: those are of the exposure.
    let sender = Sender {
        is_bot: is_bot(&header("user-agent")) || facts::is_prefetch(&header),
        is_unsigned: settings.signed_only && !cookie::is_signed(&header("cookie"), &batch.visitor, env),
        ..Sender::default()
    };
    let published = published(env, context, settings).await.ok_or_else(Problem::nothing_published)?;
    let checked = Checked::new(batch, refused, &published.checking, now, sender);
    let mut outcomes = Vec::new();
    if checked.asks_shard() {
        let counted = shard::count(env, settings, &published, vec![checked.batch], false).await.pop();
        outcomes = counted
            .unwrap_or_else(|| Err(shard::Refusal::Failed("no answer".to_owned())))
            .map_err(Problem::from)?
            .outcomes;
    }
    let outcome = checked.fates.settle(&outcomes).first().and_then(|fate| fate.outcome);
    Ok(super::name_of(outcome.unwrap_or(Outcome::Invalid)))
}
