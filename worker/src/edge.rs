//! The edge: the origin's pages, personalized while they stream.
//!
//! In doubt a page passes untouched: everything that can fail here fails before the first byte, and then the answer is
//! the origin's.

pub(crate) mod cookie;
mod decision;
pub(crate) mod explain;
pub(crate) mod facts;
mod forward;
mod headers;
pub(crate) mod pass;
mod redirect;
mod stream;
mod validate;

use crate::clock;
use crate::preview::Preview;
use crate::project::{self, Published};
use crate::settings::Settings;
use splitlight_engine::Visitor;
use splitlight_protocol::{Map, Timestamp};
use splitlight_rewrite::Rewrite;
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
    let (kept, condition) = kept(&request, env, settings);
    let fetched = forward::page(&request, env, &condition);
    let asked = clock::now();
    let published = async {
        let published = within(PROGRAM_TIME_MAX, project::published(env, context, settings)).await;
        (published.flatten(), clock::now().ms() - asked.ms())
    };
    // The origin thinks while the program is looked up.
    let (response, (published, waited_ms)) = both(fetched, published).await;
    let response = response?;
    if let (Some(view), 304) = (&kept, response.status_code()) {
        return view.unchanged(response, settings);
    }
    let Some(published) = published else { return Ok(response) };
    let explained = explain::is_asked(&request, env, asked);
    if !explained && !headers::is_page(&response) {
        return Ok(response);
    }
    let view = View::new(&request, env, settings, &published);
    if explained {
        return explain::respond(&published, &view.visitor, view.now);
    }
    Ok(view.personalize(&request, context, settings, response, waited_ms))
}

/// What the origin is to be asked about the copy that a browser has, and for whom, when the copy is one of ours.
fn kept(request: &Request, env: &Env, settings: &Settings) -> (Option<View>, forward::Condition) {
    let Some(published) = project::known() else { return (None, forward::Condition::None) };
    if !published.program.concerns(&request.inner().url(), clock::now()) {
        return (None, forward::Condition::Same);
    }
    let asks = request.headers().get("if-none-match").ok().flatten();
    let Some((tag, digest)) = asks.filter(|_| settings.revalidates).and_then(|it| validate::held(&it)) else {
        return (None, forward::Condition::None);
    };
    let view = View::new(request, env, settings, &published);
    if view.redirect(request).is_some() || view.identity.cookie(false).is_some() || view.digest() != digest {
        return (None, forward::Condition::None);
    }
    (Some(view), forward::Condition::Tag(tag))
}

/// One view of a page: who looks, and what is decided for them.
struct View {
    now: Timestamp,
    identity: cookie::Identity,
    geo: Option<Map>,
    preview: Option<Preview>,
    visitor: Visitor,
    decided: decision::Decided,
}

impl View {
    fn new(request: &Request, env: &Env, settings: &Settings, published: &Rc<Published>) -> Self {
        let now = clock::now();
        let identity = cookie::identity(request, env, settings);
        let preview = facts::preview(request, env, now);
        let geo = facts::geo(request);
        let url = request.inner().url();
        let visitor = facts::visitor(request, url, &identity, geo.clone(), preview.as_ref(), now);
        let decided = decision::Decided::new(published, preview.as_ref(), &visitor, now);
        Self { now, identity, geo, preview, visitor, decided }
    }

    /// Where the visitor is sent instead of this page.
    fn redirect(&self, request: &Request) -> Option<redirect::Redirect> {
        let (preview, now) = (self.preview.as_ref(), self.now);
        let at = |url: &str| {
            facts::visitor(request, url.to_owned(), &self.identity, self.geo.clone(), preview, now)
        };
        self.decided.redirect(&request.inner().url(), at, now)
    }

    /// What is done to the page, but for what only the page's own headers say.
    fn rewrite(&self) -> Rewrite {
        self.decided.rewrite(&self.visitor, self.geo.clone())
    }

    fn digest(&self) -> String {
        validate::digest(&self.rewrite())
    }

    /// The origin's page with the changes in force, or whatever of it can be had.
    fn personalize(
        self,
        request: &Request,
        context: &Context,
        settings: &Settings,
        page: Response,
        waited_ms: i64,
    ) -> Response {
        if !self.decided.concerns_page() {
            return page;
        }
        if let Some(redirect) = self.redirect(request) {
            return redirect.respond(request, &self.identity).unwrap_or(page);
        }
        let rewrite = self.rewrite();
        let etag = settings.revalidates.then(|| tag(&page, &rewrite)).flatten();
        let rewrite = rewrite.nonce(&headers::style_nonce(&page));
        let cookie = self.identity.cookie(request.inner().url().starts_with("https:"));
        let notes = stream::Notes { cookie, etag, timing: self.decided.timing(waited_ms) };
        stream::respond(&page, &rewrite, notes, context).unwrap_or(page)
    }

    /// Tells the browser that the page it has is the one it would get.
    ///
    /// # Errors
    /// When the runtime refuses a header.
    fn unchanged(&self, answer: Response, settings: &Settings) -> Result<Response> {
        let etag = settings.revalidates.then(|| tag(&answer, &self.rewrite())).flatten();
        let notes = stream::Notes { cookie: None, etag, timing: self.decided.timing(0) };
        let headers = notes.headers(&answer)?;
        Ok(answer.with_headers(headers))
    }
}

/// The tag of a page of the origin with what is written into it.
fn tag(page: &Response, rewrite: &Rewrite) -> Option<String> {
    let origin = page.headers().get("etag").ok().flatten()?;
    validate::tag(&origin, &validate::digest(rewrite))
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
