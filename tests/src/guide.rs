//! The tables of the guide in `crates/engine/guide`, made from the vectors, so that every example there is a test.

mod facts;
mod json;
mod table;

use serde::Deserialize;
use std::path::{Path, PathBuf};

/// The command that writes the tables anew.
pub const COMMAND: &str = "cargo xtask guide";

const OPEN: &str = "<!-- vectors ";
const CLOSE: &str = "<!-- end of vectors -->";

/// What a table shows; written as JSON in the comment that opens it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Order {
    table: Kind,
    /// Below `tests/vectors`; all files of decisions for [`Kind::Reasons`].
    #[serde(default)]
    file: String,
    /// Keys of items and features; all of them when missing.
    #[serde(default)]
    items: Vec<String>,
    /// Names of cases; all that say something of the items when missing.
    #[serde(default)]
    cases: Vec<String>,
    /// At most so many rows, or for conditions so many visitors in a cell.
    #[serde(default)]
    most: Option<usize>,
    /// Whether a case's name says enough.
    #[serde(default)]
    names_only: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    /// A row per item: its condition, for whom it holds and for whom it does not.
    Conditions,
    /// A row per case: who and when, and what every item decides.
    Decisions,
    /// Ids and their places.
    Hash,
    /// Addresses and patterns.
    Pages,
    /// What models answer.
    Models,
    /// An example of every reason.
    Reasons,
}

/// Every page of the guide.
///
/// # Errors
/// When the folder cannot be read.
pub fn pages() -> Result<Vec<PathBuf>, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/engine/guide");
    let entries = std::fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let mut paths: Vec<PathBuf> =
        paths.filter(|path| path.extension().is_some_and(|extension| extension == "md")).collect();
    paths.sort();
    Ok(paths)
}

/// A page with every table as the vectors have it now.
///
/// # Errors
/// When a marker is not understood, or names a file, item or case that is not there.
pub fn with_tables(page: &str) -> Result<String, String> {
    let mut out = String::new();
    let mut rest = page;
    while let Some((before, inside)) = rest.split_once(OPEN) {
        let (written, after) = inside.split_once(" -->").ok_or("a marker has no end")?;
        let (_, after) = after.split_once(CLOSE).ok_or_else(|| format!("{written}: no `{CLOSE}` follows"))?;
        let order: Order = serde_json::from_str(written).map_err(|error| format!("{written}: {error}"))?;
        let made = table::make(&order).map_err(|reason| format!("{written}: {reason}"))?;
        out.extend([before, OPEN, written, " -->\n\n", &made, "\n", CLOSE]);
        rest = after;
    }
    out.push_str(rest);
    Ok(out)
}

/// A file of vectors.
pub(crate) fn vectors(file: &str) -> Result<serde_json::Value, String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors").join(file);
    let text = std::fs::read_to_string(path).map_err(|error| format!("{file}: {error}"))?;
    serde_json::from_str(&text).map_err(|error| format!("{file}: {error}"))
}
