//! The contract: every case that `GrowthBook`'s SDKs share, read from the crate that publishes them.

use std::path::{Path, PathBuf};
use std::process::Command;

/// How many cases the contract has; a release with fewer would be a test that stopped looking.
const CASES: usize = 1035;

/// Where cargo keeps the sources of the evaluator that comes with the cases.
fn cases_path() -> PathBuf {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let mut packages = metadata["packages"].as_array().expect("packages").iter();
    let package = packages.find(|package| package["name"] == "growthbook-rust").expect("a dev-dependency");
    let manifest = Path::new(package["manifest_path"].as_str().expect("a path"));
    manifest.with_file_name("tests").join("cases").join("cases.json")
}

#[test]
fn every_case_of_the_contract_holds() {
    let text = std::fs::read_to_string(cases_path()).expect("the crate has its cases");
    let reports = splitlight_tests::growthbook::run_cases(&text).expect("known sections");
    let (mut cases, mut failures) = (0, Vec::new());
    for (section, report) in reports {
        println!("{section}: {}/{}", report.cases - report.failures.len(), report.cases);
        cases += report.cases;
        failures.extend(report.failures.into_iter().map(|failure| format!("{section}: {failure}")));
    }
    println!("{}/{cases}", cases - failures.len());
    assert!(failures.is_empty(), "\n{}", failures.join("\n"));
    assert_eq!(cases, CASES);
}
