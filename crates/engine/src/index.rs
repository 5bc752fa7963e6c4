//! An index in front of the conditions: rows of bits that tell, per attribute, which items it rules out.
//!
//! Most items ask only for pages and for what the rows tell whole. Those are decided by their bits and one hash; the
//! general interpreter decides the others, and all of them for a visitor who is not like most.

use crate::codec::{Reader, Wire};
use crate::condition::{Condition, Context, Test, Truth};
use crate::decide::{Deciding, Decision, Decisions};
use crate::hash::{HashVersion, OFFSET, buckets_from, fnv32a};
use crate::page::takes_part;
use crate::program::{Item, Program};
use crate::reason::Reason;
use crate::unit::holds;
use crate::visitor::{Facts, Visitor};
use splitlight_protocol::{Consent, Timestamp, Value};

/// Makes deciding for many visitors with one program faster: what an attribute rules out is never looked at.
///
/// Building it costs as much as deciding for some ten visitors, so a shell that decides once per page has none.
///
/// ```
/// use splitlight_engine::{Facts, Index, Visitor, compile, decide};
/// use splitlight_protocol::{Timestamp, config};
/// let parsed = config::parse(r#"{ "version": 1, "project": "shop", "experiments": [
///   { "key": "a", "when": { "plan": "pro" }, "variations": [{ "key": "x" }, { "key": "y" }] }] }"#);
/// let program = compile(&parsed.config).program;
/// let index = Index::new(&program);
/// let (visitor, now) = (Visitor::new(Facts::default()), Timestamp::from_ms(0));
/// assert_eq!(index.decide(&program, &visitor, now), decide(&program, &visitor, now));
/// ```
#[derive(Clone, Debug)]
pub struct Index {
    columns: Vec<Column>,
    words: usize,
    /// Items that have none but the simplest gates: dates, pages, the visitor's id, their audience and their hash.
    simple: Row,
    /// Items that start or end.
    dated: Row,
    /// Items whose condition is nothing but tests that columns tell.
    told: Row,
    /// The hash of each item's seed, which every id goes on from.
    seeds: Vec<u32>,
    /// The lists of pages, each with the items that have it.
    pages: Vec<(Vec<u8>, Row)>,
}

/// What an index tells of one visitor.
pub(crate) struct Told<'a> {
    index: &'a Index,
    program: &'a Program,
    words: Vec<Word>,
}

/// What an index tells of 64 items, a bit each.
#[derive(Clone, Copy)]
struct Word {
    /// Clear when the condition is known not to hold.
    may_hold: u64,
    /// Set when it is known to hold where it may.
    holds: u64,
    /// Set when nothing but the simplest gates has to be looked at.
    simple: u64,
    /// Set when the page is not one of the item's.
    elsewhere: u64,
}

/// What is known of a visitor before any gate is tried. Its kind is known when the code is compiled, so that who has no
/// index does not download one.
pub(crate) trait Tells {
    /// Whether the condition of an item may hold.
    fn may_hold(&self, at: usize) -> bool;

    /// The slots of the items for which no gate has to be tried, and their answers.
    fn settle(&self, id: &str, now: Timestamp) -> Vec<Settled>;
}

/// The slot of an item and its answer, if there is one.
type Settled = Option<(Option<u32>, Decision)>;

/// No index.
pub(crate) struct Nothing;

impl Tells for Nothing {
    fn may_hold(&self, _: usize) -> bool {
        true
    }

    fn settle(&self, _: &str, _: Timestamp) -> Vec<Settled> {
        Vec::new()
    }
}

