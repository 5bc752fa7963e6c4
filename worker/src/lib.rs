//! The Cloudflare Worker: the edge in front of an origin, the intake of events, the shards that count them, and the
//! API that answers with results.

mod api;
mod clock;
pub mod desk;
mod edge;
mod intake;
mod log;
mod preview;
mod problem;
mod project;
mod random;
mod rollup;
mod script;
mod settings;
mod shard;
mod signature;

use settings::Settings;
use worker::{Context, Env, Request, Response, Result, event};

/// Answers a request: our own paths first, the origin for everything else.
#[event(fetch)]
async fn fetch(request: Request, env: Env, context: Context) -> Result<Response> {
    let settings = Settings::current(&env);
    let settings = &*settings;
    let path = request.path();
    // As it was sent: the typed methods take one they do not know for GET.
    if let Some(own) = settings.own_path(&path) {
        return match (&*request.inner().method(), own) {
            ("GET" | "HEAD", "/health") => Response::ok("ok"),
            ("GET" | "HEAD", "/sl.js") => {
                script::serve(&request, &env, &context, settings, script::Kind::Tag).await
            }
            ("GET" | "HEAD", "/decide.js") => {
                script::serve(&request, &env, &context, settings, script::Kind::DecideOnly).await
            }
            ("GET" | "HEAD", "/program") => script::program(&request, &env, &context, settings).await,
            ("GET" | "HEAD", part) if part.starts_with("/p/") => script::part(&env, part).await,
            ("GET" | "HEAD", "/e.gif") => intake::pixel::answer(&request, &env, &context, settings).await,
            ("POST", "/s") => edge::segments::answer(request, &env, settings).await,
            ("POST", "/forget") => intake::forget::answer(request, &env, settings).await,
            (_, "/e") => intake::respond(&request, settings),
            (_, own) if own.starts_with("/v1/") => api::answer(request, own, &env, &context, settings).await,
            _ => problem::not_found(),
        };
    }
    if settings.is_api(&request) {
        if path.starts_with("/v1/") {
            return api::answer(request, &path, &env, &context, settings).await;
        }
        return api::dashboard(request, &env).await;
    }
    edge::respond(request, &env, &context, settings).await
}
