//! Which requests and responses are pages, and what headers say once a page is personal.

use worker::js_sys::{Function, Reflect};
use worker::wasm_bindgen::{JsCast, JsValue};
use worker::{Context, Response, ResponseBody, web_sys};

/// Whether a request looks like a browser that loads a page, or a part of one.
pub(crate) fn may_load_page(request: &web_sys::Request) -> bool {
    let accept = || request.headers().get("accept").ok().flatten().unwrap_or_default();
    request.method() == "GET" && accept().to_ascii_lowercase().contains("text/html")
}

/// Whether a response is a whole page that we can read and write.
pub(crate) fn is_page(response: &Response) -> bool {
    let header = |name: &str| response.headers().get(name).ok().flatten().unwrap_or_default();
    let readable = matches!(header("content-encoding").as_str(), "" | "identity" | "gzip" | "br");
    // An origin that forbids changes means it.
    let free = !header("cache-control").to_ascii_lowercase().contains("no-transform");
    response.status_code() == 200
        && matches!(response.body(), ResponseBody::Stream(_))
        && is_html(&header("content-type"))
        && readable
        && free
        && header("content-disposition").is_empty()
}

/// Html in UTF-8, or in a charset that the page does not say, which is UTF-8 nearly always.
fn is_html(content_type: &str) -> bool {
    let lower = content_type.to_ascii_lowercase();
    let mut parts = lower.split(';').map(str::trim);
    let html = parts.next() == Some("text/html");
    let charset =
        parts.find_map(|part| part.strip_prefix("charset=")).map(|charset| charset.trim_matches('"'));
    html && matches!(charset, None | Some("utf-8" | "utf8" | "us-ascii" | "ascii"))
}

/// The nonce that the page's policy asks of style elements; empty for none.
pub(crate) fn style_nonce(response: &Response) -> String {
    let policy = response.headers().get("content-security-policy").ok().flatten().unwrap_or_default();
    nonce_in(&policy).to_owned()
}

fn nonce_in(policy: &str) -> &str {
    // Several policies come as one header, with commas.
    let directives = || policy.split([';', ',']).map(str::trim);
    let of = |name: &str| {
        let sources = directives().find_map(|directive| directive.strip_prefix(name)?.strip_prefix(' '))?;
        sources.split_ascii_whitespace().find_map(|source| source.strip_prefix("'nonce-")?.strip_suffix('\''))
    };
    ["style-src-elem", "style-src", "default-src"].into_iter().find_map(of).unwrap_or_default()
}

/// Where the runtime can, it asks the origin itself when we fail.
pub(crate) fn pass_through_on_exception(context: &Context) {
    let context: &JsValue = context.as_ref();
    let method = Reflect::get(context, &"passThroughOnException".into());
    if let Some(method) = method.ok().and_then(|method| method.dyn_into::<Function>().ok()) {
        let _ = method.call0(context);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn html_that_we_can_write() {
        for fine in ["text/html", "Text/HTML; charset=UTF-8", "text/html;charset=\"utf-8\""] {
            assert!(is_html(fine), "{fine}");
        }
        for other in ["", "text/plain", "text/htmlx", "application/xhtml+xml", "text/html; charset=utf-16le"]
        {
            assert!(!is_html(other), "{other}");
        }
    }

    #[test]
    fn the_nonce_is_the_style_s() {
        let policy = "default-src 'self' 'nonce-d'; script-src 'nonce-s'; style-src 'self' 'nonce-abc='";
        assert_eq!(nonce_in(policy), "abc=");
        assert_eq!(nonce_in("default-src 'nonce-d'; script-src 'nonce-s'"), "d");
        assert_eq!(nonce_in("script-src 'nonce-s'"), "");
    }
}
