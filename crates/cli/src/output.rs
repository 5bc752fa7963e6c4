//! What a command answers: text for the standard output, notes for the standard error, and whether all is well.

use core::fmt;
use serde::Serialize;
use splitlight_protocol::{Issue, Severity};
use std::io::Write as _;

/// What a command answers.
#[derive(Debug, Default)]
pub(crate) struct Output {
    /// Ends with a new line, or is empty.
    text: String,
    /// One line each.
    notes: Vec<String>,
    /// Whether no config had an error, and no split was broken.
    pub(crate) sound: bool,
}

impl Output {
    pub(crate) fn text(text: String) -> Self {
        Self { text, notes: Vec::new(), sound: true }
    }

    /// A document, indented.
    pub(crate) fn json(value: &impl Serialize) -> Result<Self, Failure> {
        let text = serde_json::to_string_pretty(value).map_err(|error| Failure(error.to_string()))?;
        Ok(Self::text(text + "\n"))
    }

    /// An error among the defects of the config makes the exit code 1.
    pub(crate) fn judged_by(mut self, issues: &[Issue]) -> Self {
        self.sound &= issues.iter().all(|issue| issue.severity != Severity::Error);
        self
    }

    /// What was found is not as it has to be, so the exit code is 1.
    pub(crate) fn judged(mut self, sound: bool) -> Self {
        self.sound &= sound;
        self
    }

    /// [`Self::judged_by`], and lists the defects on the standard error.
    pub(crate) fn with_issues(self, issues: &[Issue]) -> Self {
        self.judged_by(issues).with_notes(issues.iter().map(line))
    }

    /// Lists remarks that do not change the exit code.
    pub(crate) fn with_notes(mut self, notes: impl IntoIterator<Item = String>) -> Self {
        self.notes.extend(notes);
        self
    }

    pub(crate) fn write(&self) -> Result<(), Failure> {
        for note in &self.notes {
            eprintln!("{note}");
        }
        let mut out = std::io::stdout().lock();
        let written = out.write_all(self.text.as_bytes()).and_then(|()| out.flush());
        written.map_err(|error| Failure(format!("cannot write the answer: {error}")))
    }
}

/// An issue in one line.
pub(crate) fn line(issue: &Issue) -> String {
    format!("{} {issue}", severity(issue.severity))
}

/// How a severity is written.
fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "info",
    }
}

/// Why a command cannot answer: the arguments, a file or the output.
#[derive(Debug)]
pub(crate) struct Failure(pub(crate) String);

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
