//! Asks conditions about a visitor, straight from the program's bytes: there is no other form that is asked.

use super::Truth;
use crate::attributes::is_of_page;
use crate::code::{Code, Section};
use crate::codec::{Reader, Wire};
use crate::history::{Measure, Window};
use crate::place::Near;
use crate::version::padded;
use crate::visitor::Visitor;
use crate::{local, nfa, score};
use core::cmp::Ordering;
use splitlight_protocol::{Map, Timestamp, Value};

/// What a condition is asked about.
#[derive(Clone, Copy)]
pub(crate) struct Context<'a> {
    pub(crate) code: &'a Code,
    /// How many audiences may be asked for, from the first.
    pub(crate) audiences: usize,
    pub(crate) visitor: &'a Visitor,
    pub(crate) attributes: &'a Map,
    /// Whether attributes that are missing may be known later.
    pub(crate) partial: bool,
    /// Whether this is asked for a score.
    pub(crate) in_score: bool,
    pub(crate) now: Timestamp,
}

impl<'a> Context<'a> {
    /// What is asked about a visitor.
    pub(crate) fn new(code: &'a Code, visitor: &'a Visitor, now: Timestamp) -> Self {
        let (attributes, partial) = (&visitor.facts.attributes, visitor.facts.partial);
        Self { code, audiences: usize::MAX, visitor, attributes, partial, in_score: false, now }
    }

    /// The same about other attributes, all of which are known.
    pub(crate) fn about(&self, attributes: &'a Map) -> Self {
        Self { attributes, partial: false, ..*self }
    }

    /// The attribute at the path that is next, null when it is missing.
    ///
    /// # Errors
    /// That it may be known later.
    pub(crate) fn attribute(&self, path: &mut Reader<'_>) -> Result<&'a Value, Truth> {
        let Lookup { found, first } = lookup(self.attributes, path);
        match found {
            None if self.partial && self.visitor.is_partial() && !is_of_page(first) => Err(Truth::Unknown),
            found => Ok(found.unwrap_or(&Value::Null)),
        }
    }
}

/// What is at a path of names, and the first name.
pub(crate) struct Lookup<'v, 'p> {
    pub(crate) found: Option<&'v Value>,
    first: &'p str,
}

/// Looks for the path that is next, and goes on behind it.
pub(crate) fn lookup<'v, 'p>(attributes: &'v Map, path: &mut Reader<'p>) -> Lookup<'v, 'p> {
    let left = path.length();
    if left == 0 {
        return Lookup { found: None, first: "" };
    }
    let first = path.text();
    let mut found = attributes.get(first);
    for _ in 1..left {
        let name = path.text();
        found = found.and_then(|value| value.at(&[name]));
    }
    Lookup { found, first }
}

/// What is at a path.
pub(crate) fn find<'v>(attributes: &'v Map, path: &[String]) -> Option<&'v Value> {
    let (first, rest) = path.split_first()?;
    attributes.get(first)?.at(rest)
}

/// Kleene's conjunction of so many truths, or with `any` his disjunction: the least of them, or the most.
pub(crate) fn every(count: usize, any: bool, truth: &mut dyn FnMut(usize) -> Truth) -> Truth {
    let turned = |truth: Truth| if any { !truth } else { truth };
    let mut least = Truth::True;
    for at in 0..count {
        least = least.min(turned(truth(at)));
        if least == Truth::False {
            break;
        }
    }
    turned(least)
}

/// Whether the condition that is next holds.
pub(crate) fn holds(from: &mut Reader<'_>, context: &Context<'_>) -> Truth {
    let mut when = from.part();
    let kind = when.byte();
    match kind {
        1 | 2 => {
            let count = when.length();
            // None of none holds, as in the contract.
            every(count, kind == 2 && count > 0, &mut |_| holds(&mut when, context))
        }
        3 => !holds(&mut when, context),
        4 => match context.attribute(&mut when) {
            Ok(value) => passes(&mut when, value, context),
            Err(unknown) => unknown,
        },
        5 => {
            let audiences = when.index();
            // It may ask for those before it only, so that it cannot come back to itself.
            if audiences >= context.audiences {
                return Truth::Unsupported;
            }
            let mut audience = context.code.entry(Section::Audiences, audiences);
            match holds(&mut audience, &Context { audiences, ..*context }) {
                Truth::Unknown => context.visitor.is_in_segment(context.code, audiences),
                known => known,
            }
        }
        6 | 10 => match found(kind, &mut when, context) {
            Ok(value) => passes(&mut when, &value, context),
            Err(unknown) => unknown,
        },
        7 => Truth::False,
        8 | 9 if !context.code.asks_rare() => Truth::Unsupported,
        8 => Near::read(&mut when).holds(context.attributes).into(),
        9 => local::holds(&mut when, context.visitor, context.now),
        _ => Truth::Unsupported,
    }
}

