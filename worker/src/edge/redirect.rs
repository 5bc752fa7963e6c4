//! Variations that are another page: the visitor is sent there before this one is seen.

use super::Asked;
use super::cookie::Identity;
use super::decision::Decided;
use super::said::Said;
use crate::intake::check::{Checked, Sender};
use crate::{clock, intake, shard};
use sha2::{Digest, Sha256};
use splitlight_engine::{Decisions, Program};
use splitlight_protocol::event::EventId;
use splitlight_protocol::{Consent, Timestamp};
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
    /// The item and the variation.
    met: Option<(String, String)>,
    /// Whether the script of the next page can say that it was met: it is a page of the same site.
    is_told: bool,
}

/// The hosts to which the edge sends visitors.
#[derive(Clone, Copy)]
pub(crate) struct Hosts<'a>(&'a [String]);

impl<'a> Hosts<'a> {
    /// Those of the setting, for somebody who looks: a browser says that it navigates. To others the page answers as it
    /// is, or a machine that no list knows would be counted where it cannot run a script.
    pub(crate) fn new(said: &Said, allowed: &'a [String]) -> Self {
        Self(if said.fetch_mode == "navigate" { allowed } else { &[] })
    }

    fn allows(self, to: &Url, from: &Url) -> bool {
        let host = to.host_str().unwrap_or_default();
        // Never from an encrypted page to one that is not.
        to.origin() == from.origin()
            || (to.scheme() == from.scheme() && self.0.iter().any(|allowed| allowed == host))
    }
}

