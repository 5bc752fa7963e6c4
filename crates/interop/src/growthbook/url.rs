//! Addresses: which pages an experiment is for, variations forced by the address, and where redirects lead.

use super::condition::{Condition, Groups};
use super::payload::UrlTarget;
use splitlight_protocol::{Map, Value};

/// Whether a page takes part: no exclusion matches, and an inclusion does or there is none.
///
/// A target of kind `simple` is a pattern with `*`, `regex` an expression that is tried on the whole address and on
/// what follows the host, `exact` an address. Without targets no page takes part.
///
/// ```
/// use splitlight_interop::growthbook::is_url_targeted;
/// let targets = serde_json::from_str::<Vec<_>>(r#"[{ "include": true, "type": "regex", "pattern": "^/c/[a-z]+$" }]"#)?;
/// assert!(is_url_targeted("https://shop.test/c/shoes", &targets));
/// # Ok::<(), serde_json::Error>(())
/// ```
pub fn is_url_targeted(url: &str, targets: &[UrlTarget]) -> bool {
    let mut matched = targets.iter().map(|target| (target.include, is_match(url, target)));
    let includes = targets.iter().any(|target| target.include);
    let excluded = matched.clone().any(|found| found == (false, true));
    !targets.is_empty() && !excluded && (!includes || matched.any(|found| found == (true, true)))
}

fn is_match(url: &str, target: &UrlTarget) -> bool {
    match target.kind.as_str() {
        "simple" => splitlight_engine::page_matches(&target.pattern, url),
        "exact" => Address::parse(url).href() == Address::parse(&target.pattern).href(),
        "regex" => {
            let href = Address::parse(url).href();
            let origin = Address::parse(url).origin().len();
            let test = Value::Object(one("$regex", Value::from(target.pattern.as_str())));
            let condition = Condition::new(Value::Object(one("url", test)), &Groups::default());
            let found = |text: &str| condition.holds(&one("url", Value::from(text)));
            found(&href) || href.get(origin..).is_some_and(found)
        }
        _ => false,
    }
}

fn one(name: &str, value: Value) -> Map {
    Map::from_iter([(name.to_owned(), value)])
}

/// The variation that an address forces by `?<experiment>=<index>`.
///
/// ```
/// use splitlight_interop::growthbook::query_string_override;
/// assert_eq!(query_string_override("hero", "https://shop.test/?hero=1#top", 2), Some(1));
/// assert_eq!(query_string_override("hero", "https://shop.test/?hero=2", 2), None);
/// ```
pub fn query_string_override(key: &str, url: &str, n_variations: usize) -> Option<usize> {
    let query = url.split('?').nth(1)?.split('#').next()?;
    let mut pairs = query.split('&').map(|pair| pair.split('='));
    let value = pairs.find_map(|mut pair| (pair.next() == Some(key)).then(|| pair.next()))??;
    leading_integer(value).filter(|index| *index < n_variations)
}

/// The integer a text begins with, as JavaScript's `parseInt` reads it; `None` also for negative ones.
fn leading_integer(text: &str) -> Option<usize> {
    let text = text.trim_start();
    let (text, negative) = match text.strip_prefix('-') {
        Some(text) => (text, true),
        None => (text.strip_prefix('+').unwrap_or(text), false),
    };
    let hex = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
    let (digits, radix) = hex.map_or((text, 10), |hex| (hex, 16));
    let end = digits.find(|c: char| !c.is_digit(radix)).unwrap_or(digits.len());
    let integer = usize::from_str_radix(digits.get(..end)?, radix).ok();
    integer.filter(|integer| !negative || *integer == 0)
}

/// A destination with the parameters of the current address that it does not have itself.
///
/// ```
/// use splitlight_interop::growthbook::merge_query_strings;
/// let url = merge_query_strings("https://shop.test/?a=1&b=2", "https://shop.test/new?a=3");
/// assert_eq!(url, "https://shop.test/new?a=3&b=2");
/// ```
pub fn merge_query_strings(current: &str, destination: &str) -> String {
    let (from, mut to) = (Address::parse(current), Address::parse(destination));
    if !from.absolute || !to.absolute {
        return destination.to_owned();
    }
    let mut pairs = parameters(&to.query);
    let written = pairs.len();
    for (name, value) in parameters(&from.query) {
        if !pairs.iter().any(|(known, _)| *known == name) {
            pairs.push((name, value));
        }
    }
    // A query that nothing is added to stays as it is written.
    if pairs.len() > written {
        to.query = pairs
            .iter()
            .map(|(name, value)| format!("{}={}", encode(name), encode(value)))
            .fold(String::new(), |query, pair| if query.is_empty() { pair } else { query + "&" + &pair });
    }
    to.href()
}