impl Tells for Told<'_> {
    fn may_hold(&self, at: usize) -> bool {
        self.words.get(at / 64).is_some_and(|word| word.may_hold >> (at % 64) & 1 == 1)
    }

    /// By bits and one hash.
    fn settle(&self, id: &str, now: Timestamp) -> Vec<Settled> {
        let items = self.program.items();
        let settled_as = |at: usize, decision| Some((items[at].kind().slot(), decision));
        let mut settled = vec![None; items.len()];
        let mut hashed = Vec::with_capacity(settled.len());
        let mut close = |bits: u64, first: usize, reason| {
            for at in ones(bits, first) {
                settled[at] = settled_as(at, Decision { variation: 0, reason });
            }
        };
        for (at, word) in self.words.iter().enumerate() {
            let first = at * 64;
            let dated = ones(word.simple & self.index.dated[at], first);
            let over = dated.filter(|at| !items[*at].runs_at(now)).fold(0, |over, at| over | 1 << (at % 64));
            close(over, first, Reason::NotRunning);
            let runs = word.simple & !over;
            close(runs & word.elsewhere, first, Reason::Page);
            let here = runs & !word.elsewhere;
            close(here & !word.may_hold, first, Reason::Audience);
            hashed.extend(ones(here & word.may_hold & word.holds, first));
        }
        for group in hashed.chunks(LANES) {
            let mut seeds = [0; LANES];
            for (seed, at) in seeds.iter_mut().zip(group) {
                *seed = self.index.seeds[*at];
            }
            for (at, place) in group.iter().zip(buckets_from(seeds, id)) {
                let variation = items[*at].ranges.iter().position(|range| holds(*range, place));
                let decision = match variation {
                    Some(variation) => Decision { variation, reason: Reason::Assigned },
                    None => Decision { variation: 0, reason: Reason::Coverage },
                };
                settled[*at] = settled_as(*at, decision);
            }
        }
        settled
    }
}

/// Hashes that are computed side by side.
const LANES: usize = 8;

/// The positions of the bits that are set, the first being at `first`.
fn ones(mut bits: u64, first: usize) -> impl Iterator<Item = usize> {
    core::iter::from_fn(move || {
        let at = (bits != 0).then(|| first + bits.trailing_zeros() as usize);
        bits &= bits.wrapping_sub(1);
        at
    })
}

/// A row in which the items that pass a test are set.
fn row(program: &Program, mut passes: impl FnMut(&Item) -> bool) -> Row {
    let mut row = vec![0; program.items().len().div_ceil(64)];
    for (at, _) in program.items().iter().enumerate().filter(|(_, item)| passes(item)) {
        row[at / 64] |= 1 << (at % 64);
    }
    row
}

/// Whether an item has none but the simplest gates.
fn is_simple(item: &Item) -> bool {
    item.unit == 0
        && item.hash_version == HashVersion::V2
        && item.sticky.is_none()
        && item.holdouts.is_empty()
        && item.filters.is_empty()
        && item.prerequisites.is_empty()
        && item.caps.is_empty()
        && item.contexts.is_empty()
        && !item.is_constant()
}

/// A bit per item, set when the item may still match.
type Row = Vec<u64>;

/// One attribute: a row for every class of values that no test tells apart.
#[derive(Clone, Debug)]
struct Column {
    /// The attribute's path, as programs write it.
    path: Vec<u8>,
    strings: Vec<(String, Row)>,
    other_string: Row,
    /// Numbers that tests name, ascending; `numbers` has a row for what is below the first, the first, what is between
    /// the first and the second, and so on.
    points: Vec<f64>,
    numbers: Vec<Row>,
    no: Row,
    yes: Row,
    missing: Row,
}

