//! The edge: the origin's pages, personalized while they stream.
//!
//! In doubt a page passes untouched: everything that can fail here fails before the first byte, and then the answer is
//! the origin's.

mod asks;
mod config;
pub(crate) mod cookie;
mod decision;
pub(crate) mod explain;
pub(crate) mod facts;
mod forward;
mod headers;
mod keep;
pub(crate) mod pass;
mod redirect;
mod said;
pub(crate) mod segments;
mod stream;
mod validate;
mod view;

use crate::clock;
use crate::project::{self, Published};
use crate::settings::{PageCache, Settings};
use said::Said;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;
use view::View;
use worker::{Context, Delay, Env, Request, Response, Result};

/// How long a page may wait for one that was kept; longer, and the origin is asked.
const WAIT_MAX: Duration = Duration::from_millis(50);

/// A page that is asked for, and where it is asked.
#[derive(Clone, Copy)]
struct Asked<'a> {
    request: &'a Request,
    said: &'a Said,
    env: &'a Env,
    context: &'a Context,
    settings: &'a Settings,
}

/// Answers with the origin's response, personalized when it is a page that something is decided for.
pub(crate) async fn respond(
    request: Request,
    env: &Env,
    context: &Context,
    settings: &Settings,
) -> Result<Response> {
    headers::pass_through_on_exception(context);
    let said = Said::new(request.inner());
    if !said.is_page_load() {
        return forward::plain(&request, env).await;
    }
    let asked = Asked { request: &request, said: &said, env, context, settings };
    if explain::is_asked(&said.url, env, clock::now()) {
        return asked.explain().await;
    }
    match project::at_hand(env, context, settings) {
        Some(published) => asked.known(&published).await,
        None => asked.unknown().await,
    }
}

impl Asked<'_> {
    /// The decision tree instead of the page.
    async fn explain(self) -> Result<Response> {
        match self.published().await {
            Some(published) => {
                let looks = facts::Looks::new(self.said, self.env, self.settings, &published.hash);
                explain::respond(&published, &looks.visitor(), looks.now)
            }
            None => forward::plain(self.request, self.env).await,
        }
    }

    async fn published(self) -> Option<Rc<Published>> {
        config::in_time(self.env, self.context, self.settings).await
    }

    /// The page, when the program is in memory: it is decided before anything is looked up or asked for.
    async fn known(self, published: &Rc<Published>) -> Result<Response> {
        let Self { request, env, .. } = self;
        if !published.program.concerns(&self.said.url, clock::now()) {
            return forward::plain(request, env).await;
        }
        let view = View::new(self, published, 0);
        if !view.concerns_page() {
            return forward::plain(request, env).await;
        }
        let place = self.place(&view);
        if let Some(place) = &place
            && let Some(page) = within(WAIT_MAX, place.find()).await.flatten()
        {
            return view.again(self.said, page);
        }
        let tag = self.held(&view);
        let asks = tag.is_some();
        let response = forward::page(request, env, tag).await?;
        if asks && response.status_code() == 304 {
            return view.unchanged(response, self.settings);
        }
        Ok(view.personalize(self, response, place))
    }

    /// The page, when the program has to be looked up; the origin thinks meanwhile.
    async fn unknown(self) -> Result<Response> {
        let begun = clock::now();
        let published = async { (self.published().await, clock::now().ms() - begun.ms()) };
        let (response, (published, waited_ms)) =
            both(forward::page(self.request, self.env, None), published).await;
        let response = response?;
        let Some(published) = published else { return Ok(response) };
        let view = View::new(self, &published, waited_ms);
        Ok(view.personalize(self, response, None))
    }

    /// Where a page that is written for a view may be kept for others who get the same.
    fn place(self, view: &View) -> Option<keep::Place> {
        let keeps = self.settings.page_cache == PageCache::Edge && view.is_of_anybody();
        (keeps && self.said.authorization.is_empty())
            .then(|| keep::Place::new(&self.settings.prefix, &self.said.url, &view.digest))
    }

    /// The origin's tag of the copy that a browser has, when that may be the page.
    fn held(self, view: &View) -> Option<String> {
        let may = self.settings.page_cache != PageCache::None && view.may_be_held();
        let (tag, digest) = validate::held(Some(&*self.said.if_none_match).filter(|_| may)?)?;
        (digest == view.digest_in_tag()).then_some(tag)
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
