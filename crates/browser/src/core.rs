//! What the loader asks: decide, and remember.

use crate::standing::{self, Standing};
use crate::{answer, clock, handover, value};
use core::mem::ManuallyDrop;
use js_sys::Array;
use splitlight_engine::{Consent, Facts, History, Program, Sticky, Visitor, attributes, decide};
use splitlight_protocol::{Map, Value};
use wasm_bindgen::prelude::*;

/// Splitlight on one page.
#[wasm_bindgen]
pub struct Splitlight {
    /// Lives as long as the page, so that the code that would take it apart need not be downloaded.
    program: ManuallyDrop<Program>,
    /// Empty until the first decision.
    standings: Vec<Standing>,
}

#[wasm_bindgen]
impl Splitlight {
    /// Reads a program; bytes that are none, or of another release, are a program that decides nothing.
    #[wasm_bindgen(constructor)]
    pub fn new(program: &[u8]) -> Self {
        let program = Program::from_bytes_forever(program).unwrap_or_default();
        Self { program, standings: Vec::new() }
    }

    /// Whether any rule asks what the visitor did.
    #[wasm_bindgen(js_name = asksHistory)]
    pub fn asks_history(&self) -> bool {
        self.program.asks_history()
    }

    /// Decides every item and feature; the answer is described in answer.rs.
    ///
    /// `facts` has `id`, `user`, `sticky` (what the device keeps), `url`, `referrer`, `userAgent`, `language`, `consent`,
    /// `utcOffset` (minutes), `entered` (a page is visited that was not counted yet), `attributes` (the site's) and
    /// `handover` (the edge's). With `keep`, what is in force stays in force.
    pub fn decide(&mut self, facts: &JsValue, history: &[u8], keep: bool) -> Array {
        let facts = value::members(facts);
        let text = |name| facts.get(name).and_then(Value::as_str).unwrap_or_default();
        let name = |name| facts.get(name).and_then(Value::as_str).map(str::to_owned);
        let edge = handover::read(facts.get("handover"));
        let attributes = all_attributes(edge.attributes, &facts);
        let consent = consent(text("consent"));
        let mut history = History::from_bytes(history).unwrap_or_default();
        let entered = consent == Consent::Granted && facts.get("entered") == Some(&Value::Bool(true));
        let visited = entered && history.visit(&self.program, text("url"), text("referrer"), clock::now());
        let visited = visited.then(|| history.to_bytes());
        let visitor = Visitor::new(Facts {
            id: name("id"),
            user: name("user"),
            sticky: Sticky::parse(text("sticky")),
            attributes,
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
        let decisions = decide(&self.program, &visitor, clock::now());
        let features = answer::features(&self.program, &decisions);
        let kept = decisions.kept(&self.program, &visitor).map(|sticky| sticky.to_text());
        if self.standings.is_empty() {
            self.standings = standing::first(&self.program, decisions, &edge.decisions);
        } else {
            standing::again(&self.program, &mut self.standings, &decisions, keep);
        }
        let items = answer::items(&self.program, &self.standings, visitor.attributes());
        Array::of4(&items, &features, &kept.into(), &visited.into())
    }

    /// The history with an event, when a rule asks about it.
    pub fn remember(
        &self,
        history: &[u8],
        event: &str,
        properties: &JsValue,
        value: Option<f64>,
    ) -> Option<Vec<u8>> {
        let mut history = History::from_bytes(history).unwrap_or_default();
        let properties = value::members(properties);
        let known = history.record(&self.program, event, &properties, value.map(whole), clock::now());
        known.then(|| history.to_bytes())
    }
}

/// The edge's attributes, over them the page's, over them the site's.
fn all_attributes(edge: Map, facts: &Map) -> Map {
    let text = |name| facts.get(name).and_then(Value::as_str).unwrap_or_default();
    let mut all = edge;
    let page = attributes::from_page(text("url"), text("referrer"), text("userAgent"), text("language"));
    for (name, value) in page.iter().chain(handover::object(facts.get("attributes")).iter()) {
        all.insert(name.to_owned(), value.clone());
    }
    all
}

fn consent(word: &str) -> Consent {
    match word {
        "granted" => Consent::Granted,
        "denied" => Consent::Denied,
        _ => Consent::Pending,
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the loader gives safe integers only, and the cast saturates"
)]
fn whole(number: f64) -> i64 {
    number as i64
}