impl Index {
    /// Builds the index of a program.
    pub fn new(program: &Program) -> Self {
        let mut conjuncts = Vec::new();
        let mut told = Vec::new();
        for (item, it) in program.items().iter().enumerate() {
            told.push(collect(program, &it.when, item, &mut conjuncts));
        }
        // No test of one value that is indexed asks who it is about.
        let nobody = Visitor::new(Facts::default());
        let context = Context::new(program, &nobody, Timestamp::from_ms(0));
        let words = program.items().len().div_ceil(64);
        let mut paths: Vec<&[String]> = conjuncts.iter().map(|conjunct| conjunct.path).collect();
        paths.sort_unstable();
        paths.dedup();
        let columns = paths.into_iter().map(|path| {
            let mine: Vec<&Conjunct<'_>> =
                conjuncts.iter().filter(|conjunct| conjunct.path == path).collect();
            Column::new(path, &mine, words, &context)
        });
        let mut pages: Vec<(Vec<u8>, Row)> = Vec::new();
        for item in program.items().iter().filter(|item| !item.pages.is_empty()) {
            let mut bytes = Vec::new();
            item.pages.write(&mut bytes);
            if !pages.iter().any(|(known, _)| *known == bytes) {
                pages.push((bytes, row(program, |other| other.pages == item.pages)));
            }
        }
        let mut told = told.into_iter();
        Self {
            columns: columns.collect(),
            words,
            simple: row(program, is_simple),
            dated: row(program, |item| item.start.is_some() || item.end.is_some()),
            told: row(program, |_| told.next() == Some(true)),
            seeds: program.items().iter().map(|item| fnv32a(OFFSET, &item.seed)).collect(),
            pages,
        }
    }

    /// As [`decide()`](crate::decide()), with the program the index was built for.
    pub fn decide(&self, program: &Program, visitor: &Visitor, now: Timestamp) -> Decisions {
        Deciding::new(program, visitor, now, self.told(program, visitor, now)).all()
    }

    fn told<'a>(&'a self, program: &'a Program, visitor: &Visitor, now: Timestamp) -> Told<'a> {
        let word = Word { may_hold: u64::MAX, holds: 0, simple: 0, elsewhere: 0 };
        let mut words = vec![word; self.words];
        let about = Context::new(program, visitor, now);
        let mut all = true;
        for column in &self.columns {
            // An attribute that may be known later rules nothing out, and nor does a list.
            match about.attribute(&mut Reader::new(&column.path)).ok().and_then(|value| column.row(value)) {
                Some(row) => words.iter_mut().zip(row).for_each(|(word, bits)| word.may_hold &= bits),
                None => all = false,
            }
        }
        if all {
            words.iter_mut().zip(&self.told).for_each(|(word, bits)| word.holds = *bits);
        }
        // Machines, previews and who has not agreed or has no id are decided gate by gate.
        let url = visitor.url();
        let like_most = visitor.facts.consent == Consent::Granted
            && !visitor.facts.bot
            && visitor.facts.forced.is_empty()
            && url.parameter_names().all(|name| program.item(name).is_none());
        if like_most {
            words.iter_mut().zip(&self.simple).for_each(|(word, bits)| word.simple = *bits);
            let elsewhere = |pages: &[u8]| !takes_part(&mut Reader::new(pages), &url, program);
            for (_, row) in self.pages.iter().filter(|(pages, _)| elsewhere(pages)) {
                words.iter_mut().zip(row).for_each(|(word, bits)| word.elsewhere |= bits);
            }
        }
        Told { index: self, program, words }
    }
}

/// A test that has to pass for an item's condition to hold.
struct Conjunct<'a> {
    path: &'a [String],
    test: &'a Test,
    item: usize,
}

/// Collects what a column can tell of a condition; says whether that is all of it.
fn collect<'a>(program: &'a Program, when: &'a Condition, item: usize, into: &mut Vec<Conjunct<'a>>) -> bool {
    match when {
        Condition::All(parts) => {
            let mut whole = true;
            for part in parts {
                whole &= collect(program, part, item, into);
            }
            whole
        }
        Condition::Attribute(path, test) if names(test, &mut Vec::new()) => {
            into.push(Conjunct { path, test, item });
            true
        }
        Condition::Audience(at) => match program.audiences.get(*at as usize) {
            Some(audience) => collect(program, audience, item, into),
            None => false,
        },
        _ => false,
    }
}

