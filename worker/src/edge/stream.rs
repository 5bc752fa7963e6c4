//! A page's body, rewritten while it streams: a chunk comes in, is rewritten and goes out before the next is read.

use splitlight_rewrite::{Page, Rewrite};
use worker::js_sys::{self, Array, Function, Reflect, Uint8Array};
use worker::wasm_bindgen::{JsCast, JsValue};
use worker::wasm_bindgen_futures::JsFuture;
use worker::web_sys::{
    ReadableStream, ReadableStreamDefaultReader, TransformStream, WritableStream, WritableStreamDefaultWriter,
};
use worker::{Context, Headers, Response, ResponseBody};

/// The response with a body that the rewrite goes through.
pub(crate) fn rewritten(
    response: Response,
    headers: Headers,
    rewrite: &Rewrite,
    context: &Context,
) -> Response {
    let ResponseBody::Stream(origin) = response.body() else { return response };
    let Ok(pipe) = pipe() else { return response };
    let (origin, page, sent) = (origin.clone(), rewrite.start(), pipe.writable());
    context.wait_until(async move {
        // What fails here has told both ends.
        let _ = pump(&origin, page, &sent).await;
    });
    Response::builder().with_status(200).with_headers(headers).stream(pipe.readable())
}

/// A stream of bytes inside the runtime, where it has one, or a standard one.
fn pipe() -> std::result::Result<TransformStream, JsValue> {
    let native = Reflect::get(&js_sys::global(), &"IdentityTransformStream".into())?;
    match native.dyn_into::<Function>() {
        Ok(class) => Ok(Reflect::construct(&class, &Array::new())?.unchecked_into()),
        Err(_) => TransformStream::new(),
    }
}

async fn pump(
    origin: &ReadableStream,
    mut page: Page,
    sent: &WritableStream,
) -> std::result::Result<(), JsValue> {
    let reader: ReadableStreamDefaultReader = origin.get_reader().unchecked_into();
    let writer = sent.get_writer()?;
    let mut out = Vec::new();
    while !page.is_done() {
        let chunk = match next(&reader).await {
            Ok(Some(chunk)) => chunk,
            Ok(None) => {
                page.end(&mut out);
                write(&reader, &writer, &mut out).await?;
                JsFuture::from(writer.close()).await?;
                return Ok(());
            }
            Err(error) => {
                // The visitor sees the same as without us: a page that breaks off.
                JsFuture::from(writer.abort_with_reason(&error)).await?;
                return Err(error);
            }
        };
        page.write(&chunk, &mut out);
        write(&reader, &writer, &mut out).await?;
    }
    // Nothing is left to do, and the runtime copies the rest by itself.
    reader.release_lock();
    writer.release_lock();
    JsFuture::from(origin.pipe_to(sent)).await.map(drop)
}

async fn next(reader: &ReadableStreamDefaultReader) -> std::result::Result<Option<Vec<u8>>, JsValue> {
    let read = JsFuture::from(reader.read()).await?;
    if Reflect::get(&read, &"done".into())?.is_truthy() {
        return Ok(None);
    }
    let chunk: Uint8Array = Reflect::get(&read, &"value".into())?.dyn_into()?;
    Ok(Some(chunk.to_vec()))
}

/// Waits until the visitor has taken what was sent before, so that no page is ever held in memory.
async fn write(
    reader: &ReadableStreamDefaultReader,
    writer: &WritableStreamDefaultWriter,
    out: &mut Vec<u8>,
) -> std::result::Result<(), JsValue> {
    if out.is_empty() {
        return Ok(());
    }
    let chunk = Uint8Array::from(out.as_slice());
    out.clear();
    if let Err(gone) = JsFuture::from(writer.write_with_chunk(&chunk)).await {
        JsFuture::from(reader.cancel_with_reason(&gone)).await?;
        return Err(gone);
    }
    Ok(())
}
