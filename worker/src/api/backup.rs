//! The raw events of `GET /v1/events`, one JSON object a line, for a warehouse, and back with `/v1/events/restore`.

use super::query::LAST;
use super::{Answer, Call, json_response};
use crate::intake::read_body;
use crate::problem::Problem;
use crate::project::current;
use crate::project::journal::{self, Change};
use crate::shard;
use serde_json::json;
use splitlight_collector::{Batch, Line};
use splitlight_protocol::event::Outcome;
use worker::{Headers, Response, Result};

/// Bytes of exported lines that are restored at a time: what one transaction of a shard counts in a moment.
const BODY_BYTES_MAX: usize = 4_000_000;

/// Events of a page, unless asked otherwise.
const LIMIT: u32 = 1000;

/// A page, in the order of arrival within each shard. The header `splitlight-cursor` is the cursor of the next one,
/// also at the end, where it is that of the events to come; `splitlight-more` tells whether there are more now.
pub(super) async fn export(call: &Call<'_>) -> Answer {
    let limit = call.query.limit(LIMIT);
    let layout = crate::project::layout(call.env, call.settings).await;
    let shards = layout.map_err(|error| Problem::unavailable(&error))?.count();
    let mut places = places(call.query.text("cursor"), shards)?;
    let mut lines = String::new();
    let mut count = 0;
    let mut more = false;
    for (index, place) in (0..shards).zip(&mut places) {
        if count >= limit {
            more = true;
            break;
        }
        let page = shard::page(call.env, call.settings, index, *place, limit - count).await;
        let page = page.map_err(|error| Problem::unavailable(&error))?;
        lines.push_str(&page.lines);
        (count, *place) = (count + page.count, page.next);
        more |= page.more;
    }
    let cursor: Vec<String> = places.iter().map(i64::to_string).collect();
    let build = || -> Result<Response> {
        let headers = Headers::new();
        headers.set("content-type", "application/x-ndjson")?;
        headers.set("cache-control", "no-store")?;
        headers.set("splitlight-cursor", &cursor.join("."))?;
        headers.set("splitlight-more", if more { "1" } else { "0" })?;
        Ok(Response::from_bytes(lines.into_bytes())?.with_headers(headers))
    };
    build().map_err(|error| Problem::unavailable(&error))
}

/// `POST`: counts exported lines again, as they were checked when they first came; what is there already is a
/// duplicate. Restore into an empty project: ids of events are known for a month only.
pub(super) async fn restore(mut call: Call<'_>) -> Answer {
    let body = read_body(&mut call.request, BODY_BYTES_MAX).await?;
    let running = current(call.env, call.settings).await.map_err(|error| Problem::unavailable(&error))?;
    let running = running.ok_or_else(Problem::nothing_published)?;
    let batches = batches(&body)?;
    if batches.is_empty() {
        return Err(bad_line(1, "there is no line"));
    }
    let receipts = shard::restore(call.env, call.settings, &running, batches).await;
    let receipts = receipts.map_err(|error| Problem::unavailable(&error))?;
    let count = |wanted: &[Outcome]| {
        let outcomes = receipts.iter().flat_map(|receipt| &receipt.outcomes);
        outcomes.filter(|(_, outcome)| wanted.contains(outcome)).count()
    };
    let answer = json!({
        "restored": count(&[Outcome::Accepted, Outcome::Quarantined]),
        "duplicate": count(&[Outcome::Duplicate]),
        "forgotten": count(&[Outcome::Forgotten]),
    });
    let change = Change::new(&call.actor, "events.restore", "", &answer);
    let noted = journal::note(call.env, call.settings, change).await;
    noted.map_err(|error| Problem::unavailable(&error))?;
    json_response(&answer, 200)
}

/// The lines as batches, those that follow one another of one visitor and arrival together; a bad one refuses all.
fn batches(body: &[u8]) -> std::result::Result<Vec<Batch>, Problem> {
    let mut batches: Vec<Batch> = Vec::new();
    let lines =
        body.split(|byte| *byte == b'\n').enumerate().filter(|(_, line)| !line.trim_ascii().is_empty());
    for (index, line) in lines {
        let line: Line =
            serde_json::from_slice(line).map_err(|error| bad_line(index + 1, &error.to_string()))?;
        let nameless = "it has no visitor, or not the members of its kind";
        let batch = line.batch().ok_or_else(|| bad_line(index + 1, nameless))?;
        match batches.last_mut() {
            Some(last)
                if (&last.visitor, last.received, last.consent)
                    == (&batch.visitor, batch.received, batch.consent) =>
            {
                last.events.extend(batch.events);
            }
            _ => batches.push(batch),
        }
    }
    Ok(batches)
}

fn bad_line(number: usize, reason: &str) -> Problem {
    let detail = format!(
        "Line {number} is not one of GET /v1/events: {reason}. Nothing was stored. Leave such lines out."
    );
    Problem::new(400, "Not exported events", detail)
}

/// The place in the log of each shard; shards that were added after the cursor was made begin at 0.
fn places(cursor: Option<&str>, shards: u32) -> std::result::Result<Vec<i64>, Problem> {
    let read: Option<Vec<i64>> = match cursor {
        None => Some(Vec::new()),
        Some(cursor) => cursor
            .split('.')
            .map(|part| part.parse().ok().filter(|place| (0..=LAST).contains(place)))
            .collect(),
    };
    let fits = read.filter(|places| places.len() <= shards as usize);
    let mut places = fits.ok_or_else(|| {
        let detail = "The cursor is not one of the header `splitlight-cursor`. Leave it out to begin anew.";
        Problem::new(400, "Bad query parameter", detail)
    })?;
    places.resize(shards as usize, 0);
    Ok(places)
}

#[cfg(test)]
mod tests {
    use super::places;

    #[test]
    fn a_cursor_has_a_place_for_every_shard() {
        assert_eq!(places(None, 2).ok(), Some(vec![0, 0]));
        assert_eq!(places(Some("7.3"), 4).ok(), Some(vec![7, 3, 0, 0]));
        for bad in ["", "x", "1.2.3", "-1", "1.", "9007199254740992"] {
            assert!(places(Some(bad), 2).is_err(), "{bad}");
        }
    }
}
