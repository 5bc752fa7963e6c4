//! The API: results for those who read, config and keys for those who administrate, and the dashboard's files.

mod alerts;
mod assets;
mod audit;
mod backup;
mod config;
mod events;
mod explanations;
mod keys;
mod previews;
mod query;
mod reports;
mod results;
mod steering;
mod stream;
mod visitors;
mod webhooks;

use crate::problem::Problem;
use crate::project::access::{Scope, caller_of};
use crate::settings::Settings;
use query::Query;
use serde_json::json;
use splitlight_protocol::openapi::{Route, routes_of};
use worker::{Context, Env, Headers, Request, Response, Result};

pub(crate) use assets::dashboard;

/// Whom the API answers: everything a handler needs.
struct Call<'a> {
    request: Request,
    env: &'a Env,
    context: &'a Context,
    settings: &'a Settings,
    query: Query,
    /// The key that asks, as the audit log calls it; empty until [`Call::may`] knows.
    actor: String,
}

type Answer = std::result::Result<Response, Problem>;

/// Answers a path that begins with `/v1/`.
pub(crate) async fn answer(
    request: Request,
    path: &str,
    env: &Env,
    context: &Context,
    settings: &Settings,
) -> Result<Response> {
    match route(request, path, env, context, settings).await {
        Ok(response) => Ok(response),
        Err(problem) => problem.respond(),
    }
}

async fn route(request: Request, path: &str, env: &Env, context: &Context, settings: &Settings) -> Answer {
    let routes: Vec<&Route> = routes_of(path).collect();
    // As it was sent: the typed methods take one they do not know for GET. The runtime leaves out the body for HEAD.
    let asked = request.inner().method();
    let asked = if asked == "HEAD" { "GET" } else { &asked };
    let Some(route) = routes.iter().find(|route| route.method == asked) else {
        return Err(stranger(&routes));
    };
    let query = Query::read(&request, route.query)?;
    let mut call = Call { request, env, context, settings, query, actor: String::new() };
    if let Some(scope) = route.scope.and_then(Scope::from_name) {
        call = call.may(scope).await?;
    }
    let parts: Vec<String> = path.trim_start_matches("/v1/").split('/').map(decoded).collect();
    let key = parts.get(1).map_or("", String::as_str);
    let (last, is_rule) =
        (parts.last().map_or("", String::as_str), path.starts_with("/v1/personalizations/"));
    match route.id {
        "health" => health(&call).await,
        "openapi" => openapi(&call),
        "experiments" => results::list(&call).await,
        "experiment" => results::experiment(&call, key).await,
        "experimentResults" | "personalizationResults" => results::results(&call, key, is_rule).await,
        "experimentTimeseries" | "personalizationTimeseries" => {
            results::timeseries(&call, key, is_rule).await
        }
        "experimentStream" => stream::stream(&call, key).await,
        "funnel" => results::funnel(&call, key).await,
        "kpis" => results::kpis(&call).await,
        "report" => reports::report(&call, last).await,
        "cohorts" => results::cohorts(&call).await,
        "start" | "pause" | "stop" | "ship" => steering::act(call, key, last).await,
        "config" => config::read(&call).await,
        "publish" => config::publish(call).await,
        "rollback" => config::roll_back(call).await,
        "versions" => config::versions(&call).await,
        "version" => config::version(&call, last).await,
        "diff" => config::difference(&call, parts.get(2).map_or("", String::as_str)).await,
        "keys" => keys::list(&call).await,
        "createKey" => keys::create(call).await,
        "deleteKey" => keys::delete(&call, key).await,
        "rotateKey" => keys::rotate(call, key).await,
        "alerts" => alerts::list(&call).await,
        "webhooks" => webhooks::list(&call).await,
        "deliveries" => webhooks::deliveries(&call).await,
        "redeliver" => webhooks::redeliver(&call, parts.get(2).map_or("", String::as_str)).await,
        "rotateSecret" => webhooks::rotate(call, key).await,
        "tryWebhook" => webhooks::test(&call, key).await,
        "audit" => audit::list(&call).await,
        "visitor" => visitors::export(&call, key).await,
        "forget" => visitors::forget(&call, key).await,
        "events" => backup::export(&call).await,
        "restoreEvents" => backup::restore(call).await,
        "sendEvents" => events::create(call).await,
        "importConversions" => events::import(call).await,
        "createPreview" => previews::create(call).await,
        "createExplanation" => explanations::create(call).await,
        _ => Err(stranger(&[])),
    }
}

/// A path without such a method, or nothing at all.
fn stranger(routes: &[&Route]) -> Problem {
    if routes.is_empty() {
        let detail = "The API has no such path. GET /v1/openapi.json lists those it has.";
        return Problem::new(404, "No such path", detail);
    }
    let mut methods = Vec::new();
    for route in routes {
        methods.push(route.method);
        if route.method == "GET" {
            methods.push("HEAD");
        }
    }
    Problem::method(&methods.join(", "))
}

