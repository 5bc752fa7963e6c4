//! JSON pointers (RFC 6901), which say where in a document something is.

use serde_path_to_error::{Path, Segment};

/// The pointer to where deserializing stopped, below `base`.
pub(crate) fn below(base: &str, path: &Path) -> String {
    path.iter().fold(base.to_owned(), |pointer, segment| match segment {
        Segment::Seq { index } => format!("{pointer}/{index}"),
        Segment::Map { key } => format!("{pointer}/{}", escape(key)),
        Segment::Enum { .. } | Segment::Unknown => pointer,
    })
}

/// Escapes a member's name (RFC 6901 §3).
pub(crate) fn escape(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}
