//! Upper and lower case, expanded when a config is compiled, so that no table of letters runs anywhere.

use super::{Node, Refused, Units, build, tidy};
use crate::nfa::{Look, Nfa};

/// Every unit that JavaScript's flag `i` takes for one of these (ECMA-262 §22.2.2.7.3, without `u`).
pub(super) fn ignore_case(ranges: &Units) -> Units {
    let wanted: std::collections::BTreeSet<u32> =
        ranges.iter().flat_map(|(from, to)| *from..=*to).map(canonical).collect();
    let all = (0..=0xffff).filter(|unit| wanted.contains(&canonical(*unit)));
    tidy(all.map(|unit| (unit, unit)).collect())
}

fn canonical(unit: u32) -> u32 {
    let Some(c) = char::from_u32(unit) else { return unit };
    let mut upper = c.to_uppercase();
    match (upper.next(), upper.next()) {
        // A letter beyond ASCII never stands for one within.
        (Some(upper), None) if upper <= '\u{ffff}' && !(unit >= 128 && u32::from(upper) < 128) => {
            u32::from(upper)
        }
        _ => unit,
    }
}

/// An automaton for exactly the texts that are one of these once both are in lower case.
///
/// A Greek sigma at the end of a word may be either form, because which one depends on the text around it.
pub(crate) fn same_in_lower_case(texts: &[&str]) -> Result<Nfa, Refused> {
    let ways = texts.iter().map(|text| spelled(&text.to_lowercase())).collect();
    build(&Node::Then(vec![Node::Look(Look::Start), Node::Either(ways), Node::Look(Look::End)]))
}

/// The letters that have another form in lower case: the last of them is in Adlam.
const LAST_WITH_CASE: u32 = 0x1_e943;

fn spelled(lower: &str) -> Node {
    let mut nodes = Vec::new();
    let mut rest = lower.chars().peekable();
    while let Some(c) = rest.next() {
        if c == 'i' && rest.peek() == Some(&'\u{307}') {
            // The one letter that becomes two.
            rest.next();
            let two = Node::Then(vec![letter('i'), letter('\u{307}')]);
            nodes.push(Node::Either(vec![two, letter('\u{130}')]));
        } else {
            nodes.push(letter(c));
        }
    }
    Node::Then(nodes)
}

fn letter(lower: char) -> Node {
    let becomes = |c: char| {
        let mut forms = c.to_lowercase();
        forms.next() == Some(lower) && forms.next().is_none()
    };
    let mut forms = vec![lower];
    if matches!(lower, 'σ' | 'ς') {
        forms.push('Σ');
    } else if lower.is_lowercase() {
        forms.extend((0..=LAST_WITH_CASE).filter_map(char::from_u32).filter(|c| *c != lower && becomes(*c)));
    }
    let ways = forms.into_iter().map(|c| {
        let mut units = [0; 2];
        let units = c.encode_utf16(&mut units).iter().map(|unit| u32::from(*unit));
        Node::Then(units.map(|unit| Node::Unit(vec![(unit, unit)])).collect())
    });
    Node::Either(ways.collect())
}
