//! Runs every file of vectors below a directory: `cargo xtask vectors <dir>`.

use splitlight_tests::{Report, growthbook};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

const EXPECTED: &str = "GrowthBook's cases (an object with `evalCondition`, `feature`, ...), the schema with \
    `isURLTargeted` and `mergeQueryStrings`, or a file named as in tests/vectors, such as engine/hash.json";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder] = arguments.as_slice() else {
        eprintln!("error: write the directory with the vectors: cargo xtask vectors <dir>");
        return ExitCode::from(2);
    };
    let mut paths = Vec::new();
    if let Err(error) = files(Path::new(folder), &mut paths) {
        eprintln!("error: {folder} cannot be read: {error}");
        return ExitCode::from(2);
    }
    paths.sort();
    if paths.is_empty() {
        eprintln!("error: {folder} has no .json file, so nothing was tested");
        return ExitCode::from(2);
    }
    let (mut passed, mut total, mut strangers) = (0, 0, 0);
    for path in paths {
        let shown = path.strip_prefix(folder).unwrap_or(&path).display().to_string();
        match std::fs::read_to_string(&path)
            .map_err(|error| error.to_string())
            .and_then(|text| run(&path, &text))
        {
            Ok(sections) => {
                for (section, report) in sections {
                    passed += report.cases - report.failures.len();
                    total += report.cases;
                    println!("{shown} {section}: {}/{}", report.cases - report.failures.len(), report.cases);
                    report.notes.iter().for_each(|note| println!("  {note}"));
                    report.failures.iter().for_each(|failure| println!("  FAILED {failure}"));
                }
            }
            Err(reason) => {
                strangers += 1;
                println!("{shown}: NOT RUN: {reason}");
            }
        }
    }
    println!("{passed}/{total} passed, {strangers} files not run");
    ExitCode::from(u8::from(passed != total || strangers > 0 || total == 0))
}

fn files(folder: &Path, into: &mut Vec<PathBuf>) -> std::io::Result<()> {
    if folder.is_file() {
        into.push(folder.to_owned());
        return Ok(());
    }
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            files(&path, into)?;
        } else if path.extension().is_some_and(|extension| extension == "json") {
            into.push(path);
        }
    }
    Ok(())
}

/// Runs a file by what is in it; failing that, by where it is.
fn run(path: &Path, text: &str) -> Result<Vec<(String, Report)>, String> {
    let document: serde_json::Value =
        serde_json::from_str(text).map_err(|error| format!("this is not JSON: {error}"))?;
    let has = |name: &str| document.get(name).is_some();
    if has("suites") && document.get("cases").is_some_and(serde_json::Value::is_object) {
        // A list of the cases that another SDK leaves out, beside the cases.
        return Ok(Vec::new());
    }
    let own = own_name(path, &document);
    if let Some(name) = own {
        match splitlight_tests::run(&name, text) {
            Ok(report) => return Ok(vec![(name, report)]),
            Err(reason) if has("method") => return Err(reason),
            Err(_) => {}
        }
    }
    if has("mergeQueryStrings") || has("isURLTargeted") || has("hashTyped") || has("paddedVersionString") {
        return growthbook::run_extra(text);
    }
    if has("specVersion") || has("evalCondition") || has("feature") || has("run") || has("hash") {
        return growthbook::run_cases(text);
    }
    Err(format!("nothing runs this file; expected {EXPECTED}"))
}

/// The path from the folder that names the subject, such as `engine/decide/features.json`; of decisions and statistics
/// what the document says is enough, wherever it is.
fn own_name(path: &Path, document: &serde_json::Value) -> Option<String> {
    const SUBJECTS: [&str; 6] = ["collector", "engine", "growthbook", "protocol", "rewrite", "stats"];
    let parts: Vec<String> = path.iter().map(|part| part.to_string_lossy().into_owned()).collect();
    if let Some(method) = document.get("method").and_then(serde_json::Value::as_str) {
        return Some(format!("stats/{method}.json"));
    }
    if document.get("config").is_some() && document.get("cases").is_some() {
        return Some("engine/decide/given.json".to_owned());
    }
    let from = parts.iter().rposition(|part| SUBJECTS.contains(&part.as_str()))?;
    Some(parts[from..].join("/"))
}
