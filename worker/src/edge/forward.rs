//! The origin, and requests on their way to it.

use worker::js_sys::{self, Object, Promise, Reflect};
use worker::wasm_bindgen::{JsCast, JsValue};
use worker::wasm_bindgen_futures::JsFuture;
use worker::web_sys::{self, WorkerGlobalScope};
use worker::{Env, Fetcher, Headers, Request, Response, Result};

/// Encodings that the runtime can undo: what we are to rewrite must not come in another.
const ENCODINGS: &str = "gzip, br";

/// Passes a request on as it is, with its method, body, cookies and upgrade.
pub(crate) async fn plain(request: &Request, env: &Env) -> Result<Response> {
    send(request.inner(), env).await
}

/// What the origin is asked about the copy of a page that a browser has.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Condition {
    /// What the browser asks.
    Same,
    /// Nothing: its copy is of another page than it would get.
    None,
    /// Whether the page still has this tag.
    Tag(String),
}

/// Passes on a page load whose answer we may rewrite.
pub(crate) async fn page(request: &Request, env: &Env, condition: &Condition) -> Result<Response> {
    let readable = web_sys::Request::new_with_request(request.inner())?;
    let headers = readable.headers();
    headers.set("accept-encoding", ENCODINGS)?;
    if *condition != Condition::Same {
        headers.delete("if-none-match")?;
        headers.delete("if-modified-since")?;
    }
    if let Condition::Tag(tag) = condition {
        headers.set("if-none-match", tag)?;
    }
    send(&readable, env).await
}

async fn send(request: &web_sys::Request, env: &Env) -> Result<Response> {
    let answer = match fetch(request, env) {
        Ok(promise) => JsFuture::from(promise).await,
        Err(error) => Err(error),
    };
    match answer.map(JsCast::dyn_into::<web_sys::Response>) {
        Ok(Ok(response)) => Ok(Response::from(response)),
        Ok(Err(error)) | Err(error) => {
            worker::console_error!("the origin cannot be reached: {:?}", error);
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

/// Redirects are the visitor's to follow, so they pass.
fn fetch(request: &web_sys::Request, env: &Env) -> std::result::Result<Promise, JsValue> {
    let init = Object::new();
    Reflect::set(&init, &"redirect".into(), &"manual".into())?;
    if let Ok(origin) = env.service("ORIGIN") {
        let origin: &JsValue = Fetcher::as_ref(&origin);
        let fetch: js_sys::Function = Reflect::get(origin, &"fetch".into())?.dyn_into()?;
        return fetch.call2(origin, request, &init)?.dyn_into();
    }
    let base = env.var("ORIGIN_URL").map_err(JsValue::from)?.to_string();
    let url = request.url();
    let target = format!("{}{}", base.trim_end_matches('/'), path_and_query(&url));
    let moved = web_sys::Request::new_with_str_and_init(&target, request.unchecked_ref())?;
    let global: WorkerGlobalScope = js_sys::global().unchecked_into();
    Ok(global.fetch_with_request_and_init(&moved, init.unchecked_ref()))
}

/// What follows the host of an absolute address.
fn path_and_query(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.find(['/', '?']).map_or("/", |at| &rest[at..])
}

#[cfg(test)]
mod tests {
    use super::path_and_query;

    #[test]
    fn paths_and_queries_stay_as_they_are() {
        assert_eq!(path_and_query("https://shop.test/a%20b/?x=1&y=http://z/"), "/a%20b/?x=1&y=http://z/");
        assert_eq!(path_and_query("https://shop.test:8080/"), "/");
    }
}
