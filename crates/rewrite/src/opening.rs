//! Whether a page opens with an `html` tag, which tells where its head can be.

/// How far into a page its first tag is looked for; white space, comments and a doctype come before it.
const OPENING_BYTES_MAX: usize = 4 * 1024;

/// What the begin of a page says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Opening {
    /// The first tag is `html`: whatever could be first in the page is a child of it, or of the head.
    Html,
    /// Anything else: the first element can be anywhere.
    Other,
}

/// Reads the begin of a page; `None` as long as more of it has to be seen. More bytes never change an answer.
pub(crate) fn opening(page: &[u8]) -> Option<Opening> {
    let whole = page.len() >= OPENING_BYTES_MAX;
    let first = first_tag(&page[..page.len().min(OPENING_BYTES_MAX)]);
    if whole { Some(first.unwrap_or(Opening::Other)) } else { first }
}

fn first_tag(mut page: &[u8]) -> Option<Opening> {
    loop {
        let at = page.iter().position(|byte| !byte.is_ascii_whitespace())?;
        page = page[at..].strip_prefix(b"\xef\xbb\xbf").unwrap_or(&page[at..]);
        let declaration = [&b"<!--"[..], b"<!doctype"].into_iter().find(|it| begins(page, it) != Some(false));
        let Some(declaration) = declaration else { break };
        begins(page, declaration)?;
        let end: &[u8] = if declaration == b"<!--" { b"-->" } else { b">" };
        // An odd comment ends earlier than it looks; then it is as if there was no html tag.
        let text = &page[declaration.len()..];
        if declaration == b"<!--" && (text.starts_with(b">") || text.starts_with(b"->")) {
            return Some(Opening::Other);
        }
        let length = text.windows(end.len()).position(|it| it == end)?;
        if declaration == b"<!--" && text[..length].windows(4).any(|it| it == b"--!>") {
            return Some(Opening::Other);
        }
        page = &text[length + end.len()..];
    }
    if !begins(page, b"<html")? {
        return Some(Opening::Other);
    }
    let after = page.get(5)?;
    let ends = after.is_ascii_whitespace() || matches!(after, b'>' | b'/');
    Some(if ends { Opening::Html } else { Opening::Other })
}

/// Whether a text begins with a word in any case; `None` when it is too short to say.
fn begins(text: &[u8], word: &[u8]) -> Option<bool> {
    let length = text.len().min(word.len());
    if !text[..length].eq_ignore_ascii_case(&word[..length]) {
        return Some(false);
    }
    (length == word.len()).then_some(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_tag_is_found_behind_declarations() {
        for html in
            ["<html>", " <!DOCTYPE html>\n<HTML lang=en>", "\u{feff}<!-- a --><!--b--><html\n", "<html/>"]
        {
            assert_eq!(opening(html.as_bytes()), Some(Opening::Html), "{html}");
        }
        for other in ["<htmlx>", "text<html>", "<head>", "<!--><html>", "<!-- --!><html>-->", "<?xml?><html>"]
        {
            assert_eq!(opening(other.as_bytes()), Some(Opening::Other), "{other}");
        }
    }

    #[test]
    fn an_answer_stays() {
        let page = b"<!doctype html><!-- a > b --> <html lang=en><head>";
        let answers: Vec<_> = (0..=page.len()).map(|length| opening(&page[..length])).collect();
        assert!(answers.is_sorted(), "{answers:?}");
        assert_eq!(opening(&[b' '; OPENING_BYTES_MAX]), Some(Opening::Other));
        assert_eq!(opening(&[b' '; OPENING_BYTES_MAX - 1]), None);
    }
}