/// Collects the values that a test names; says whether it tells no other values apart within a type.
fn names<'a>(test: &'a Test, into: &mut Vec<&'a Value>) -> bool {
    let mut scalar = |value: &'a Value| {
        into.push(value);
        !matches!(value, Value::Array(_) | Value::Object(_))
    };
    match test {
        Test::All(tests) => tests.iter().all(|test| names(test, into)),
        Test::Not(test) => names(test, into),
        Test::Equal(value) => scalar(value),
        Test::In(values) => values.iter().all(scalar),
        Test::Less(bound) | Test::LessOrEqual(bound) | Test::Greater(bound) | Test::GreaterOrEqual(bound) => {
            // The order of texts has more classes than the texts that are named.
            matches!(bound, Value::Number(_)) && scalar(bound)
        }
        Test::Exists(_) | Test::Type(_) | Test::Never => true,
        Test::Any(tests) => tests.iter().all(|test| names(test, into)),
        _ => false,
    }
}

impl Column {
    fn new(path: &[String], conjuncts: &[&Conjunct<'_>], words: usize, context: &Context<'_>) -> Self {
        let mut named = Vec::new();
        for conjunct in conjuncts {
            names(conjunct.test, &mut named);
        }
        let row = |value: &Value| {
            let mut row = vec![u64::MAX; words];
            let fails = |conjunct: &&&Conjunct<'_>| conjunct.test.passes(value, context) == Truth::False;
            for conjunct in conjuncts.iter().filter(fails) {
                row[conjunct.item / 64] &= !(1 << (conjunct.item % 64));
            }
            row
        };
        let mut strings: Vec<&str> = named.iter().filter_map(|value| value.as_str()).collect();
        strings.sort_unstable();
        strings.dedup();
        let longest = strings.iter().map(|text| text.len()).max().unwrap_or(0);
        let other = Value::String("x".repeat(longest + 1));
        let mut points: Vec<f64> = named.iter().filter_map(|value| number(value)).collect();
        points.sort_by(f64::total_cmp);
        points.dedup();
        let mut bytes = Vec::new();
        path.to_vec().write(&mut bytes);
        Self {
            path: bytes,
            other_string: row(&other),
            strings: strings.into_iter().map(|text| (text.to_owned(), row(&Value::from(text)))).collect(),
            numbers: between(&points).into_iter().map(|number| row(&Value::Number(number))).collect(),
            points,
            no: row(&Value::Bool(false)),
            yes: row(&Value::Bool(true)),
            missing: row(&Value::Null),
        }
    }

    /// The row for a value; arrays and objects have none, which rules nothing out.
    fn row(&self, value: &Value) -> Option<&Row> {
        Some(match value {
            Value::Null => &self.missing,
            Value::Bool(truth) => {
                if *truth {
                    &self.yes
                } else {
                    &self.no
                }
            }
            Value::String(text) => {
                let at = self.strings.binary_search_by(|(known, _)| known.as_str().cmp(text));
                at.ok().and_then(|at| self.strings.get(at)).map_or(&self.other_string, |(_, row)| row)
            }
            Value::Number(number) if number.is_nan() => return None,
            Value::Number(number) => {
                let below = self.points.partition_point(|point| point < number);
                let named = self.points.get(below).is_some_and(|point| point <= number);
                self.numbers.get(2 * below + usize::from(named))?
            }
            Value::Array(_) | Value::Object(_) => return None,
        })
    }
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => Some(*number),
        _ => None,
    }
}

/// A number of every class: below the first point, the first point, between it and the second, and so on.
fn between(points: &[f64]) -> Vec<f64> {
    let mut all = Vec::with_capacity(2 * points.len() + 1);
    let mut below = f64::NEG_INFINITY;
    for point in points {
        all.extend([inside(below, *point), *point]);
        below = *point;
    }
    all.push(inside(below, f64::INFINITY));
    all
}

/// A number between two, or one of them when there is none.
fn inside(below: f64, above: f64) -> f64 {
    match (below.is_finite(), above.is_finite()) {
        (true, true) => below / 2.0 + above / 2.0,
        (true, false) => below.next_up(),
        (false, true) => above.next_down(),
        (false, false) => 0.0,
    }
}
