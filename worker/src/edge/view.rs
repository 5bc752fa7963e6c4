//! One view of a page: who looks, what is decided for them, and what that makes of the origin's answer.

use super::cookie::Identity;
use super::decision::Decided;
use super::facts::{self, Looks};
use super::redirect::Redirect;
use super::{Asked, headers, keep, stream, validate};
use crate::project::Published;
use crate::settings::{PageCache, Settings};
use splitlight_rewrite::Rewrite;
use std::rc::Rc;
use worker::{Env, Request, Response, Result};

/// What is decided for one view of a page, before anything is asked of the origin.
pub(super) struct View {
    identity: Identity,
    decided: Decided,
    is_draft: bool,
    /// Where the visitor is sent instead of this page.
    redirect: Option<Redirect>,
    /// What is done to the page, but for what only the page's own headers say.
    rewrite: Rewrite,
    /// The digest of everything that is written.
    pub(super) digest: String,
    waited_ms: i64,
    is_secure: bool,
}

impl View {
    pub(super) fn new(
        request: &Request,
        env: &Env,
        settings: &Settings,
        published: &Rc<Published>,
        waited_ms: i64,
    ) -> Self {
        let url = request.inner().url();
        let Looks { identity, geo, preview, visitor, now } =
            Looks::new(request, env, settings, crate::clock::now());
        let decided = Decided::new(published, preview.as_ref(), &visitor, now);
        let at = |url: &str| {
            facts::visitor(request, url.to_owned(), &identity, geo.clone(), preview.as_ref(), now)
        };
        let redirect = decided.redirect(&url, at, now);
        let rewrite = decided.rewrite(&visitor, geo.clone());
        let digest =
            if settings.page_cache == PageCache::None { String::new() } else { validate::digest(&rewrite) };
        let (is_draft, is_secure) = (preview.is_some(), url.starts_with("https:"));
        Self { identity, decided, is_draft, redirect, rewrite, digest, waited_ms, is_secure }
    }

    /// Whether anything depends on who looks at the page.
    pub(super) fn concerns_page(&self) -> bool {
        self.decided.concerns_page()
    }

    /// Whether the page is the same for everybody for whom the same is decided.
    pub(super) fn is_of_anybody(&self) -> bool {
        !self.is_draft && self.redirect.is_none()
    }

    /// Whether a copy that the browser has can be the page.
    pub(super) fn may_be_held(&self) -> bool {
        self.redirect.is_none() && self.cookie().is_none()
    }

    pub(super) fn digest_in_tag(&self) -> &str {
        validate::in_tag(&self.digest)
    }

    fn cookie(&self) -> Option<String> {
        self.identity.cookie(self.is_secure)
    }

    /// The origin's page with the changes in force, or whatever of it can be had.
    pub(super) fn personalize(
        self,
        asked: Asked<'_>,
        page: Response,
        place: Option<keep::Place>,
    ) -> Response {
        if !headers::is_page(&page) || !self.concerns_page() {
            return page;
        }
        if let Some(redirect) = &self.redirect {
            return redirect.respond(self.is_secure, &self.identity).unwrap_or(page);
        }
        let etag = self.tag(&page, asked.settings);
        let cookie = self.cookie();
        // What sets the id is kept by nobody.
        let place = place.filter(|_| cookie.is_none()).and_then(|place| place.lasting(&page));
        let rewrite = self.rewrite.nonce(&headers::style_nonce(&page));
        let notes = stream::Notes { cookie, etag, timing: self.decided.timing(self.waited_ms) };
        stream::respond(&page, &rewrite, notes, asked.context, place).unwrap_or(page)
    }

    /// A page that was written for the same decisions before.
    ///
    /// # Errors
    /// When the runtime refuses a header.
    pub(super) fn again(&self, request: &Request, page: Response) -> Result<Response> {
        let etag = page.headers().get("etag")?;
        let asks = request.headers().get("if-none-match")?.unwrap_or_default();
        let cookie = self.cookie();
        let same = cookie.is_none() && etag.as_ref().is_some_and(|etag| validate::names(&asks, etag));
        let timing = format!("{}, splitlight-kept", self.decided.timing(self.waited_ms));
        let headers = stream::Notes { cookie, etag, timing }.headers(&page)?;
        if same {
            return Ok(Response::empty()?.with_status(304).with_headers(headers));
        }
        Ok(page.with_headers(headers))
    }

    /// Tells the browser that the page it has is the one it would get.
    ///
    /// # Errors
    /// When the runtime refuses a header.
    pub(super) fn unchanged(&self, answer: Response, settings: &Settings) -> Result<Response> {
        let etag = self.tag(&answer, settings);
        let headers =
            stream::Notes { cookie: None, etag, timing: self.decided.timing(0) }.headers(&answer)?;
        Ok(answer.with_headers(headers))
    }

    /// The tag of a page of the origin with what is written into it.
    fn tag(&self, page: &Response, settings: &Settings) -> Option<String> {
        if settings.page_cache == PageCache::None {
            return None;
        }
        let origin = page.headers().get("etag").ok().flatten()?;
        validate::tag(&origin, self.digest_in_tag())
    }
}
