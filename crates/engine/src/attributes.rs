//! The attributes every visitor has, from what browsers and requests say of themselves.

use crate::page::Url;
use splitlight_protocol::{Map, Value};

/// Attributes of a page view: `url`, `host`, `path`, `referrer`, `utm.*`, `device`, `browser`, `os` and `language`.
///
/// `device` is `mobile`, `tablet` or `desktop`; `browser` is `edge`, `opera`, `samsung`, `firefox`, `chrome`, `safari`
/// or `unknown`; `os` is `windows`, `ios`, `macos`, `android`, `chromeos`, `linux` or `unknown`; `language` is the first preferred language tag as sent.
///
/// ```
/// use splitlight_engine::attributes::from_page;
/// use splitlight_protocol::Value;
/// let map = from_page("https://shop.test/c/?utm_source=mail%20list", "", "Mozilla/5.0 (iPhone) Safari/604.1", "es-ES");
/// assert_eq!(map.get("device"), Some(&Value::from("mobile")));
/// assert_eq!(map.get("utm").and_then(|utm| utm.at(&["source"])), Some(&Value::from("mail list")));
/// ```
pub fn from_page(url: &str, referrer: &str, user_agent: &str, language: &str) -> Map {
    let mut attributes = without_campaign(url, referrer, user_agent, language);
    attributes.set("utm", &Value::Object(utm(&Url::parse(url))));
    attributes
}

/// The same without `utm.*`, which a slim program does not ask for.
///
/// ```
/// use splitlight_engine::attributes::without_campaign;
/// let map = without_campaign("https://shop.test/c/?utm_source=mail", "", "Mozilla/5.0 (iPhone) Safari/604.1", "es-ES");
/// assert_eq!(map.get("path"), Some(&"/c/".into()));
/// assert_eq!(map.get("utm"), None);
/// ```
pub fn without_campaign(url: &str, referrer: &str, user_agent: &str, language: &str) -> Map {
    let parsed = Url::parse(url);
    let mut attributes = Map::new();
    for (name, value) in [
        ("url", url),
        ("host", parsed.host()),
        ("path", parsed.path()),
        ("referrer", referrer),
        ("device", device(user_agent)),
        ("browser", browser(user_agent)),
        ("os", os(user_agent)),
        ("language", language),
    ] {
        attributes.insert(name.to_owned(), Value::from(value));
    }
    attributes
}

/// Whether an attribute is known wherever the page's address and request are, so that a missing one is missing.
pub(crate) fn is_of_page(name: &str) -> bool {
    const KNOWN: [&str; 10] =
        ["url", "host", "path", "referrer", "device", "browser", "os", "language", "utm", "geo"];
    KNOWN.contains(&name)
}

/// The campaign's parameters in an address, without their prefix.
pub(crate) fn utm(url: &Url<'_>) -> Map {
    let mut utm = Map::new();
    for parameter in ["utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content"] {
        if let (Some(value), Some(name)) = (url.parameter(parameter), parameter.strip_prefix("utm_")) {
            utm.set(name, &Value::String(percent_decode(value)));
        }
    }
    utm
}

/// Whether a user agent says that it is a machine.
///
/// ```
/// use splitlight_engine::attributes::is_bot;
/// assert!(is_bot("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"));
/// assert!(!is_bot("Mozilla/5.0 (Linux; Android 9; CUBOT X19) Chrome/96.0 Mobile Safari/537.36"));
/// ```
pub fn is_bot(user_agent: &str) -> bool {
    // Whole words only: phones are called CUBOT, and a person with one is a visitor.
    const MARKS: [&str; 10] = [
        "bot/",
        "bot;",
        "bot)",
        "bot ",
        "crawler",
        "spider",
        "slurp",
        "facebookexternalhit",
        "lighthouse",
        "preview",
    ];
    user_agent.is_empty()
        || (MARKS.iter().any(|mark| contains(user_agent, mark)) && !contains(user_agent, "cubot"))
}

/// `mobile`, `tablet` or `desktop`.
///
/// ```
/// assert_eq!(splitlight_engine::attributes::device("Mozilla/5.0 (iPhone)"), "mobile");
/// ```
pub fn device(user_agent: &str) -> &'static str {
    let android = contains(user_agent, "android");
    if contains(user_agent, "ipad")
        || contains(user_agent, "tablet")
        || (android && !contains(user_agent, "mobile"))
    {
        "tablet"
    } else if android || contains(user_agent, "iphone") || contains(user_agent, "mobile") {
        "mobile"
    } else {
        "desktop"
    }
}

/// The browser's family; `unknown` for a stranger.
///
/// ```
/// assert_eq!(splitlight_engine::attributes::browser("Mozilla/5.0 Firefox/140.0"), "firefox");
/// ```
pub fn browser(user_agent: &str) -> &'static str {
    // In this order, because most of them also say that they are Chrome and Safari.
    const NAMES: [(&str, &str); 7] = [
        ("edg", "edge"),
        ("opr/", "opera"),
        ("samsungbrowser", "samsung"),
        ("firefox", "firefox"),
        ("chrome", "chrome"),
        ("crios", "chrome"),
        ("safari", "safari"),
    ];
    named(user_agent, &NAMES)
}

fn named(user_agent: &str, names: &[(&str, &'static str)]) -> &'static str {
    names.iter().find(|(mark, _)| contains(user_agent, mark)).map_or("unknown", |(_, name)| name)
}

pub(crate) fn os(user_agent: &str) -> &'static str {
    // In this order, because Android says that it is Linux, and a phone of Apple's that it is like macOS.
    const NAMES: [(&str, &str); 8] = [
        ("windows", "windows"),
        ("iphone", "ios"),
        ("ipad", "ios"),
        ("android", "android"),
        ("ipod", "ios"),
        ("mac os", "macos"),
        ("cros", "chromeos"),
        ("linux", "linux"),
    ];
    named(user_agent, &NAMES)
}

/// Looks for lower-case ASCII text in either case, without copying.
fn contains(text: &str, needle: &str) -> bool {
    text.as_bytes().windows(needle.len()).any(|window| window.eq_ignore_ascii_case(needle.as_bytes()))
}

/// Decodes `%XX` and `+`; a broken escape stays as written, and so does a text that would be no UTF-8.
fn percent_decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let digit = |at: usize| bytes.get(at).and_then(|byte| char::from(*byte).to_digit(16));
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        match (byte, digit(at + 1), digit(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                out.push(u8::try_from(high * 16 + low).unwrap_or(b'?'));
                at += 3;
                continue;
            }
            (b'+', ..) => out.push(b' '),
            _ => out.push(*byte),
        }
        at += 1;
    }
    String::from_utf8(out).unwrap_or_else(|_| text.to_owned())
}
