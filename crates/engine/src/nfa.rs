//! Runs compiled patterns over UTF-16 code units, in time linear in the text, whatever the pattern.

use crate::codec::{Reader, Wire};

/// A pattern, compiled; `compile/regex.rs` makes it.
///
/// Its numbers are the place of the first state and then the states: 0 for the match; 1 for a unit of some ranges, ends
/// included, with the state it leads to, how many ranges there are, and their ends; 2 for two states, both of which are
/// reached; 3 for one that is reached only at such a place, with the place and the state.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Nfa(Vec<u32>);

/// A state while the pattern is compiled; others refer to it by its place in a list.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum State {
    Match,
    /// One unit of these ranges, ends included, and where it leads.
    Unit(Vec<(u32, u32)>, u32),
    Both(u32, u32),
    /// Goes on only at such a place.
    Look(Look, u32),
}

/// A place between two units.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Look {
    Start,
    End,
    Word,
    NoWord,
}

impl Wire for Nfa {
    fn write(&self, out: &mut Vec<u8>) {
        self.0.write(out);
    }

    fn read(from: &mut Reader<'_>) -> Self {
        Self(Wire::read(from))
    }
}

impl Nfa {
    /// The pattern with these states, the first of which has a place in the list.
    pub(crate) fn new(states: &[State], start: u32) -> Self {
        let mut places = Vec::with_capacity(states.len());
        let mut next = 1;
        for state in states {
            places.push(next);
            next += match state {
                State::Match => 1,
                State::Unit(ranges, _) => 3 + 2 * u32::try_from(ranges.len()).unwrap_or(u32::MAX),
                State::Both(..) | State::Look(..) => 3,
            };
        }
        // What is nowhere is behind the end, where nothing is reached.
        let place = |state: u32| places.get(state as usize).copied().unwrap_or(next);
        let mut code = vec![place(start)];
        for state in states {
            match state {
                State::Match => code.push(0),
                State::Unit(ranges, to) => {
                    code.extend([1, place(*to), u32::try_from(ranges.len()).unwrap_or(u32::MAX)]);
                    code.extend(ranges.iter().flat_map(|(from, until)| [*from, *until]));
                }
                State::Both(one, other) => code.extend([2, place(*one), place(*other)]),
                State::Look(look, to) => code.extend([3, *look as u32, place(*to)]),
            }
        }
        Self(code)
    }
}

/// Whether a pattern, as the numbers that [`Nfa`] describes, is found anywhere in a text.
pub(crate) fn finds(code: &[u32], text: &str) -> bool {
    let mut units = text.encode_utf16();
    let (mut before, mut next) = (None, units.next());
    let mut waiting = Vec::new();
    loop {
        waiting.extend(code.first());
        let mut seen = vec![false; code.len()];
        let mut now = Vec::new();
        while let Some(at) = waiting.pop() {
            match seen.get_mut(at as usize) {
                Some(seen) if !*seen => *seen = true,
                _ => continue,
            }
            match *code.get(at as usize..).unwrap_or_default() {
                [0, ..] => return true,
                [1, to, count, ref ranges @ ..] => {
                    let mut ranges = ranges.chunks_exact(2).take(count as usize);
                    let is = |unit: u32| {
                        ranges.any(|range| matches!(*range, [from, until] if from <= unit && unit <= until))
                    };
                    if next.map(u32::from).is_some_and(is) {
                        now.push(to);
                    }
                }
                [2, one, other, ..] => waiting.extend([one, other]),
                [3, look, to, ..] if look_holds(look, before, next) => waiting.push(to),
                _ => {}
            }
        }
        if next.is_none() {
            return false;
        }
        waiting = now;
        (before, next) = (next, units.next());
    }
}

/// Whether a place between two units is a [`Look`].
fn look_holds(look: u32, before: Option<u16>, next: Option<u16>) -> bool {
    let edge = is_word(before) != is_word(next);
    match look {
        0 => before.is_none(),
        1 => next.is_none(),
        2 => edge,
        _ => !edge,
    }
}

fn is_word(unit: Option<u16>) -> bool {
    let byte = unit.and_then(|unit| u8::try_from(unit).ok());
    byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}
