//! `GET /v1/experiments/{key}/results/stream`: the results whenever they change, as server-sent events.

use super::{Answer, Call};
use crate::problem::Problem;
use crate::project::access::{Scope, caller_of, hex, refresh};
use crate::project::fresh;
use crate::rollup;
use crate::settings::Settings;
use futures_util::stream::unfold;
use serde_json::json;
use sha2::{Digest, Sha256};
use splitlight_collector as collector;
use std::time::Duration;
use worker::{Delay, Env, Error, Headers, Response, Result};

/// Between two looks at the numbers.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Looks between two signs of life, so that nobody on the way takes the connection for dead.
const LOOKS_BETWEEN_SIGNS: u32 = 15;
/// Looks of one connection: at two questions each, below the 1,000 that the platform allows a request.
const LOOKS_MAX: u32 = 400;

/// A reader's place in the stream.
struct Reader {
    env: Env,
    settings: Settings,
    experiment: String,
    api_key: String,
    /// The id of the last event.
    seen: String,
    looks: u32,
    is_over: bool,
}

/// Answers with a stream that ends by itself when the key or the experiment does, and for the reader to come again.
pub(super) async fn stream(call: &Call<'_>, key: &str) -> Answer {
    super::results::must_exist(call, key).await?;
    let header = |name: &str| call.request.headers().get(name).ok().flatten().unwrap_or_default();
    let reader = Reader {
        env: call.env.clone(),
        settings: call.settings.clone(),
        experiment: key.to_owned(),
        api_key: header("authorization").split_once(' ').map_or("", |(_, key)| key).trim().to_owned(),
        seen: header("last-event-id"),
        looks: 0,
        is_over: false,
    };
    let build = || -> Result<Response> {
        let headers = Headers::new();
        headers.set("content-type", "text/event-stream")?;
        headers.set("cache-control", "private, no-store")?;
        headers.set("x-content-type-options", "nosniff")?;
        let events = unfold(reader, |mut reader| async move {
            if reader.is_over {
                return None;
            }
            let event = reader.next().await;
            Some((Ok::<_, Error>(event.into_bytes()), reader))
        });
        Ok(Response::from_stream(events)?.with_headers(headers))
    };
    build().map_err(|error| Problem::unavailable(&error))
}

impl Reader {
    /// The next event: new results, a sign of life, or the end.
    async fn next(&mut self) -> String {
        loop {
            if self.looks > 0 {
                Delay::from(LOOK_EVERY).await;
            }
            self.looks += 1;
            if self.looks > LOOKS_MAX {
                return self.end("Come again: a connection lasts for some minutes.");
            }
            match self.look().await {
                Ok(Some(event)) => return event,
                Ok(None) => {}
                // What cannot be read now can be in a second.
                Err(error) => crate::log::report("stream-blind", error),
            }
            if self.looks.is_multiple_of(LOOKS_BETWEEN_SIGNS) {
                return ": still here\n\n".to_owned();
            }
        }
    }

    async fn look(&mut self) -> Result<Option<String>> {
        refresh(&self.env, &self.settings).await?;
        let caller = caller_of(&self.env, &self.settings, &self.api_key).await?;
        if !caller.is_some_and(|(scope, _)| matches!(scope, Scope::Read | Scope::Admin)) {
            return Ok(Some(self.end("The key does not hold any more.")));
        }
        let merged = rollup::read(&self.env, &self.settings.project, Some(&self.experiment)).await?;
        let Some((published, _)) = fresh() else { return Ok(None) };
        let now = merged.updated.unwrap_or(published.since);
        let results = collector::results(&published.config, &merged.aggregates, now, &self.experiment);
        let Some(mut results) = results else {
            return Ok(Some(self.end("The experiment is not in the config any more.")));
        };
        // Other experiments' numbers move the date, which alone is no news.
        let date = std::mem::take(&mut results.date_updated);
        let id = hex(&Sha256::digest(serde_json::to_vec(&results)?)[..16]);
        if id == self.seen {
            return Ok(None);
        }
        results.date_updated = date;
        let event = format!("id: {id}\nevent: results\ndata: {}\n\n", serde_json::to_string(&results)?);
        self.seen = id;
        Ok(Some(event))
    }

    fn end(&mut self, reason: &str) -> String {
        self.is_over = true;
        format!("event: end\ndata: {}\n\n", json!({ "reason": reason }))
    }
}
