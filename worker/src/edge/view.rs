//! One view of a page: who looks, what is decided for them, and what that makes of the origin's answer.

use super::cookie::Identity;
use super::decision::Decided;
use super::facts::Looks;
use super::redirect::{self, Redirect};
use super::said::Said;
use super::{Asked, headers, keep, stream, validate};
use crate::project::Published;
use crate::settings::{PageCache, Settings};
use splitlight_rewrite::Rewrite;
use std::rc::Rc;
use worker::{Response, Result};

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
    pub(super) fn new(asked: Asked<'_>, published: &Rc<Published>, waited_ms: i64) -> Self {
        let Asked { said, env, settings, .. } = asked;
        let looks = Looks::new(said, env, settings, &published.hash);
        let visitor = looks.visitor();
        let decided = Decided::new(published, looks.preview.as_ref(), &visitor, looks.now);
        let hosts = redirect::Hosts::new(said, &settings.redirect_hosts);
        let redirect = decided.redirect(&said.url, hosts, |url| looks.visitor_at(url), looks.now);
        let Looks { identity, geo, preview, .. } = looks;
        let rewrite = decided.rewrite(&visitor, geo);
        let keeps = settings.page_cache != PageCache::None;
        let digest = if keeps { validate::digest(&rewrite) } else { String::new() };
        let (is_draft, is_secure) = (preview.is_some(), said.is_secure());
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
            redirect.count(asked, &self.decided, &self.identity);
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
    pub(super) fn again(&self, said: &Said, page: Response) -> Result<Response> {
        let etag = page.headers().get("etag")?;
        let cookie = self.cookie();
        let same =
            cookie.is_none() && etag.as_ref().is_some_and(|etag| validate::names(&said.if_none_match, etag));
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
