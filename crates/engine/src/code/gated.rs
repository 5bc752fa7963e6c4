//! An item as the gates see it, and its variations, in a program's bytes.

use super::{Code, Section};
use crate::codec::{Reader, Wire};
use crate::hash::{HashVersion, bucket};
use crate::sticky::StickyRule;
use crate::template;
use crate::unit::range;
use splitlight_protocol::{Map, Timestamp};

/// Something to decide about, in a program's bytes.
#[derive(Clone, Copy)]
pub struct Gated<'a> {
    /// Unique within the program.
    pub key: &'a str,
    /// For a personalization its slot, as a number within the program; nothing for an experiment.
    pub slot: Option<u32>,
    pub(crate) start: Option<Timestamp>,
    pub(crate) end: Option<Timestamp>,
    pub(crate) constant: bool,
    pub(crate) unit: u32,
    pub(crate) fallback: Option<u32>,
    pub(crate) sticky: Option<StickyRule>,
    pub(crate) pages: Reader<'a>,
    pub(crate) holdouts: Reader<'a>,
    pub(crate) filters: Reader<'a>,
    pub(crate) when: Reader<'a>,
    pub(crate) prerequisites: Reader<'a>,
    pub(crate) caps: Reader<'a>,
    pub(crate) contexts: Reader<'a>,
    variations: Reader<'a>,
    seed: &'a str,
    hash_version: HashVersion,
    pub(crate) ranges: Reader<'a>,
}

/// A variation, in a program's bytes.
pub struct Version<'a> {
    /// Unique within the item.
    pub key: &'a str,
    /// Anything the site's own code wants to know, as [`bytes`](crate::bytes) has it.
    pub value: &'a [u8],
    /// The address to send the visitor to instead, and whether the page's query parameters go along.
    pub redirect: Option<(&'a str, bool)>,
    changes: Reader<'a>,
}

/// The edits of a [`Version`] that are still to be read.
pub struct Edits<'a> {
    rest: Reader<'a>,
    left: usize,
}

/// An edit to the page, with the attributes filled in.
pub struct Filled<'a> {
    /// A CSS selector; empty for a style sheet.
    pub selector: &'a str,
    /// 0 text, 1 html, 2 attribute, 3 classes, 4 to 7 html before, after, inside first, inside last, 8 removal, 9 css, 10 a move.
    pub kind: u8,
    /// What is written, the classes to add, or the selector of where to move it; an attribute without any is removed.
    pub text: Option<String>,
    /// The name of the attribute, the classes to remove, or `before`, `after`, `prepend` or `append`.
    pub more: Option<&'a str>,
}

impl Code {
    /// The item with an index; one that is not there is closed.
    #[inline(never)]
    pub fn item(&self, at: usize) -> Gated<'_> {
        Gated::read(self.entry(Section::Items, at))
    }
}

impl<'a> Gated<'a> {
    /// Reads an entry.
    pub(crate) fn read(mut from: Reader<'a>) -> Self {
        let from = &mut from;
        Self {
            key: from.text(),
            slot: Wire::read(from),
            start: Wire::read(from),
            end: Wire::read(from),
            constant: Wire::read(from),
            unit: Wire::read(from),
            fallback: Wire::read(from),
            sticky: Wire::read(from),
            pages: from.part(),
            holdouts: from.part(),
            filters: from.part(),
            when: from.part(),
            prerequisites: from.part(),
            caps: from.part(),
            contexts: from.part(),
            variations: from.part(),
            seed: from.text(),
            hash_version: Wire::read(from),
            ranges: *from,
        }
    }

    /// The variation with an index.
    pub fn variation(&self, at: usize) -> Option<Version<'a>> {
        let mut variations = self.variations;
        if at >= variations.length() {
            return None;
        }
        for _ in 0..at {
            variations.part();
        }
        Some(Version::read(variations.part()))
    }

    /// The index of the variation with a key.
    pub(crate) fn position(&self, key: &str) -> Option<usize> {
        let mut variations = self.variations;
        (0..variations.length()).find(|_| variations.part().text() == key)
    }

    /// How many variations there are.
    pub(crate) fn count(&self) -> usize {
        let mut variations = self.variations;
        variations.length()
    }

    /// Whether no variation changes the page by itself, so that reading the decision is meeting it.
    pub fn is_plain(&self) -> bool {
        let mut variations = self.variations;
        (0..variations.length()).all(|_| {
            let version = Version::read(variations.part());
            version.redirect.is_none() && version.edits().left == 0
        })
    }

    /// The variation that the ranges that are next give to an id.
    pub(crate) fn covered(&self, ranges: &mut Reader<'_>, id: &str) -> Option<usize> {
        range(ranges, bucket(self.seed, id, self.hash_version))
    }
}

impl<'a> Version<'a> {
    fn read(mut from: Reader<'a>) -> Self {
        Self {
            key: from.text(),
            value: from.part().rest(),
            redirect: bool::read(&mut from).then(|| (from.text(), bool::read(&mut from))),
            changes: from,
        }
    }

    /// The edits to the page.
    pub fn edits(&self) -> Edits<'a> {
        let mut rest = self.changes;
        let left = rest.length();
        Edits { rest, left }
    }
}

impl<'a> Edits<'a> {
    /// How many there are still.
    pub fn left(&self) -> usize {
        self.left
    }

    /// Takes the next edit and fills it in; `None` after the last.
    pub fn next(&mut self, attributes: &Map) -> Option<Filled<'a>> {
        self.left = self.left.checked_sub(1)?;
        let mut from = self.rest.part();
        let (selector, kind) = (from.text(), from.byte());
        let is_html = matches!(kind, 1 | 4..=7);
        let text = bool::read(&mut from).then(|| template::fill(&mut from, attributes, is_html));
        let more = bool::read(&mut from).then(|| from.text());
        Some(Filled { selector, kind, text, more })
    }
}
