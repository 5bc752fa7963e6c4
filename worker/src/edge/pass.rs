//! What is the origin's alone, said before any of it is read: such a request never comes to the core.

use super::headers;
use crate::settings::Settings;
use crate::{clock, preview, project};
use worker::wasm_bindgen::prelude::wasm_bindgen;
use worker::{Env, web_sys};

/// Until when every request for an address goes to the origin and its answer to the visitor, both as they are, in
/// milliseconds since 1970; 1 for this request alone, and 0 when not even that.
///
/// It is asked for every request of which the answer is not known, so it reads as little as it can, and answers 0 in doubt.
#[wasm_bindgen]
#[expect(unreachable_pub, reason = "what JavaScript calls is public")]
pub fn passes(request: &web_sys::Request, env: &Env) -> f64 {
    let settings = Settings::current(env);
    let url = request.url();
    let (host, rest) = split(&url);
    let path = rest.split(['?', '#']).next().unwrap_or_default();
    if !settings.has_origin
        || settings.own_path(path).is_some()
        || settings.api_hosts.iter().any(|own| own == host)
    {
        return NO;
    }
    let signed = rest.contains(preview::PARAMETER) || rest.contains(super::explain::PARAMETER);
    let fresh = project::fresh().filter(|_| !signed);
    match fresh {
        Some((published, until)) if !published.program.concerns(&url, clock::now()) => until.ms() as f64,
        _ if headers::may_load_page(request) => NO,
        _ => ONCE,
    }
}

const NO: f64 = 0.0;
const ONCE: f64 = 1.0;

/// The host of an absolute address with its port, and what follows it.
fn split(url: &str) -> (&str, &str) {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()))
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn an_address_has_a_host_and_the_rest() {
        assert_eq!(split("https://shop.test:8/a?b=c://d/"), ("shop.test:8", "/a?b=c://d/"));
        assert_eq!(split("https://shop.test?b"), ("shop.test", "?b"));
    }
}
