//! Runs the vectors of `tests/vectors`: the same files and the same code natively, in Node, in workerd and in
//! Chromium.
//!
//! A vector is data; [`run`] is the one place that touches the API under test. The folder says what a file is about.

mod collector;
mod engine;
pub mod growthbook;
pub mod guide;
mod lean;
mod lint;
pub mod pairs;
mod protocol;
mod rewrite;
mod scoring;
pub mod simulation;
mod stats;

use serde::Serialize;
use wasm_bindgen::prelude::wasm_bindgen;

/// What a file of vectors showed.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// How many cases there were.
    pub cases: usize,
    /// One line for each that failed.
    pub failures: Vec<String>,
    /// What else is worth knowing, such as the worst error of a function.
    pub notes: Vec<String>,
}

impl Report {
    /// Counts a case, and keeps the line when there is one.
    fn count(&mut self, name: &str, failure: Option<String>) {
        self.cases += 1;
        self.failures.extend(failure.map(|failure| format!("{name}: {failure}")));
    }
}

/// Runs a file of vectors, given its path below `tests/vectors` and its text.
///
/// # Errors
/// When nothing runs files of that folder, or the file is not of the folder's shape.
pub fn run(path: &str, text: &str) -> Result<Report, String> {
    if path == "stats/scoring_models.json" {
        return scoring::run(text).map_err(|error| format!("{path}: {error}"));
    }
    if path.starts_with("stats/") {
        return stats::run(path, text).map_err(|error| format!("{path}: {error}"));
    }
    let runner = match path {
        "collector/counting.json" => collector::counting,
        "engine/hash.json" => engine::hash,
        "engine/lint.json" => lint::configs,
        "engine/pages.json" => engine::pages,
        _ if path.starts_with("engine/decide/") => engine::decide,
        "growthbook/bucketing-and-urls.json" => growthbook::extra,
        _ if path.starts_with("growthbook/") => growthbook::cases,
        "protocol/configs.json" => protocol::configs,
        "protocol/batches.json" => protocol::batches,
        "rewrite/checks.json" => rewrite::checks,
        _ if path.starts_with("rewrite/") => rewrite::pages,
        _ => return Err(format!("{path}: nothing runs this file")),
    };
    runner(text).map_err(|error| format!("{path}: {error}"))
}

/// [`run`] for JavaScript: answers the [`Report`] as JSON, or throws its error.
///
/// # Errors
/// As [`run`].
#[wasm_bindgen(js_name = run)]
pub fn run_json(path: &str, text: &str) -> Result<String, String> {
    let report = run(path, text)?;
    serde_json::to_string(&report).map_err(|error| error.to_string())
}
