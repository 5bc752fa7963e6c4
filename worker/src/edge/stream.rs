//! A page's body, rewritten while it streams: a block comes in, is rewritten and goes out before the next is read.

use splitlight_rewrite::{Page, Rewrite};
use worker::wasm_bindgen::JsValue;
use worker::wasm_bindgen::prelude::wasm_bindgen;
use worker::web_sys::ReadableStream;
use worker::{Context, Headers, Response, ResponseBody};

#[wasm_bindgen(module = "/src/edge/pump.js")]
extern "C" {
    /// The stream of what comes out of a page.
    fn rewritten(origin: &ReadableStream, page: Stream, context: &JsValue) -> ReadableStream;
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

/// The response with a body that the rewrite goes through.
pub(super) fn respond(
    response: Response,
    headers: Headers,
    rewrite: &Rewrite,
    context: &Context,
) -> Response {
    let ResponseBody::Stream(origin) = response.body() else { return response };
    let readable = rewritten(origin, Stream(Some(rewrite.start())), context.as_ref());
    Response::builder().with_status(200).with_headers(headers).stream(readable)
}
