//! Vectors about trained models, asked as a rule's condition asks: the number is read from the explanation.

use crate::Report;
use serde::Deserialize;
use splitlight_engine::{Facts, Visitor, explain};
use splitlight_protocol::{Timestamp, Value, config};
use std::collections::BTreeMap;

#[derive(Deserialize)]
struct File {
    models: BTreeMap<String, serde_json::Value>,
    cases: Vec<Case>,
    tolerance: BTreeMap<String, f64>,
}

#[derive(Deserialize)]
struct Case {
    id: String,
    input: Vec<f64>,
    /// The printed probability by model.
    expect: BTreeMap<String, String>,
}

pub(crate) fn run(text: &str) -> Result<Report, serde_json::Error> {
    let file: File = serde_json::from_str(text)?;
    let mut report = Report::default();
    let mut wrong: Vec<Vec<String>> = vec![Vec::new(); file.cases.len()];
    for (name, model) in &file.models {
        let document = serde_json::json!({
            "version": 1, "project": "p", "scores": [{ "key": "score", "model": model }],
            "personalizations": [{ "key": "rule", "when": { "$score": { "score": "score", "value": { "$gte": 0 } } },
                "changes": [{ "selector": "#x", "text": "x" }] }],
        });
        let parsed = config::parse(&document.to_string());
        report.failures.extend(parsed.issues.first().map(|issue| format!("{name} is not sound: {issue}")));
        let features: Vec<String> = serde_json::from_value(model["features"].clone())?;
        let tolerance = file.tolerance.get(&format!("{name}_rel")).copied().unwrap_or(0.0);
        let mut worst: f64 = 0.0;
        for (case, wrong) in file.cases.iter().zip(&mut wrong) {
            let inputs = features.iter().cloned().zip(case.input.iter().map(|number| Value::Number(*number)));
            let visitor = Visitor::new(Facts { attributes: inputs.collect(), ..Facts::default() });
            let why = explain(&parsed.config, &visitor, Timestamp::from_ms(0));
            let expected: f64 = case.expect.get(name).and_then(|text| text.parse().ok()).unwrap_or(f64::NAN);
            let error = found(&why).map_or(f64::NAN, |found| ((found - expected) / expected).abs());
            worst = worst.max(error);
            wrong
                .extend((error.is_nan() || error > tolerance).then(|| format!("{name} is off by {error:e}")));
        }
        report.notes.push(format!("{name}: {} values, worst relative error {worst:.1e}", file.cases.len()));
    }
    for (case, wrong) in file.cases.iter().zip(&wrong) {
        report.count(&case.id, (!wrong.is_empty()).then(|| wrong.join("; ")));
    }
    Ok(report)
}

/// The value that the rule's condition found.
fn found(why: &Value) -> Option<f64> {
    let Value::Array(gates) = why.at(&["personalizations", "0", "gates"])? else { return None };
    let audience = gates.iter().find(|gate| gate.at(&["gate"]) == Some(&Value::from("audience")))?;
    audience.at(&["when", "parts", "0", "value"])?.as_f64()
}
