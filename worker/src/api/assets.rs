//! The dashboard's files, from the assets binding, under a strict policy.

use crate::problem::{Problem, not_found};
use worker::{Env, Request, RequestInit, RequestRedirect, Response, Result};

/// What a page of the dashboard may do: nothing that is not its own.
const POLICY: &str = "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; \
    form-action 'self'; frame-ancestors 'none'";

/// Answers with a file of the dashboard; `/` is its page.
pub(crate) async fn dashboard(request: Request, env: &Env) -> Result<Response> {
    // As it was sent: the typed methods take one they do not know for GET.
    if !matches!(&*request.inner().method(), "GET" | "HEAD") {
        return Problem::method("GET, HEAD").respond();
    }
    let path = request.path();
    let mut init = RequestInit::new();
    init.with_method(request.method()).with_redirect(RequestRedirect::Manual);
    // `/dashboard/` and not its index.html, which Cloudflare's assets would redirect to the folder.
    let file = Request::new_with_init(&format!("https://assets/dashboard{path}"), &init)?;
    for name in ["if-none-match", "accept-encoding"] {
        if let Some(value) = request.headers().get(name)? {
            file.headers().set(name, &value)?;
        }
    }
    let response = env.service("ASSETS")?.fetch_request(file).await?;
    if !matches!(response.status_code(), 200 | 304) {
        return not_found();
    }
    let headers = response.headers().clone();
    for (name, value) in [
        ("content-security-policy", POLICY),
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("referrer-policy", "no-referrer"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
    ] {
        headers.set(name, value)?;
    }
    Ok(response.with_headers(headers))
}
