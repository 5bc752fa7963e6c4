//! Pages that a browser keeps and asks about again, when the setting `PAGE_CACHE` is `browser` or `edge`.
//!
//! The tag of a personalized page is the origin's and a digest of everything that was written into it, so a page is
//! the same only for the same decisions, and the origin is asked about its own tag.

use sha2::{Digest, Sha256};
use splitlight_rewrite::Rewrite;

/// Hexadecimal digits of a digest in a tag: no two sets of decisions of a site are mistaken for each other by chance.
const DIGITS: usize = 16;

/// The digest of what a rewrite writes, all of it: nobody can make another text that has it.
pub(super) fn digest(rewrite: &Rewrite) -> String {
    crate::project::access::hex(&Sha256::digest(rewrite.written().as_bytes()))
}

/// The part of a digest that is in a tag.
pub(super) fn in_tag(digest: &str) -> &str {
    digest.get(..DIGITS).unwrap_or_default()
}

/// Whether what a browser asks names a tag of ours, which are weak.
pub(super) fn names(if_none_match: &str, tag: &str) -> bool {
    if_none_match.split(',').any(|other| other.trim() == tag)
}

/// The tag of a personalized page; `None` when the origin gives none.
pub(super) fn tag(origin: &str, digest: &str) -> Option<String> {
    let (weak, opaque) = parts(origin)?;
    let mark = if weak { "w" } else { "" };
    // Weak, because the bytes are not promised: the nonce of a policy is another every time.
    Some(format!("W/\"{opaque}~{digest}{mark}\""))
}

/// The origin's tag in the first tag of ours that a browser sends, and its digest.
pub(super) fn held(if_none_match: &str) -> Option<(String, String)> {
    if_none_match.split(',').find_map(|tag| {
        let (_, opaque) = parts(tag.trim())?;
        let (origin, digest) = opaque.rsplit_once('~')?;
        let (digest, weak) = digest.strip_suffix('w').map_or((digest, ""), |digest| (digest, "W/"));
        let is_digest = digest.len() == DIGITS && digest.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_digest.then(|| (format!("{weak}\"{origin}\""), digest.to_owned()))
    })
}

/// Whether a tag is weak, and what is between its quotes.
fn parts(tag: &str) -> Option<(bool, &str)> {
    let (weak, quoted) = tag.strip_prefix("W/").map_or((false, tag), |quoted| (true, quoted));
    let opaque = quoted.strip_prefix('"')?.strip_suffix('"')?;
    (!opaque.contains('"')).then_some((weak, opaque))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_tells_the_origin_s_and_the_decisions() {
        let digest = "0123456789abcdef";
        for origin in ["\"v1\"", "W/\"a~b,c\"", "\"\""] {
            let ours = tag(origin, digest).unwrap_or_default();
            let found = held(&ours);
            // A comma in a tag is read as the end of it, and then nothing of ours is found.
            let expected = (!origin.contains(',')).then(|| (origin.to_owned(), digest.to_owned()));
            assert_eq!(found, expected, "{ours}");
        }
        assert_eq!(held("\"x\", W/\"v~0123456789abcdefw\""), Some(("W/\"v\"".to_owned(), digest.to_owned())));
        for other in ["*", "\"v1\"", "W/\"v~short\"", "v~0123456789abcdef"] {
            assert_eq!(held(other), None, "{other}");
        }
        assert_eq!(tag("v1", digest), None);
    }
}
