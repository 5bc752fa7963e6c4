//! Decides from bytes alone, without memory of its own, what little code can tell; all else is deferred.
//!
//! It is what a page holds inline before the script is there. A decision that is not [`Reason::Deferred`] is the one that
//! [`decide()`](crate::decide()) makes; which ones are deferred is a question of size only.

use crate::attributes::{browser, device, is_bot, os};
use crate::code::{FORMAT, Gated, SECTIONS, Section};
use crate::codec::{Reader, Wire};
use crate::condition::{Truth, every, is_ordered};
use crate::decide::{agreed, named};
use crate::page::{Url, fits, takes_part_by};
use crate::program::runs_at;
use crate::reason::Reason;
use core::cmp::Ordering;
use splitlight_protocol::{Consent, Timestamp};

/// The answer for one item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer<'a> {
    /// The item's key.
    pub key: &'a str,
    /// The key of the variation, which is the first one (control) when a gate was closed.
    pub variation: &'a str,
    /// Why.
    pub reason: Reason,
    /// Whether it is a personalization, of which nothing is shown when it is not in force.
    pub is_personalization: bool,
    /// How many changes to the page the variation has.
    pub changes: usize,
}

/// Decides every item of a program, and gives the answers in the order of the program; none when it is no program.
///
/// `facts` are a list, as [`bytes`](crate::bytes) has it, of the visitor's id, the user, the page's address, the
/// referrer, the user agent, the language and an object of the site's own attributes.
///
/// ```
/// use splitlight_engine::{Consent, Reason, bytes, compile, lean};
/// use splitlight_protocol::{Map, Timestamp, Value, config};
/// let parsed = config::parse(r#"{ "version": 1, "project": "shop", "experiments": [
///   { "key": "hero", "when": { "plan": "pro" }, "variations": [{ "key": "a", "weight": 0 }, { "key": "b", "weight": 1 }] }] }"#);
/// let program = compile(&parsed.config).program.to_bytes();
/// let attributes = Value::Object(Map::from_iter([("plan".to_owned(), "pro".into())]));
/// let texts = ["v-1", "", "https://shop.test/", "", "Mozilla/5.0", "es"].map(Value::from);
/// let mut facts = Vec::new();
/// bytes::value(&Value::Array([&texts[..], &[attributes]].concat()), &mut facts);
/// let mut given = Vec::new();
/// lean::decide(&program, &facts, Consent::Granted, Timestamp::from_ms(0), &mut |answer| given.push(answer));
/// assert_eq!((given[0].variation, given[0].reason), ("b", Reason::Assigned));
/// ```
pub fn decide<'a>(
    program: &'a [u8],
    facts: &'a [u8],
    consent: Consent,
    now: Timestamp,
    give: &mut dyn FnMut(Answer<'a>),
) {
    let Some(program) = program.strip_prefix(&FORMAT) else { return };
    let mut from = Reader::new(program);
    let sections = [(); SECTIONS].map(|()| {
        let section = from;
        for _ in 0..from.length() {
            from.part();
        }
        section
    });
    let page = Page { sections, facts: Facts::read(facts), consent, now };
    let mut items = sections[Section::Items as usize];
    let mut slots = Slots { taken: [0; 4], deferred: [0; 4] };
    for _ in 0..items.length() {
        let mut entry = items.part();
        entry.level();
        let item = Gated::read(entry);
        let (variation, reason) = page.gates(&item).unwrap_or_else(|reason| (0, reason));
        let reason = item.slot.map_or(reason, |slot| slots.fill(slot, reason));
        let variation = item.variation(if reason.is_open() { variation } else { 0 });
        if let Some(variation) = variation {
            let (changes, is_personalization) = (variation.edits().left(), item.slot.is_some());
            give(Answer { key: item.key, variation: variation.key, reason, is_personalization, changes });
        }
    }
}

/// The slots with numbers below 256; those with others are deferred.
struct Slots {
    taken: [u64; 4],
    deferred: [u64; 4],
}

impl Slots {
    /// What the reason becomes in a slot: the first item that is open fills it.
    ///
    /// An item that is deferred stays so, also in a slot that is taken: a gate of its own that is closed would say more.
    fn fill(&mut self, slot: u32, reason: Reason) -> Reason {
        if !reason.is_open() && reason != Reason::Deferred {
            return reason;
        }
        let (at, bit) = ((slot / 64) as usize, 1 << (slot % 64));
        let (Some(taken), Some(deferred)) = (self.taken.get_mut(at), self.deferred.get_mut(at)) else {
            return Reason::Deferred;
        };
        if *taken & bit != 0 {
            return if reason == Reason::Deferred { reason } else { Reason::Slot };
        }
        if *deferred & bit != 0 {
            return Reason::Deferred;
        }
        *(if reason == Reason::Deferred { deferred } else { taken }) |= bit;
        reason
    }
}

