//! The vectors, natively.

use std::path::{Path, PathBuf};

fn files(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in
        std::fs::read_dir(folder).expect("the folder of vectors").map(|entry| entry.expect("readable").path())
    {
        if entry.is_dir() {
            files(&entry, into);
        } else if entry.extension().is_some_and(|extension| extension == "json") {
            into.push(entry);
        }
    }
}

#[test]
fn every_vector_holds() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors");
    let mut paths = Vec::new();
    files(&root, &mut paths);
    paths.sort();
    let mut failures = Vec::new();
    let mut cases = 0;
    for path in paths {
        let name = path.strip_prefix(&root).expect("below").to_string_lossy().replace('\\', "/");
        let text = std::fs::read_to_string(&path).expect("readable");
        let report = splitlight_tests::run(&name, &text).expect("a known file");
        println!("{name}: {} cases, {} failed", report.cases, report.failures.len());
        report.notes.iter().for_each(|note| println!("  {note}"));
        assert!(report.cases > 0, "{name} has no cases");
        cases += report.cases;
        failures.extend(report.failures.into_iter().map(|failure| format!("{name}: {failure}")));
    }
    println!("{cases} cases");
    assert!(failures.is_empty(), "\n{}", failures.join("\n"));
}
