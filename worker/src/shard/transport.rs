//! Questions to objects and their answers, in the compact binary form.

use serde::Serialize;
use serde::de::DeserializeOwned;
use worker::js_sys::Uint8Array;
use worker::{Error, Method, Request, RequestInit, Response, Result, Stub};

/// Asks an object; an error means that it may or may not have heard.
pub(crate) async fn ask<Q: Serialize, A: DeserializeOwned>(object: &Stub, question: &Q) -> Result<A> {
    let bytes = postcard::to_allocvec(question).map_err(damaged)?;
    let mut init = RequestInit::new();
    init.with_method(Method::Post).with_body(Some(Uint8Array::from(bytes.as_slice()).into()));
    let mut response = object.fetch_with_request(Request::new_with_init("https://object/", &init)?).await?;
    let bytes = response.bytes().await?;
    if response.status_code() != 200 {
        return Err(Error::RustError(String::from_utf8_lossy(&bytes).into_owned()));
    }
    postcard::from_bytes(&bytes).map_err(damaged)
}

/// The question, inside the object.
pub(crate) async fn heard<Q: DeserializeOwned>(request: &mut Request) -> Result<Q> {
    postcard::from_bytes(&request.bytes().await?).map_err(damaged)
}

/// The answer, inside the object; an error is told to the asker and not thrown, because that would reset the object.
pub(crate) fn reply<A: Serialize>(answer: Result<A>) -> Result<Response> {
    match answer.and_then(|answer| postcard::to_allocvec(&answer).map_err(damaged)) {
        Ok(bytes) => Response::from_bytes(bytes),
        Err(error) => Response::error(error.to_string(), 500),
    }
}

/// A question that came as bytes.
pub(crate) fn read<Q: DeserializeOwned>(question: &[u8]) -> Result<Q> {
    postcard::from_bytes(question).map_err(damaged)
}

/// A question, or an answer with the reason when there is none, as bytes.
pub(crate) fn written<A: Serialize>(answer: Result<A>) -> Vec<u8> {
    let answer = answer.map_err(|error| error.to_string());
    postcard::to_allocvec(&answer).unwrap_or_default()
}

/// Turns a defect of the compact form into an error.
#[expect(clippy::needless_pass_by_value, reason = "it stands in for a closure of map_err")]
pub(crate) fn damaged(error: postcard::Error) -> Error {
    Error::RustError(format!("the message is damaged: {error}"))
}
