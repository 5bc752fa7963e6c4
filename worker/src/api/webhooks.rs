//! `/v1/webhooks`: who is told of what happens, and what became of the telling.

use super::{Answer, Call, json_response};
use crate::clock;
use crate::intake::read_body;
use crate::problem::Problem;
use crate::project::deliver::shown;
use crate::project::journal::Change;
use crate::project::telling::{self, Ask};
use crate::project::webhooks::{Delivery, Receiver};
use serde::Deserialize;
use serde_json::{Value, json};
use splitlight_protocol::time::parse_span;

/// Deliveries of a page, unless asked otherwise.
const LIMIT: u32 = 50;
/// Bytes of a wish.
const BODY_BYTES_MAX: usize = 4096;

/// Asks the project object.
pub(super) async fn ask(call: &Call<'_>, question: Ask) -> Result<telling::Answer, Problem> {
    telling::ask(call.env, call.settings, question).await.map_err(|error| Problem::unavailable(&error))
}

/// `GET`: the receivers; their secrets were shown when the config brought them.
pub(super) async fn list(call: &Call<'_>) -> Answer {
    let telling::Answer::Receivers(receivers) = ask(call, Ask::Receivers).await? else {
        return Err(misunderstood());
    };
    json_response(&json!({ "webhooks": receivers.iter().map(described).collect::<Vec<_>>() }), 200)
}

/// `POST /v1/webhooks/{key}/secret`: a new secret, shown this once; the former one signs as well for a while.
pub(super) async fn rotate(mut call: Call<'_>, key: &str) -> Answer {
    #[derive(Default, Deserialize)]
    #[serde(deny_unknown_fields, rename_all = "camelCase")]
    struct Wish {
        old_expires_in: Option<String>,
    }
    let body = read_body(&mut call.request, BODY_BYTES_MAX).await?;
    let expected = "Send {\"oldExpiresIn\": \"24h\"}, or nothing.";
    let wish: Wish = if body.is_empty() { Ok(Wish::default()) } else { serde_json::from_slice(&body) }
        .map_err(|error| {
            let detail = format!("The body is not as expected: {error}. {expected}");
            Problem::new(400, "Not a wish to rotate", detail)
        })?;
    let span = wish.old_expires_in.as_deref().unwrap_or("24h");
    let Some(span_ms) = parse_span(span) else {
        let detail = format!("`{span}` is not a span. {expected}");
        return Err(Problem::new(400, "Not a span", detail).at("/oldExpiresIn"));
    };
    let until = clock::now().plus_ms(span_ms);
    let details = json!({ "oldExpiresAt": until.to_rfc3339() });
    let change = Change::new(&call.actor, "webhook.rotate", key, &details);
    match ask(&call, Ask::Rotate { key: key.to_owned(), until, change }).await? {
        telling::Answer::Secret(Some(secret)) => {
            let old = until.to_rfc3339();
            json_response(&json!({ "key": key, "secret": shown(&secret), "oldExpiresAt": old }), 201)
        }
        telling::Answer::Secret(None) => Err(unknown("webhook", key)),
        _ => Err(misunderstood()),
    }
}

/// `POST /v1/webhooks/{key}/test`: a message that says nothing, to try the receiver.
pub(super) async fn test(call: &Call<'_>, key: &str) -> Answer {
    let change = Change::new(&call.actor, "webhook.test", key, &json!({}));
    match ask(call, Ask::Test { key: key.to_owned(), change }).await? {
        telling::Answer::Queued(Some(id)) => json_response(&json!({ "id": id, "state": "pending" }), 202),
        telling::Answer::Queued(None) => Err(unknown("webhook", key)),
        _ => Err(misunderstood()),
    }
}

/// `GET /v1/webhooks/deliveries`: newest first; `state=dead` for what was given up.
pub(super) async fn deliveries(call: &Call<'_>) -> Answer {
    let state = call.query.text("state").unwrap_or_default();
    let limit = call.query.limit(LIMIT);
    let question = Ask::Deliveries {
        webhook: call.query.text("webhook").unwrap_or_default().to_owned(),
        state: state.to_owned(),
        before: call.query.before(),
        limit: limit + 1,
    };
    let telling::Answer::Deliveries(found) = ask(call, question).await? else { return Err(misunderstood()) };
    let shown = &found[..found.len().min(limit as usize)];
    let next = (found.len() > shown.len()).then(|| shown.last().map(|last| last.seq.to_string()));
    let lines: Vec<Value> = shown.iter().map(delivered).collect();
    json_response(&json!({ "deliveries": lines, "nextCursor": next.flatten() }), 200)
}

/// `POST /v1/webhooks/deliveries/{id}/redeliver`: all tries again, under the same id.
pub(super) async fn redeliver(call: &Call<'_>, id: &str) -> Answer {
    let change = Change::new(&call.actor, "webhook.redeliver", id, &json!({}));
    let telling::Answer::Redelivered(state) = ask(call, Ask::Redeliver { id: id.to_owned(), change }).await?
    else {
        return Err(misunderstood());
    };
    let detail = match state.as_deref() {
        Some("dead" | "delivered") => {
            return json_response(&json!({ "id": id, "state": "pending" }), 202);
        }
        None => return Err(unknown("delivery", id)),
        Some("pending") => "The delivery is pending already. Wait for what becomes of it.",
        Some(_) => "Its webhook is not in the config any more. Publish one with the same key first.",
    };
    Err(Problem::new(409, "Not possible now", detail))
}

fn described(receiver: &Receiver) -> Value {
    json!({
        "key": receiver.key,
        "url": receiver.url,
        "events": serde_json::from_str::<Value>(&receiver.events).unwrap_or_default(),
        "pending": receiver.pending,
        "dead": receiver.dead,
    })
}

fn delivered(delivery: &Delivery) -> Value {
    json!({
        "id": delivery.id,
        "webhook": delivery.webhook,
        "type": delivery.kind,
        "state": delivery.state,
        "attempts": delivery.attempts,
        "createdAt": delivery.made.to_rfc3339(),
        "dueAt": delivery.due.to_rfc3339(),
        "answer": delivery.answer,
        "body": serde_json::from_str::<Value>(&delivery.body).unwrap_or_default(),
    })
}

fn unknown(what: &str, id: &str) -> Problem {
    let detail =
        format!("There is no {what} `{id}`. GET /v1/webhooks and /v1/webhooks/deliveries list them.");
    Problem::new(404, "No such webhook or delivery", detail)
}

pub(super) fn misunderstood() -> Problem {
    Problem::not_stored("the project object answered another question")
}
