//! The script that pages load, with the published program inside.

use crate::project;
use crate::settings::Settings;
use sha2::{Digest, Sha256};
use std::cell::RefCell;
use std::rc::Rc;
use worker::{Context, Env, Headers, Method, Request, Response, Result};

/// What the loader has in place of the program's bytes.
const PROGRAM_TOKEN: &str = "\"@@PROGRAM@@\"";

/// What the loader has in place of the program's hash.
const CONFIG_TOKEN: &str = "\"@@CONFIG@@\"";

/// Where the script is among the assets; the host means nothing there.
const ASSET: &str = "https://assets/sl.js";

/// The script as built, with the first digits of its SHA-256. It changes only with a deploy, and so with the isolate.
struct Asset {
    text: String,
    hash: String,
}

/// The script with a program inside, ready to be sent.
struct Filled {
    etag: String,
    text: String,
}

thread_local! {
    static ASSET_CACHE: RefCell<Option<Rc<Asset>>> = const { RefCell::new(None) };
    static FILLED_CACHE: RefCell<Option<Rc<Filled>>> = const { RefCell::new(None) };
}

/// Answers with the script.
pub(crate) async fn serve(
    request: &Request,
    env: &Env,
    context: &Context,
    settings: &Settings,
) -> Result<Response> {
    let Some(asset) = asset(env).await else {
        return Response::error("the script is not among the assets: run `cargo xtask build`", 503);
    };
    let published = project::published(env, context, settings).await;
    let (hash, program) =
        published.as_ref().map_or(("", &[][..]), |published| (&published.hash, &published.bytes));
    let etag = format!("\"{}-{hash}\"", asset.hash);
    let headers = headers(&etag)?;
    let known = request.headers().get("if-none-match")?.unwrap_or_default();
    if is_known(&known, &etag) {
        return Ok(Response::empty()?.with_status(304).with_headers(headers));
    }
    if request.method() == Method::Head {
        return Ok(Response::empty()?.with_headers(headers));
    }
    let filled = filled(&asset, etag, program, hash);
    Ok(Response::ok(filled.text.as_str())?.with_headers(headers))
}

fn headers(etag: &str) -> Result<Headers> {
    let headers = Headers::new();
    for (name, value) in [
        ("content-type", "text/javascript; charset=utf-8"),
        ("cache-control", "public, max-age=60, stale-while-revalidate=3600"),
        ("access-control-allow-origin", "*"),
        ("cross-origin-resource-policy", "cross-origin"),
        ("x-content-type-options", "nosniff"),
        ("etag", etag),
    ] {
        headers.set(name, value)?;
    }
    Ok(headers)
}

/// Whether a list of entity tags names ours. A cache that compressed the script made the tag weak.
fn is_known(list: &str, etag: &str) -> bool {
    list.split(',').map(|tag| tag.trim().trim_start_matches("W/")).any(|tag| tag == etag || tag == "*")
}

async fn asset(env: &Env) -> Option<Rc<Asset>> {
    if let Some(asset) = ASSET_CACHE.with_borrow(Clone::clone) {
        return Some(asset);
    }
    let mut response = env.service("ASSETS").ok()?.fetch(ASSET, None).await.ok()?;
    if response.status_code() != 200 {
        return None;
    }
    let text = response.text().await.ok()?;
    let digest = Sha256::digest(text.as_bytes());
    let first = digest.iter().take(8).fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    let hash = format!("{first:016x}");
    let asset = Rc::new(Asset { text, hash });
    ASSET_CACHE.set(Some(asset.clone()));
    Some(asset)
}

fn filled(asset: &Asset, etag: String, program: &[u8], hash: &str) -> Rc<Filled> {
    if let Some(filled) = FILLED_CACHE.with_borrow(|cache| cache.clone().filter(|filled| filled.etag == etag))
    {
        return filled;
    }
    let text = asset.text.replacen(CONFIG_TOKEN, &format!("\"{hash}\""), 1);
    let text = text.replacen(PROGRAM_TOKEN, &literal(program), 1);
    let filled = Rc::new(Filled { etag, text });
    FILLED_CACHE.set(Some(filled.clone()));
    filled
}

/// A JavaScript string literal whose characters U+0000 to U+00FF are the bytes.
fn literal(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 3 / 2 + 2);
    text.push('"');
    for (at, &byte) in bytes.iter().enumerate() {
        match byte {
            // `\0` before a digit would be an octal escape.
            0 if bytes.get(at + 1).is_some_and(u8::is_ascii_digit) => text.push_str("\\x00"),
            0 => text.push_str("\\0"),
            b'\n' => text.push_str("\\n"),
            b'\r' => text.push_str("\\r"),
            b'"' => text.push_str("\\\""),
            b'\\' => text.push_str("\\\\"),
            // A page that holds the script inline must not end its element here.
            b'<' => text.push_str("\\x3c"),
            _ => text.push(char::from(byte)),
        }
    }
    text.push('"');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_characters() {
        assert_eq!(
            literal(b"\0a\x005\"\\\r\n</script>\xff"),
            "\"\\0a\\x005\\\"\\\\\\r\\n\\x3c/script>\u{ff}\""
        );
    }

    #[test]
    fn tokens_are_filled() {
        let asset = Asset { text: "f(\"@@PROGRAM@@\",\"@@CONFIG@@\")".to_owned(), hash: String::new() };
        assert_eq!(filled(&asset, "a".to_owned(), b"\x01", "ff").text, "f(\"\u{1}\",\"ff\")");
        assert_eq!(filled(&asset, "b".to_owned(), b"", "").text, "f(\"\",\"\")");
    }

    #[test]
    fn entity_tags_are_compared_weakly() {
        assert!(is_known("\"x\", W/\"a-b\"", "\"a-b\""));
        assert!(!is_known("\"a\"", "\"a-b\""));
    }
}
