//! `POST /v1/previews`: makes a signed preview link.

use super::{Answer, Call, json_response};
use crate::clock;
use crate::intake::read_body;
use crate::preview::{PARAMETER, Preview};
use crate::problem::Problem;
use crate::signature;
use serde::Deserialize;
use serde_json::json;
use splitlight_protocol::time::{DAY_MS, parse_span};

/// Bytes of a wish.
const BODY_BYTES_MAX: usize = 4096;
/// How long a link may last: it shows what is not published, and nobody can take it back.
const LAST_MS_MAX: i64 = 30 * DAY_MS;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Wish {
    item: String,
    variation: String,
    #[serde(default = "a_week")]
    expires_in: String,
}

fn a_week() -> String {
    "7d".to_owned()
}

/// Makes a link for an experiment or a personalization of the published config, drafts included.
pub(super) async fn create(mut call: Call<'_>) -> Answer {
    let body = read_body(&mut call.request, BODY_BYTES_MAX).await?;
    let expected = "Send {\"item\": \"<key>\", \"variation\": \"<key>\", \"expiresIn\": \"7d\"}.";
    let wish: Wish = serde_json::from_slice(&body).map_err(|error| {
        Problem::new(400, "Not a preview", format!("The body is not as expected: {error}. {expected}"))
    })?;
    let lasts = parse_span(&wish.expires_in).filter(|ms| *ms <= LAST_MS_MAX).ok_or_else(|| {
        let detail = format!("`{}` is not a span of at most 30d. Write 7d, 12h or 30m.", wish.expires_in);
        Problem::new(400, "Not a span", detail).at("/expiresIn")
    })?;
    let Some(key) = signature::key(call.env) else {
        let detail = "Previews are signed. Set the secret COOKIE_KEY to 64 random hexadecimal digits.";
        return Err(Problem::new(409, "No key to sign with", detail));
    };
    let preview =
        Preview { item: wish.item, variation: wish.variation, expires: clock::now().plus_ms(lasts) };
    let published = crate::project::published(call.env, call.context, call.settings).await;
    if !published.is_some_and(|published| preview.is_in(&published.config)) {
        let detail = format!(
            "The published config has no `{}` with a variation `{}`. Drafts count; publish the config first.",
            preview.item, preview.variation
        );
        return Err(Problem::new(404, "Nothing to preview", detail));
    }
    let token = preview.token(&key);
    let answer = json!({
        "parameter": PARAMETER,
        "token": token,
        "query": format!("?{PARAMETER}={token}"),
        "expires": preview.expires.to_rfc3339(),
    });
    json_response(&answer, 201)
}
