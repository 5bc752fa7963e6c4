//! Why a visitor gets what they get: the answer to a page's address with a signed parameter, instead of the page.

use crate::signature;
use splitlight_engine::{Visitor, explain};
use splitlight_protocol::{Timestamp, Value};
use worker::{Env, Headers, Response, Result};

use crate::project::Published;

/// The address parameter.
pub(crate) const PARAMETER: &str = "sl_explain";

/// The parameter's value: until when it works, and the signature.
pub(crate) fn token(expires: Timestamp, key: &[u8]) -> String {
    let text = expires.ms().to_string();
    let signature = signature::of(key, &purpose(&text));
    format!("{text}~{signature}")
}

/// Whether an address asks for an explanation and may have one.
pub(super) fn is_asked(url: &str, env: &Env, now: Timestamp) -> bool {
    // The characters of a token are not escaped by anybody.
    let token = url.split_once('?').and_then(|(_, query)| {
        query.split('&').find_map(|pair| pair.strip_prefix(PARAMETER)?.strip_prefix('='))
    });
    token.zip(signature::key(env)).is_some_and(|(token, key)| is_genuine(token, &key, now))
}

fn is_genuine(token: &str, key: &[u8], now: Timestamp) -> bool {
    let Some((text, signature)) = token.split_once('~') else { return false };
    let in_time = text.parse().is_ok_and(|expires| now < Timestamp::from_ms(expires));
    in_time && signature::is(key, &purpose(text), signature)
}

/// Another purpose than that of ids and previews, which the same key signs.
fn purpose(text: &str) -> String {
    format!("explain:{text}")
}

/// The decision tree for this request.
///
/// # Errors
/// When a header cannot be written.
pub(super) fn respond(published: &Published, visitor: &Visitor, now: Timestamp) -> Result<Response> {
    let mut tree = explain(&published.config, visitor, now);
    if let Value::Object(members) = &mut tree {
        members.insert("config".to_owned(), Value::from(&*published.hash));
        members.insert("attributes".to_owned(), Value::Object(visitor.attributes().clone()));
    }
    let headers = Headers::new();
    headers.set("content-type", "application/json")?;
    headers.set("cache-control", "private, no-store")?;
    headers.set("x-robots-tag", "noindex")?;
    let json = serde_json::to_string(&tree)?;
    Ok(Response::ok(json)?.with_headers(headers))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_opens_until_it_expires_and_only_with_its_key() {
        let token = token(Timestamp::from_ms(10), b"key");
        let is = |token: &str, key: &[u8], now| is_genuine(token, key, Timestamp::from_ms(now));
        assert!(is(&token, b"key", 9));
        assert!(!is(&token, b"key", 10) && !is(&token, b"other", 9) && !is("10~", b"key", 9));
        assert!(!is(&token.replace("10~", "99~"), b"key", 9));
    }
}
