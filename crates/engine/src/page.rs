//! Which pages an item is for: address patterns, as in GrowthBook's public contract.

use crate::code::Code;
use crate::codec::{Reader, Wire};
use crate::compile::regex::{self, Refused};
use crate::nfa;
use splitlight_protocol::config::PageKind;

/// The parts of an address that patterns look at; nothing is decoded.
#[derive(Clone, Copy)]
pub(crate) struct Url<'a> {
    whole: &'a str,
    host: &'a str,
    path: &'a str,
    query: &'a str,
    hash: &'a str,
}

impl<'a> Url<'a> {
    /// Splits an address. A path alone is an address without host.
    pub(crate) fn parse(whole: &'a str) -> Self {
        let text = whole;
        let (text, hash) = cut(text, b'#').unwrap_or((text, ""));
        let (text, query) = cut(text, b'?').unwrap_or((text, ""));
        let after_scheme = cut(text, b':').and_then(|(_, rest)| rest.strip_prefix("//"));
        let (host, path) = match after_scheme {
            Some(rest) => {
                let at = rest.bytes().position(|byte| byte == b'/').unwrap_or(rest.len());
                rest.split_at_checked(at).unwrap_or((rest, ""))
            }
            None => ("", text),
        };
        let path = if path.is_empty() { "/" } else { path };
        Self { whole, host, path, query, hash }
    }

    /// What follows the host.
    fn rest(&self) -> String {
        let mut rest = self.path.to_owned();
        for (mark, part) in [('?', self.query), ('#', self.hash)] {
            if !part.is_empty() {
                rest.push(mark);
                rest.push_str(part);
            }
        }
        rest
    }

    pub(crate) fn whole(&self) -> &'a str {
        self.whole
    }

    pub(crate) fn host(&self) -> &'a str {
        self.host
    }

    pub(crate) fn path(&self) -> &'a str {
        self.path
    }

    /// The names of the query parameters, as written.
    pub(crate) fn parameter_names(&self) -> impl Iterator<Item = &'a str> {
        parameters(self.query).map(|(name, _)| name)
    }

    /// The first value of a query parameter, as written.
    pub(crate) fn parameter(&self, name: &str) -> Option<&'a str> {
        parameters(self.query).find(|(key, _)| *key == name).map(|(_, value)| value)
    }
}

fn parameters(query: &str) -> impl Iterator<Item = (&str, &str)> {
    let mut rest = Some(query);
    core::iter::from_fn(move || {
        let text = rest?;
        let (pair, more) = cut(text, b'&').map_or((text, None), |(pair, more)| (pair, Some(more)));
        rest = more;
        Some(cut(pair, b'=').unwrap_or((pair, "")))
    })
}

/// What is before and after the first of an ASCII byte; the general search of `str` is 2 KB more to download.
fn cut(text: &str, byte: u8) -> Option<(&str, &str)> {
    let at = text.bytes().position(|other| other == byte)?;
    Some((text.get(..at)?, text.get(at + 1..)?))
}

/// Slashes around a path say nothing.
fn trim_slashes(path: &str) -> &[u8] {
    let mut path = path.as_bytes();
    while let Some(rest) = path.strip_prefix(b"/") {
        path = rest;
    }
    while let Some(rest) = path.strip_suffix(b"/") {
        path = rest;
    }
    path
}

/// A pattern of addresses, compiled, as it is written in a program: whether a match takes part or keeps out, and then 0
/// for parts (host, path, a list of parameters and their values, and what follows the `#`) or 1 for an automaton.
///
/// Of the parts `*` stands for any run of characters, and letters match in either case. No host is any host.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Pattern(Vec<u8>);

impl Wire for Pattern {
    fn write(&self, out: &mut Vec<u8>) {
        (self.0.len() as u64).write(out);
        out.extend_from_slice(&self.0);
    }

    fn read(from: &mut Reader<'_>) -> Self {
        Self(from.part().rest().to_owned())
    }
}

impl Pattern {
    /// Whether it is a regular expression.
    pub(crate) fn is_regex(&self) -> bool {
        self.0.get(1) == Some(&1)
    }

    /// Compiles a pattern such as `/c/*`, `shop.example/c/*` or `https://shop.example/?tab=*`.
    pub(crate) fn new(include: bool, text: &str) -> Self {
        let text = percent_encode(text);
        let first = text.split(['/', '?', '#']).next().unwrap_or("");
        let bare_host = !text.contains("://") && first.contains('.');
        let whole = if bare_host { format!("https://{text}") } else { text };
        let url = Url::parse(&whole);
        let query = parameters(url.query).filter(|(key, _)| !key.is_empty());
        let query: Vec<(String, String)> =
            query.map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
        let mut bytes = vec![u8::from(include), 0];
        url.host.to_owned().write(&mut bytes);
        url.path.to_owned().write(&mut bytes);
        query.write(&mut bytes);
        url.hash.to_owned().write(&mut bytes);
        Self(bytes)
    }

