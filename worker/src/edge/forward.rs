//! The origin, and requests on their way to it.

use worker::wasm_bindgen::prelude::wasm_bindgen;
use worker::wasm_bindgen::{JsCast, JsValue};
use worker::web_sys;
use worker::{Env, Headers, Request, Response, Result};

#[wasm_bindgen(module = "/src/edge/said.js")]
extern "C" {
    /// The origin's answer, to a request as it is or for a page that we may rewrite.
    #[wasm_bindgen(catch)]
    async fn ask(
        request: &web_sys::Request,
        env: &JsValue,
        encodings: Option<String>,
        tag: Option<String>,
    ) -> std::result::Result<JsValue, JsValue>;
}

/// Encodings that the runtime can undo: what we are to rewrite must not come in another.
const ENCODINGS: &str = "gzip, br";

/// Passes a request on as it is, with its method, body, cookies and upgrade.
pub(crate) async fn plain(request: &Request, env: &Env) -> Result<Response> {
    answer(ask(request.inner(), env.as_ref(), None, None).await)
}

/// Passes on a page load whose answer we may rewrite; with a tag, it asks whether the page still has it.
pub(crate) async fn page(request: &Request, env: &Env, tag: Option<String>) -> Result<Response> {
    answer(ask(request.inner(), env.as_ref(), Some(ENCODINGS.to_owned()), tag).await)
}

fn answer(answer: std::result::Result<JsValue, JsValue>) -> Result<Response> {
    match answer.map(JsCast::dyn_into::<web_sys::Response>) {
        Ok(Ok(response)) => Ok(Response::from(response)),
        Ok(Err(error)) | Err(error) => {
            crate::log::report_error("origin-unreachable", &error);
            unreachable()
        }
    }
}

fn unreachable() -> Result<Response> {
    let problem = serde_json::json!({
        "type": "about:blank",
        "title": "the origin is unreachable",
        "status": 502,
        "detail": "The site behind Splitlight did not answer. Check the binding ORIGIN or the variable ORIGIN_URL.",
    });
    let headers = Headers::new();
    headers.set("content-type", "application/problem+json")?;
    headers.set("cache-control", "no-store")?;
    Ok(Response::ok(problem.to_string())?.with_status(502).with_headers(headers))
}
