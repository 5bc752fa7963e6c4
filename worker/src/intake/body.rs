//! A request's body, read no further than its limit.

use crate::problem::Problem;
use worker::js_sys::{Reflect, Uint8Array};
use worker::wasm_bindgen::JsCast;
use worker::wasm_bindgen_futures::JsFuture;
use worker::web_sys::ReadableStreamDefaultReader;
use worker::{Error, Request};

/// Refuses a body of another type.
pub(crate) fn check_type(sent: &str, expected: &[&str]) -> Result<(), Problem> {
    let essence = sent.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if expected.contains(&essence.as_str()) {
        return Ok(());
    }
    let detail = format!("The content-type is `{essence}`. Send {}.", expected.join(" or "));
    Err(Problem::new(415, "Unsupported media type", detail))
}

/// Reads a body of at most `bytes_max` bytes; of a longer one no more is read than tells that it is.
pub(crate) async fn read(request: &mut Request, bytes_max: usize) -> Result<Vec<u8>, Problem> {
    let too_long = || {
        let detail = format!("The body has more than {bytes_max} bytes. Send less at a time.");
        Problem::new(413, "Content too large", detail)
    };
    let broken = |error: &Error| {
        Problem::new(
            400,
            "The body broke off",
            format!("The body could not be read: {error}. Send it again."),
        )
    };
    let length = request.headers().get("content-length").ok().flatten().and_then(|text| text.parse().ok());
    if length.is_some_and(|length: usize| length > bytes_max) {
        return Err(too_long());
    }
    if length.is_some() {
        // The host has checked the length, and one call costs less than a stream.
        return request.bytes().await.map_err(|error| broken(&error));
    }
    let Some(stream) = request.inner().body() else { return Ok(Vec::new()) };
    let reader: ReadableStreamDefaultReader = stream.get_reader().unchecked_into();
    let mut body = Vec::new();
    while let Some(chunk) = next(&reader).await.map_err(|error| broken(&error))? {
        body.extend_from_slice(&chunk.to_vec());
        if body.len() > bytes_max {
            // Nobody waits for the sender to finish, or for the stream to agree.
            let _ = reader.cancel();
            return Err(too_long());
        }
    }
    Ok(body)
}

/// The next piece of a stream, `None` at its end.
async fn next(reader: &ReadableStreamDefaultReader) -> worker::Result<Option<Uint8Array>> {
    let read = JsFuture::from(reader.read()).await?;
    let is_done = Reflect::get(&read, &"done".into())?.is_truthy();
    Ok(if is_done { None } else { Reflect::get(&read, &"value".into())?.dyn_into().ok() })
}
