//! A program as it runs: its bytes, and where its entries are. Whoever decides reads no more of it than they need.

mod gated;

use crate::codec::{Reader, Wire};
use crate::condition::{Context, Truth, passes};
use crate::decide::FeatureDecision;
use crate::history::Meter;
use crate::program::{Digits, ProgramError};
use crate::reason::Reason;
use crate::visitor::{Facts, Visitor};
use splitlight_protocol::{Map, Timestamp, Value};

pub use gated::{Edits, Filled, Gated, Version};

/// The first bytes of every program; the last one counts the forms.
pub(crate) const FORMAT: [u8; 4] = *b"SPL\x06";

/// A program's bytes, which are decided from as they are: nothing is taken out of them before it is asked for.
///
/// It is what a page holds. A [`Program`](crate::Program) has one too, beside what hosts want to know of its items, and is
/// taken for it wherever one is asked for.
///
/// ```
/// use splitlight_engine::{Code, Facts, Visitor, compile, decide, number_text};
/// use splitlight_protocol::{Timestamp, config};
/// let parsed = config::parse(r#"{ "version": 1, "project": "shop", "experiments": [
///   { "key": "hero", "variations": [{ "key": "a" }, { "key": "b" }] }] }"#);
/// let program = compile(&parsed.config).program;
/// let code = Code::new(program.to_bytes(), number_text)?;
/// let visitor = Visitor::new(Facts { id: Some("v-1".into()), ..Facts::default() });
/// let now = Timestamp::from_ms(0);
/// assert_eq!(decide(&code, &visitor, now), decide(&program, &visitor, now));
/// # Ok::<(), splitlight_engine::ProgramError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Code {
    bytes: Vec<u8>,
    /// Where the entries of each section begin and end.
    sections: [Vec<(usize, usize)>; SECTIONS],
    /// Whether anything asks about sessions, and about how the visitor came.
    pub(crate) asks_sessions: bool,
    pub(crate) asks_touches: bool,
    /// The audiences that are segments, by their numbers.
    pub(crate) segments: Vec<u32>,
    /// Whether the slim core decides it.
    slim: bool,
    pub(crate) digits: Digits,
}

impl Default for Code {
    fn default() -> Self {
        let mut bytes = FORMAT.to_vec();
        bytes.extend([0; SECTIONS + 4]);
        Self {
            bytes,
            sections: Default::default(),
            asks_sessions: false,
            asks_touches: false,
            segments: Vec::new(),
            slim: false,
            digits: Digits::default(),
        }
    }
}

/// The parts of a program, in their order.
#[derive(Clone, Copy)]
pub(crate) enum Section {
    Audiences,
    Tracked,
    Items,
    Features,
    Holdouts,
    Units,
    Scores,
}

pub(crate) const SECTIONS: usize = 7;

/// A kind of event that a live rule asks about, as [`program::Tracked`](crate::program::Tracked) writes it.
pub(crate) struct Tracked<'a> {
    pub(crate) key: &'a str,
    pub(crate) event: &'a str,
    filter: Reader<'a>,
    pub(crate) days: i32,
    pub(crate) minutes: bool,
    pub(crate) meter: Meter,
}

impl Code {
    /// Takes the bytes of a program. `digits` writes a number as [`number_text`](crate::number_text) does, because
    /// JavaScript can do that already.
    ///
    /// # Errors
    /// When the bytes are of another form or cut. What is damaged within an entry is found by
    /// [`Program::from_bytes`](crate::Program::from_bytes) only; here it is closed or decides anything, and nothing worse.
    pub fn new(mut bytes: Vec<u8>, digits: fn(f64) -> String) -> Result<Self, ProgramError> {
        let mut from = Reader::new(bytes.strip_prefix(&FORMAT).ok_or(ProgramError::Format)?);
        let mut sections = [const { Vec::new() }; SECTIONS];
        for section in &mut sections {
            for _ in 0..from.length() {
                let length = from.part().rest().len();
                let end = bytes.len() - from.rest().len();
                section.push((end - length, end));
            }
        }
        let (asks_sessions, asks_touches) = (bool::read(&mut from), bool::read(&mut from));
        let segments = Wire::read(&mut from);
        let slim = bool::read(&mut from);
        if from.failed() {
            return Err(ProgramError::Damaged);
        }
        // Sections of the future are passed over.
        let left = from.rest().len();
        bytes.truncate(bytes.len() - left);
        Ok(Self { bytes, sections, asks_sessions, asks_touches, segments, slim, digits: Digits(digits) })
    }

