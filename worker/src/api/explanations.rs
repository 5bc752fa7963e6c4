//! `POST /v1/explanations`: makes a signed parameter with which a page's address answers why, instead of the page.

use super::{Answer, Call, json_response};
use crate::clock;
use crate::edge::explain::{PARAMETER, token};
use crate::intake::read_body;
use crate::problem::Problem;
use crate::signature;
use serde::Deserialize;
use serde_json::json;
use splitlight_protocol::time::{DAY_MS, parse_span};

/// Bytes of a wish.
const BODY_BYTES_MAX: usize = 4096;
/// How long a parameter may work: it tells the whole config, and nobody can take it back.
const LAST_MS_MAX: i64 = DAY_MS;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Wish {
    #[serde(default = "an_hour")]
    expires_in: String,
}

fn an_hour() -> String {
    "1h".to_owned()
}

/// Makes a parameter.
pub(super) async fn create(mut call: Call<'_>) -> Answer {
    let body = read_body(&mut call.request, BODY_BYTES_MAX).await?;
    let written: &[u8] = if body.is_empty() { b"{}" } else { &body };
    let wish: Wish = serde_json::from_slice(written).map_err(|error| {
        let detail = format!("The body is not as expected: {error}. Send {{\"expiresIn\": \"1h\"}}.");
        Problem::new(400, "Not an explanation", detail)
    })?;
    let lasts = parse_span(&wish.expires_in).filter(|ms| *ms <= LAST_MS_MAX).ok_or_else(|| {
        let detail = format!("`{}` is not a span of at most 1d. Write 1h or 30m.", wish.expires_in);
        Problem::new(400, "Not a span", detail).at("/expiresIn")
    })?;
    let Some(key) = signature::key(call.env) else {
        let detail = "Explanations are signed. Set the secret COOKIE_KEY to 64 random hexadecimal digits.";
        return Err(Problem::new(409, "No key to sign with", detail));
    };
    let expires = clock::now().plus_ms(lasts);
    let token = token(expires, &key);
    let query = format!("?{PARAMETER}={token}");
    let answer =
        json!({ "parameter": PARAMETER, "token": token, "query": query, "expires": expires.to_rfc3339() });
    json_response(&answer, 201)
}