/// The number or text that a question about the history or a score finds; null for other kinds of conditions.
///
/// # Errors
/// Why there is none.
pub(super) fn found(kind: u8, from: &mut Reader<'_>, context: &Context<'_>) -> Result<Value, Truth> {
    match kind {
        6 => asked(from, context).map(Value::Number),
        10 if !context.code.asks_rare() => Err(Truth::Unsupported),
        10 => score::ask(from, context),
        _ => Ok(Value::Null),
    }
}

/// The number that the question about the history finds that is next.
///
/// # Errors
/// Why there is none.
pub(crate) fn asked(from: &mut Reader<'_>, context: &Context<'_>) -> Result<f64, Truth> {
    let (tracked, window, measure) = (from.index(), Window::read(from), Measure::read(from));
    let history = context.visitor.facts.history.as_ref().ok_or(Truth::Unknown)?;
    Ok(history.ask(&context.code.tracked(tracked)?, window, measure, context.now))
}

/// Whether a value passes the test that is next.
pub(crate) fn passes(from: &mut Reader<'_>, value: &Value, context: &Context<'_>) -> Truth {
    let mut test = from.part();
    let kind = test.byte();
    let passed = match kind {
        1 | 2 => return every(test.length(), kind == 2, &mut |_| passes(&mut test, value, context)),
        3 => return !passes(&mut test, value, context),
        4 => Value::read(&mut test) == *value,
        5 => {
            let wanted = Vec::<Value>::read(&mut test);
            match value {
                Value::Array(items) => items.iter().any(|item| wanted.contains(item)),
                _ => wanted.contains(value),
            }
        }
        6..=9 => is_ordered(kind, compare(value, &Value::read(&mut test))),
        10 => bool::read(&mut test) == (*value != Value::Null),
        11 => test.byte() == type_of(value),
        12..=17 if context.code.asks_rare() => return passes_rare(kind, test, value, context),
        18 => false,
        _ => return Truth::Unsupported,
    };
    passed.into()
}

/// The same for tests that few programs have.
#[inline(never)]
fn passes_rare(kind: u8, mut test: Reader<'_>, value: &Value, context: &Context<'_>) -> Truth {
    let passed = match kind {
        12..=14 => return within(kind, test, value, context),
        15 => {
            let none = Map::new();
            let attributes = if let Value::Object(members) = value { members } else { &none };
            return holds(&mut test, &context.about(attributes));
        }
        16 => value.as_str().is_some_and(|text| nfa::finds(&Vec::read(&mut test), text)),
        _ => {
            let orders = [(); 3].map(|()| bool::read(&mut test));
            let (version, number) = (test.text(), bool::read(&mut test));
            match padded(value, context.code.digits) {
                Some(own) if number == matches!(value, Value::Number(_)) => {
                    let order = own.encode_utf16().cmp(version.encode_utf16());
                    orders[usize::from(order != Ordering::Less) + usize::from(order == Ordering::Greater)]
                }
                // What is no version is unequal to every one.
                _ => orders[0] && orders[2],
            }
        }
    };
    passed.into()
}

/// Whether an element of a list passes a test, or its length does.
fn within(kind: u8, mut test: Reader<'_>, value: &Value, context: &Context<'_>) -> Truth {
    let Value::Array(items) = value else {
        // A member may be the value itself.
        return if kind == 12 { passes(&mut test, value, context) } else { Truth::False };
    };
    if kind == 14 {
        return passes(&mut test, &Value::Number(items.len() as f64), context);
    }
    every(items.len(), true, &mut |at| {
        let mut test = test;
        match &items[at] {
            Value::Null if kind == 13 => Truth::False,
            item => passes(&mut test, item, context),
        }
    })
}

/// Whether an order is the one that a kind of test asks for: 6 less, 7 at most, 8 greater, 9 at least.
pub(crate) fn is_ordered(kind: u8, order: Option<Ordering>) -> bool {
    order.is_some_and(|order| match kind {
        6 => order == Ordering::Less,
        7 => order != Ordering::Greater,
        8 => order == Ordering::Greater,
        _ => order != Ordering::Less,
    })
}

/// The type of a value, as [`Type`](super::Type) has it.
const fn type_of(value: &Value) -> u8 {
    match value {
        Value::Null => 0,
        Value::Bool(_) => 1,
        Value::Number(_) => 2,
        Value::String(_) => 3,
        Value::Array(_) => 4,
        Value::Object(_) => 5,
    }
}

/// Two numbers, or two strings by UTF-16 code units; anything else has no order.
fn compare(value: &Value, bound: &Value) -> Option<Ordering> {
    match (value, bound) {
        (Value::Number(a), Value::Number(b)) => a.partial_cmp(b),
        (Value::String(a), Value::String(b)) => Some(a.encode_utf16().cmp(b.encode_utf16())),
        _ => None,
    }
}
