//! Vectors about what is wrong with configs, or hardly meant: every rule has a case that breaks it and one that keeps it.

use crate::Report;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use splitlight_engine::{Setting, compile, lint};
use splitlight_protocol::{Code, Timestamp, config};
use splitlight_rewrite::{browser_changes, markup_issues};

#[derive(Deserialize)]
struct File {
    /// Sections that a case has unless it says otherwise.
    shared: Map<String, Value>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Case {
    /// The rule it is about.
    rule: String,
    /// What it shows of the rule.
    name: String,
    #[serde(default)]
    now: Timestamp,
    #[serde(default)]
    visitors_per_day: Option<f64>,
    /// Sections of the config, or the whole document as a text.
    config: Value,
    /// Severity, rule and pointer of every finding.
    expect: Vec<(String, String, String)>,
}

pub(crate) fn configs(text: &str) -> Result<Report, serde_json::Error> {
    let file: File = serde_json::from_str(text)?;
    let mut report = Report::default();
    for case in &file.cases {
        let found = findings(&file.shared, case)?;
        let differs = (found != case.expect).then(|| format!("{found:?} is not {:?}", case.expect));
        report.count(&format!("{}: {}", case.rule, case.name), differs);
    }
    for code in Code::ALL {
        let code = name(code)?;
        let breaks = |case: &&Case| case.expect.iter().any(|(_, found, _)| *found == code);
        let mine = || file.cases.iter().filter(|case| case.rule == code);
        let missing = match (mine().any(|case| breaks(&case)), mine().any(|case| !breaks(&case))) {
            (true, true) => None,
            (false, _) => Some("no case breaks it".to_owned()),
            (_, false) => Some("no case keeps it".to_owned()),
        };
        report.count(&code, missing);
    }
    Ok(report)
}

fn findings(
    shared: &Map<String, Value>,
    case: &Case,
) -> Result<Vec<(String, String, String)>, serde_json::Error> {
    let text = match &case.config {
        Value::String(text) => text.clone(),
        sections => {
            let mut document = json!({ "version": 1, "project": "shop" });
            for (name, section) in shared.iter().chain(sections.as_object().into_iter().flatten()) {
                document[name] = section.clone();
            }
            document.to_string()
        }
    };
    let parsed = config::parse(&text);
    let setting = Setting { now: case.now, visitors_per_day: case.visitors_per_day };
    let more = [
        compile(&parsed.config).issues,
        markup_issues(&parsed.config),
        lint(&parsed.config, &setting),
        browser_changes(&parsed.config),
    ];
    let more = more.into_iter().flatten().map(|issue| parsed.in_document(issue));
    let issues = parsed.issues.iter().cloned().chain(more);
    issues.map(|issue| Ok((name(issue.severity)?, name(issue.code)?, issue.pointer))).collect()
}

/// A name as JSON has it.
pub(crate) fn name(value: impl serde::Serialize) -> Result<String, serde_json::Error> {
    serde_json::from_value(serde_json::to_value(value)?)
}
