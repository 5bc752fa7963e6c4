//! A defect in a config: where it is, what is wrong, and what to do.

use serde::Serialize;

/// How much an [`Issue`] matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The item cannot run; publishing is refused.
    Error,
    /// The item runs, but probably not as its author thinks.
    Warning,
}

/// A defect in a config.
///
/// ```
/// use splitlight_protocol::Issue;
/// let issue = Issue::error("/experiments/0/coverage", "1.5 is above 1", "write a share from 0 to 1");
/// assert_eq!(issue.to_string(), "/experiments/0/coverage: 1.5 is above 1; write a share from 0 to 1");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Issue {
    /// How much it matters.
    pub severity: Severity,
    /// JSON pointer (RFC 6901) into the document, `""` for the whole of it.
    pub pointer: String,
    /// What is wrong, as a lower-case fragment.
    pub reason: String,
    /// What to do about it, as a lower-case fragment.
    pub fix: String,
}

impl Issue {
    /// An issue that keeps the document from being published.
    pub fn error(pointer: impl Into<String>, reason: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { severity: Severity::Error, pointer: pointer.into(), reason: reason.into(), fix: fix.into() }
    }

    /// An issue that is shown but does not keep the document from being published.
    pub fn warning(pointer: impl Into<String>, reason: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(pointer, reason, fix) }
    }
}

impl core::fmt::Display for Issue {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{}: {}; {}", self.pointer, self.reason, self.fix)
    }
}

/// The nearest of `known` to a misspelled `word`, when it is near enough to be meant.
///
/// Near means an edit distance of at most a third of the word, so that `varations` finds `variations` and `x`
/// finds nothing.
pub fn did_you_mean<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    known
        .iter()
        .map(|k| (edit_distance(word, k), *k))
        .min()
        .filter(|(distance, _)| *distance <= word.len().max(3) / 3)
        .map(|(_, k)| k)
}

/// Levenshtein distance over bytes, by the two-row method.
fn edit_distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.bytes().enumerate() {
            let replace = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = replace.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggests_only_what_is_near() {
        assert_eq!(did_you_mean("varations", &["variations", "weight"]), Some("variations"));
        assert_eq!(did_you_mean("wieght", &["variations", "weight"]), Some("weight"));
        assert_eq!(did_you_mean("colour", &["variations", "weight"]), None);
    }
}
