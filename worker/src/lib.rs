//! The Cloudflare Worker: the edge in front of an origin, the intake of events, the shards that count them, and the
//! API that answers with results.

mod api;
mod clock;
pub mod desk;
mod edge;
mod intake;
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
use worker::{Context, Env, Method, Request, Response, Result, event};

/// Answers a request: our own paths first, the origin for everything else.
#[event(fetch)]
async fn fetch(request: Request, env: Env, context: Context) -> Result<Response> {
    let settings = Settings::current(&env);
    let settings = &*settings;
    let path = request.path();
    if let Some(own) = settings.own_path(&path) {
        return match (request.method(), own) {
            (Method::Get | Method::Head, "/health") => Response::ok("ok"),
            (Method::Get | Method::Head, "/sl.js") => script::serve(&request, &env, &context, settings).await,
            (Method::Get | Method::Head, "/program") => {
                script::program(&request, &env, &context, settings).await
            }
            (Method::Get | Method::Head, part) if part.starts_with("/p/") => script::part(&env, part).await,
            (Method::Get | Method::Head, "/e.gif") => {
                intake::pixel::answer(&request, &env, &context, settings).await
            }
            (Method::Post, "/s") => edge::segments::answer(request, &env, settings).await,
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
