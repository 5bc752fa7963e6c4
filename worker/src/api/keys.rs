//! `/v1/keys`: the API keys.

use super::{Answer, Call, json_response};
use crate::clock;
use crate::intake::read_body;
use crate::problem::Problem;
use crate::project::access::{self, Entry, Scope};
use serde::Deserialize;
use serde_json::{Value, json};
use splitlight_protocol::Timestamp;
use splitlight_protocol::time::parse_span;
use worker::Response;

/// Bytes of a key's description.
const BODY_BYTES_MAX: usize = 4096;
/// Characters of a key's name.
const NAME_CHARS_MAX: usize = 100;
/// Keys of a project: every request compares with each of them.
const KEYS_MAX: usize = 100;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wish {
    scope: String,
    #[serde(default)]
    name: String,
}

/// `GET`: what keys there are; the keys themselves are not stored.
pub(super) async fn list(call: &Call<'_>) -> Answer {
    let keys = access::list(call.env, call.settings).await.map_err(|error| Problem::unavailable(&error))?;
    json_response(&json!({ "keys": keys.iter().map(described).collect::<Vec<_>>() }), 200)
}

/// `POST`: makes a key and shows it this once.
pub(super) async fn create(mut call: Call<'_>) -> Answer {
    let body = read_body(&mut call.request, BODY_BYTES_MAX).await?;
    let expected = "Send {\"scope\": \"write\", \"read\", \"server\" or \"admin\", \"name\": \"...\"}.";
    let wish: Wish = serde_json::from_slice(&body).map_err(|error| {
        Problem::new(
            400,
            "Not a description of a key",
            format!("The body is not as expected: {error}. {expected}"),
        )
    })?;
    let Some(scope) = Scope::from_name(&wish.scope) else {
        let detail = format!("There is no scope `{}`. {expected}", wish.scope);
        return Err(Problem::new(400, "Unknown scope", detail).at("/scope"));
    };
    if wish.name.chars().count() > NAME_CHARS_MAX {
        let detail = format!("The name has more than {NAME_CHARS_MAX} characters. Shorten it.");
        return Err(Problem::new(400, "Name too long", detail).at("/name"));
    }
    let keys = access::list(call.env, call.settings).await.map_err(|error| Problem::unavailable(&error))?;
    if keys.len() >= KEYS_MAX {
        let detail =
            format!("The project has {KEYS_MAX} keys. Delete one with DELETE /v1/keys/{{id}} first.");
        return Err(Problem::new(409, "Too many keys", detail));
    }
    let made = access::create(call.env, call.settings, &call.actor, scope, wish.name).await;
    let (entry, key) = made.map_err(|error| Problem::unavailable(&error))?;
    let mut answer = described(&entry);
    answer["key"] = Value::String(key);
    json_response(&answer, 201)
}

/// `POST /v1/keys/{id}/rotate`: makes a key of the same scope and name; the old one stops, at once or after a span.
pub(super) async fn rotate(mut call: Call<'_>, id: &str) -> Answer {
    #[derive(Default, Deserialize)]
    #[serde(deny_unknown_fields, rename_all = "camelCase", default)]
    struct Wish {
        old_expires_in: Option<String>,
    }
    let body = read_body(&mut call.request, BODY_BYTES_MAX).await?;
    let bad = |detail: String| Problem::new(400, "Not a rotation", detail).at("/oldExpiresIn");
    let wish: Wish = if body.is_empty() {
        Wish::default()
    } else {
        serde_json::from_slice(&body).map_err(|error| {
            bad(format!(
                "The body is not as expected: {error}. Send {{\"oldExpiresIn\": \"1d\"}} or nothing."
            ))
        })?
    };
    let lasts = wish.old_expires_in.as_deref().map(|text| {
        parse_span(text).ok_or_else(|| bad(format!("`{text}` is not a span. Write 7d, 12h or 30m.")))
    });
    let until = clock::now().plus_ms(lasts.transpose()?.unwrap_or(0));
    let keys = access::list(call.env, call.settings).await.map_err(|error| Problem::unavailable(&error))?;
    let old = keys.iter().find(|entry| entry.id == id).ok_or_else(|| unknown(id))?;
    let made = access::rotate(call.env, call.settings, &call.actor, old, until).await;
    let (entry, key) = made.map_err(|error| Problem::unavailable(&error))?;
    let mut answer = described(&entry);
    answer["key"] = Value::String(key);
    answer["replaces"] = json!(id);
    json_response(&answer, 201)
}

fn unknown(id: &str) -> Problem {
    let detail = format!("There is no key with the id `{id}`. GET /v1/keys lists them.");
    Problem::new(404, "No such key", detail)
}

/// `DELETE`: the key stops working, in other isolates within seconds.
pub(super) async fn delete(call: &Call<'_>, id: &str) -> Answer {
    let deleted = access::delete(call.env, call.settings, &call.actor, id).await;
    if !deleted.map_err(|error| Problem::unavailable(&error))? {
        return Err(unknown(id));
    }
    Response::empty().map(|response| response.with_status(204)).map_err(|error| Problem::unavailable(&error))
}

fn described(entry: &Entry) -> Value {
    json!({
        "id": entry.id,
        "scope": entry.scope,
        "name": entry.name,
        "createdAt": entry.created.to_rfc3339(),
        "expiresAt": entry.expires.map(Timestamp::to_rfc3339),
    })
}
