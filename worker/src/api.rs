//! The API: results for those who read, config and keys for those who administrate, and the dashboard's files.

mod assets;
mod audit;
mod backup;
mod config;
mod events;
mod explanations;
mod keys;
mod previews;
mod query;
mod results;
mod steering;
mod visitors;

use crate::problem::Problem;
use crate::project::access::{Scope, caller_of};
use crate::settings::Settings;
use query::Query;
use serde_json::json;
use worker::{Context, Env, Headers, Method, Request, Response, Result};

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
    let parts: Vec<String> = path.trim_start_matches("/v1/").split('/').map(decoded).collect();
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    let method = request.method();
    let query = Query::read(&request, parameters(&method, &parts))?;
    let call = Call { request, env, context, settings, query, actor: String::new() };
    let is_get = matches!(method, Method::Get | Method::Head);
    match (&method, parts.as_slice()) {
        (_, ["health"]) if is_get => health(&call).await,
        (_, ["experiments"]) if is_get => results::list(&call.may(Scope::Read).await?).await,
        (_, ["experiments", key]) if is_get => results::experiment(&call.may(Scope::Read).await?, key).await,
        (_, ["experiments" | "personalizations", key, "results"]) if is_get => {
            let personalization = parts.first() == Some(&"personalizations");
            results::results(&call.may(Scope::Read).await?, key, personalization).await
        }
        (_, ["experiments" | "personalizations", key, "timeseries"]) if is_get => {
            let personalization = parts.first() == Some(&"personalizations");
            results::timeseries(&call.may(Scope::Read).await?, key, personalization).await
        }
        (_, ["funnels", key]) if is_get => results::funnel(&call.may(Scope::Read).await?, key).await,
        (_, ["kpis"]) if is_get => results::kpis(&call.may(Scope::Read).await?).await,
        (_, ["cohorts"]) if is_get => results::cohorts(&call.may(Scope::Read).await?).await,
        (Method::Post, ["experiments", key, verb @ ("start" | "pause" | "stop" | "ship")]) => {
            steering::act(call.may(Scope::Admin).await?, key, verb).await
        }
        (_, ["config"]) if is_get => config::read(&call.may(Scope::Read).await?).await,
        (Method::Put, ["config"]) => config::publish(call.may(Scope::Admin).await?).await,
        (Method::Post, ["config", "rollback"]) => config::roll_back(call.may(Scope::Admin).await?).await,
        (_, ["config", "versions"]) if is_get => config::versions(&call.may(Scope::Read).await?).await,
        (_, ["config", "versions", number]) if is_get => {
            config::version(&call.may(Scope::Read).await?, number).await
        }
        (_, ["config", "versions", number, "diff"]) if is_get => {
            config::difference(&call.may(Scope::Read).await?, number).await
        }
        (_, ["keys"]) if is_get => keys::list(&call.may(Scope::Admin).await?).await,
        (Method::Post, ["keys"]) => keys::create(call.may(Scope::Admin).await?).await,
        (Method::Delete, ["keys", id]) => keys::delete(&call.may(Scope::Admin).await?, id).await,
        (Method::Post, ["keys", id, "rotate"]) => keys::rotate(call.may(Scope::Admin).await?, id).await,
        (Method::Post, ["previews"]) => previews::create(call.may(Scope::Admin).await?).await,
        (_, ["audit"]) if is_get => audit::list(&call.may(Scope::Admin).await?).await,
        (_, ["visitors", id]) if is_get => visitors::export(&call.may(Scope::Admin).await?, id).await,
        (Method::Delete, ["visitors", id]) => visitors::forget(&call.may(Scope::Admin).await?, id).await,
        (_, ["events"]) if is_get => backup::export(&call.may(Scope::Admin).await?).await,
        (Method::Post, ["events", "restore"]) => backup::restore(call.may(Scope::Admin).await?).await,
        (Method::Post, ["events"]) => events::create(call.may(Scope::Server).await?).await,
        (Method::Post, ["conversions"]) => events::import(call.may(Scope::Server).await?).await,
        (Method::Post, ["explanations"]) => explanations::create(call.may(Scope::Admin).await?).await,
        (_, parts) => Err(stranger(parts)),
    }
}

/// The query parameters that a path has.
fn parameters(method: &Method, parts: &[&str]) -> &'static [&'static str] {
    match (method, parts) {
        (Method::Get | Method::Head, ["audit" | "events" | "experiments"] | ["config", "versions"]) => {
            &["limit", "cursor"]
        }
        (_, ["experiments" | "personalizations", _, "results"]) => &["dimension", "format", "method"],
        (_, ["funnels", _]) => &["experiment"],
        (_, ["config", "versions", _, "diff"]) => &["against"],
        (Method::Put, ["config"])
        | (_, ["config", "rollback"] | ["experiments", _, "start" | "pause" | "stop" | "ship"]) => {
            &["dry_run"]
        }
        _ => &[],
    }
}

/// A path without such a method, or nothing at all.
fn stranger(parts: &[&str]) -> Problem {
    match parts {
        ["health" | "experiments" | "audit" | "kpis" | "cohorts"]
        | ["experiments" | "funnels", _]
        | ["config", "versions"]
        | ["config", "versions", _]
        | ["config", "versions", _, "diff"]
        | ["experiments" | "personalizations", _, "results" | "timeseries"] => Problem::method("GET, HEAD"),
        ["config"] => Problem::method("GET, HEAD, PUT"),
        ["keys" | "events"] => Problem::method("GET, HEAD, POST"),
        ["keys", _] => Problem::method("DELETE"),
        ["visitors", _] => Problem::method("GET, HEAD, DELETE"),
        ["previews" | "explanations" | "conversions"]
        | ["events", "restore"]
        | ["config", "rollback"]
        | ["keys", _, "rotate"]
        | ["experiments", _, "start" | "pause" | "stop" | "ship"] => Problem::method("POST"),
        _ => {
            let detail = "The API has /v1/experiments, /v1/experiments/{key}, /v1/experiments/{key}/results, \
                /v1/experiments/{key}/timeseries, /v1/experiments/{key}/start, pause, stop and ship, \
                /v1/personalizations/{key}/results, /v1/personalizations/{key}/timeseries, /v1/funnels/{key}, \
                /v1/kpis, /v1/cohorts, /v1/config, \
                /v1/config/versions, /v1/config/rollback, /v1/keys, /v1/previews, /v1/explanations, /v1/visitors/{id}, \
                /v1/events, /v1/events/restore, /v1/conversions, /v1/audit and /v1/health.";
            Problem::new(404, "No such path", detail)
        }
    }
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
