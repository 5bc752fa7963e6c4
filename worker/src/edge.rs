//! The edge: the origin's pages, personalized while they stream.
//!
//! In doubt a page passes untouched: everything that can fail here fails before the first byte, and then the answer is
//! the origin's.

mod cookie;
mod decision;
pub(crate) mod explain;
mod facts;
mod forward;
mod headers;
pub(crate) mod pass;
mod redirect;
mod stream;

use crate::clock;
use crate::project::{self, Published};
use crate::settings::Settings;
use splitlight_engine::Visitor;
use splitlight_protocol::{Map, Timestamp};
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;
use worker::{Context, Delay, Env, Request, Response, Result};

/// How long a page may wait for the published program; longer, and the browser decides instead.
const PROGRAM_TIME_MAX: Duration = Duration::from_millis(50);

/// Answers with the origin's response, personalized when it is a page that something is decided for.
pub(crate) async fn respond(
    request: Request,
    env: &Env,
    context: &Context,
    settings: &Settings,
) -> Result<Response> {
    headers::pass_through_on_exception(context);
    if !headers::is_page_load(&request) {
        return forward::plain(&request, env).await;
    }
    let fetched = forward::page(&request, env);
    let asked = clock::now();
    let published = async {
        let published = within(PROGRAM_TIME_MAX, project::published(env, context, settings)).await;
        (published.flatten(), clock::now().ms() - asked.ms())
    };
    // The origin thinks while the program is looked up.
    let (response, (published, waited_ms)) = both(fetched, published).await;
    let response = response?;
    let Some(published) = published else { return Ok(response) };
    let explained = explain::is_asked(&request, env, asked);
    if !explained && !headers::is_page(&response) {
        return Ok(response);
    }
    let view = View::new(&request, env, settings, &published);
    if explained {
        return explain::respond(&published, &view.visitor, view.now);
    }
    Ok(view.personalize(&request, context, response, waited_ms))
}

/// One view of a page: who looks, and what is decided for them.
struct View {
    now: Timestamp,
    identity: cookie::Identity,
    geo: Option<Map>,
    visitor: Visitor,
    decided: decision::Decided,
}

impl View {
    fn new(request: &Request, env: &Env, settings: &Settings, published: &Rc<Published>) -> Self {
        let now = clock::now();
        let identity = cookie::identity(request, env, settings);
        let preview = facts::preview(request, env, now);
        let geo = facts::geo(request);
        let visitor = facts::visitor(request, &identity, geo.clone(), preview.as_ref(), now);
        let decided = decision::Decided::new(published, preview.as_ref(), &visitor, now);
        Self { now, identity, geo, visitor, decided }
    }

    /// The origin's page with the changes in force, or whatever of it can be had.
    fn personalize(self, request: &Request, context: &Context, page: Response, waited_ms: i64) -> Response {
        if !self.decided.concerns_page() {
            return page;
        }
        if let Some(redirect) = self.decided.redirect(request) {
            return redirect.respond(request, &self.identity).unwrap_or(page);
        }
        let rewrite = self.decided.rewrite(&self.visitor, self.geo).nonce(&headers::style_nonce(&page));
        let secure = request.inner().url().starts_with("https:");
        let timing = self.decided.timing(waited_ms);
        match headers::personalized(&page, self.identity.cookie(secure).as_deref(), &timing) {
            Ok(headers) => stream::respond(page, headers, &rewrite, context),
            Err(_) => page,
        }
    }
}

/// Waits for both.
async fn both<A, B>(first: impl Future<Output = A>, second: impl Future<Output = B>) -> (A, B) {
    let (mut first, mut second) = (pin!(first), pin!(second));
    let (mut one, mut two) = (None, None);
    poll_fn(move |context| {
        if one.is_none()
            && let Poll::Ready(value) = first.as_mut().poll(context)
        {
            one = Some(value);
        }
        if two.is_none()
            && let Poll::Ready(value) = second.as_mut().poll(context)
        {
            two = Some(value);
        }
        match (one.take(), two.take()) {
            (Some(one), Some(two)) => Poll::Ready((one, two)),
            pending => {
                (one, two) = pending;
                Poll::Pending
            }
        }
    })
    .await
}

/// Waits, but not longer.
async fn within<T>(time: Duration, work: impl Future<Output = T>) -> Option<T> {
    let (mut work, mut delay) = (pin!(work), pin!(Delay::from(time)));
    poll_fn(move |context| {
        if let Poll::Ready(value) = work.as_mut().poll(context) {
            return Poll::Ready(Some(value));
        }
        delay.as_mut().poll(context).map(|()| None)
    })
    .await
}