/// What a page says of itself and its visitor.
struct Facts<'a> {
    id: &'a str,
    user: &'a str,
    url: Url<'a>,
    referrer: &'a str,
    agent: &'a str,
    is_bot: bool,
    language: &'a str,
    /// The site's attributes, as the members of an object.
    site: Reader<'a>,
}

impl<'a> Facts<'a> {
    fn read(bytes: &'a [u8]) -> Self {
        let mut from = Reader::new(bytes);
        from.byte();
        from.length();
        let [id, user, url, referrer, agent, language] = [(); 6].map(|()| match Given::read(&mut from) {
            Given::Text(text) => text,
            _ => "",
        });
        from.byte();
        Self { id, user, url: Url::parse(url), referrer, agent, is_bot: is_bot(agent), language, site: from }
    }
}

/// A value as it lies in the bytes.
#[derive(Clone, Copy, PartialEq)]
enum Given<'a> {
    Null,
    Bool(bool),
    Number(f64),
    Text(&'a str),
    List,
    /// Its members.
    Object(Members<'a>),
}

/// The members of an object; none of them is compared.
#[derive(Clone, Copy)]
struct Members<'a>(Reader<'a>);

impl PartialEq for Members<'_> {
    fn eq(&self, _: &Self) -> bool {
        false
    }
}

impl<'a> Given<'a> {
    /// Reads a value, and goes on behind it.
    fn read(from: &mut Reader<'a>) -> Self {
        match from.byte() {
            0 => Self::Null,
            truth @ 1..=2 => Self::Bool(truth > 1),
            3 => Self::Number(f64::read(from)),
            4 => Self::Text(from.text()),
            5 => {
                from.list(&mut |from| {
                    Self::read(from);
                });
                Self::List
            }
            6 => {
                let members = *from;
                from.list(&mut |from| {
                    from.text();
                    Self::read(from);
                });
                Self::Object(Members(members))
            }
            _ => {
                from.fail();
                Self::Null
            }
        }
    }

    /// Whether it is one of several values inside, which are not looked into.
    fn is_nested(self) -> bool {
        matches!(self, Self::List | Self::Object(_))
    }

    /// As a value's type is written.
    fn kind(self) -> u8 {
        match self {
            Self::Null => 0,
            Self::Bool(_) => 1,
            Self::Number(_) => 2,
            Self::Text(_) => 3,
            Self::List => 4,
            Self::Object(_) => 5,
        }
    }

    /// Whether both are the same.
    fn is(self, other: Self) -> Truth {
        if self.is_nested() && self.kind() == other.kind() { Truth::Unknown } else { (self == other).into() }
    }

    /// How two numbers or texts are ordered.
    ///
    /// # Errors
    /// That it takes more to tell: texts are ordered by UTF-16 code units.
    fn compare(self, other: Self) -> Result<Option<Ordering>, Truth> {
        match (self, other) {
            (Self::Number(a), Self::Number(b)) => Ok(a.partial_cmp(&b)),
            (Self::Text(a), Self::Text(b)) if a.is_ascii() && b.is_ascii() => {
                Ok(Some(a.as_bytes().cmp(b.as_bytes())))
            }
            (Self::Text(_), Self::Text(_)) => Err(Truth::Unknown),
            _ => Ok(None),
        }
    }
}

/// The member with a name among those that are next.
fn member<'a>(mut members: Reader<'a>, name: &str) -> Option<Given<'a>> {
    let mut found = None;
    members.list(&mut |from| {
        let is_it = from.text() == name;
        let value = Given::read(from);
        if is_it {
            found = Some(value);
        }
    });
    found
}

/// One page, of which items ask.
struct Page<'a> {
    sections: [Reader<'a>; SECTIONS],
    facts: Facts<'a>,
    consent: Consent,
    now: Timestamp,
}

