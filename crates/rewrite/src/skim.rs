//! Walks over a page tag by tag, so that the parser sees only what may be changed.
//!
//! It reads what the parser would read, byte for byte the same tags, and where that is not plain to see it says so and
//! leaves the rest of the page to the parser.

use crate::open::Open;
use crate::tag::{Tag, find, is_space, tag};

/// A tag that is longer is the parser's: it knows what to do when memory is short.
const TAG_BYTES_MAX: usize = 64 * 1024;

/// Where a walk is.
#[derive(Debug, Default)]
pub(crate) struct Skim {
    /// The element whose content is text, whatever it looks like, while the walk is inside of it.
    raw: Option<Vec<u8>>,
    /// How many `svg` elements are open.
    foreign: usize,
    /// The elements that are open.
    pub(crate) open: Open,
}

/// What comes next in a page, and how many bytes it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    Text(usize),
    Tag(Tag),
    /// A comment, a declaration, or what counts as one.
    Remark(usize),
    /// More of the page has to be seen.
    Unfinished,
    /// From here on the page is the parser's.
    Hard,
}

impl Skim {
    /// What comes next; a tag has to be taken before what follows it is asked for.
    pub(crate) fn next(&self, page: &[u8]) -> Next {
        let next = match &self.raw {
            Some(name) => in_raw(page, name),
            None => self.in_markup(page),
        };
        if next == Next::Unfinished && page.len() > TAG_BYTES_MAX { Next::Hard } else { next }
    }

    fn in_markup(&self, page: &[u8]) -> Next {
        match find(page, b'<') {
            None if page.is_empty() => return Next::Unfinished,
            None => return Next::Text(page.len()),
            Some(0) => {}
            Some(text) => return Next::Text(text),
        }
        match page.get(1) {
            None => Next::Unfinished,
            Some(b'!') => self.declaration(page),
            Some(b'?') => remark(page, 2),
            Some(b'/') => match page.get(2) {
                None => Next::Unfinished,
                Some(first) if first.is_ascii_alphabetic() => self.tag(page, true),
                Some(_) => remark(page, 2),
            },
            Some(first) if first.is_ascii_alphabetic() => self.tag(page, false),
            Some(_) => Next::Text(1),
        }
    }

    fn declaration(&self, page: &[u8]) -> Next {
        let opening = &page[..page.len().min(4)];
        if !b"<!--".starts_with(opening) {
            // In foreign content it may be text.
            return if self.foreign > 0 { Next::Hard } else { remark(page, 2) };
        }
        let Some(text) = page.get(4..).filter(|text| text.len() >= 2) else { return Next::Unfinished };
        if text.starts_with(b">") || text.starts_with(b"->") {
            return Next::Remark(if text[0] == b'>' { 5 } else { 6 });
        }
        let mut at = 0;
        while let Some(found) = find(&text[at..], b'-').map(|found| found + at) {
            let rest = &text[found..];
            if rest.starts_with(b"-->") || rest.starts_with(b"--!>") {
                return Next::Remark(4 + found + if rest[2] == b'>' { 3 } else { 4 });
            }
            at = found + 1;
        }
        Next::Unfinished
    }

    fn tag(&self, page: &[u8], is_end: bool) -> Next {
        let Some(tag) = tag(page, is_end) else { return Next::Unfinished };
        if self.is_hard(&tag, tag.name(page)) { Next::Hard } else { Next::Tag(tag) }
    }

    /// Whether the parser goes on behind a tag in a way that is not followed here.
    fn is_hard(&self, tag: &Tag, name: &[u8]) -> bool {
        let is = |names: &[&str]| is_one_of(names, name);
        if tag.is_end {
            // Where the parser stays in foreign content without an element of it, nothing would lead it there again.
            return self.foreign > 0 && (is(&["p", "br"]) || !is(&["svg"]) && self.open.closes(name, b"svg"));
        }
        is(&["math"])
            || is(&["svg"]) && tag.closes_itself
            || self.foreign > 0 && (is(&LEAVES_FOREIGN) || is(&["desc", "title", "foreignobject", "font"]))
            || tag.ends_early && is_one_of(&RAW, name)
            || self.open.is_full()
    }

    /// Goes on behind a tag.
    pub(crate) fn take(&mut self, page: &[u8], tag: &Tag) {
        let name = tag.name(page);
        let is_svg = name.eq_ignore_ascii_case(b"svg");
        if tag.is_end {
            self.raw = None;
            self.foreign -= usize::from(is_svg && self.foreign > 0);
            self.open.end(name);
            return;
        }
        self.foreign += usize::from(is_svg);
        let stays = if self.foreign > 0 { !tag.closes_itself } else { !is_one_of(&VOID, name) };
        if stays {
            self.open.start(name);
        }
        if self.foreign == 0 && is_one_of(&RAW, name) {
            self.raw = Some(name.to_ascii_lowercase());
        }
    }
}

/// Elements without content; the parser's list.
const VOID: [&str; 17] = [
    "area", "base", "basefont", "bgsound", "br", "col", "embed", "hr", "img", "input", "keygen", "link",
    "meta", "param", "source", "track", "wbr",
];

