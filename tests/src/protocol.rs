//! Vectors about documents that are right or wrong.

use crate::Report;
use serde::Deserialize;
use splitlight_protocol::config;
use splitlight_protocol::event::Batch;

#[derive(Deserialize)]
struct File<T> {
    cases: Vec<T>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ConfigCase {
    name: String,
    document: serde_json::Value,
    /// Pointer and a part of the message, for each issue in order.
    issues: Vec<(String, String)>,
}

/// A document that is a string is the text itself, so that text that is no JSON can be written down.
fn text_of(document: &serde_json::Value) -> String {
    document.as_str().map_or_else(|| document.to_string(), str::to_owned)
}

pub(crate) fn configs(text: &str) -> Result<Report, serde_json::Error> {
    let file: File<ConfigCase> = serde_json::from_str(text)?;
    let mut report = Report::default();
    for case in file.cases {
        let parsed = config::parse(&text_of(&case.document));
        // As at publish: the second pass runs when the first found nothing, so that pointers are exact.
        let issues = if parsed.issues.is_empty() {
            splitlight_engine::compile(&parsed.config).issues
        } else {
            parsed.issues
        };
        let fits = issues.len() == case.issues.len()
            && issues.iter().zip(&case.issues).all(|(issue, (pointer, part))| {
                issue.pointer == *pointer && issue.to_string().contains(part)
            });
        let found: Vec<String> = issues.iter().map(ToString::to_string).collect();
        report.count(&case.name, (!fits).then(|| format!("{found:#?} is not {:#?}", case.issues)));
    }
    Ok(report)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BatchCase {
    name: String,
    document: serde_json::Value,
    /// Pointer and a part of the reason, or nothing when the batch is right.
    error: Option<(String, String)>,
}

pub(crate) fn batches(text: &str) -> Result<Report, serde_json::Error> {
    let file: File<BatchCase> = serde_json::from_str(text)?;
    let mut report = Report::default();
    for case in file.cases {
        let failure = match (Batch::parse(text_of(&case.document).as_bytes()), case.error) {
            (Ok(batch), None) => {
                let written = serde_json::to_vec(&batch)?;
                (Batch::parse(&written) != Ok(batch)).then(|| "does not survive its own writing".to_owned())
            }
            (Ok(_), Some(expected)) => Some(format!("was accepted, expected {expected:?}")),
            (Err(error), None) => Some(format!("was refused: {error}")),
            (Err(error), Some((pointer, part))) => {
                let fits = error.pointer == pointer && error.reason.contains(&part);
                (!fits).then(|| format!("{error} is not {pointer}: {part}"))
            }
        };
        report.count(&case.name, failure);
    }
    Ok(report)
}