/// The API's own description.
fn openapi(call: &Call<'_>) -> Answer {
    const DOCUMENT: &str = include_str!("../../www/schema/openapi.json");
    let tag = format!("\"{}-{}\"", env!("CARGO_PKG_VERSION"), DOCUMENT.len());
    conditional(call, &tag, || {
        let build = || -> Result<Response> {
            let headers = Headers::new();
            headers.set("content-type", "application/json")?;
            headers.set("cache-control", "public, max-age=300")?;
            Ok(Response::from_bytes(DOCUMENT.as_bytes().to_vec())?.with_headers(headers))
        };
        build().map_err(|error| Problem::unavailable(&error))
    })
}

impl<'a> Call<'a> {
    /// Lets the call through when its key has the scope; an admin may do everything.
    async fn may(mut self, needed: Scope) -> std::result::Result<Call<'a>, Problem> {
        let header = self.request.headers().get("authorization").ok().flatten().unwrap_or_default();
        let (scheme, key) = header.split_once(' ').unwrap_or_default();
        if !scheme.eq_ignore_ascii_case("bearer") || key.trim().is_empty() {
            let detail = format!(
                "Send a key with the scope {} in the header `Authorization: Bearer <key>`.",
                needed.name()
            );
            return Err(Problem::new(401, "A key is missing", detail).header("www-authenticate", "Bearer"));
        }
        let caller = caller_of(self.env, self.settings, key.trim()).await;
        match caller.map_err(|error| Problem::unavailable(&error))? {
            Some((scope, actor)) if scope == needed || scope == Scope::Admin => {
                self.actor = actor;
                Ok(self)
            }
            Some((scope, _)) => {
                let detail = format!(
                    "This key has the scope {}, and this takes one with the scope {}. \
                     Make one with POST /v1/keys.",
                    scope.name(),
                    needed.name()
                );
                Err(Problem::new(403, "Wrong scope", detail))
            }
            None => {
                let detail = "This is not a key of this project. Make one with POST /v1/keys.";
                let challenge = "Bearer error=\"invalid_token\"";
                Err(Problem::new(401, "Unknown key", detail).header("www-authenticate", challenge))
            }
        }
    }
}

async fn health(call: &Call<'_>) -> Answer {
    let published = crate::project::published(call.env, call.context, call.settings).await;
    let version = published.map(|published| published.version);
    json_response(&json!({ "status": "ok", "project": call.settings.project, "config": version }), 200)
}

/// The response, or 304 when the asker has it already.
fn conditional(call: &Call<'_>, tag: &str, build: impl FnOnce() -> Answer) -> Answer {
    let asked = call.request.headers().get("if-none-match").ok().flatten().unwrap_or_default();
    let same = asked.split(',').any(|known| {
        matches!(known.trim().trim_start_matches("W/"), "*") || known.trim().trim_start_matches("W/") == tag
    });
    let tagged = |mut response: Response| -> Result<Response> {
        response.headers_mut().set("etag", tag)?;
        Ok(response)
    };
    if !same {
        return tagged(build()?).map_err(|error| Problem::unavailable(&error));
    }
    let empty = || -> Result<Response> {
        let headers = Headers::new();
        headers.set("cache-control", "private, no-cache")?;
        tagged(Response::empty()?.with_status(304).with_headers(headers))
    };
    empty().map_err(|error| Problem::unavailable(&error))
}

/// A JSON response that no cache may share.
fn json_response<T: serde::Serialize>(value: &T, status: u16) -> Answer {
    let build = || -> Result<Response> {
        let mut response = Response::from_json(value)?.with_status(status);
        response.headers_mut().set("cache-control", "private, no-cache")?;
        response.headers_mut().set("x-content-type-options", "nosniff")?;
        Ok(response)
    };
    build().map_err(|error| Problem::unavailable(&error))
}

/// A path segment without percent signs; keys have none, so a broken escape stays and finds nothing.
fn decoded(segment: &str) -> String {
    let mut bytes = Vec::with_capacity(segment.len());
    let mut rest = segment.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let escape = after
            .get(..2)
            .filter(|_| *first == b'%')
            .and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok());
        bytes.push(escape.unwrap_or(*first));
        rest = if escape.is_some() { &after[2..] } else { after };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::decoded;

    #[test]
    fn segments_are_decoded_without_failing() {
        for (segment, text) in [("a%2Fb", "a/b"), ("%", "%"), ("%4", "%4"), ("%zz", "%zz"), ("%C3%A9", "é")]
        {
            assert_eq!(decoded(segment), text);
        }
    }
}
