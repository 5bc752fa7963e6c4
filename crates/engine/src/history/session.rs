//! The present session, and how the visitor came.

use super::History;
use super::ring::minute;
use crate::code::Code;
use crate::codec::wire_struct;
use crate::page::Url;
use splitlight_protocol::limits::{HISTORY_TEXT_BYTES_MAX, SESSION_IDLE_MINUTES};
use splitlight_protocol::{Map, Timestamp, Value};

/// The last session, which goes on unless it ended.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Session {
    /// 1 for the first one.
    pub(super) number: u32,
    pub(super) began: Timestamp,
    pub(super) last: Timestamp,
    pub(super) pages: u32,
    /// How the visitor came in the first session, and last from anywhere.
    first: Map,
    latest: Map,
}

wire_struct!(Session { number, began, last, pages, first, latest });

impl Session {
    /// Whether it ended before a time, also by a clock that was set back.
    fn ended(&self, now: Timestamp) -> bool {
        now.ms().saturating_sub(self.last.ms()).saturating_abs() > SESSION_IDLE_MINUTES * 60_000
    }
}

impl History {
    /// Remembers a page view if a rule of the program asks about sessions; says whether the history is another one now.
    ///
    /// The first page of a session begins it. How the visitor came is remembered of pages that an address parameter
    /// `utm_*` or another site leads to.
    pub fn visit(&mut self, program: &Code, url: &str, referrer: &str, now: Timestamp) -> bool {
        if !(program.asks_sessions && program.asks_rare()) {
            return self.session.take().is_some();
        }
        self.go_on(now);
        let touch = if program.asks_touches { touch(&Url::parse(url), referrer) } else { Map::new() };
        let Some(session) = &mut self.session else { return false };
        session.pages = session.pages.saturating_add(1);
        if !program.asks_touches {
            (session.first, session.latest) = (Map::new(), Map::new());
        } else if !touch.is_empty() {
            if session.number == 1 && session.first.is_empty() {
                session.first = touch.clone();
            }
            session.latest = touch;
        }
        true
    }

    /// Whether there is one. The build of the slim core takes the answer for no (`crates/xtask/src/snip.rs`), because no rule
    /// asks about sessions there.
    #[inline(never)]
    fn has_session(&self) -> bool {
        self.session.is_some()
    }

    /// Something happened: the session goes on, or another one begins.
    pub(super) fn go_on(&mut self, now: Timestamp) {
        let session = self.session.get_or_insert_with(Session::default);
        if session.number == 0 || session.ended(now) {
            session.number = session.number.saturating_add(1);
            session.began = now;
            session.pages = 0;
        }
        session.last = now;
    }

    /// The number of the session at a time.
    pub(crate) fn session_number(&self, now: Timestamp) -> u32 {
        self.session.as_ref().map_or(0, |session| session.number.saturating_add(session.ended(now).into()))
    }

    /// The minute in which the present session began.
    pub(super) fn session_began(&self, now: Timestamp) -> i32 {
        let running = self.session.as_ref().filter(|session| self.has_session() && !session.ended(now));
        running.map_or(i32::MAX, |session| minute(session.began))
    }

    /// What conditions and templates may ask of it: `session`, `firstTouch` and `lastTouch`.
    pub(crate) fn describe(&self, attributes: &mut Map) {
        let Some(session) = self.session.as_ref().filter(|_| self.has_session()) else { return };
        let mut about = Map::new();
        about.set("number", &Value::Number(session.number.into()));
        about.set("pages", &Value::Number(session.pages.into()));
        about.set("visitor", &(if session.number > 1 { "returning" } else { "new" }).into());
        attributes.set("session", &Value::Object(about));
        attributes.set("firstTouch", &Value::Object(session.first.clone()));
        attributes.set("lastTouch", &Value::Object(session.latest.clone()));
    }
}

/// How a page was reached: the campaign's parameters and the other site's host.
fn touch(url: &Url<'_>, referrer: &str) -> Map {
    let mut touch = crate::attributes::utm(url);
    let from = Url::parse(referrer);
    if !from.host().is_empty() && from.host() != url.host() {
        touch.set("referrer", &from.host().into());
    }
    let mut short = Map::new();
    for (name, value) in touch.iter() {
        if value.as_str().is_some_and(|text| text.len() <= HISTORY_TEXT_BYTES_MAX) {
            short.set(name, value);
        }
    }
    short
}
