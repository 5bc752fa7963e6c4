//! The intake of events: a batch is read, checked against the published config and counted by the visitor's shard.
//!
//! `POST <prefix>/e` answers 200 with `{"accepted", "duplicate", "rejected", "outcomes": [[id, outcome]]}` once the
//! events are on disk; of the rejected, `quarantined`, `tooOld` and `forgotten` are counted too. Any other status means
//! that nothing of the batch was stored. The entry script takes batches to [`crate::desk`]; here is what they are
//! checked by, and what the other methods get.

pub(crate) mod body;
pub(crate) mod check;
pub(crate) mod cors;
pub(crate) mod forget;
pub(crate) mod inflate;
pub(crate) mod pixel;

use crate::clock;
use crate::problem::Problem;
use crate::project::access::Scope;
use crate::settings::Settings;
use check::Fate;
use serde::Serialize;
use splitlight_collector::{Quota, Rate};
use splitlight_protocol::event::{Batch, Outcome, Refused, is_id};
use splitlight_protocol::limits::{ID_CHARS_MAX, SOURCE_BURST_SECONDS};
use std::cell::RefCell;
use std::net::IpAddr;
use worker::{Method, Request, Response, Result};

pub(crate) use body::read as read_body;

thread_local! {
    /// What each address has sent to this isolate of late; nowhere else, and gone with it.
    static SOURCES: RefCell<Option<Quota>> = const { RefCell::new(None) };
}

/// Answers the methods of `<prefix>/e` that bring no batch.
pub(crate) fn respond(request: &Request, settings: &Settings) -> Result<Response> {
    let origin = request.headers().get("origin")?;
    let response = match request.method() {
        Method::Options => cors::preflight(),
        _ => Problem::method("POST, OPTIONS").respond(),
    }?;
    cors::allow(response, origin.as_deref(), &settings.allowed_origins)
}

/// Reads a batch from a body, and what of it are no events.
pub(crate) fn parse(body: &[u8]) -> std::result::Result<(Batch, Vec<Refused>), Problem> {
    Batch::sift(body).map_err(|error| {
        let place =
            if error.pointer.is_empty() { "The body".to_owned() } else { format!("`{}`", error.pointer) };
        let detail = format!("{place} is not as expected: {}. Nothing was stored.", error.reason);
        Problem::new(400, "Not a batch of events", detail).at(error.pointer)
    })
}

/// Refuses what cannot be a visitor's id.
pub(crate) fn check_visitor(id: &str) -> std::result::Result<(), Problem> {
    if is_id(id) {
        return Ok(());
    }
    let detail = format!("A visitor's id has 1 to {ID_CHARS_MAX} characters and no control characters.");
    Err(Problem::new(400, "Not a visitor's id", detail))
}

/// Refuses a key that may not send events.
pub(crate) fn check_scope(scope: Option<Scope>) -> std::result::Result<(), Problem> {
    match scope {
        Some(Scope::Write) => Ok(()),
        Some(other) => {
            let detail = format!(
                "The batch's `key` has the scope {}, and events take one with the scope write. \
                 Make one with POST /v1/keys.",
                other.name()
            );
            Err(Problem::new(403, "Wrong scope", detail).at("/key"))
        }
        None => {
            let detail = "The batch's `key` is not a key of this project. Make one with POST /v1/keys.";
            Err(Problem::new(401, "Unknown key", detail).at("/key"))
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Counts<'o> {
    accepted: usize,
    duplicate: usize,
    rejected: usize,
    quarantined: usize,
    too_old: usize,
    forgotten: usize,
    outcomes: &'o [Fate],
}

/// The text of the answer to a batch.
pub(crate) fn answer(outcomes: &[Fate]) -> String {
    let count = |wanted| outcomes.iter().filter(|fate| fate.outcome == Some(wanted)).count();
    let (accepted, duplicate) = (count(Outcome::Accepted), count(Outcome::Duplicate));
    let counts = Counts {
        accepted,
        duplicate,
        rejected: outcomes.len() - accepted - duplicate,
        quarantined: count(Outcome::Quarantined),
        too_old: count(Outcome::TooOld),
        forgotten: count(Outcome::Forgotten),
        outcomes,
    };
    serde_json::to_string(&counts).unwrap_or_default()
}

/// The name of an outcome, as answers have it.
pub(crate) fn name_of(outcome: Outcome) -> String {
    serde_json::to_value(outcome).ok().and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_default()
}

/// Refuses what an address sends too much; on a runtime that does not know the address there is no such limit.
pub(crate) fn take_quota(source: &str, events: u32, per_second: u32) -> std::result::Result<(), Problem> {
    let Some(sender) = network_of(source).filter(|_| per_second > 0) else { return Ok(()) };
    let rate = Rate { burst: per_second.saturating_mul(SOURCE_BURST_SECONDS), per_second };
    let taken = SOURCES.with_borrow_mut(|sources| {
        sources.get_or_insert_with(|| Quota::new(rate)).take(&sender, events, clock::now())
    });
    taken.map_err(|wait_ms| Problem::over_quota("This address", wait_ms))
}

/// The part of an address that one party has: all of a version 4 one, the first half of a version 6 one.
fn network_of(address: &str) -> Option<String> {
    match address.parse().ok()? {
        IpAddr::V4(address) => Some(address.to_string()),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            Some(format!("{a:x}:{b:x}:{c:x}:{d:x}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::network_of;

    #[test]
    fn one_party_has_half_of_a_long_address() {
        assert_eq!(network_of("2001:db8:1:2:3::4"), network_of("2001:db8:1:2:ffff::"));
        assert_ne!(network_of("2001:db8:1:2::"), network_of("2001:db8:1:3::"));
        assert_ne!(network_of("192.0.2.1"), network_of("192.0.2.2"));
        assert_eq!(network_of(""), None);
    }
}
