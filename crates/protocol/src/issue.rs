//! A defect in a config: where it is, what is wrong, and what to do.

use serde::Serialize;

/// How much an [`Issue`] matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The item cannot run; publishing is refused.
    Error,
    /// The item runs, but probably not as its author thinks.
    Warning,
    /// The item runs as it is written, and this is worth knowing about it.
    Info,
}

/// The rule that an [`Issue`] breaks. Programs may rely on its name, which is in kebab case in JSON; people read
/// [`Issue::reason`].
///
/// ```
/// use splitlight_protocol::issue::Code;
/// assert_eq!(serde_json::to_string(&Code::LayerOverlap)?, r#""layer-overlap""#);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Code {
    /// A value is not one that may be here.
    #[default]
    Invalid,
    /// The document is not JSON.
    NotJson,
    /// A key that the format does not know.
    UnknownKey,
    /// A key that has to be written is not.
    MissingKey,
    /// Two items have the same key.
    DuplicateKey,
    /// Weights do not add up.
    Weights,
    /// Something refers to what is not there.
    UnknownReference,
    /// An operator that conditions do not have.
    UnknownOperator,
    /// Something refers to itself.
    Cycle,
    /// A regular expression that is none, or does not run the same everywhere.
    Regex,
    /// A date, a time zone or a window of time that is none.
    Schedule,
    /// Html that runs code or reaches out of its place.
    Html,
    /// Two experiments of a layer claim the same visitors.
    LayerOverlap,
    /// The experiments of a layer claim more than all visitors.
    LayerOversubscribed,
    /// The experiments of a layer hash different units, so that they do not exclude each other.
    LayerUnits,
    /// A personalization that never wins its slot.
    SlotNeverWon,
    /// A variation that no visitor gets.
    UnreachableVariation,
    /// A rule of a feature that is never reached.
    UnreachableRule,
    /// An item in which no visitor takes part.
    Nobody,
    /// A negation also holds for visitors who lack the attribute.
    MissingAttribute,
    /// A schedule that is over.
    ScheduleOver,
    /// Schedules that have to be open at the same time and never are.
    ScheduleNeverOpen,
    /// No metric decides an experiment.
    NoPrimaryMetric,
    /// The traffic cannot reach the planned sample size before the end.
    SampleSize,
    /// The edge cannot make a change while the page streams, so the browser makes it.
    BrowserChange,
}

impl Code {
    /// Every rule, in the order of declaration.
    pub const ALL: [Self; 25] = [
        Self::Invalid,
        Self::NotJson,
        Self::UnknownKey,
        Self::MissingKey,
        Self::DuplicateKey,
        Self::Weights,
        Self::UnknownReference,
        Self::UnknownOperator,
        Self::Cycle,
        Self::Regex,
        Self::Schedule,
        Self::Html,
        Self::LayerOverlap,
        Self::LayerOversubscribed,
        Self::LayerUnits,
        Self::SlotNeverWon,
        Self::UnreachableVariation,
        Self::UnreachableRule,
        Self::Nobody,
        Self::MissingAttribute,
        Self::ScheduleOver,
        Self::ScheduleNeverOpen,
        Self::NoPrimaryMetric,
        Self::SampleSize,
        Self::BrowserChange,
    ];
}

/// A defect in a config.
///
/// ```
/// use splitlight_protocol::Issue;
/// use splitlight_protocol::issue::Code;
/// let issue = Issue::error("/experiments/0/coverage", "1.5 is above 1", "write a share from 0 to 1");
/// assert_eq!(issue.to_string(), "/experiments/0/coverage: 1.5 is above 1; write a share from 0 to 1");
/// assert_eq!(issue.code, Code::Invalid);
/// assert_eq!(issue.coded(Code::Weights).code, Code::Weights);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Issue {
    /// How much it matters.
    pub severity: Severity,
    /// The rule it breaks.
    pub code: Code,
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
        let (severity, code) = (Severity::Error, Code::default());
        Self { severity, code, pointer: pointer.into(), reason: reason.into(), fix: fix.into() }
    }

    /// An issue that is shown but does not keep the document from being published.
    pub fn warning(pointer: impl Into<String>, reason: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(pointer, reason, fix) }
    }

    /// An issue that is no defect, but worth knowing.
    pub fn info(pointer: impl Into<String>, reason: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { severity: Severity::Info, ..Self::error(pointer, reason, fix) }
    }

    /// The same issue, named after the rule it breaks.
    #[must_use]
    pub fn coded(self, code: Code) -> Self {
        Self { code, ..self }
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
