//! Decisions as the loader takes them: one list per item, because lists need no member names in the download.
//!
//! A whole answer is `[features, kept, history, items, segments]`, where `kept` is the text of kept variations and `history`
//! the bytes that the device should keep; each is empty if it is not new. `segments` are the numbers of the audiences that
//! the edge should know of, or null when there are none to know.
//!
//! A feature is `[key, value, reason, item]`, where reading it is meeting the item with that key, if there is one.
//!
//! An item is `[key, kind, variation, reason, value, onRead, changes, redirect]`, where `kind` is true for a
//! personalization and false for an experiment, `variation` is null for a personalization that is not in force, `onRead`
//! says that reading the variation is what the visitor meets, and `changes` (null when no variation is in force) holds
//! `[selector, edit, text, more, index]` with the attributes filled in. `redirect` is `[address, keepQuery]` or null.
//!
//! `edit` is 0 text, 1 html, 2 attribute `more` (null removes it), 3 classes (names with spaces between: `text` to add,
//! `more` to remove), 4 to 7 html before, after, inside first, inside last, 8 removal, 9 css, 10 a move (`more`, the method of the
//! element that `text` selects).

use crate::standing::Standing;
use splitlight_engine::bytes::{list, text, value};
use splitlight_engine::{Code, Decisions, Visitor};
use splitlight_protocol::{Map, Timestamp, Value};

/// All features, in the order of the program.
pub(crate) fn features(program: &Code, decisions: &Decisions, out: &mut Vec<u8>) {
    let decisions = decisions.feature_decisions();
    list(decisions.len(), out);
    if !program.asks_rare() {
        return;
    }
    for (at, decision) in decisions.iter().enumerate() {
        let (key, given) = program.feature(at, *decision);
        list(4, out);
        text(key, out);
        out.extend_from_slice(given);
        text(decision.reason.name(), out);
        maybe(decision.item.map(|(item, _)| program.item(item).key), out);
    }
}

/// The segments that the visitor is in.
pub(crate) fn segments(program: &Code, visitor: &Visitor, now: Timestamp, out: &mut Vec<u8>) {
    let Some(segments) = program.segments(visitor, now) else { return null(out) };
    list(segments.len(), out);
    for segment in segments {
        number(segment as usize, out);
    }
}

/// All items, in the order of the program.
pub(crate) fn items(program: &Code, standings: &[Standing], attributes: &Map, out: &mut Vec<u8>) {
    list(standings.len(), out);
    for (at, standing) in standings.iter().enumerate() {
        entry(program, at, standing, attributes, out);
    }
}

fn entry(program: &Code, at: usize, standing: &Standing, attributes: &Map, out: &mut Vec<u8>) {
    let item = program.item(at);
    let experiment = item.slot.is_none();
    let open = standing.is_open();
    // For an experiment there is always one to use: control when a gate was closed.
    let variation = item.variation(standing.decision.variation).filter(|_| open || experiment);
    list(8, out);
    text(item.key, out);
    truth(!experiment, out);
    maybe(variation.as_ref().map(|variation| variation.key), out);
    text(standing.decision.reason.name(), out);
    match &variation {
        Some(variation) => out.extend_from_slice(variation.value),
        None => null(out),
    }
    truth(open && experiment && item.is_plain(), out);
    let Some(variation) = variation.filter(|_| open) else {
        null(out);
        null(out);
        return;
    };
    let mut edits = variation.edits();
    let mine =
        |at: usize| standing.left.as_ref().is_none_or(|left| left.iter().any(|left| *left as usize == at));
    list((0..edits.left()).filter(|at| mine(*at)).count(), out);
    let mut at = 0;
    while let Some(edit) = edits.next(attributes) {
        if mine(at) {
            list(5, out);
            text(edit.selector, out);
            number(edit.kind.into(), out);
            maybe(edit.text.as_deref(), out);
            maybe(edit.more, out);
            number(at, out);
        }
        at += 1;
    }
    match variation.redirect {
        Some((to, keep_query)) => {
            list(2, out);
            text(to, out);
            truth(keep_query, out);
        }
        None => null(out),
    }
}

fn maybe(given: Option<&str>, out: &mut Vec<u8>) {
    match given {
        Some(given) => text(given, out),
        None => null(out),
    }
}

fn number(number: usize, out: &mut Vec<u8>) {
    value(&Value::Number(number as f64), out);
}

fn truth(truth: bool, out: &mut Vec<u8>) {
    value(&Value::Bool(truth), out);
}

fn null(out: &mut Vec<u8>) {
    value(&Value::Null, out);
}
