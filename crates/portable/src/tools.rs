//! What tools ask beside decisions: why, what a page says, and what a visitor did.

use crate::bytes::Reader;
use splitlight_engine::{History, Program, attributes, explain_program};
use splitlight_protocol::{Map, Timestamp, Value};

/// Why, as [`explain_program`] tells it.
pub(crate) fn explanation(program: &Program, input: &[u8], now: Timestamp) -> Option<Value> {
    Some(explain_program(program, &crate::visitor::read(input)?, now))
}

/// What a page and its request say, from the texts for address, referrer, user agent and language: `attributes`, `isBot`.
pub(crate) fn page(input: &[u8]) -> Option<Value> {
    let mut from = Reader(input);
    let (url, referrer, agent, language) = (from.text()?, from.text()?, from.text()?, from.text()?);
    let said = attributes::from_page(&url, &referrer, &agent, &language);
    let is_bot = attributes::is_bot(&agent);
    let members = [("attributes", Value::Object(said)), ("isBot", Value::Bool(is_bot))];
    Some(Value::Object(Map::from_iter(members.map(|(name, value)| (name.to_owned(), value)))))
}

/// The history after an event, from its bytes, the event's name, its properties and its value or null.
pub(crate) fn remembered(program: &Program, input: &[u8], now: Timestamp) -> Option<Vec<u8>> {
    let mut from = Reader(input);
    let mut history = History::from_bytes(from.bytes()?).unwrap_or_default();
    let (event, properties) = (from.text()?, from.object()?);
    let value = from.value_or_null()?.as_f64();
    #[expect(clippy::cast_possible_truncation, reason = "values are whole, and the cast saturates")]
    let value = value.map(|value| value as i64);
    history.record(program, &event, &properties, value, now);
    Some(history.to_bytes())
}

/// The history after a page view, from its bytes and the texts for address and referrer.
pub(crate) fn visited(program: &Program, input: &[u8], now: Timestamp) -> Option<Vec<u8>> {
    let mut from = Reader(input);
    let mut history = History::from_bytes(from.bytes()?).unwrap_or_default();
    history.visit(program, &from.text()?, &from.text()?, now);
    Some(history.to_bytes())
}

/// The history as [`History::export`] tells it, from its bytes.
pub(crate) fn told(program: &Program, input: &[u8]) -> Option<Value> {
    let history = History::from_bytes(Reader(input).bytes()?).unwrap_or_default();
    Some(history.export(program))
}
