//! `GET /v1/events`: the raw events, one JSON object a line, for a warehouse.

use super::{Answer, Call};
use crate::problem::Problem;
use crate::shard;
use worker::{Headers, Response, Result};

/// Events of a page, unless asked otherwise, and at most.
const LIMIT: (u32, u32) = (1000, 10_000);

/// A page, in the order of arrival within each shard. The header `splitlight-cursor` is the cursor of the next one,
/// also at the end, where it is that of the events to come; `splitlight-more` tells whether there are more now.
pub(super) async fn export(call: &Call<'_>) -> Answer {
    let limit = call.query.limit(LIMIT.0, LIMIT.1)?;
    let mut places = places(call.query.text("cursor"), call.settings.shards)?;
    let mut lines = String::new();
    let mut count = 0;
    let mut more = false;
    for (index, place) in (0..call.settings.shards).zip(&mut places) {
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

/// The place in the log of each shard; shards that were added after the cursor was made begin at 0.
fn places(cursor: Option<&str>, shards: u32) -> std::result::Result<Vec<i64>, Problem> {
    let read: Option<Vec<i64>> = match cursor {
        None => Some(Vec::new()),
        Some(cursor) => cursor.split('.').map(|part| part.parse().ok().filter(|place| *place >= 0)).collect(),
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
        for bad in ["", "x", "1.2.3", "-1", "1."] {
            assert!(places(Some(bad), 2).is_err(), "{bad}");
        }
    }
}
