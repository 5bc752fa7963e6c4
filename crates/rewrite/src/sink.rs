//! Where the page comes out, and where a part of it is held back until it is known what it belongs to.

use std::cell::RefCell;
use std::rc::Rc;

/// Bytes held back at most. Only elements whose end tag may be left out are held back, and those are paragraphs, list
/// items and cells; a longer one stays as it is.
const HELD_BYTES_MAX: usize = 64 * 1024;

/// The sink, shared by the parser and the handlers.
pub(crate) type Shared = Rc<RefCell<Sink>>;

/// Collects the output.
#[derive(Debug, Default)]
pub(crate) struct Sink {
    pub(crate) out: Vec<u8>,
    /// Announced, and not yet begun: the parser writes their marks with the tag it is about to write.
    announced: Vec<Hold>,
    /// From the outermost element to the innermost.
    holds: Vec<Hold>,
    next: u32,
    /// Html for the ends of open elements, in case the page ends before they do.
    pub(crate) endings: Vec<(u32, String)>,
    /// Whether what the parser writes is no part of the page.
    pub(crate) is_muted: bool,
    /// End tags at which something is still to be done.
    pub(crate) awaited: usize,
}

/// A part of the page that is being replaced.
#[derive(Debug)]
struct Hold {
    id: u32,
    mark: String,
    /// What comes in its place.
    replacement: String,
    /// What the origin sent, kept as long as it may have to come back; `None` when it never does.
    kept: Option<Vec<u8>>,
    /// Where to look for blocks in it, when this is a paragraph: a paragraph ends where a block begins.
    blocks_from: Option<usize>,
}

impl Sink {
    /// Announces a part to be replaced, and gives its number and the mark that begins it.
    ///
    /// With `whole`, the part begins with the element's start tag, otherwise after it.
    pub(crate) fn announce(&mut self, tag: &str, whole: bool, replacement: String) -> (u32, String) {
        let id = self.number();
        // A page cannot forge it: marks are looked for only while one is announced, between two tokens of the page.
        let mark = format!("\0splitlight {id}\0");
        let kept = may_omit_end(tag).then(Vec::new);
        let blocks_from = (tag == "p").then_some(usize::from(whole));
        self.announced.push(Hold { id, mark: mark.clone(), replacement, kept, blocks_from });
        (id, mark)
    }

    /// A number that no other element has.
    pub(crate) fn number(&mut self) -> u32 {
        self.next += 1;
        self.next
    }

    /// Takes what the parser writes.
    pub(crate) fn write(&mut self, bytes: &[u8]) {
        if self.is_muted {
            return;
        }
        if let Some(at) = self.announced.iter().position(|hold| hold.mark.as_bytes() == bytes) {
            let hold = self.announced.swap_remove(at);
            self.holds.push(hold);
            return;
        }
        self.pass(bytes);
    }

    fn pass(&mut self, bytes: &[u8]) {
        match self.holds.last_mut() {
            None => self.out.extend_from_slice(bytes),
            Some(Hold { kept: None, .. }) => {}
            Some(Hold { kept: Some(kept), .. }) => {
                kept.extend_from_slice(bytes);
                while self.held() > HELD_BYTES_MAX {
                    let Some(at) = self.holds.iter().position(|hold| hold.kept.is_some()) else { break };
                    self.settle(at, false);
                }
            }
        }
    }

    fn held(&self) -> usize {
        self.holds.iter().filter_map(|hold| hold.kept.as_ref()).map(Vec::len).sum()
    }

    /// Ends a part at an end tag; says whether it was replaced, and so whether the tag is the element's own to remove.
    pub(crate) fn close(&mut self, id: u32, own_end_tag: bool) -> bool {
        let Some(at) = self.holds.iter().rposition(|hold| hold.id == id) else { return false };
        // The tag ends everything inside as well.
        while self.holds.len() > at + 1 {
            self.settle(self.holds.len() - 1, false);
        }
        let hold = &self.holds[at];
        let content = hold.kept.as_deref().zip(hold.blocks_from).and_then(|(kept, from)| kept.get(from..));
        let split = content.is_some_and(has_block);
        let own = own_end_tag && !split;
        self.settle(at, own);
        own
    }

    /// Writes the replacement, or what was there.
    fn settle(&mut self, at: usize, own_end_tag: bool) {
        let hold = self.holds.remove(at);
        let bytes = match hold.kept {
            Some(kept) if !own_end_tag => kept,
            _ => hold.replacement.into_bytes(),
        };
        match at.checked_sub(1).map(|below| &mut self.holds[below]) {
            None => self.out.extend_from_slice(&bytes),
            Some(Hold { kept: None, .. }) => {}
            Some(Hold { kept: Some(kept), .. }) => kept.extend_from_slice(&bytes),
        }
    }

    /// Lets go of everything: the page ended, or the parser gave up.
    pub(crate) fn release(&mut self) {
        self.announced.clear();
        while !self.holds.is_empty() {
            self.settle(self.holds.len() - 1, false);
        }
    }

    /// Whether nothing waits for a later part of the page.
    pub(crate) fn is_settled(&self) -> bool {
        self.announced.is_empty() && self.holds.is_empty() && self.awaited == 0
    }
}

/// Elements that end without an end tag, where the parser cannot see it: it keeps no tree.
pub(crate) fn may_omit_end(tag: &str) -> bool {
    matches!(
        tag,
        "p" | "li"
            | "dt"
            | "dd"
            | "td"
            | "th"
            | "tr"
            | "thead"
            | "tbody"
            | "tfoot"
            | "caption"
            | "colgroup"
            | "option"
            | "optgroup"
            | "rb"
            | "rt"
            | "rtc"
            | "rp"
            | "head"
            | "button"
            | "a"
            | "nobr"
            | "h1"
            | "h2"
            | "h3"
            | "h4"
            | "h5"
            | "h6"
    )
}

/// Whether the content of a paragraph has a start tag that ends the paragraph. A false alarm leaves a paragraph alone.
fn has_block(content: &[u8]) -> bool {
    const BLOCKS: [&str; 42] = [
        "address",
        "article",
        "aside",
        "blockquote",
        "center",
        "dd",
        "details",
        "dialog",
        "dir",
        "div",
        "dl",
        "dt",
        "fieldset",
        "figcaption",
        "figure",
        "footer",
        "form",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "header",
        "hgroup",
        "hr",
        "li",
        "listing",
        "main",
        "menu",
        "nav",
        "ol",
        "p",
        "plaintext",
        "pre",
        "search",
        "section",
        "summary",
        "table",
        "ul",
        "xmp",
        "td",
    ];
    content.iter().enumerate().filter(|(_, byte)| **byte == b'<').any(|(at, _)| {
        let rest = &content[at + 1..];
        let length = rest.iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
        BLOCKS.iter().any(|block| rest[..length].eq_ignore_ascii_case(block.as_bytes()))
    })
}
