//! Vectors about pages and what comes out, whole and byte by byte.

use crate::Report;
use serde::Deserialize;
use splitlight_engine::Change;
use splitlight_protocol::config;
use splitlight_protocol::{Map, Value};
use splitlight_rewrite::{Rewrite, check_html};

#[derive(Deserialize)]
struct File<T> {
    cases: Vec<T>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PageCase {
    name: String,
    html: String,
    #[serde(default)]
    changes: Vec<Value>,
    #[serde(default)]
    attributes: Map,
    #[serde(default)]
    head: String,
    expect: String,
}

pub(crate) fn pages(text: &str) -> Result<Report, serde_json::Error> {
    let file: File<PageCase> = serde_json::from_str(text)?;
    let mut report = Report::default();
    for case in file.cases {
        let changes = match compiled(&case.changes)? {
            Ok(changes) => changes,
            Err(issue) => {
                report.count(&case.name, Some(issue));
                continue;
            }
        };
        let rewrite = Rewrite::new(&changes, &case.attributes, &case.head);
        let failure = [case.html.len(), 1].into_iter().find_map(|size| {
            let found = through(&rewrite, case.html.as_bytes(), size);
            (found != case.expect).then(|| format!("in chunks of {size}: {found:?} is not {:?}", case.expect))
        });
        report.count(&case.name, failure);
    }
    Ok(report)
}

/// The changes as a program has them, or what is wrong with them.
fn compiled(changes: &[Value]) -> Result<Result<Vec<Change>, String>, serde_json::Error> {
    let document = serde_json::json!({ "version": 1, "project": "shop", "personalizations": [
        { "key": "case", "changes": changes }
    ] });
    let parsed = config::parse(&serde_json::to_string(&document)?);
    let compiled = splitlight_engine::compile(&parsed.config);
    if let (Some(issue), false) = (parsed.issues.first(), changes.is_empty()) {
        return Ok(Err(issue.to_string()));
    }
    let shown = compiled.program.items().first().and_then(|item| item.variations().get(1));
    Ok(Ok(shown.map(|variation| variation.changes.clone()).unwrap_or_default()))
}

fn through(rewrite: &Rewrite, html: &[u8], size: usize) -> String {
    let (mut page, mut out) = (rewrite.start(), Vec::new());
    for chunk in html.chunks(size.max(1)) {
        page.write(chunk, &mut out);
    }
    page.end(&mut out);
    String::from_utf8_lossy(&out).into_owned()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CheckCase {
    name: String,
    html: String,
    /// A part of the message, or nothing when the html is fine.
    error: Option<String>,
}

pub(crate) fn checks(text: &str) -> Result<Report, serde_json::Error> {
    let file: File<CheckCase> = serde_json::from_str(text)?;
    let mut report = Report::default();
    for case in file.cases {
        let failure = match (check_html(&case.html), &case.error) {
            (Ok(()), None) => None,
            (Ok(()), Some(part)) => Some(format!("was accepted, expected {part:?}")),
            (Err(error), Some(part)) if error.contains(part) => None,
            (Err(error), expected) => Some(format!("was refused with {error:?}, expected {expected:?}")),
        };
        report.count(&case.name, failure);
    }
    Ok(report)
}
