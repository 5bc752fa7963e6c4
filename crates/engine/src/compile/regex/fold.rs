//! Upper and lower case, expanded when a config is compiled, so that no table of letters runs anywhere.

use super::{Node, Refused, Units, build, tidy};
use crate::nfa::{Look, Nfa};
use std::collections::BTreeSet;
use std::sync::OnceLock;

/// Letters by what they become, and what they are; sorted, so that a letter's company is found without a walk through
/// all of Unicode, which took a millisecond for every letter of a pattern.
struct Cases {
    /// Unit and canonical unit of every unit that is not alone in its class.
    canonical: Vec<(u32, u32)>,
    /// The same pairs the other way around.
    units: Vec<(u32, u32)>,
    /// What is one letter in lower case, and another letter that becomes it.
    lower: Vec<(char, char)>,
}

fn cases() -> &'static Cases {
    static CASES: OnceLock<Cases> = OnceLock::new();
    CASES.get_or_init(|| {
        let moved = (0..=0xffff).map(|unit| (unit, canonical(unit))).filter(|(unit, to)| unit != to);
        let mut pairs: Vec<(u32, u32)> = moved.collect();
        pairs.extend(pairs.clone().into_iter().map(|(_, to)| (to, canonical(to))));
        pairs.sort_unstable();
        pairs.dedup();
        let mut units: Vec<(u32, u32)> = pairs.iter().map(|(unit, to)| (*to, *unit)).collect();
        units.sort_unstable();
        let letters = (0..=LAST_WITH_CASE).filter_map(char::from_u32);
        let mut lower: Vec<(char, char)> = letters.filter_map(|c| Some((alone(c)?, c))).collect();
        lower.sort_unstable();
        Cases { canonical: pairs, units, lower }
    })
}

/// What another letter becomes in lower case, when that is one letter.
fn alone(c: char) -> Option<char> {
    let mut forms = c.to_lowercase();
    forms.next().filter(|lower| *lower != c && forms.next().is_none())
}

/// The pairs whose first is in a range, ends included.
fn within<T: PartialOrd + Copy>(pairs: &[(T, T)], from: T, to: T) -> impl Iterator<Item = T> {
    let start = pairs.partition_point(|(first, _)| *first < from);
    pairs[start..].iter().take_while(move |(first, _)| *first <= to).map(|(_, second)| *second)
}

/// Every unit that JavaScript's flag `i` takes for one of these (ECMA-262 §22.2.2.7.3, without `u`).
pub(super) fn ignore_case(ranges: &Units) -> Units {
    let cases = cases();
    let classes: BTreeSet<u32> =
        ranges.iter().flat_map(|(from, to)| within(&cases.canonical, *from, *to)).collect();
    let company = classes.iter().flat_map(|class| within(&cases.units, *class, *class));
    tidy(ranges.iter().copied().chain(company.map(|unit| (unit, unit))).collect())
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
    let mut forms = vec![lower];
    if matches!(lower, 'σ' | 'ς') {
        forms.push('Σ');
    } else if lower.is_lowercase() {
        forms.extend(within(&cases().lower, lower, lower));
    }
    let ways = forms.into_iter().map(|c| {
        let mut units = [0; 2];
        let units = c.encode_utf16(&mut units).iter().map(|unit| u32::from(*unit));
        Node::Then(units.map(|unit| Node::Unit(vec![(unit, unit)])).collect())
    });
    Node::Either(ways.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn every_unit_keeps_the_company_that_the_definition_gives() {
        let mut classes: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        for unit in 0..=0xffff {
            classes.entry(canonical(unit)).or_default().push(unit);
        }
        for unit in 0..=0xffff {
            let company = &classes[&canonical(unit)];
            let expected = tidy(company.iter().map(|unit| (*unit, *unit)).collect());
            assert_eq!(ignore_case(&vec![(unit, unit)]), expected, "{unit:x}");
        }
    }

    #[test]
    fn every_letter_is_spelled_in_all_its_forms() {
        for lower in ['a', 'k', 'é', 'å', '𞤢', 'ß', 'ω'] {
            let others = (0..=LAST_WITH_CASE).filter_map(char::from_u32);
            let others = others.filter(|c| *c != lower && c.to_lowercase().eq([lower]));
            let ways = others.count() + 1;
            let Node::Either(found) = letter(lower) else { panic!("a choice") };
            assert_eq!(found.len(), ways, "{lower}");
        }
    }
}
