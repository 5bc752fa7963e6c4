//! Regular expressions: JavaScript's syntax without flags, to automata over UTF-16 code units.

mod fold;
mod parse;

use crate::nfa::{Look, Nfa, State};
use splitlight_protocol::limits::REGEX_STATES_MAX;

pub(super) use fold::same_in_lower_case;
pub(crate) use parse::Refused;

/// Sorted ranges of code units, ends included.
type Units = Vec<(u32, u32)>;

/// A pattern, read.
#[derive(Clone, Debug)]
enum Node {
    Empty,
    Unit(Units),
    Look(Look),
    Then(Vec<Node>),
    Either(Vec<Node>),
    Repeat(Box<Node>, u32, Option<u32>),
}

/// Compiles a pattern; with `ignore_case` as JavaScript's flag `i`.
pub(crate) fn compile(pattern: &str, ignore_case: bool) -> Result<Nfa, Refused> {
    build(&parse::parse(pattern, ignore_case)?)
}

/// An automaton for exactly this text.
pub(crate) fn exactly(text: &str) -> Result<Nfa, Refused> {
    let units = text.encode_utf16().map(|unit| Node::Unit(vec![(u32::from(unit), u32::from(unit))]));
    let whole = [Node::Look(Look::Start)].into_iter().chain(units).chain([Node::Look(Look::End)]);
    build(&Node::Then(whole.collect()))
}

fn build(node: &Node) -> Result<Nfa, Refused> {
    let mut states = vec![State::Match];
    let start = add(node, 0, &mut states)?;
    Ok(Nfa::new(&states, start))
}

/// Adds a node's states before the state `next`, and gives the first of them.
fn add(node: &Node, next: u32, states: &mut Vec<State>) -> Result<u32, Refused> {
    match node {
        Node::Empty => Ok(next),
        Node::Unit(ranges) => push(State::Unit(ranges.clone(), next), states),
        Node::Look(look) => push(State::Look(*look, next), states),
        Node::Then(nodes) => nodes.iter().rev().try_fold(next, |next, node| add(node, next, states)),
        Node::Either(nodes) => {
            let mut first = None;
            for node in nodes {
                let this = add(node, next, states)?;
                first = Some(match first {
                    None => this,
                    Some(other) => push(State::Both(other, this), states)?,
                });
            }
            Ok(first.unwrap_or(next))
        }
        Node::Repeat(node, least, most) => repeat(node, *least, *most, next, states),
    }
}

fn repeat(
    node: &Node,
    least: u32,
    most: Option<u32>,
    next: u32,
    states: &mut Vec<State>,
) -> Result<u32, Refused> {
    if least as usize > REGEX_STATES_MAX {
        return Err(Refused::Unsupported(format!("it repeats more than {REGEX_STATES_MAX} times")));
    }
    let mut first = match most {
        None => {
            // The way back is known only when the way forth is there.
            let again = push(State::Both(next, next), states)?;
            let once = add(node, again, states)?;
            states[again as usize] = State::Both(once, next);
            again
        }
        Some(most) => {
            let mut first = next;
            for _ in least..most {
                let once = add(node, first, states)?;
                first = push(State::Both(once, next), states)?;
            }
            first
        }
    };
    for _ in 0..least {
        first = add(node, first, states)?;
    }
    Ok(first)
}

fn push(state: State, states: &mut Vec<State>) -> Result<u32, Refused> {
    if states.len() >= REGEX_STATES_MAX {
        return Err(Refused::Unsupported(format!("it has more than {REGEX_STATES_MAX} states")));
    }
    states.push(state);
    Ok(super::index(states.len() - 1))
}

/// Joins ranges that touch.
fn tidy(mut ranges: Units) -> Units {
    ranges.sort_unstable();
    let mut joined: Units = Vec::with_capacity(ranges.len());
    for (from, to) in ranges {
        match joined.last_mut() {
            Some(last) if from <= last.1.saturating_add(1) => last.1 = last.1.max(to),
            _ => joined.push((from, to)),
        }
    }
    joined
}

/// Every unit that is in none of the ranges.
fn complement(ranges: Units) -> Units {
    let mut next = 0;
    let mut others = Vec::new();
    for (from, to) in tidy(ranges) {
        if next < from {
            others.push((next, from - 1));
        }
        next = to + 1;
    }
    if next <= 0xffff {
        others.push((next, 0xffff));
    }
    others
}
