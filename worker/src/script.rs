//! The scripts that pages load or hold, with the published program inside.

use crate::problem::not_found;
use crate::project::{self, Published};
use crate::settings::Settings;
use base64::prelude::{BASE64_STANDARD as STANDARD, Engine as _};
use sha2::{Digest, Sha256};
use splitlight_engine::site;
use splitlight_protocol::Value;
use std::cell::RefCell;
use std::rc::Rc;
use worker::{Context, Env, Headers, Method, Request, Response, Result};

/// What the loader has in place of the program's bytes.
const PROGRAM_TOKEN: &str = "\"@@PROGRAM@@\"";

/// What the loader has in place of what else it has to know of the config.
const SITE_TOKEN: &str = "\"@@SITE@@\"";

/// How long a browser keeps a script that it may use: the config in it may change.
const SHORT: &str = "public, max-age=60, stale-while-revalidate=3600, stale-if-error=86400";

/// How long a browser keeps what never changes, because its address is a digest of it.
const LONG: &str = "public, max-age=31536000, immutable";

/// Where the scripts are among the assets: the one for most programs, the one for those that it cannot decide, and the
/// decide-only build; the host means nothing there.
const ASSETS: [&str; 3] = ["https://assets/sl.js", "https://assets/sl-whole.js", "https://assets/decide.js"];

/// What is asked for.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    /// The script tag.
    Tag,
    /// The decide-only build, which is to be put into a page.
    DecideOnly,
}

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
    static ASSET_CACHE: RefCell<[Option<Rc<Asset>>; 3]> = const { RefCell::new([None, None, None]) };
    /// By what was asked for.
    static FILLED_CACHE: RefCell<[Option<Rc<Filled>>; 2]> = const { RefCell::new([None, None]) };
}

/// Answers with a script.
pub(crate) async fn serve(
    request: &Request,
    env: &Env,
    context: &Context,
    settings: &Settings,
    kind: Kind,
) -> Result<Response> {
    let published = project::published(env, context, settings).await;
    let published = published.as_deref();
    let which = match kind {
        Kind::Tag => published.is_some_and(|it| !it.program.is_slim()).into(),
        Kind::DecideOnly => 2,
    };
    let Some(asset) = asset(env, which).await else {
        return Response::error("the script is not among the assets: run `cargo xtask build`", 503);
    };
    let version = published.map(version).unwrap_or_default();
    let etag = format!("\"{}-{version}\"", asset.hash);
    let headers = headers(&etag, "text/javascript; charset=utf-8", SHORT)?;
    let text = || filled(&asset, etag.clone(), published, settings, kind).text.clone();
    answer(request, &etag, headers, text)
}

/// Answers with the program for who loads it by itself: what a page has to know beside it, and `program` in base64.
pub(crate) async fn program(
    request: &Request,
    env: &Env,
    context: &Context,
    settings: &Settings,
) -> Result<Response> {
    let Some(published) = project::published(env, context, settings).await else {
        return Response::error("nothing is published: PUT /v1/config publishes", 404);
    };
    let etag = format!("\"{}\"", version(&published));
    let headers = headers(&etag, "application/json", SHORT)?;
    answer(request, &etag, headers, || {
        let mut site = known(&published, settings);
        if let Value::Object(members) = &mut site {
            members.insert("program".to_owned(), Value::String(STANDARD.encode(&published.bytes)));
        }
        serde_json::to_string(&site).unwrap_or_default()
    })
}

/// Answers with a part of the script, which is loaded when it is needed; `path` holds the digest of all of them.
pub(crate) async fn part(env: &Env, path: &str) -> Result<Response> {
    let response = env.service("ASSETS")?.fetch(format!("https://assets{path}"), None).await?;
    if response.status_code() != 200 {
        return not_found();
    }
    let headers = headers("", "text/javascript; charset=utf-8", LONG)?;
    Ok(response.with_headers(headers))
}

/// What tells one published config from another, also when they have the same program.
fn version(published: &Published) -> String {
    format!("{}.{}", published.hash, published.version)
}

/// The text, unless the browser has it or asks only for the headers.
fn answer(
    request: &Request,
    etag: &str,
    headers: Headers,
    text: impl FnOnce() -> String,
) -> Result<Response> {
    let known = request.headers().get("if-none-match")?.unwrap_or_default();
    if is_known(&known, etag) {
        return Ok(Response::empty()?.with_status(304).with_headers(headers));
    }
    if request.method() == Method::Head {
        return Ok(Response::empty()?.with_headers(headers));
    }
    Ok(Response::ok(text())?.with_headers(headers))
}

