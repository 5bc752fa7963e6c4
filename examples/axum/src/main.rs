//! Pages of an axum server, personalized while they stream: `cargo run`, then open http://127.0.0.1:3000/?id=v-1.

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, ETAG, LAST_MODIFIED, USER_AGENT};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{Html, Response};
use axum::{Router, routing::get};
use futures_util::{StreamExt, stream};
use splitlight_engine::{Change, Facts, Program, Visitor, attributes, compile, decide};
use splitlight_protocol::{Map, Timestamp, config};
use splitlight_rewrite::Rewrite;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::sync::mpsc::channel;

const CONFIG: &str = r#"{ "version": 1, "project": "shop", "experiments": [{ "key": "hero", "pages": [{ "include": "/" }],
  "variations": [{ "key": "control" }, { "key": "bold", "changes": [{ "selector": "h1", "text": "Bold things" }] }] }] }"#;

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::io::Result<()> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    axum::serve(listener, site()).await
}

fn site() -> Router {
    let program = Arc::new(compile(&config::parse(CONFIG).config).program);
    let page = "<!doctype html><html><head></head><body><h1>Things</h1></body></html>";
    Router::new()
        .route("/", get(move || async move { Html(page) }))
        .route("/other", get(move || async move { Html(page) }))
        .layer(from_fn_with_state(program, personalize))
}

/// Lets the page through the rewriter when something is decided for its visitor.
async fn personalize(State(program): State<Arc<Program>>, request: Request, next: Next) -> Response {
    let url = format!("https://shop.test{}", request.uri());
    let agent = request.headers().get(USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or_default();
    // A site has a cookie for this; see worker/src/edge/cookie.rs.
    let id = url.split_once("id=").map(|(_, id)| id.to_owned());
    let bot = attributes::is_bot(agent);
    let attributes = attributes::from_page(&url, "", agent, "");
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_millis());
    let now = Timestamp::from_ms(i64::try_from(now).unwrap_or_default());

    let page = next.run(request).await;
    let html = page.headers().get(CONTENT_TYPE).is_some_and(|it| it.as_bytes().starts_with(b"text/html"));
    if page.status() != StatusCode::OK || !html || !program.concerns(&url, now) {
        return page;
    }
    let visitor = Visitor::new(Facts { id, url, bot, attributes, ..Facts::default() });
    let decisions = decide(&program, &visitor, now);
    let open = decisions.iter(&program).filter(|(_, decision)| decision.reason.is_open());
    let changes = open.flat_map(|(item, decision)| item.variations()[decision.variation].changes.clone());
    rewritten(page, changes.collect(), visitor.attributes().clone())
}

/// The page with a body that the rewrite goes through, for nobody but its visitor.
fn rewritten(page: Response, changes: Vec<Change>, attributes: Map) -> Response {
    let (mut head, body) = page.into_parts();
    for name in [CONTENT_LENGTH, ETAG, LAST_MODIFIED] {
        head.headers.remove(name);
    }
    head.headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    let (chunks, mut arriving) = channel(1);
    tokio::spawn(async move {
        let mut body = body.into_data_stream();
        while let Some(chunk) = body.next().await {
            if chunks.send(chunk).await.is_err() {
                return;
            }
        }
    });
    // A page stays on the thread that began it, and axum moves bodies between threads.
    let (ready, leaving) = channel(1);
    tokio::task::spawn_blocking(move || {
        let mut page = Rewrite::new(&changes, &attributes, "").start();
        let mut out = Vec::new();
        while let Some(chunk) = arriving.blocking_recv() {
            let chunk = chunk.map(|chunk: Bytes| {
                page.write(&chunk, &mut out);
                Bytes::from(std::mem::take(&mut out))
            });
            let failed = chunk.is_err();
            if ready.blocking_send(chunk).is_err() || failed {
                return;
            }
        }
        page.end(&mut out);
        let _ = ready.blocking_send(Ok(Bytes::from(out)));
    });
    let leaving = stream::unfold(leaving, |mut leaving| async move { Some((leaving.recv().await?, leaving)) });
    Response::from_parts(head, Body::from_stream(leaving))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::BodyExt;
    use tower::ServiceExt;

    async fn load(path: &str) -> (Response<()>, String) {
        let request = Request::builder().uri(path).header(USER_AGENT, "Mozilla/5.0 Chrome/156");
        let response = site().oneshot(request.body(Body::empty()).expect("a request")).await.expect("an answer");
        let (head, body) = response.into_parts();
        let body = body.collect().await.expect("a body").to_bytes();
        (Response::from_parts(head, ()), String::from_utf8_lossy(&body).into_owned())
    }

    #[tokio::test]
    async fn a_visitor_gets_a_variation_and_other_pages_stay() {
        let (mut bold, mut control) = (0, 0);
        for visitor in 0..40 {
            let (head, html) = load(&format!("/?id=v-{visitor}")).await;
            assert_eq!(head.headers()[CACHE_CONTROL], "private, no-store");
            assert!(html.ends_with("</body></html>"), "{html}");
            bold += usize::from(html.contains("<h1>Bold things</h1>"));
            control += usize::from(html.contains("<h1>Things</h1>"));
        }
        assert!(bold > 10 && control > 10 && bold + control == 40, "{bold} and {control}");
        let (other, html) = load("/other?id=v-1").await;
        assert!(other.headers().get(CACHE_CONTROL).is_none() && html.contains("<h1>Things</h1>"));
    }
}
