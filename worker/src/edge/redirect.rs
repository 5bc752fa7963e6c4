//! Variations that are another page: the visitor is sent there before this one is seen.

use super::cookie::Identity;
use splitlight_engine::{Decisions, Program};
use worker::{Headers, Response, Result, Url};

/// The cookie that tells the next page's script what the visitor met by being sent there: `<item>~<variation>`.
const MET: &str = "sl_met";

/// The next page is there within this time, or the visitor is gone.
const MET_SECONDS: u32 = 300;

/// Redirects that may follow each other; browsers follow 20, and nobody waits for as many.
const HOPS_MAX: usize = 5;

/// Where a visitor is sent, and what they have met then, when that counts.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Redirect {
    to: String,
    met: Option<String>,
}

impl Redirect {
    /// The first redirect in force that leads to another page of the same site.
    ///
    /// To another site the browser goes by itself, because nobody but it could say there that this was met.
    pub(crate) fn new(program: &Program, decisions: &Decisions, url: &Url) -> Option<Self> {
        decisions.iter(program).find_map(|(item, decision)| {
            let variation =
                item.variations().get(decision.variation).filter(|_| decision.reason.is_open())?;
            let (to, keep_query) = variation.redirect.as_ref()?;
            let to = target(url, to, *keep_query)?;
            let met = decision.reason.counts().then(|| format!("{}~{}", item.key(), variation.key));
            (to.origin() == url.origin() && to != *url).then(|| Self { to: to.into(), met })
        })
    }

    /// The answer to the request.
    ///
    /// # Errors
    /// When a header cannot be written.
    pub(crate) fn respond(&self, secure: bool, identity: &Identity) -> Result<Response> {
        let headers = Headers::new();
        headers.set("location", &self.to)?;
        headers.set("cache-control", "private, no-store")?;
        for cookie in [identity.cookie(secure), self.cookie(secure)].into_iter().flatten() {
            headers.append("set-cookie", &cookie)?;
        }
        Ok(Response::empty()?.with_status(302).with_headers(headers))
    }

    fn cookie(&self, secure: bool) -> Option<String> {
        let secure = if secure { "; Secure" } else { "" };
        let met = self.met.as_ref()?;
        Some(format!("{MET}={met}; Path=/; Max-Age={MET_SECONDS}{secure}; SameSite=Lax"))
    }
}

/// Whether any redirect is in force, whatever its target.
pub(crate) fn may_redirect(program: &Program, decisions: &Decisions) -> bool {
    decisions.iter(program).any(|(item, decision)| {
        let variation = item.variations().get(decision.variation).filter(|_| decision.reason.is_open());
        variation.is_some_and(|variation| variation.redirect.is_some())
    })
}

/// Whether a chain of redirects comes to an end on a page that the visitor was not sent from.
pub(crate) fn ends(from: &str, first: &Redirect, next: impl Fn(&Url) -> Option<Redirect>) -> bool {
    let mut seen = vec![without_fragment(from).to_owned(), without_fragment(&first.to).to_owned()];
    while seen.len() <= HOPS_MAX {
        let Ok(url) = Url::parse(&seen[seen.len() - 1]) else { return false };
        let Some(redirect) = next(&url) else { return true };
        let to = without_fragment(&redirect.to).to_owned();
        if seen.contains(&to) {
            return false;
        }
        seen.push(to);
    }
    false
}

fn without_fragment(url: &str) -> &str {
    url.split('#').next().unwrap_or_default()
}

/// The address, with the page's parameters that it does not have itself.
fn target(url: &Url, to: &str, keep_query: bool) -> Option<Url> {
    let mut target = url.join(to).ok()?;
    if keep_query {
        let own: Vec<String> = target.query_pairs().map(|(name, _)| name.into_owned()).collect();
        let added = url.query_pairs().filter(|(name, _)| !own.iter().any(|own| own == name));
        let added: Vec<_> = added.map(|(name, value)| (name.into_owned(), value.into_owned())).collect();
        if !added.is_empty() {
            target.query_pairs_mut().extend_pairs(added);
        }
    }
    Some(target)
}

#[cfg(test)]
mod tests {
    use super::*;
    use splitlight_engine::{Facts, Visitor, compile, decide};
    use splitlight_protocol::{Timestamp, config};

    fn redirect(redirect: &str, url: &str) -> Option<Redirect> {
        let document = format!(
            r#"{{ "version": 1, "project": "shop", "experiments": [{{ "key": "home", "variations": [
                {{ "key": "old", "weight": 0 }}, {{ "key": "new", "weight": 1, "redirect": {redirect} }}] }}] }}"#
        );
        let program = compile(&config::parse(&document).config).program;
        let facts = Facts { id: Some("v".to_owned()), url: url.to_owned(), ..Facts::default() };
        let decisions = decide(&program, &Visitor::new(facts), Timestamp::from_ms(0));
        Redirect::new(&program, &decisions, &Url::parse(url).expect("an address"))
    }

    #[test]
    fn sends_to_another_page_of_the_site_once() {
        let sent = redirect(r#"{ "to": "/new" }"#, "https://shop.test/?a=1").expect("a redirect");
        assert_eq!((sent.to.as_str(), sent.met.as_deref()), ("https://shop.test/new", Some("home~new")));
        assert_eq!(redirect(r#"{ "to": "/new" }"#, "https://shop.test/new"), None, "they are there");
        assert_eq!(redirect(r#"{ "to": "https://other.test/" }"#, "https://shop.test/"), None);
    }

    #[test]
    fn parameters_go_along_unless_the_new_address_has_them() {
        let sent = redirect(r#"{ "to": "/new?b=own", "keepQuery": true }"#, "https://shop.test/?a=1%202&b=2");
        assert_eq!(sent.map(|it| it.to).as_deref(), Some("https://shop.test/new?b=own&a=1+2"));
    }

    #[test]
    fn nobody_is_sent_round_in_circles() {
        let to = |to: &str| Redirect { to: format!("https://shop.test{to}"), met: None };
        let ends = |pairs: &[(&str, &str)]| {
            let next = |url: &Url| {
                let found = pairs.iter().find(|(from, _)| *from == url.path());
                found.map(|(_, target)| to(target))
            };
            ends("https://shop.test/a", &to("/b"), next)
        };
        assert!(ends(&[]) && ends(&[("/b", "/c"), ("/c", "/d")]));
        assert!(!ends(&[("/b", "/a")]) && !ends(&[("/b", "/c"), ("/c", "/b#x")]));
        assert!(!ends(&[("/b", "/c"), ("/c", "/d"), ("/d", "/e"), ("/e", "/f"), ("/f", "/g")]));
    }

    #[test]
    fn what_is_only_looked_at_is_not_met() {
        let sent = redirect(r#"{ "to": "/new" }"#, "https://shop.test/?home=new").expect("a redirect");
        assert_eq!(sent.met, None);
    }
}
