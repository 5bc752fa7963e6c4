//! The elements that are open at a place of a page, and how the parser's own idea of them is brought up to date.

/// Bytes of the names of open elements. Pages that never close anything are the parser's, which knows its own bounds.
const NAMES_BYTES_MAX: usize = 16 * 1024;

/// Open elements, as the parser keeps them: nothing but an end tag closes one.
#[derive(Debug, Default)]
pub(crate) struct Open {
    /// All names, one after another, in lower case.
    names: Vec<u8>,
    /// Where each begins.
    starts: Vec<usize>,
    /// How many, from the outermost, the parser has open as well.
    shared: usize,
    /// What else it has open, the innermost first.
    lost: Vec<Vec<u8>>,
}

impl Open {
    /// Whether no more are counted.
    pub(crate) fn is_full(&self) -> bool {
        self.names.len() > NAMES_BYTES_MAX || self.lost.len() > NAMES_BYTES_MAX
    }

    /// An element begins.
    pub(crate) fn start(&mut self, name: &[u8]) {
        self.starts.push(self.names.len());
        self.names.extend(name.iter().map(u8::to_ascii_lowercase));
    }

    /// An end tag closes the innermost element of its name and all in it, if there is one.
    pub(crate) fn end(&mut self, name: &[u8]) {
        let Some(at) = self.innermost(name) else { return };
        for lost in (at..self.shared).rev() {
            self.lost.push(self.name(lost).to_vec());
        }
        self.shared = self.shared.min(at);
        self.names.truncate(self.starts[at]);
        self.starts.truncate(at);
    }

    /// Whether an end tag closes an element with a name together with its own.
    pub(crate) fn closes(&self, tag: &[u8], name: &[u8]) -> bool {
        self.innermost(tag).is_some_and(|at| self.innermost(name).is_some_and(|inner| inner > at))
    }

    fn innermost(&self, name: &[u8]) -> Option<usize> {
        (0..self.starts.len()).rev().find(|at| self.name(*at).eq_ignore_ascii_case(name))
    }

    fn name(&self, at: usize) -> &[u8] {
        let end = self.starts.get(at + 1).copied().unwrap_or(self.names.len());
        &self.names[self.starts[at]..end]
    }

    /// The parser has seen all there is: it has the same elements open.
    pub(crate) fn are_shared(&mut self) {
        self.shared = self.starts.len();
        self.lost.clear();
    }

    /// The tags by which the parser gets from what it has open to what is open.
    pub(crate) fn way(&mut self) -> Vec<u8> {
        let mut tags = Vec::new();
        for name in self.lost.drain(..) {
            tags.extend_from_slice(b"</");
            tags.extend_from_slice(&name);
            tags.push(b'>');
        }
        for at in self.shared..self.starts.len() {
            tags.push(b'<');
            tags.extend_from_slice(self.name(at));
            tags.push(b'>');
        }
        self.shared = self.starts.len();
        tags
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parser_is_led_to_where_the_page_is() {
        let mut open = Open::default();
        for name in ["div", "ul", "LI"] {
            open.start(name.as_bytes());
        }
        assert_eq!(open.way(), b"<div><ul><li>");
        open.end(b"p");
        assert_eq!(open.way(), b"");
        open.end(b"Ul");
        open.start(b"p");
        open.start(b"b");
        open.end(b"b");
        assert_eq!(open.way(), b"</li></ul><p>");
        open.end(b"div");
        open.are_shared();
        assert_eq!(open.way(), b"");
    }
}
