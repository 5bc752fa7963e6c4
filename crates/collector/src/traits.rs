//! What results can be broken down by, as the sender and the request say.

use crate::received::Traits;
use splitlight_protocol::config::Dimension;
use splitlight_protocol::limits::DIMENSION_VALUE_CHARS_MAX;

/// Engines that people search with, by a part of their hosts' names.
const SEARCH: [&str; 11] = [
    "google",
    "bing",
    "yahoo",
    "duckduckgo",
    "ecosia",
    "baidu",
    "yandex",
    "qwant",
    "startpage",
    "brave",
    "naver",
];

/// Networks that people share links on, by a part of their hosts' names.
const SOCIAL: [&str; 13] = [
    "facebook",
    "instagram",
    "twitter",
    "x.com",
    "t.co",
    "linkedin",
    "lnkd.in",
    "reddit",
    "pinterest",
    "tiktok",
    "youtube",
    "threads",
    "mastodon",
];

/// What is said of a visitor; every part may be missing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Said<'a> {
    /// ISO 3166-1 alpha-2, from where the request came.
    pub country: Option<&'a str>,
    /// `mobile`, `tablet` or `desktop`.
    pub device: Option<&'a str>,
    /// The browser's family.
    pub browser: Option<&'a str>,
    /// The host of the page that led to the site; empty for none.
    pub referrer: Option<&'a str>,
    /// The campaign's medium.
    pub medium: Option<&'a str>,
    /// Whether this is not the first visit.
    pub returning: Option<bool>,
}

impl Said<'_> {
    /// The dimensions' values, of which there are only so many, whatever is said.
    ///
    /// ```
    /// use splitlight_collector::Said;
    /// use splitlight_protocol::config::Dimension;
    /// let said = Said { country: Some("ES"), referrer: Some("www.google.com"), ..Said::default() };
    /// assert_eq!(said.traits().get(&Dimension::Source).map(String::as_str), Some("search"));
    /// ```
    pub fn traits(&self) -> Traits {
        let is_country = |code: &&str| {
            code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
        };
        let short = |value: &&str| !value.is_empty() && value.len() <= DIMENSION_VALUE_CHARS_MAX;
        let known = [
            (Dimension::Country, self.country.filter(is_country)),
            (Dimension::Device, self.device.filter(short)),
            (Dimension::Browser, self.browser.filter(short)),
            (Dimension::Source, self.source()),
            (Dimension::Visitor, self.returning.map(|is| if is { "returning" } else { "new" })),
        ];
        known.into_iter().filter_map(|(dimension, value)| Some((dimension, value?.to_owned()))).collect()
    }

    /// The medium says it where there is one, as in the field's default channels; else the host.
    fn source(&self) -> Option<&'static str> {
        let medium = self.medium.unwrap_or_default().to_ascii_lowercase();
        let has = |words: &[&str], text: &str| words.iter().any(|word| text.contains(word));
        if has(&["cpc", "ppc", "paid", "display", "banner", "cpm"], &medium) {
            return Some("paid");
        }
        if has(&["email", "e-mail", "newsletter"], &medium) {
            return Some("email");
        }
        if medium.contains("social") {
            return Some("social");
        }
        let host = self.referrer?.to_ascii_lowercase();
        Some(match host.as_str() {
            "" if medium.is_empty() => "direct",
            "" => "referral",
            _ if host.contains("mail.") => "email",
            _ if is_of(&SOCIAL, &host) => "social",
            _ if is_of(&SEARCH, &host) => "search",
            _ => "referral",
        })
    }
}

/// Whether a host is of one of the names: whole, or as a label of its own.
fn is_of(names: &[&str], host: &str) -> bool {
    names.iter().any(|name| {
        if name.contains('.') {
            host == *name || host.strip_suffix(name).is_some_and(|rest| rest.ends_with('.'))
        } else {
            host.split('.').any(|label| label == *name)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_are_told_apart() {
        let of = |referrer, medium| Said { referrer: Some(referrer), medium, ..Said::default() }.source();
        assert_eq!(of("", None), Some("direct"));
        assert_eq!(of("www.google.co.uk", None), Some("search"));
        assert_eq!(of("www.google.com", Some("cpc")), Some("paid"));
        assert_eq!(of("t.co", None), Some("social"));
        assert_eq!(of("not.co", None), Some("referral"));
        assert_eq!(of("mail.google.com", None), Some("email"));
        assert_eq!(of("", Some("Newsletter")), Some("email"));
        assert_eq!(of("blog.example", None), Some("referral"));
        assert_eq!(Said::default().source(), None);
    }

    #[test]
    fn strangers_cannot_make_up_values() {
        let long = "x".repeat(1000);
        let said = Said { country: Some("<script>"), device: Some(&long), ..Said::default() };
        assert!(said.traits().is_empty());
    }
}
