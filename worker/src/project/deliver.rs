//! Telling receivers: signed as Standard Webhooks has it, again and again for a day, and then given up.

use super::webhooks::{Sending, claim, settle};
use crate::shard::sql::transaction;
use crate::{clock, random};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures_util::future::join_all;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use worker::js_sys::Uint8Array;
use worker::{
    AbortSignal, Env, Fetch, Headers, Method, Request, RequestInit, RequestRedirect, Result, Storage, web_sys,
};

/// Tries before a delivery is given up: with the waits below they take about a day.
const ATTEMPTS_MAX: i64 = 11;
/// Seconds until the second try; every further one waits four times as long.
const RETRY_SECONDS: i64 = 5;
/// Seconds that a delivery waits at most.
const WAIT_SECONDS_MAX: i64 = 6 * 3600;
/// How long a receiver may take to answer.
const ANSWER_MS_MAX: u32 = 10_000;
/// Characters kept of why a try failed.
const ANSWER_CHARS_MAX: usize = 200;

/// Makes the deliveries that are due, at the same time, and writes down what became of each.
pub(super) async fn deliver(storage: &Storage, env: &Env) -> Result<()> {
    let sql = storage.sql();
    let claimed = transaction(storage, || claim(&sql, clock::now()))?;
    let answers = join_all(claimed.iter().map(send)).await;
    let first_wait = env.var("WEBHOOK_RETRY_SECONDS").ok().and_then(|text| text.to_string().parse().ok());
    transaction(storage, || {
        for (sent, answer) in claimed.iter().zip(answers) {
            let (arrived, answer) = match answer {
                Ok(status) => ((200..300).contains(&status), status.to_string()),
                Err(error) => (false, error.to_string().chars().take(ANSWER_CHARS_MAX).collect()),
            };
            let state = match (arrived, sent.attempts >= ATTEMPTS_MAX) {
                (true, _) => "delivered",
                (false, true) => "dead",
                (false, false) => "pending",
            };
            let [chance] = random::bytes::<1>()?;
            let wait = wait_ms(first_wait.unwrap_or(RETRY_SECONDS), sent.attempts, chance);
            let due = clock::now().plus_ms(if state == "pending" { wait } else { 0 });
            settle(&sql, sent, state, due, &answer)?;
        }
        Ok(())
    })
}

/// How long a delivery waits after a number of tries that failed: a quarter more or less by chance, so that receivers
/// that were down are not told everything at once.
fn wait_ms(first_seconds: i64, attempts: i64, chance: u8) -> i64 {
    let times = u32::try_from(attempts - 1).unwrap_or(0);
    let seconds = first_seconds.saturating_mul(4_i64.saturating_pow(times)).min(WAIT_SECONDS_MAX);
    seconds * (750 + 500 * i64::from(chance) / 255)
}

/// The status of the receiver's answer.
async fn send(delivery: &Sending) -> Result<u16> {
    let at = clock::now().ms() / 1000;
    let signatures: Vec<String> =
        delivery.secrets.iter().map(|secret| signature(secret, &delivery.id, at, &delivery.body)).collect();
    let headers = Headers::new();
    headers.set("content-type", "application/json")?;
    headers.set("user-agent", "splitlight")?;
    headers.set("webhook-id", &delivery.id)?;
    headers.set("webhook-timestamp", &at.to_string())?;
    headers.set("webhook-signature", &signatures.join(" "))?;
    let mut init = RequestInit::new();
    // A redirect could lead to an address that no config may name.
    init.with_method(Method::Post).with_headers(headers).with_redirect(RequestRedirect::Manual);
    init.with_body(Some(Uint8Array::from(delivery.body.as_bytes()).into()));
    let request = Request::new_with_init(&delivery.url, &init)?;
    let signal = AbortSignal::from(web_sys::AbortSignal::timeout_with_u32(ANSWER_MS_MAX));
    Ok(Fetch::Request(request).send_with_signal(&signal).await?.status_code())
}

/// A secret as it is shown.
pub(crate) fn shown(secret: &[u8]) -> String {
    format!("whsec_{}", STANDARD.encode(secret))
}

/// The signature of a message, in the form of Standard Webhooks, version 1.
fn signature(secret: &[u8], id: &str, at: i64, body: &str) -> String {
    // A key of any length is a key.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret) else { return String::new() };
    mac.update(format!("{id}.{at}.{body}").as_bytes());
    format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tries_take_about_a_day() {
        let waits: Vec<i64> = (1..ATTEMPTS_MAX).map(|attempts| wait_ms(5, attempts, 128) / 1000).collect();
        assert_eq!(waits[..4], [5, 20, 80, 320]);
        assert_eq!(waits.iter().sum::<i64>() / 3600, 25);
        assert_eq!((wait_ms(4, 1, 0), wait_ms(4, 1, 255)), (3000, 5000));
        assert_eq!(wait_ms(i64::MAX, 90, 0), WAIT_SECONDS_MAX * 750);
    }

    #[test]
    fn the_signature_is_that_of_standard_webhooks() {
        // Python: base64.b64encode(hmac.new(bytes(range(32)), b"msg_1.7.{}", "sha256").digest())
        let secret: Vec<u8> = (0..32).collect();
        assert_eq!(signature(&secret, "msg_1", 7, "{}"), "v1,gXUbacso5KGcKhO3+NOHA+u0vhAc4perSFn3cdPxg4U=");
        assert_eq!(shown(&secret), "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=");
    }
}
