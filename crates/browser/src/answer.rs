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
//! `edit` is 0 text, 1 html, 2 attribute `more` (null removes it), 3 classes (lists: `text` to add, `more` to remove),
//! 4 to 7 html before, after, inside first, inside last, 8 removal, 9 css.

use crate::standing::Standing;
use splitlight_engine::bytes::{list, text, value};
use splitlight_engine::{Decisions, Edit, Item, ItemKind, Program, Variation, Visitor};
use splitlight_protocol::config::Position;
use splitlight_protocol::{Map, Timestamp, Value};

/// All features, in the order of the program.
pub(crate) fn features(program: &Program, decisions: &Decisions, out: &mut Vec<u8>) {
    list(decisions.features(program).count(), out);
    for (key, given, decision) in decisions.features(program) {
        list(4, out);
        text(key, out);
        value(given, out);
        text(decision.reason.name(), out);
        let item = decision.item.and_then(|(item, _)| program.items().get(item));
        maybe(item.map(Item::key), out);
    }
}

/// The segments that the visitor is in.
pub(crate) fn segments(program: &Program, visitor: &Visitor, now: Timestamp, out: &mut Vec<u8>) {
    let Some(segments) = program.segments(visitor, now) else { return null(out) };
    list(segments.len(), out);
    for segment in segments {
        number(segment as usize, out);
    }
}

/// All items, in the order of the program.
pub(crate) fn items(program: &Program, standings: &[Standing], attributes: &Map, out: &mut Vec<u8>) {
    list(program.items().len(), out);
    for (item, standing) in program.items().iter().zip(standings) {
        entry(item, standing, attributes, out);
    }
}

fn entry(item: &Item, standing: &Standing, attributes: &Map, out: &mut Vec<u8>) {
    let experiment = item.kind() == ItemKind::Experiment;
    let open = standing.is_open();
    // For an experiment there is always one to use: control when a gate was closed.
    let variation = item.variations().get(standing.decision.variation).filter(|_| open || experiment);
    let plain = |variation: &Variation| variation.changes.is_empty() && variation.redirect.is_none();
    let plain = item.variations().iter().all(plain);
    list(8, out);
    text(item.key(), out);
    truth(!experiment, out);
    maybe(variation.map(|variation| &*variation.key), out);
    text(standing.decision.reason.name(), out);
    value(variation.map_or(&Value::Null, |variation| &variation.value), out);
    truth(open && experiment && plain, out);
    let Some(variation) = variation.filter(|_| open) else {
        null(out);
        null(out);
        return;
    };
    let mine =
        |at: usize| standing.left.as_ref().is_none_or(|left| left.iter().any(|left| *left as usize == at));
    list((0..variation.changes.len()).filter(|at| mine(*at)).count(), out);
    for (at, change) in variation.changes.iter().enumerate().filter(|(at, _)| mine(*at)) {
        list(5, out);
        text(&change.selector, out);
        edit(&change.edit, attributes, out);
        number(at, out);
    }
    match &variation.redirect {
        Some((to, keep_query)) => {
            list(2, out);
            text(to, out);
            truth(*keep_query, out);
        }
        None => null(out),
    }
}

/// What happens, and its `text` and `more`.
fn edit(edit: &Edit, attributes: &Map, out: &mut Vec<u8>) {
    let (kind, given) = match edit {
        Edit::Text(template) => (0, Some(template.text(attributes))),
        Edit::Html(html) => (1, Some(html.html(attributes))),
        Edit::Attribute(_, template) => (2, template.as_ref().map(|template| template.text(attributes))),
        Edit::Class(add, remove) => {
            number(3, out);
            texts(add, out);
            return texts(remove, out);
        }
        Edit::Insert(position, html) => (inserted(*position), Some(html.html(attributes))),
        Edit::Remove => (8, None),
        Edit::Css(css) => (9, Some(css.clone())),
    };
    number(kind, out);
    maybe(given.as_deref(), out);
    maybe(if let Edit::Attribute(name, _) = edit { Some(name) } else { None }, out);
}

const fn inserted(position: Position) -> usize {
    match position {
        Position::Before => 4,
        Position::After => 5,
        Position::Prepend => 6,
        Position::Append => 7,
    }
}

fn texts(texts: &[String], out: &mut Vec<u8>) {
    list(texts.len(), out);
    for it in texts {
        text(it, out);
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