impl<'a> Page<'a> {
    fn entry(&self, section: Section, at: usize) -> Reader<'a> {
        let mut all = self.sections[section as usize];
        let within = at < all.length();
        for _ in 0..at {
            all.part();
        }
        let mut entry = if within { all.part() } else { Reader::new(&[]) };
        entry.level();
        entry
    }

    /// The index of the variation and why, or the first gate that is closed.
    fn gates(&self, item: &Gated<'_>) -> Result<(usize, Reason), Reason> {
        if !runs_at(item.start, item.end, self.now) {
            return Err(Reason::NotRunning);
        }
        if self.facts.is_bot {
            return Err(Reason::Bot);
        }
        if !agreed(item, self.consent) {
            return Err(Reason::NoConsent);
        }
        // A regular expression is not looked at.
        let fits = |pattern: &mut Reader<'_>| (pattern.byte() == 0).then(|| fits(pattern, &self.facts.url));
        let on_page = takes_part_by(&mut { item.pages }, &mut { fits });
        open(on_page.map_or(Truth::Unknown, Truth::from), Reason::Page)?;
        if let Some(wanted) = self.facts.url.parameter(item.key).and_then(|wanted| named(item, wanted)) {
            return Ok((wanted, Reason::Forced));
        }
        let own = self.id(item.unit)?;
        let id = match (own, item.fallback) {
            (None, Some(fallback)) => self.id(fallback)?,
            (id, _) => id,
        };
        if !item.constant && id.is_none() {
            return Err(Reason::NoUnit);
        }
        let has = |mut list: Reader<'_>| list.length() > 0;
        if item.sticky.is_some() || has(item.holdouts) || (!item.constant && has(item.filters)) {
            return Err(Reason::Deferred);
        }
        open(self.holds(&mut { item.when }, usize::MAX), Reason::Audience)?;
        if has(item.prerequisites) || has(item.caps) || has(item.contexts) {
            return Err(Reason::Deferred);
        }
        let variation = match id {
            Some(id) => item.covered(&mut { item.ranges }, id).ok_or(Reason::Coverage)?,
            None => 1,
        };
        Ok((variation, Reason::Assigned))
    }

    /// The id that is hashed for a unit.
    ///
    /// # Errors
    /// That it takes more to tell.
    fn id(&self, unit: u32) -> Result<Option<&'a str>, Reason> {
        let mut unit = self.entry(Section::Units, unit as usize);
        let known = self.consent.measures() || self.consent.personalizes();
        let id = match unit.byte() {
            0 => match self.attribute(&mut unit) {
                Ok(Given::Text(text)) => text,
                Ok(Given::Number(number)) if number != 0.0 => return Err(Reason::Deferred),
                Err(_) => return Err(Reason::Deferred),
                Ok(_) => "",
            },
            1 if known => self.facts.id,
            2 if known => self.facts.user,
            _ => "",
        };
        Ok((!id.is_empty()).then_some(id))
    }

    /// The attribute at the path that is next, null when it is missing.
    ///
    /// # Errors
    /// That it takes more to tell.
    fn attribute(&self, path: &mut Reader<'_>) -> Result<Given<'a>, Truth> {
        let facts = &self.facts;
        let names = path.length();
        let first = path.text();
        let mut found = match member(facts.site, first) {
            Some(given) => given,
            None => Given::Text(match first {
                "url" => facts.url.whole(),
                "host" => facts.url.host(),
                "path" => facts.url.path(),
                "referrer" => facts.referrer,
                "device" => device(facts.agent),
                "browser" => browser(facts.agent),
                "os" => os(facts.agent),
                "language" => facts.language,
                // The script takes them from the address and the history.
                "utm" | "session" | "firstTouch" | "lastTouch" => return Err(Truth::Unknown),
                _ => return Ok(Given::Null),
            }),
        };
        for _ in 1..names {
            let name = path.text();
            found = match found {
                Given::Object(Members(members)) => member(members, name).unwrap_or(Given::Null),
                Given::List => return Err(Truth::Unknown),
                _ => Given::Null,
            };
        }
        Ok(found)
    }

    /// Whether the condition that is next holds, with so many of the audiences.
    fn holds(&self, from: &mut Reader<'_>, audiences: usize) -> Truth {
        let mut when = from.part();
        let kind = when.byte();
        match kind {
            1 | 2 => {
                let count = when.length();
                every(count, kind == 2 && count > 0, &mut |_| self.holds(&mut when, audiences))
            }
            3 => !self.holds(&mut when, audiences),
            4 => match self.attribute(&mut when) {
                Ok(given) => passes(&mut when, given),
                Err(unknown) => unknown,
            },
            5 => {
                let audience = when.index();
                if audience >= audiences {
                    return Truth::Unknown;
                }
                self.holds(&mut self.entry(Section::Audiences, audience), audience)
            }
            7 => Truth::False,
            _ => Truth::Unknown,
        }
    }
}

/// That a gate is open; what is not known is left to who knows more.
fn open(truth: Truth, closed: Reason) -> Result<(), Reason> {
    match truth {
        Truth::True => Ok(()),
        Truth::False => Err(closed),
        _ => Err(Reason::Deferred),
    }
}

/// Whether a value passes the test that is next.
fn passes(from: &mut Reader<'_>, given: Given<'_>) -> Truth {
    let mut test = from.part();
    let kind = test.byte();
    match kind {
        1 | 2 => {
            let count = test.length();
            every(count, kind == 2, &mut |_| passes(&mut test, given))
        }
        3 => !passes(&mut test, given),
        4 => given.is(Given::read(&mut test)),
        5 if given == Given::List => Truth::Unknown,
        5 => {
            let count = test.length();
            every(count, true, &mut |_| given.is(Given::read(&mut test)))
        }
        6..=9 => match given.compare(Given::read(&mut test)) {
            Err(unknown) => unknown,
            Ok(order) => is_ordered(kind, order).into(),
        },
        10 => (bool::read(&mut test) == (given != Given::Null)).into(),
        11 => (test.byte() == given.kind()).into(),
        18 => Truth::False,
        _ => Truth::Unknown,
    }
}

#[cfg(test)]
mod tests;