    /// The compact binary form, which is what browsers download.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.bytes.clone()
    }

    /// Whether any rule asks what the visitor did, so that a shell need not read a history nobody asks for.
    pub fn asks_history(&self) -> bool {
        self.asks_sessions || self.count(Section::Tracked) > 0
    }

    /// Whether it has nothing of what the slim core is built without: regular expressions, distances, times of day, versions,
    /// tests of lists and objects, scores, layers, holdouts, campaigns, sessions, features and kept variations.
    pub fn is_slim(&self) -> bool {
        self.slim
    }

    /// Whether anything of that has to be looked at. The build of the slim core takes the answer for no
    /// (`crates/xtask/src/snip.rs`), and leaves out what only another answer leads to.
    #[inline(never)]
    pub fn asks_rare(&self) -> bool {
        !self.slim
    }

    /// How many entries a section has.
    pub(crate) fn count(&self, section: Section) -> usize {
        self.sections[section as usize].len()
    }

    /// An entry; one that is not there has nothing to read.
    #[inline(never)]
    pub(crate) fn entry(&self, section: Section, at: usize) -> Reader<'_> {
        let place = self.sections[section as usize].get(at);
        let bytes = place.and_then(|(from, to)| self.bytes.get(*from..*to));
        let mut entry = Reader::new(bytes.unwrap_or_default());
        entry.level();
        entry
    }

    /// The kind of event with an index.
    ///
    /// # Errors
    /// That this release does not know it.
    pub(crate) fn tracked(&self, at: usize) -> Result<Tracked<'_>, Truth> {
        let tracked = self.kind(at);
        if tracked.event.is_empty() { Err(Truth::Unsupported) } else { Ok(tracked) }
    }

    /// The same, where one that this release does not know has a key and no event.
    fn kind(&self, at: usize) -> Tracked<'_> {
        let mut from = self.entry(Section::Tracked, at);
        Tracked {
            key: from.text(),
            event: from.text(),
            days: Wire::read(&mut from),
            minutes: Wire::read(&mut from),
            meter: if self.asks_rare() { Wire::read(&mut from) } else { Meter::passed(&mut from) },
            filter: from,
        }
    }

    /// All kinds of events.
    pub(crate) fn kinds(&self) -> impl Iterator<Item = Tracked<'_>> {
        (0..self.count(Section::Tracked)).map(|at| self.kind(at))
    }

    /// The kind of event with a key.
    pub(crate) fn kind_called(&self, key: &str) -> Option<Tracked<'_>> {
        self.kinds().find(|tracked| tracked.key == key)
    }

    /// The key of a feature, and the value that an answer stands for, as [`bytes`](crate::bytes) has it.
    pub fn feature(&self, at: usize, answer: FeatureDecision) -> (&str, &[u8]) {
        let mut feature = self.entry(Section::Features, at);
        let (key, mut value) = (feature.text(), feature.part());
        if matches!(answer.reason, Reason::Cyclic | Reason::Prerequisite) {
            return (key, &NULL);
        }
        if let Some((item, variation)) = answer.item {
            return (key, self.item(item).variation(variation).map_or(&NULL[..], |it| it.value));
        }
        if let Some(at) = answer.rule.filter(|_| answer.reason == Reason::Rule) {
            let rules = feature.length();
            for _ in 0..rules.min(at + 1) {
                value = feature.part();
                feature.part();
            }
        }
        (key, value.rest())
    }

    /// How many items there are to decide about; decisions have the same order.
    pub fn items(&self) -> usize {
        self.count(Section::Items)
    }
}

/// A value, null.
const NULL: [u8; 1] = [0];

impl Tracked<'_> {
    pub(crate) fn asks_for(&self, code: &Code, event: &str, properties: &Map, now: Timestamp) -> bool {
        if self.event != event || event.is_empty() {
            return false;
        }
        // Filters are about the event, so that nobody's attributes answer them.
        let visitor = Visitor::new(Facts::default());
        let context = Context::new(code, &visitor, now).about(properties);
        let mut filter = self.filter;
        let mut all = true;
        for _ in 0..filter.length() {
            let value = properties.get(filter.text()).unwrap_or(&Value::Null);
            all &= passes(&mut filter, value, &context) == Truth::True;
        }
        all
    }
}