    /// Compiles a pattern of a kind.
    ///
    /// # Errors
    /// Why it is not compiled.
    pub(crate) fn compile(include: bool, kind: PageKind, text: &str) -> Result<Self, Refused> {
        let nfa = match kind {
            PageKind::Simple => return Ok(Self::new(include, text)),
            PageKind::Regex => regex::compile(text, false)?,
            PageKind::Exact => regex::exactly(text)?,
        };
        let mut bytes = vec![u8::from(include), 1];
        nfa.write(&mut bytes);
        Ok(Self(bytes))
    }
}

/// Whether an address matches the pattern that is next.
fn matches(pattern: &mut Reader<'_>, url: &Url<'_>, code: &Code) -> bool {
    if pattern.byte() != 0 {
        if !code.asks_rare() {
            return false;
        }
        let nfa = Vec::read(pattern);
        return nfa::finds(&nfa, url.whole) || nfa::finds(&nfa, &url.rest());
    }
    fits(pattern, url)
}

/// Whether an address has the parts that are next.
pub(crate) fn fits(pattern: &mut Reader<'_>, url: &Url<'_>) -> bool {
    let (host, path) = (pattern.text(), pattern.text());
    let mut all = (host.is_empty() || glob(host.as_bytes(), url.host.as_bytes()))
        && glob(trim_slashes(path), trim_slashes(url.path));
    for _ in 0..pattern.length() {
        let (key, value) = (pattern.text(), pattern.text());
        // A parameter that is missing counts as empty, as in the contract.
        all &= glob(value.as_bytes(), url.parameter(key).unwrap_or("").as_bytes());
    }
    let hash = pattern.text();
    all && (hash.is_empty() || glob(hash.as_bytes(), url.hash.as_bytes()))
}

/// Writes a pattern as browsers write addresses: spaces and everything beyond ASCII as `%XX`.
fn percent_encode(text: &str) -> String {
    text.bytes().fold(String::with_capacity(text.len()), |mut out, byte| {
        if byte > b' ' && byte < 0x7f {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.extend(
                [byte >> 4, byte & 15].map(|digit| char::from(b"0123456789ABCDEF"[usize::from(digit)])),
            );
        }
        out
    })
}

/// Whether an address matches a pattern, such as `/c/*`, `shop.example/c/*` or `https://shop.example/?tab=*`.
///
/// ```
/// assert!(splitlight_engine::page_matches("shop.test/c/*", "https://shop.test/c/shoes?size=40"));
/// ```
pub fn page_matches(pattern: &str, url: &str) -> bool {
    let Pattern(bytes) = Pattern::new(true, pattern);
    let mut pattern = Reader::new(&bytes);
    bool::read(&mut pattern) && matches(&mut pattern, &Url::parse(url), &Code::default())
}

/// Whether a page takes part by the list of patterns that is next: no exclusion matches, and an inclusion does or there is
/// none.
pub(crate) fn takes_part(pages: &mut Reader<'_>, url: &Url<'_>, code: &Code) -> bool {
    takes_part_by(pages, &mut |pattern| Some(matches(pattern, url, code))) == Some(true)
}

/// The same, given what tells whether a pattern matches; `None` when that is not to be known of one that counts.
pub(crate) fn takes_part_by(
    pages: &mut Reader<'_>,
    matches: &mut dyn FnMut(&mut Reader<'_>) -> Option<bool>,
) -> Option<bool> {
    let mut included = None;
    for _ in 0..pages.length() {
        let mut pattern = pages.part();
        match (bool::read(&mut pattern), matches(&mut pattern)?) {
            (false, true) => return Some(false),
            (true, fits) => included = Some(included == Some(true) || fits),
            (false, false) => {}
        }
    }
    Some(included != Some(false))
}

/// Matches `*` by greedy retry from the last star, which is linear in `pattern.len() * text.len()`.
fn glob(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut retry = None;
    while t < text.len() {
        if pattern.get(p) == Some(&b'*') {
            retry = Some((p, t));
            p += 1;
        } else if pattern.get(p).is_some_and(|byte| byte.eq_ignore_ascii_case(&text[t])) {
            p += 1;
            t += 1;
        } else if let Some((star, from)) = retry {
            retry = Some((star, from + 1));
            p = star + 1;
            t = from + 1;
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|byte| *byte == b'*')
}
