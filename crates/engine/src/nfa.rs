//! Runs compiled patterns over UTF-16 code units, in time linear in the text, whatever the pattern.

use crate::codec::{wire_enum, wire_struct};

/// A pattern, compiled; `compile/regex.rs` makes it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Nfa {
    pub(crate) states: Vec<State>,
    pub(crate) start: u32,
}

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

wire_struct!(Nfa { states, start });
wire_enum!(State { 0 => Match, 1 => Unit(ranges, next), 2 => Both(one, other), 3 => Look(look, next) });
wire_enum!(Look { 0 => Start, 1 => End, 2 => Word, 3 => NoWord });

impl Nfa {
    /// Whether the pattern is found anywhere in a text.
    pub(crate) fn finds(&self, text: &str) -> bool {
        let mut units = text.encode_utf16();
        let (mut before, mut next) = (None, units.next());
        let mut now: Vec<u32> = Vec::new();
        loop {
            now.push(self.start);
            let (open, found) = self.reached(&now, before, next);
            if found {
                return true;
            }
            let Some(unit) = next else { return false };
            now.clear();
            for state in open {
                if let Some(State::Unit(ranges, to)) = self.states.get(state as usize)
                    && ranges
                        .iter()
                        .any(|(from, until)| *from <= u32::from(unit) && u32::from(unit) <= *until)
                {
                    now.push(*to);
                }
            }
            (before, next) = (next, units.next());
        }
    }

    /// The states that are reached without reading, and whether the match is one of them.
    fn reached(&self, from: &[u32], before: Option<u16>, next: Option<u16>) -> (Vec<u32>, bool) {
        let mut seen = vec![false; self.states.len()];
        let mut waiting = from.to_vec();
        let mut open = Vec::new();
        while let Some(state) = waiting.pop() {
            match seen.get_mut(state as usize) {
                Some(seen) if !*seen => *seen = true,
                _ => continue,
            }
            match self.states.get(state as usize) {
                Some(State::Match) => return (open, true),
                Some(State::Unit(..)) => open.push(state),
                Some(State::Both(one, other)) => waiting.extend([*one, *other]),
                Some(State::Look(look, to)) if look.holds(before, next) => waiting.push(*to),
                _ => {}
            }
        }
        (open, false)
    }
}

impl Look {
    fn holds(self, before: Option<u16>, next: Option<u16>) -> bool {
        let edge = is_word(before) != is_word(next);
        match self {
            Self::Start => before.is_none(),
            Self::End => next.is_none(),
            Self::Word => edge,
            Self::NoWord => !edge,
        }
    }
}

fn is_word(unit: Option<u16>) -> bool {
    let byte = unit.and_then(|unit| u8::try_from(unit).ok());
    byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}
