//! The edge: the origin's pages, personalized while they stream.
//!
//! In doubt a page passes untouched: everything that can fail here fails before the first byte, and then the answer is
//! the origin's.

pub(crate) mod cookie;
mod decision;
pub(crate) mod facts;
mod forward;
mod headers;
mod redirect;
mod stream;

use crate::clock;
use crate::project::{self, Published};
use crate::settings::Settings;
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
    let published = within(PROGRAM_TIME_MAX, project::published(env, context, settings));
    // The origin thinks while the program is looked up.
    let (response, published) = both(fetched, published).await;
    let response = response?;
    let Some(published) = published.flatten() else { return Ok(response) };
    if !headers::is_page(&response) {
        return Ok(response);
    }
    Ok(personalize(&request, env, context, settings, &published, response))
}

fn personalize(
    request: &Request,
    env: &Env,
    context: &Context,
    settings: &Settings,
    published: &Rc<Published>,
    response: Response,
) -> Response {
    let identity = cookie::identity(request, env, settings);
    let now = clock::now();
    let preview = facts::preview(request, env, now);
    let visitor = facts::visitor(request, &identity, preview.as_ref(), now);
    let decided = decision::Decided::new(published, preview.as_ref(), &visitor, now);
    if !decided.concerns_page() {
        return response;
    }
    if let Some(redirect) = decided.redirect(request) {
        return redirect.respond(request, &identity).unwrap_or(response);
    }
    let geo = facts::geo(request);
    let rewrite = decided.rewrite(&visitor, geo).nonce(&headers::style_nonce(&response));
    let secure = request.inner().url().starts_with("https:");
    match headers::personalized(&response, identity.cookie(secure).as_deref()) {
        Ok(headers) => stream::rewritten(response, headers, &rewrite, context),
        Err(_) => response,
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
