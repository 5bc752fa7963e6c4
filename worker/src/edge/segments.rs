//! The cookie with the numbers of the audiences that the device says the visitor is in, so that rules about behavior render
//! here without the behavior leaving the device: `sl_seg=<config>~<numbers>~<expiry>~<signature>`.
//!
//! The browser sends the numbers when they change, and we sign them for this visitor. They count for the program they were
//! worked out with and for a day, because "in the last 7 days" goes out of date by itself.

use super::cookie::{Identity, values};
use super::said::Said;
use crate::problem::Problem;
use crate::settings::Settings;
use crate::{clock, signature};
use splitlight_protocol::Timestamp;
use worker::{Env, Headers, Request, Response, Result};

const SEGMENTS: &str = "sl_seg";
/// A visitor who comes back later is first decided by the device again.
const SECONDS: i64 = 24 * 60 * 60;
/// First digits of a program's hash, which tell the programs of a day from each other.
const HASH_DIGITS: usize = 8;
/// Far below what a cookie may have, and more audiences than anybody is in.
const TEXT_BYTES_MAX: usize = 512;

/// `POST <prefix>/s`: signs what the body says, `<config>~<numbers>`, for the visitor of the cookie.
///
/// # Errors
/// When the runtime refuses a header.
pub(crate) async fn answer(mut request: Request, env: &Env, settings: &Settings) -> Result<Response> {
    let body = match crate::intake::read_body(&mut request, TEXT_BYTES_MAX).await {
        Ok(body) => String::from_utf8(body).unwrap_or_default(),
        Err(problem) => return problem.respond(),
    };
    if !is_text(&body) {
        let detail =
            "The body is not `<config>~<numbers>`: 8 hexadecimal digits, and numbers with dots between them.";
        return Problem::new(400, "Not a list of audiences", detail).respond();
    }
    let headers = Headers::new();
    headers.set("cache-control", "no-store")?;
    // A page of another site sends no cookies of this one, and who has not agreed has no id.
    let keys = signature::keys(env);
    let identity = Identity::new(&Said::new(request.inner()), &keys, settings);
    if let (Some(id), Some(key)) = (identity.known_id(), keys.first()) {
        let text = format!("{body}~{}", clock::now().ms() / 1000 + SECONDS);
        let signature = signature::of(key, &purpose(id, &text));
        let secure = if request.inner().url().starts_with("https:") { "; Secure" } else { "" };
        let cookie =
            format!("{SEGMENTS}={text}~{signature}; Path=/; Max-Age={SECONDS}{secure}; SameSite=Lax");
        headers.set("set-cookie", &cookie)?;
    }
    Ok(Response::empty()?.with_status(204).with_headers(headers))
}

/// What a cookie header says of a visitor; nothing unless it is ours, for this program, and of today.
pub(super) fn read(
    cookies: &str,
    keys: &[Vec<u8>],
    id: &str,
    hash: &str,
    now: Timestamp,
) -> Option<Vec<u32>> {
    values(cookies, SEGMENTS).find_map(|value| {
        let (text, signature) = value.rsplit_once('~')?;
        let (body, expiry) = text.rsplit_once('~')?;
        let (config, numbers) = body.split_once('~')?;
        let in_time = now.ms() / 1000 < expiry.parse().ok()?;
        let genuine = || keys.iter().any(|key| signature::is(key, &purpose(id, text), signature));
        (in_time && is_text(body) && hash.get(..HASH_DIGITS) == Some(config) && genuine())
            .then(|| numbers.split('.').filter_map(|number| number.parse().ok()).collect())
    })
}

/// Another purpose than that of ids, previews and explanations, which the same key signs.
fn purpose(id: &str, text: &str) -> String {
    format!("segments:{id}:{text}")
}

fn is_text(text: &str) -> bool {
    let Some((config, numbers)) = text.split_once('~') else { return false };
    let hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    config.len() == HASH_DIGITS
        && config.bytes().all(hex)
        && (numbers.is_empty() || numbers.split('.').all(|number| number.parse::<u32>().is_ok()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0b9d1f0a-6a51-4c6e-9d5e-2f5a7f0c1b2d";

    fn cookie(body: &str, key: &[u8]) -> String {
        let text = format!("{body}~100");
        format!("a=b; {SEGMENTS}={text}~{}", signature::of(key, &purpose(ID, &text)))
    }

    #[test]
    fn segments_count_for_their_visitor_their_program_and_a_day() {
        let keys = [b"new".to_vec(), b"old".to_vec()];
        let read = |cookies: &str, id: &str, hash: &str, seconds: i64| {
            read(cookies, &keys, id, hash, Timestamp::from_ms(seconds * 1000))
        };
        let ours = cookie("01234567~3.20", b"old");
        assert_eq!(read(&ours, ID, "0123456789abcdef", 99), Some(vec![3, 20]));
        assert_eq!(read(&cookie("01234567~", b"new"), ID, "0123456789abcdef", 99), Some(vec![]));
        assert_eq!(read(&ours, ID, "0123456789abcdef", 100), None, "expired");
        assert_eq!(read(&ours, ID, "f123456789abcdef", 99), None, "another program");
        assert_eq!(read(&ours, "somebody-else", "0123456789abcdef", 99), None);
        assert_eq!(read(&ours.replace("3.20", "3.21"), ID, "0123456789abcdef", 99), None, "altered");
        assert_eq!(read(&cookie("01234567~3", b"strange"), ID, "0123456789abcdef", 99), None);
    }

    #[test]
    fn nothing_but_numbers_is_signed() {
        assert!(is_text("01234567~") && is_text("89abcdef~0.12.4000000000"));
        for other in
            ["", "01234567", "0123456~1", "01234567~1,2", "01234567~a", "01234567~1~2", "01234567~1;x=y"]
        {
            assert!(!is_text(other), "{other}");
        }
    }
}
