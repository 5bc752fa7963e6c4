//! Pages that the data center keeps for everybody for whom the same is written, when the setting `PAGE_CACHE` is `edge`.
//!
//! It is decided before anything is looked up, and the digest of all that is written is a part of the address under which
//! a page is kept, so whoever finds it would have been written the same. Caches do not look at `Vary`, so a page whose
//! origin names anything there is not kept.

use worker::wasm_bindgen::prelude::wasm_bindgen;
use worker::wasm_bindgen::{JsCast, JsValue};
use worker::{Response, web_sys};

#[wasm_bindgen(module = "/src/edge/pump.js")]
extern "C" {
    /// The page that is kept under an address.
    #[wasm_bindgen(catch)]
    async fn kept(address: &str) -> Result<JsValue, JsValue>;
}

/// Where a page is kept.
pub(super) struct Place {
    pub(super) address: String,
    /// How long, in seconds.
    pub(super) seconds: u32,
}

impl Place {
    /// The place of a page with this digest; nobody can ask for its address, because it is one of ours.
    pub(super) fn new(prefix: &str, url: &str, digest: &str) -> Self {
        let host = url.find("://").map_or(0, |at| at + 3);
        let path = url[host..].find(['/', '?']).map_or(url.len(), |at| host + at);
        let address = format!("{}{prefix}/kept/{digest}{}", &url[..path], &url[path..]);
        Self { address, seconds: 0 }
    }

    /// The page that is kept here.
    pub(super) async fn find(&self) -> Option<Response> {
        match kept(&self.address).await.map(|found| found.dyn_into::<web_sys::Response>().ok()) {
            Ok(found) => found.map(Response::from).filter(|page| page.status_code() == 200),
            Err(error) => {
                crate::log::report_error("cache-silent", &error);
                None
            }
        }
    }

    /// The same, when a page of the origin may be kept for others, for as long as it says.
    pub(super) fn lasting(mut self, page: &Response) -> Option<Self> {
        self.seconds = seconds(|name| page.headers().get(name).ok().flatten().unwrap_or_default())?;
        Some(self)
    }
}

/// How long a page of the origin may be kept for others.
fn seconds(header: impl Fn(&str) -> String) -> Option<u32> {
    let own = ["cloudflare-cdn-cache-control", "cdn-cache-control", "cache-control"];
    let says = own.map(|name| header(name).to_ascii_lowercase()).into_iter().find(|text| !text.is_empty())?;
    let directives = || says.split(',').map(str::trim);
    let varies = header("vary")
        .split(',')
        .any(|name| !matches!(name.trim().to_ascii_lowercase().as_str(), "" | "accept-encoding"));
    let forbidden = |it: &str| ["private", "no-store", "no-cache"].iter().any(|word| it.starts_with(word));
    if varies || directives().any(forbidden) || !header("set-cookie").is_empty() {
        return None;
    }
    let of = |name: &str| {
        directives()
            .find_map(|it| it.strip_prefix(name)?.strip_prefix('=')?.trim_matches('"').parse::<u32>().ok())
    };
    let age = header("age").parse().unwrap_or(0);
    of("s-maxage").or_else(|| of("max-age"))?.checked_sub(age).filter(|seconds| *seconds > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_has_a_place_for_each_digest_and_address() {
        let address = |url: &str, digest: &str| Place::new("/_sl", url, digest).address;
        assert_eq!(address("https://shop.test/a?b=c://d/", "0f"), "https://shop.test/_sl/kept/0f/a?b=c://d/");
        assert_eq!(address("https://shop.test", "0f"), "https://shop.test/_sl/kept/0f");
        assert_ne!(address("https://shop.test/0f/", "0e"), address("https://shop.test/", "0e"));
    }

    #[test]
    fn the_origin_says_how_long() {
        let seconds = |headers: &[(&str, &str)]| {
            let find = |name: &str| headers.iter().find(|(other, _)| *other == name);
            super::seconds(|name| find(name).map(|(_, value)| (*value).to_owned()).unwrap_or_default())
        };
        assert_eq!(seconds(&[("cache-control", "public, max-age=60")]), Some(60));
        assert_eq!(seconds(&[("cache-control", "max-age=60, S-MaxAge=\"9\""), ("age", "4")]), Some(5));
        assert_eq!(seconds(&[("cache-control", "max-age=60"), ("vary", "Accept-Encoding")]), Some(60));
        assert_eq!(seconds(&[("cache-control", "no-cache"), ("cdn-cache-control", "max-age=7")]), Some(7));
        let closed: [&[(&str, &str)]; 9] = [
            &[],
            &[("cache-control", "public")],
            &[("cache-control", "private, max-age=60")],
            &[("cache-control", "max-age=60, no-store")],
            &[("cache-control", "no-cache=\"set-cookie\", max-age=60")],
            &[("cache-control", "max-age=60"), ("vary", "cookie")],
            &[("cache-control", "max-age=60"), ("vary", "accept-encoding, *")],
            &[("cache-control", "max-age=60"), ("set-cookie", "a=1")],
            &[("cache-control", "max-age=60"), ("age", "60")],
        ];
        for headers in closed {
            assert_eq!(seconds(headers), None, "{headers:?}");
        }
    }
}