impl Redirect {
    /// The first redirect in force that leads to another page of the same site or of a host that is allowed.
    ///
    /// The browser goes by the same hosts, for what only it can decide.
    pub(crate) fn new(program: &Program, decisions: &Decisions, url: &Url, hosts: Hosts<'_>) -> Option<Self> {
        decisions.iter(program).find_map(|(item, decision)| {
            let variation =
                item.variations().get(decision.variation).filter(|_| decision.reason.is_open())?;
            let (to, keep_query) = variation.redirect.as_ref()?;
            let to = target(url, to, *keep_query)?;
            let met = decision.reason.counts().then(|| (item.key().to_owned(), variation.key.clone()));
            let is_told = to.origin() == url.origin();
            (hosts.allows(&to, url) && to != *url).then(|| Self { to: to.into(), met, is_told })
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

    /// Has the collector count that it was met, where no script of ours can say so.
    pub(super) fn count(&self, asked: Asked<'_>, decided: &Decided, identity: &Identity) {
        let (Some((item, variation)), Some(id), false) = (&self.met, identity.id(), self.is_told) else {
            return;
        };
        let Asked { said, env, context, settings, .. } = asked;
        let page = Url::parse(&said.url).ok();
        let now = clock::now();
        let batch = exposure(id, identity.consent(), [item, variation], page.as_ref().map(Url::path), now);
        let Ok((batch, refused)) = intake::parse(batch.as_bytes()) else { return };
        let (env, settings, published) = (env.clone(), settings.clone(), decided.published().clone());
        let checked = Checked::new(batch, refused, &published.checking, now, Sender::default());
        context.wait_until(async move {
            let counted = shard::count(&env, &settings, &published, vec![checked.batch], false).await;
            if !matches!(counted.as_slice(), [Ok(_)]) {
                crate::log::report("redirect-not-counted", "");
            }
        });
    }

    fn cookie(&self, secure: bool) -> Option<String> {
        let secure = if secure { "; Secure" } else { "" };
        let (item, variation) = self.met.as_ref().filter(|_| self.is_told)?;
        Some(format!("{MET}={item}~{variation}; Path=/; Max-Age={MET_SECONDS}{secure}; SameSite=Lax"))
    }
}

/// That a visitor met a variation, as a batch. It is one event however often they are sent there, because its id comes from
/// what it says.
fn exposure(
    id: &str,
    consent: Consent,
    [item, variation]: [&str; 2],
    page: Option<&str>,
    now: Timestamp,
) -> String {
    let digest = Sha256::digest(format!("redirect\n{id}\n{item}\n{variation}"));
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    // A UUID of version 8, whose bytes are anybody's own (RFC 9562).
    bytes[6] = bytes[6] & 0x0f | 0x80;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let event = serde_json::json!({
        "id": EventId::from_bytes(bytes).to_string(),
        "kind": "exposure",
        "time": now.ms(),
        "experiment": item,
        "variation": variation,
        "page": page,
    });
    serde_json::json!({ "visitor": id, "sentAt": now.ms(), "consent": consent, "events": [event] })
        .to_string()
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
        sent(redirect, url, &[])
    }

    fn sent(redirect: &str, url: &str, hosts: &[&str]) -> Option<Redirect> {
        let document = format!(
            r#"{{ "version": 1, "project": "shop", "experiments": [{{ "key": "home", "variations": [
                {{ "key": "old", "weight": 0 }}, {{ "key": "new", "weight": 1, "redirect": {redirect} }}] }}] }}"#
        );
        let program = compile(&config::parse(&document).config).program;
        let facts = Facts { id: Some("v".to_owned()), url: url.to_owned(), ..Facts::default() };
        let decisions = decide(&program, &Visitor::new(facts), Timestamp::from_ms(0));
        let hosts: Vec<String> = hosts.iter().map(|host| (*host).to_owned()).collect();
        Redirect::new(&program, &decisions, &Url::parse(url).expect("an address"), Hosts(&hosts))
    }

    #[test]
    fn sends_to_another_page_of_the_site_once() {
        let sent = redirect(r#"{ "to": "/new" }"#, "https://shop.test/?a=1").expect("a redirect");
        assert_eq!(sent.to.as_str(), "https://shop.test/new");
        assert_eq!(sent.cookie(false).as_deref(), Some("sl_met=home~new; Path=/; Max-Age=300; SameSite=Lax"));
        assert_eq!(redirect(r#"{ "to": "/new" }"#, "https://shop.test/new"), None, "they are there");
        assert_eq!(redirect(r#"{ "to": "https://other.test/" }"#, "https://shop.test/"), None);
    }

    #[test]
    fn other_hosts_have_to_be_allowed() {
        let to = |to: &str, hosts: &[&str]| {
            sent(&format!(r#"{{ "to": "{to}", "keepQuery": true }}"#), "https://shop.test/?a=1", hosts)
        };
        let there = to("https://new.test/x", &["new.test"]).expect("a redirect");
        assert_eq!(
            (there.to.as_str(), there.cookie(true), there.is_told),
            ("https://new.test/x?a=1", None, false)
        );
        for other in ["http://new.test/x", "https://new.test.evil.test/", "https://evil.test/new.test"] {
            assert_eq!(to(other, &["new.test"]), None, "{other}");
        }
        // The page's own host is allowed for pages of another port only when it is named.
        assert_eq!(to("https://shop.test:8443/", &["new.test"]), None);
    }

    #[test]
    fn an_exposure_is_one_event() {
        let id = |item: &str, now| {
            let batch = exposure("v", Consent::Measurement, [item, "b"], Some("/"), Timestamp::from_ms(now));
            let (batch, refused) = intake::parse(batch.as_bytes()).expect("a batch");
            assert!(refused.is_empty(), "{refused:?}");
            assert_eq!(batch.consent, Some(Consent::Measurement), "what the visitor agreed to");
            batch.events[0].id
        };
        assert_eq!(id("a", 1), id("a", 2));
        assert_ne!(id("a", 1), id("b", 1));
    }

    #[test]
    fn parameters_go_along_unless_the_new_address_has_them() {
        let sent = redirect(r#"{ "to": "/new?b=own", "keepQuery": true }"#, "https://shop.test/?a=1%202&b=2");
        assert_eq!(sent.map(|it| it.to).as_deref(), Some("https://shop.test/new?b=own&a=1+2"));
    }

    #[test]
    fn nobody_is_sent_round_in_circles() {
        let to = |to: &str| Redirect { to: format!("https://shop.test{to}"), met: None, is_told: true };
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
