//! What is decided for a page before its first byte, and how the page says so.

use super::asks::Asks;
use super::redirect::{self, Hosts, Redirect};
use crate::preview::Preview;
use crate::project::Published;
use splitlight_engine::{Decisions, Program, Reason, Visitor, decide};
use splitlight_protocol::handover::{ELEMENT_ID, Handed, Handover};
use splitlight_protocol::{Map, Timestamp, Value};
use splitlight_rewrite::Rewrite;
use std::rc::Rc;
use worker::Url;

/// The decisions for one page view.
pub(crate) struct Decided {
    published: Rc<Published>,
    /// The program with the draft of a preview link.
    draft: Option<Program>,
    decisions: Decisions,
}

impl Decided {
    pub(crate) fn new(
        published: &Rc<Published>,
        preview: Option<&Preview>,
        visitor: &Visitor,
        now: Timestamp,
    ) -> Self {
        let draft = preview.map(|preview| preview.program(&published.config));
        let decisions = match &draft {
            Some(draft) => decide(draft, visitor, now),
            None => published.index.decide(&published.program, visitor, now),
        };
        Self { published: published.clone(), draft, decisions }
    }

    /// The config that decided.
    pub(crate) fn published(&self) -> &Rc<Published> {
        &self.published
    }

    fn program(&self) -> &Program {
        self.draft.as_ref().unwrap_or(&self.published.program)
    }

    /// Whether anything depends on who looks at the page. If not, it stays the origin's, caching and all.
    pub(crate) fn concerns_page(&self) -> bool {
        self.decisions.iter(self.program()).any(|(_, decision)| {
            !matches!(decision.reason, Reason::Page | Reason::NotRunning | Reason::Bot | Reason::NoConsent)
        })
    }

    /// What `Server-Timing` says: how long the page waited for the config, and how much of it is in force.
    pub(crate) fn timing(&self, waited_ms: i64) -> String {
        let items = self.decisions.iter(self.program());
        let open = items.filter(|(_, decision)| decision.reason.is_open()).count();
        let items = self.program().items().len();
        format!("splitlight;dur={waited_ms};desc=\"{open} of {items} in force\"")
    }

    /// Where the visitor is sent instead of this page.
    ///
    /// `at` decides for the same visitor on another page: a visitor is not sent round in circles.
    pub(crate) fn redirect(
        &self,
        url: &str,
        hosts: Hosts<'_>,
        at: impl Fn(&str) -> Visitor,
        now: Timestamp,
    ) -> Option<Redirect> {
        if !redirect::may_redirect(self.program(), &self.decisions) {
            return None;
        }
        let first = Redirect::new(self.program(), &self.decisions, &Url::parse(url).ok()?, hosts)?;
        let next = |url: &Url| {
            let decisions = decide(self.program(), &at(url.as_str()), now);
            Redirect::new(self.program(), &decisions, url, hosts)
        };
        redirect::ends(url, &first, next).then_some(first)
    }

    /// The edits that the edge makes, and the hand-over that tells the browser.
    pub(crate) fn rewrite(&self, visitor: &Visitor, geo: Option<Map>) -> Rewrite {
        let mut rewrite = Rewrite::new([], visitor.attributes(), "");
        let mut handed = Vec::new();
        let asks = Asks::of_program(self.program(), self.draft.is_none().then_some(&*self.published.hash));
        for (item, decision) in self.decisions.iter(self.program()) {
            let Some(variation) = item.variations().get(decision.variation) else { continue };
            let mut left = Vec::new();
            if decision.reason.is_open() {
                for (index, change) in (0..).zip(&variation.changes) {
                    if asks.keeps(item.key(), change) || !rewrite.add(change, visitor.attributes()) {
                        left.push(index);
                    }
                }
            }
            let (key, variation) = (item.key().to_owned(), variation.key.clone());
            let asks = decision.reason.is_open().then(|| asks.of(item.key()));
            handed.push(Handed { key, variation, reason: decision.reason.name().to_owned(), left, asks });
        }
        let mut attributes = Map::new();
        if let Some(geo) = geo {
            attributes.insert("geo".to_owned(), Value::Object(geo));
        }
        let handover = Handover { config: self.published.hash.clone(), attributes, decisions: handed };
        rewrite.head(&element(&handover))
    }
}

/// The element that carries the hand-over. Nothing in it can end the element or mean anything but text.
fn element(handover: &Handover) -> String {
    let json = serde_json::to_string(handover).unwrap_or_default();
    let mut html = format!("<script type=\"application/json\" id=\"{ELEMENT_ID}\">");
    for c in json.chars() {
        match c {
            '<' => html.push_str("\\u003c"),
            '>' => html.push_str("\\u003e"),
            '&' => html.push_str("\\u0026"),
            '\u{2028}' => html.push_str("\\u2028"),
            '\u{2029}' => html.push_str("\\u2029"),
            _ => html.push(c),
        }
    }
    html.push_str("</script>");
    html
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hand_over_cannot_leave_its_element() {
        let text = "</script><!--&\u{2028}";
        let attributes = Map::from_iter([("geo".to_owned(), Value::from(text))]);
        let html = element(&Handover { attributes, ..Handover::default() });
        assert_eq!(html.matches('<').count(), 2);
        assert!(!html.contains(['&', '\u{2028}']));
        let json = html.split_once('>').and_then(|(_, rest)| rest.strip_suffix("</script>"));
        let read: Result<Handover, _> = serde_json::from_str(json.unwrap_or_default());
        assert_eq!(
            read.map(|handover| handover.attributes.get("geo").cloned()).ok(),
            Some(Some(text.into()))
        );
    }
}
