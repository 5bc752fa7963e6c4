//! A page's body, rewritten while it streams: a block comes in, is rewritten and goes out before the next is read.

use super::keep::Place;
use splitlight_rewrite::{Page, Rewrite};
use worker::wasm_bindgen::JsValue;
use worker::wasm_bindgen::prelude::wasm_bindgen;
use worker::web_sys::{self, ReadableStream};
use worker::{Context, Error, Headers, Response, ResponseBody, Result};

#[wasm_bindgen(module = "/src/edge/pump.js")]
extern "C" {
    /// The headers of a personalized page.
    #[wasm_bindgen(catch)]
    fn personal(
        origin: &web_sys::Headers,
        cache_control: &str,
        etag: Option<String>,
        cookie: Option<String>,
        timing: &str,
    ) -> std::result::Result<web_sys::Headers, JsValue>;

    /// The stream of what comes out of a page.
    #[wasm_bindgen(catch)]
    fn rewritten(
        origin: &ReadableStream,
        page: Stream,
        context: &JsValue,
        headers: &web_sys::Headers,
        address: Option<String>,
        seconds: u32,
    ) -> std::result::Result<ReadableStream, JsValue>;
}

/// A page on its way through the core.
#[wasm_bindgen]
pub struct Stream(Option<Page>);

#[wasm_bindgen]
impl Stream {
    /// Takes what the origin sent, and gives what can be sent on.
    pub fn write(&mut self, chunk: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(chunk.len() + chunk.len() / 8);
        if let Some(page) = &mut self.0 {
            page.write(chunk, &mut out);
        }
        out
    }

    /// Ends the page, and gives what was held back.
    pub fn end(&mut self) -> Vec<u8> {
        let mut out = Vec::new();
        if let Some(page) = self.0.take() {
            page.end(&mut out);
        }
        out
    }

    /// Whether the rest of the page can be sent as it comes.
    #[wasm_bindgen(js_name = isDone)]
    pub fn is_done(&self) -> bool {
        self.0.as_ref().is_none_or(Page::is_done)
    }
}

/// What the headers of a personalized page say beside the origin's.
pub(super) struct Notes {
    /// `Set-Cookie`; a page that has it is kept by nobody.
    pub(super) cookie: Option<String>,
    /// The tag by which a browser may ask about the page again.
    pub(super) etag: Option<String>,
    /// `Server-Timing`.
    pub(super) timing: String,
}

/// The page with a body that the rewrite goes through; nobody but the visitor may see it, and who finds it in its place.
///
/// # Errors
/// When the runtime refuses a header or a stream.
pub(super) fn respond(
    page: &Response,
    rewrite: &Rewrite,
    notes: Notes,
    context: &Context,
    place: Option<Place>,
) -> Result<Response> {
    let ResponseBody::Stream(origin) = page.body() else {
        return Err(Error::RustError("the page has no body".to_owned()));
    };
    let headers = notes.headers(page)?;
    let (address, seconds) = place.map(|place| (place.address, place.seconds)).unzip();
    let page = Stream(Some(rewrite.start()));
    let body = rewritten(origin, page, context.as_ref(), &headers.0, address, seconds.unwrap_or(0))?;
    Ok(Response::builder().with_headers(headers).stream(body))
}

impl Notes {
    /// The headers of an answer, from those of the origin.
    ///
    /// # Errors
    /// When the runtime refuses one.
    pub(super) fn headers(self, origin: &Response) -> Result<Headers> {
        let Self { cookie, timing, etag } = self;
        let etag = etag.filter(|_| cookie.is_none());
        let cache_control = if etag.is_some() { "private, no-cache" } else { "private, no-store" };
        Ok(Headers(personal(&origin.headers().0, cache_control, etag, cookie, &timing)?))
    }
}
