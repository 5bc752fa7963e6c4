//! What a request says, read at once.

use worker::wasm_bindgen::prelude::wasm_bindgen;
use worker::web_sys;

#[wasm_bindgen(module = "/src/edge/said.js")]
extern "C" {
    /// The parts of [`Said`], a line each.
    fn said(request: &web_sys::Request) -> String;
}

/// What a request says; a header that it does not have is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) method: String,
    pub(crate) url: String,
    pub(crate) accept: String,
    pub(crate) upgrade: String,
    pub(crate) range: String,
    pub(crate) cookies: String,
    pub(crate) agent: String,
    pub(crate) languages: String,
    pub(crate) referrer: String,
    /// `Sec-Purpose`, `Purpose` and `X-Moz`: why the page is fetched, when nobody looks at it yet.
    pub(crate) purposes: [String; 3],
    pub(crate) gpc: String,
    pub(crate) fetch_mode: String,
    pub(crate) if_none_match: String,
    pub(crate) authorization: String,
    /// Where the visitor is, as JSON.
    pub(crate) place: String,
}

impl Said {
    /// Reads a request.
    pub(crate) fn new(request: &web_sys::Request) -> Self {
        Self::read(&said(request))
    }

    fn read(text: &str) -> Self {
        let mut lines = text.split('\n').map(str::to_owned);
        let mut line = || lines.next().unwrap_or_default();
        Self {
            method: line(),
            url: line(),
            accept: line(),
            upgrade: line(),
            range: line(),
            cookies: line(),
            agent: line(),
            languages: line(),
            referrer: line(),
            purposes: [line(), line(), line()],
            gpc: line(),
            fetch_mode: line(),
            if_none_match: line(),
            authorization: line(),
            place: line(),
        }
    }

    /// Whether this looks like a browser that loads a whole page.
    pub(crate) fn is_page_load(&self) -> bool {
        self.method == "GET"
            && self.accept.to_ascii_lowercase().contains("text/html")
            && self.upgrade.is_empty()
            && self.range.is_empty()
    }

    /// Whether the page is fetched ahead, and may never be seen.
    pub(crate) fn is_ahead(&self) -> bool {
        self.purposes.iter().any(|purpose| purpose.starts_with("prefetch"))
    }

    /// Whether it came by an encrypted connection.
    pub(crate) fn is_secure(&self) -> bool {
        self.url.starts_with("https:")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_the_parts() {
        let text = "GET\nhttps://shop.test/\ntext/html\n\n\nc\nu\nl\nr\n\nprefetch\n\n1\nnavigate\nt\n\n{}";
        let said = Said::read(text);
        assert!(said.is_page_load() && said.is_ahead() && said.is_secure());
        assert_eq!((&*said.gpc, &*said.fetch_mode, &*said.if_none_match), ("1", "navigate", "t"));
        assert_eq!((&*said.authorization, &*said.place), ("", "{}"));
        assert!(!Said::read(&text.replace("\n\n\nc", "\n\nbytes=0-\nc")).is_page_load());
        assert_eq!(Said::read(""), Said::default());
    }
}