fn headers(etag: &str, kind: &str, cache: &str) -> Result<Headers> {
    let headers = Headers::new();
    for (name, value) in [
        ("content-type", kind),
        ("cache-control", cache),
        ("access-control-allow-origin", "*"),
        ("cross-origin-resource-policy", "cross-origin"),
        ("x-content-type-options", "nosniff"),
    ] {
        headers.set(name, value)?;
    }
    if !etag.is_empty() {
        headers.set("etag", etag)?;
    }
    Ok(headers)
}

/// Whether a list of entity tags names ours. A cache that compressed the script made the tag weak.
fn is_known(list: &str, etag: &str) -> bool {
    list.split(',').map(|tag| tag.trim().trim_start_matches("W/")).any(|tag| tag == etag || tag == "*")
}

/// The script with a place in [`ASSETS`].
async fn asset(env: &Env, which: usize) -> Option<Rc<Asset>> {
    if let Some(asset) = ASSET_CACHE.with_borrow(|all| all[which].clone()) {
        return Some(asset);
    }
    let mut response = env.service("ASSETS").ok()?.fetch(ASSETS[which], None).await.ok()?;
    if response.status_code() != 200 {
        return None;
    }
    let text = response.text().await.ok()?;
    let digest = Sha256::digest(text.as_bytes());
    let first = digest.iter().take(8).fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    let hash = format!("{first:016x}");
    let asset = Rc::new(Asset { text, hash });
    ASSET_CACHE.with_borrow_mut(|all| all[which] = Some(asset.clone()));
    Some(asset)
}

/// What a page has to know beside the program: what the config says, and the hosts it may send visitors to.
fn known(published: &Published, settings: &Settings) -> Value {
    let mut site = site(&published.config, &published.program, &published.hash);
    if let (Value::Object(members), false) = (&mut site, settings.redirect_hosts.is_empty()) {
        let hosts = settings.redirect_hosts.iter().map(|host| Value::from(host.as_str())).collect();
        members.insert("redirectHosts".to_owned(), Value::Array(hosts));
    }
    site
}

fn filled(
    asset: &Asset,
    etag: String,
    published: Option<&Published>,
    settings: &Settings,
    kind: Kind,
) -> Rc<Filled> {
    let cached = FILLED_CACHE.with_borrow(|cache| cache[kind as usize].clone());
    if let Some(filled) = cached.filter(|filled| filled.etag == etag) {
        return filled;
    }
    let known = published.map(|it| known(it, settings)).unwrap_or_default();
    let bytes = published.map_or(&[][..], |it| &it.bytes);
    let filled = Rc::new(Filled { etag, text: fill(&asset.text, &known, bytes) });
    FILLED_CACHE.with_borrow_mut(|cache| cache[kind as usize] = Some(filled.clone()));
    filled
}

fn fill(script: &str, site: &Value, program: &[u8]) -> String {
    // No page that holds the script inline may end its element here.
    let site = serde_json::to_string(site).unwrap_or_default().replace('<', "\\u003c");
    script.replacen(SITE_TOKEN, &site, 1).replacen(PROGRAM_TOKEN, &literal(program), 1)
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
    use splitlight_protocol::Map;

    #[test]
    fn bytes_are_characters() {
        assert_eq!(
            literal(b"\0a\x005\"\\\r\n</script>\xff"),
            "\"\\0a\\x005\\\"\\\\\\r\\n\\x3c/script>\u{ff}\""
        );
    }

    #[test]
    fn tokens_are_filled() {
        let site = Value::Object(Map::from_iter([("config".to_owned(), Value::from("</a"))]));
        let script = "f(\"@@PROGRAM@@\",\"@@SITE@@\")";
        assert_eq!(fill(script, &site, b"\x01"), "f(\"\u{1}\",{\"config\":\"\\u003c/a\"})");
        assert_eq!(fill(script, &Value::Null, b""), "f(\"\",null)");
    }

    #[test]
    fn entity_tags_are_compared_weakly() {
        assert!(is_known("\"x\", W/\"a-b\"", "\"a-b\""));
        assert!(!is_known("\"a\"", "\"a-b\""));
    }
}