/// Elements whose content is text.
const RAW: [&str; 10] =
    ["textarea", "title", "plaintext", "script", "style", "iframe", "xmp", "noembed", "noframes", "noscript"];

/// Start tags at which foreign content ends.
const LEAVES_FOREIGN: [&str; 44] = [
    "b",
    "big",
    "blockquote",
    "body",
    "br",
    "center",
    "code",
    "dd",
    "div",
    "dl",
    "dt",
    "em",
    "embed",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "head",
    "hr",
    "i",
    "img",
    "li",
    "listing",
    "menu",
    "meta",
    "nobr",
    "ol",
    "p",
    "pre",
    "ruby",
    "s",
    "small",
    "span",
    "strong",
    "strike",
    "sub",
    "sup",
    "table",
    "tt",
    "u",
    "ul",
    "var",
];

fn is_one_of(names: &[&str], name: &[u8]) -> bool {
    names.iter().any(|it| it.len() == name.len() && name.eq_ignore_ascii_case(it.as_bytes()))
}

/// Text up to the end tag of the element that it is in, and then that tag.
fn in_raw(page: &[u8], name: &[u8]) -> Next {
    let mut at = 0;
    while let Some(found) = find(&page[at..], b'<').map(|found| found + at) {
        let rest = &page[found..];
        let next = if name == b"script" && (rest.len() < 4 && b"<!--".starts_with(rest)) {
            Next::Unfinished
        } else if name == b"script" && rest.starts_with(b"<!--") {
            Next::Hard
        } else {
            end_of_raw(rest, name)
        };
        match next {
            Next::Text(_) => at = found + 1,
            _ if found > 0 => return Next::Text(found),
            next => return next,
        }
    }
    if page.is_empty() { Next::Unfinished } else { Next::Text(page.len()) }
}

/// The end tag that is here, or text when there is none.
fn end_of_raw(rest: &[u8], name: &[u8]) -> Next {
    let end = rest.len().min(2 + name.len());
    let is_begun = b"</".starts_with(&rest[..end.min(2)])
        && name
            .get(..end.saturating_sub(2))
            .is_some_and(|begun| rest[end.min(2)..end].eq_ignore_ascii_case(begun));
    match rest.get(2 + name.len()) {
        // Nothing ends it.
        _ if !is_begun || name == b"plaintext" => Next::Text(1),
        None => Next::Unfinished,
        Some(after) if is_space(*after) || matches!(after, b'/' | b'>') => {
            tag(rest, true).map_or(Next::Unfinished, Next::Tag)
        }
        Some(_) => Next::Text(1),
    }
}

fn remark(page: &[u8], from: usize) -> Next {
    find(&page[from..], b'>').map_or(Next::Unfinished, |end| Next::Remark(from + end + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes a page piece by piece, up to where it is the parser's or more is needed.
    fn pieces(page: &str) -> (Vec<&str>, Next) {
        let (mut skim, mut at, mut pieces) = (Skim::default(), 0, Vec::new());
        loop {
            let rest = &page.as_bytes()[at..];
            let length = match skim.next(rest) {
                Next::Text(length) | Next::Remark(length) => length,
                Next::Tag(tag) => {
                    skim.take(rest, &tag);
                    tag.length
                }
                end => return (pieces, end),
            };
            pieces.push(&page[at..at + length]);
            at += length;
        }
    }

    #[test]
    fn a_page_falls_into_tags_text_and_remarks() {
        let page = "<!doctype html><p a='>' b=> x < y</p ><!-- > --><script>if (a</p>b) </script ><br/></>";
        let found = [
            "<!doctype html>",
            "<p a='>' b=>",
            " x ",
            "<",
            " y",
            "</p >",
            "<!-- > -->",
            "<script>",
            "if (a</p>b) ",
            "</script >",
            "<br/>",
            "</>",
        ];
        assert_eq!(pieces(page), (found.to_vec(), Next::Unfinished));
    }

    #[test]
    fn what_is_not_plain_to_see_is_the_parser_s() {
        for hard in [
            "<math>",
            "<svg/>",
            "<svg><p>",
            "<svg><title>",
            "<div><svg></div>",
            "<svg><![CDATA[",
            "<script a=>",
            "<script><!--",
            "<svg></p>",
        ] {
            assert_eq!(pieces(hard).1, Next::Hard, "{hard}");
        }
        for plain in [
            "<svg><path d=x/></svg>",
            "<style><!-- </style>",
            "<title><p></title>",
            "<svg><g></g></svg></div>",
        ] {
            assert_eq!(pieces(plain).1, Next::Unfinished, "{plain}");
        }
    }

    #[test]
    fn what_is_not_whole_is_waited_for() {
        for begun in [
            "<",
            "</",
            "<p",
            "<p a",
            "<p a=",
            "<p a='",
            "<!",
            "<!-",
            "<!--",
            "<!-- -",
            "<title></ti",
            "<script><!-",
        ] {
            assert_eq!(pieces(begun).1, Next::Unfinished, "{begun}");
        }
        let long = format!("<p a='{}", "x".repeat(TAG_BYTES_MAX));
        assert_eq!(pieces(&long).1, Next::Hard);
    }
}
