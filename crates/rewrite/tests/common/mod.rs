//! What every test of whole pages needs.

use splitlight_rewrite::Rewrite;

/// What comes out of a rewrite, given a page in pieces.
pub(crate) fn through(rewrite: &Rewrite, pieces: &[&[u8]]) -> Vec<u8> {
    let (mut page, mut out) = (rewrite.start(), Vec::new());
    for piece in pieces {
        page.write(piece, &mut out);
    }
    page.end(&mut out);
    out
}
