//! `/v1/keys`: the API keys.

use super::{Answer, Call, json_response};
use crate::intake::read_body;
use crate::problem::Problem;
use crate::project::access::{self, Entry, Scope};
use serde::Deserialize;
use serde_json::{Value, json};
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
    let made = access::create(call.env, call.settings, scope, wish.name).await;
    let (entry, key) = made.map_err(|error| Problem::unavailable(&error))?;
    let mut answer = described(&entry);
    answer["key"] = Value::String(key);
    json_response(&answer, 201)
}

/// `DELETE`: the key stops working, in other isolates within seconds.
pub(super) async fn delete(call: &Call<'_>, id: &str) -> Answer {
    let deleted = access::delete(call.env, call.settings, id).await;
    if !deleted.map_err(|error| Problem::unavailable(&error))? {
        let detail = format!("There is no key with the id `{id}`. GET /v1/keys lists them.");
        return Err(Problem::new(404, "No such key", detail));
    }
    Response::empty().map(|response| response.with_status(204)).map_err(|error| Problem::unavailable(&error))
}

fn described(entry: &Entry) -> Value {
    json!({
        "id": entry.id,
        "scope": entry.scope,
        "name": entry.name,
        "createdAt": entry.created.to_rfc3339(),
    })
}
