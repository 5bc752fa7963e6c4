//! What the loader asks: decide, and remember.

use crate::standing::{self, Standing};
use crate::{answer, handover};
use core::cell::RefCell;
use splitlight_engine::{Code, Consent, Facts, History, Sticky, Visitor, attributes, bytes, decide};
use splitlight_protocol::{Map, Timestamp, Value};
use wasm_bindgen::prelude::wasm_bindgen;

/// Splitlight on one page.
struct Page {
    program: Option<Code>,
    /// Empty until the first decision.
    standings: Vec<Standing>,
    /// What comes in, and then what goes out.
    bytes: Vec<u8>,
}

thread_local! {
    static PAGE: RefCell<Page> =
        const { RefCell::new(Page { program: None, standings: Vec::new(), bytes: Vec::new() }) };
}

#[wasm_bindgen]
extern "C" {
    /// `String(number).charCodeAt(at)`, and 0 after the last one.
    fn digit(number: f64, at: u32) -> u32;
}

/// A number as JavaScript writes it, which leaves our own way to do it out of the download.
fn digits(number: f64) -> String {
    let mut text = String::new();
    let mut at = 0;
    // All of them are ASCII.
    while let Ok(code @ 1..) = u8::try_from(digit(number, at)) {
        text.push(code.into());
        at += 1;
    }
    text
}

/// Makes room for so many bytes of input, and gives the address to write them to. It is valid until the next call.
#[wasm_bindgen]
pub fn room(length: usize) -> usize {
    PAGE.with_borrow_mut(|page| {
        page.bytes.resize(length, 0);
        page.bytes.as_ptr().addr()
    })
}

/// Takes the input as the program. Gives 1 when any rule of it asks what the visitor did and else 0, or 2 when this is the
/// slim core and the program has more than that decides.
///
/// Bytes that are no program, one of another release or one for the whole core decide nothing.
#[wasm_bindgen]
pub fn start() -> u32 {
    PAGE.with_borrow_mut(|page| {
        let Ok(program) = Code::new(::core::mem::take(&mut page.bytes), digits) else { return 0 };
        // In the whole core one of them is true.
        if !program.is_slim() && !program.asks_rare() {
            return 2;
        }
        let asks = program.asks_history().into();
        page.program = Some(program);
        asks
    })
}

/// Decides every item and feature at a time in milliseconds since 1970; gives the address of the answer, which is
/// described in answer.rs, or 0 without a program.
///
/// The input is an object of facts and then the bytes of the history. The facts are `id`, `user`, `sticky` (what the device
/// keeps), `url`, `referrer`, `userAgent`, `language`, `consent`, `utcOffset` (minutes), `entered` (a page is visited that
/// was not counted yet), `attributes` (the site's), `handover` (the edge's) and `keep`: what is in force stays in force.
#[wasm_bindgen(js_name = decide)]
pub fn decide_page(now: f64) -> usize {
    let now = Timestamp::from_ms(whole(now));
    PAGE.with_borrow_mut(|page| {
        let Page { program: Some(program), standings, bytes } = page else { return 0 };
        let (facts, mut history) = read(bytes);
        let Value::Object(mut facts) = facts else { return 0 };
        // Taken out, because copies cost code.
        let mut take = |name: &str| facts.insert(name.to_owned(), Value::Null);
        let (edge, site) = (handover::read(take("handover")), handover::object(take("attributes")));
        let facts = &facts;
        let text = |name| facts.get(name).and_then(Value::as_str).unwrap_or_default();
        let is = |name| facts.get(name) == Some(&Value::Bool(true));
        let consent = consent(text("consent"));
        let entered = consent.personalizes() && is("entered");
        let visited = entered && history.visit(program, text("url"), text("referrer"), now);
        let visited = visited.then(|| history.to_bytes());
        let visitor = Visitor::new(Facts {
            id: Some(text("id").to_owned()),
            user: Some(text("user").to_owned()),
            sticky: if program.asks_rare() { Sticky::parse(text("sticky")) } else { Sticky::default() },
            attributes: all_attributes(program, edge.attributes, facts, site),
            history: Some(history),
            url: text("url").to_owned(),
            consent,
            utc_offset: facts
                .get("utcOffset")
                .and_then(Value::as_f64)
                .map(whole)
                .and_then(|it| it.try_into().ok()),
            bot: attributes::is_bot(text("userAgent")),
            ..Facts::default()
        });
        let decisions = decide(program, &visitor, now);
        bytes.clear();
        bytes::list(5, bytes);
        answer::features(program, &decisions, bytes);
        bytes::text(
            &decisions.kept(program, &visitor).map(|sticky| sticky.to_text()).unwrap_or_default(),
            bytes,
        );
        bytes::raw(&visited.unwrap_or_default(), bytes);
        if standings.is_empty() {
            *standings = standing::first(program, decisions, &edge.decisions);
        } else {
            standing::again(program, standings, &decisions, is("keep"));
        }
        answer::items(program, standings, visitor.attributes(), bytes);
        answer::segments(program, &visitor, now, bytes);
        bytes.as_ptr().addr()
    })
}

/// Remembers an event at a time; gives the address of a list of the history's bytes and the segments, or 0 when no rule
/// asks about it.
///
/// The input is a list of the event's name, its properties and its value or null, and then the bytes of the history.
#[wasm_bindgen]
pub fn remember(now: f64) -> usize {
    PAGE.with_borrow_mut(|page| {
        let Page { program: Some(program), bytes, .. } = page else { return 0 };
        let (event, mut history) = read(bytes);
        let Value::Array(event) = event else { return 0 };
        let [Value::String(name), Value::Object(properties), value] = &*event else { return 0 };
        let value = value.as_f64().map(whole);
        let now = Timestamp::from_ms(whole(now));
        if !history.record(program, name, properties, value, now) {
            return 0;
        }
        bytes.clear();
        bytes::list(2, bytes);
        bytes::raw(&history.to_bytes(), bytes);
        let visitor = Visitor::new(Facts { history: Some(history), ..Facts::default() });
        answer::segments(program, &visitor, now, bytes);
        bytes.as_ptr().addr()
    })
}

/// The value and the history of an input; what cannot be read is empty.
fn read(bytes: &[u8]) -> (Value, History) {
    let (value, rest) = bytes::read(bytes).unwrap_or_default();
    (value, History::from_bytes(rest).unwrap_or_default())
}

/// The edge's attributes, over them the page's, over them the site's.
fn all_attributes(program: &Code, edge: Map, facts: &Map, site: Map) -> Map {
    let text = |name| facts.get(name).and_then(Value::as_str).unwrap_or_default();
    let mut all = edge;
    let said = [text("url"), text("referrer"), text("userAgent"), text("language")];
    let [url, referrer, agent, language] = said;
    let page = if program.asks_rare() {
        attributes::from_page(url, referrer, agent, language)
    } else {
        attributes::without_campaign(url, referrer, agent, language)
    };
    for (name, value) in page.into_iter().chain(site) {
        all.insert(name, value);
    }
    all
}

fn consent(word: &str) -> Consent {
    match word {
        "granted" => Consent::Granted,
        "denied" => Consent::Denied,
        "personalization" => Consent::Personalization,
        // Before there is an answer the loader gives an id of this page alone, and measures nothing.
        _ => Consent::Measurement,
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the loader gives safe integers only, and the cast saturates"
)]
fn whole(number: f64) -> i64 {
    number as i64
}
