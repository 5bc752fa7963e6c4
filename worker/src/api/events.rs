//! `/v1/events` and `/v1/conversions`: what a server sends with a secret key, one visitor's batch or a file of many.

use super::{Answer, Call, json_response};
use crate::clock;
use crate::intake::check::{Checked, Sender};
use crate::intake::{self, body};
use crate::problem::Problem;
use crate::project::{Published, published};
use crate::shard::{self, Refusal};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use splitlight_protocol::event::{Batch, EventId, Outcome};
use splitlight_protocol::import::{Line, csv, ndjson};
use splitlight_protocol::limits::BATCH_INFLATED_BYTES_MAX;
use std::rc::Rc;
use worker::Response;

/// Bytes of a file: some ten thousand lines, which a few seconds count.
const FILE_BYTES_MAX: usize = 1_000_000;
/// Conversions that one question to a shard brings.
const CHUNK: usize = 500;

/// `POST /v1/events`: a batch as the browser sends it, without a key; a server's events have no quota.
pub(super) async fn create(mut call: Call<'_>) -> Answer {
    body::check_type(&content_type(&call), &["application/json"])?;
    let body = intake::read_body(&mut call.request, BATCH_INFLATED_BYTES_MAX).await?;
    let (batch, refused) = intake::parse(&body)?;
    let published = running(&call).await?;
    let checked = Checked::new(batch, refused, &published.checking, clock::now(), Sender::default());
    let mut counted = shard::count(call.env, call.settings, &published, vec![checked.batch], true).await;
    let receipt = counted.pop().unwrap_or_else(|| Err(Refusal::Failed("no answer".to_owned())));
    let receipt = receipt.map_err(Problem::from)?;
    let text = intake::answer(&checked.fates.settle(&receipt.outcomes));
    let response = Response::from_bytes(text.into_bytes()).and_then(|mut response| {
        response.headers_mut().set("content-type", "application/json")?;
        response.headers_mut().set("cache-control", "no-store")?;
        Ok(response)
    });
    response.map_err(|error| Problem::unavailable(&error))
}

/// `POST /v1/conversions`: a CSV or NDJSON file; the answer says of each line what became of it.
pub(super) async fn import(mut call: Call<'_>) -> Answer {
    let kind = content_type(&call);
    body::check_type(&kind, &["text/csv", "application/x-ndjson"])?;
    let body = intake::read_body(&mut call.request, FILE_BYTES_MAX).await?;
    let text = String::from_utf8(body).map_err(|_| {
        Problem::new(400, "Not text", "The file is not UTF-8. Save it as UTF-8 and send it again.")
    })?;
    let lines = if kind.starts_with("text/csv") {
        csv(&text, id_of).map_err(|error| {
            Problem::new(
                400,
                "Not a CSV file",
                format!("The file is not as expected: {error}. Nothing was stored."),
            )
        })?
    } else {
        ndjson(&text, id_of)
    };
    let published = running(&call).await?;
    let reports = count(&call, &published, lines).await;
    let total = |wanted: &str| reports.iter().filter(|(_, outcome, _)| outcome == wanted).count();
    let (accepted, duplicate) = (total("accepted"), total("duplicate"));
    let written = |(line, outcome, why): &(usize, String, Option<String>)| match why {
        Some(why) => json!([line, outcome, why]),
        None => json!([line, outcome]),
    };
    let answer = json!({
        "accepted": accepted,
        "duplicate": duplicate,
        "rejected": reports.len() - accepted - duplicate,
        "lines": reports.iter().map(written).collect::<Vec<Value>>(),
    });
    json_response(&answer, 200)
}

/// What became of each line: its number, the outcome, and the reason of a refusal.
async fn count(
    call: &Call<'_>,
    published: &Rc<Published>,
    lines: Vec<Line>,
) -> Vec<(usize, String, Option<String>)> {
    let mut reports = Vec::with_capacity(lines.len());
    let mut sent = Vec::new();
    for Line { number, conversion } in lines {
        match conversion {
            Err(why) => reports.push((number, intake::name_of(Outcome::Invalid), Some(why))),
            Ok((visitor, event)) => {
                let (now, key) = (clock::now(), String::new());
                let batch = Batch {
                    key,
                    visitor,
                    session: None,
                    config: None,
                    sent_at: now,
                    consent: None,
                    sdk: None,
                    automated: false,
                    referrer: None,
                    medium: None,
                    returning: None,
                    events: vec![event],
                };
                let checked = Checked::new(batch, Vec::new(), &published.checking, now, Sender::default());
                sent.push((number, checked));
            }
        }
    }
    while !sent.is_empty() {
        let chunk = sent.split_off(sent.len().saturating_sub(CHUNK));
        let (rest, batches): (Vec<_>, Vec<_>) =
            chunk.into_iter().map(|(number, checked)| ((number, checked.fates), checked.batch)).unzip();
        let counted = shard::count(call.env, call.settings, published, batches, true).await;
        for ((number, fates), receipt) in rest.into_iter().zip(counted) {
            reports.push(match receipt {
                Ok(receipt) => {
                    let outcome = fates.settle(&receipt.outcomes).first().and_then(|fate| fate.outcome);
                    (number, intake::name_of(outcome.unwrap_or(Outcome::Invalid)), None)
                }
                Err(Refusal::Failed(why)) => (number, "failed".to_owned(), Some(why)),
                Err(Refusal::OverQuota(_) | Refusal::Elsewhere(_)) => (number, "failed".to_owned(), None),
            });
        }
    }
    reports.sort_by_key(|(number, ..)| *number);
    reports
}

/// The id of a line that brings none: the same line again is the same conversion.
fn id_of(line: &str) -> EventId {
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&Sha256::digest(line.as_bytes())[..16]);
    EventId::from_bytes(bytes)
}

async fn running(call: &Call<'_>) -> Result<Rc<Published>, Problem> {
    published(call.env, call.context, call.settings).await.ok_or_else(Problem::nothing_published)
}

fn content_type(call: &Call<'_>) -> String {
    call.request.headers().get("content-type").ok().flatten().unwrap_or_default()
}
