//! A tag as it is written: its name, its attributes, and where it ends.

/// A start or end tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tag {
    pub(crate) length: usize,
    pub(crate) is_end: bool,
    /// Where its name ends; it begins after `<` or `</`.
    name_end: usize,
    pub(crate) closes_itself: bool,
    /// It ends where a value should be, after which the parser reads raw text later than it should.
    pub(crate) ends_early: bool,
}

impl Tag {
    /// The name as it is written.
    pub(crate) fn name<'p>(&self, page: &'p [u8]) -> &'p [u8] {
        &page[1 + usize::from(self.is_end)..self.name_end]
    }
}

/// The tag that a page begins with, when all of it is there.
pub(crate) fn tag(page: &[u8], is_end: bool) -> Option<Tag> {
    let from = 1 + usize::from(is_end);
    let name_end =
        from + page[from..].iter().position(|byte| is_space(*byte) || matches!(byte, b'/' | b'>'))?;
    let mut tag = Tag { length: 0, is_end, name_end, closes_itself: false, ends_early: false };
    let mut attributes = Attributes { page, at: name_end };
    loop {
        match attributes.next() {
            Part::Attribute(..) => {}
            Part::Unfinished => return None,
            Part::End { closes_itself, ends_early } => {
                (tag.length, tag.closes_itself, tag.ends_early) = (attributes.at, closes_itself, ends_early);
                return Some(tag);
            }
        }
    }
}

/// The attributes of a start tag: their names and their values as they are written.
pub(crate) fn attributes<'p>(page: &'p [u8], tag: &Tag) -> impl Iterator<Item = (&'p [u8], &'p [u8])> {
    let mut attributes = Attributes { page: &page[..tag.length], at: tag.name_end };
    std::iter::from_fn(move || match attributes.next() {
        Part::Attribute(name, value) => Some((name, value)),
        Part::Unfinished | Part::End { .. } => None,
    })
}

struct Attributes<'p> {
    page: &'p [u8],
    at: usize,
}

enum Part<'p> {
    Attribute(&'p [u8], &'p [u8]),
    End { closes_itself: bool, ends_early: bool },
    Unfinished,
}

impl<'p> Attributes<'p> {
    fn next(&mut self) -> Part<'p> {
        let page = self.page;
        let mut after_slash = false;
        loop {
            match page.get(self.at) {
                None => return Part::Unfinished,
                Some(b'>') => {
                    self.at += 1;
                    return Part::End { closes_itself: after_slash, ends_early: false };
                }
                Some(b'/') => after_slash = true,
                Some(byte) if is_space(*byte) => after_slash = false,
                Some(_) => break,
            }
            self.at += 1;
        }
        // The first byte belongs to the name, whatever it is.
        let from = self.at;
        let is_name = |byte: &u8| !is_space(*byte) && !matches!(byte, b'/' | b'>' | b'=');
        let Some(name_end) = page[from + 1..].iter().position(|byte| !is_name(byte)) else {
            return Part::Unfinished;
        };
        let name = &page[from..=from + name_end];
        self.at = from + 1 + name_end;
        let Some(equals) = page[self.at..].iter().position(|byte| !is_space(*byte)) else {
            return Part::Unfinished;
        };
        if page[self.at + equals] != b'=' {
            return Part::Attribute(name, b"");
        }
        self.at += equals + 1;
        self.value(name)
    }

    fn value(&mut self, name: &'p [u8]) -> Part<'p> {
        let page = self.page;
        let Some(spaces) = page[self.at..].iter().position(|byte| !is_space(*byte)) else {
            return Part::Unfinished;
        };
        self.at += spaces;
        let from = self.at;
        let (begin, length, after) = match page[from] {
            b'>' => {
                self.at += 1;
                return Part::End { closes_itself: false, ends_early: true };
            }
            quote @ (b'"' | b'\'') => (from + 1, find(&page[from + 1..], quote), 1),
            _ => (from, page[from..].iter().position(|byte| is_space(*byte) || *byte == b'>'), 0),
        };
        let Some(length) = length else { return Part::Unfinished };
        self.at = begin + length + after;
        Part::Attribute(name, &page[begin..begin + length])
    }
}

/// White space between the parts of a tag.
pub(crate) fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\n' | b'\r' | b'\t' | 0x0c)
}

/// Where a byte is first.
pub(crate) fn find(bytes: &[u8], byte: u8) -> Option<usize> {
    memchr::memchr(byte, bytes)
}