/// An address in the parts that matter here, normalized as browsers do for plain addresses.
struct Address {
    absolute: bool,
    scheme: String,
    user: String,
    host: String,
    path: String,
    query: String,
    hash: Option<String>,
}

impl Address {
    /// Splits an address; what has no host is on the host `_`.
    fn parse(text: &str) -> Self {
        let (text, hash) = text.split_once('#').map_or((text, None), |(text, hash)| (text, Some(hash)));
        let (text, query) = text.split_once('?').unwrap_or((text, ""));
        let (scheme, rest) =
            text.split_once("://").map_or((None, text), |(scheme, rest)| (Some(scheme), rest));
        let rest = if scheme.is_some() { Some(rest) } else { text.strip_prefix("//") };
        let (authority, path) =
            rest.map_or(("_", text), |rest| rest.split_at(rest.find('/').unwrap_or(rest.len())));
        let (user, host) = authority.rsplit_once('@').unwrap_or(("", authority));
        let scheme = scheme.unwrap_or("https").to_ascii_lowercase();
        let port = if scheme == "http" { ":80" } else { ":443" };
        Self {
            absolute: text.contains("://"),
            host: host.strip_suffix(port).unwrap_or(host).to_lowercase(),
            user: if user.is_empty() { String::new() } else { format!("{user}@") },
            path: format!("/{}", printable(path.strip_prefix('/').unwrap_or(path))),
            query: printable(query),
            hash: hash.map(printable),
            scheme,
        }
    }

    fn origin(&self) -> String {
        format!("{}://{}", self.scheme, self.host)
    }

    fn href(&self) -> String {
        let Self { scheme, user, host, path, query, .. } = self;
        let query = if query.is_empty() { String::new() } else { format!("?{query}") };
        let hash = self.hash.as_ref().map(|hash| format!("#{hash}")).unwrap_or_default();
        format!("{scheme}://{user}{host}{path}{query}{hash}")
    }
}

/// Writes what browsers do not leave in an address as `%XX`.
fn printable(text: &str) -> String {
    let keep = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'<' | b'>');
    text.bytes().fold(String::new(), |out, byte| escape(out, byte, keep(byte)))
}

/// A parameter's name or value, as browsers write forms.
fn encode(text: &str) -> String {
    let keep = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'*' | b'-' | b'.' | b'_');
    text.bytes().fold(String::new(), |mut out, byte| {
        if byte == b' ' {
            out.push('+');
            return out;
        }
        escape(out, byte, keep(byte))
    })
}

fn escape(mut out: String, byte: u8, keep: bool) -> String {
    if keep {
        out.push(char::from(byte));
    } else {
        out.push('%');
        out.extend([byte >> 4, byte & 15].map(|digit| char::from(b"0123456789ABCDEF"[usize::from(digit)])));
    }
    out
}

/// The decoded parameters of a query.
fn parameters(query: &str) -> Vec<(String, String)> {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(a, b)| (decode(a), decode(b)))
        .collect()
}

fn decode(text: &str) -> String {
    let mut bytes = text.as_bytes().iter();
    let mut out = Vec::with_capacity(text.len());
    while let Some(&byte) = bytes.next() {
        let escaped = || {
            let digits = bytes.as_slice().get(..2)?;
            u8::from_str_radix(core::str::from_utf8(digits).ok()?, 16).ok()
        };
        let escaped = escaped();
        match byte {
            b'+' => out.push(b' '),
            b'%' => match escaped {
                Some(decoded) => {
                    out.push(decoded);
                    bytes.nth(1);
                }
                None => out.push(byte),
            },
            _ => out.push(byte),
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}
