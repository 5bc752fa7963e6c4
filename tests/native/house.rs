//! The rules of the house that no compiler checks: which crate may know which, and how files look.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Which package may depend on which of ours; arrows go only downward.
const ARROWS: [(&str, &[&str]); 13] = [
    ("splitlight-protocol", &[]),
    ("splitlight-stats", &[]),
    ("splitlight-engine", &["splitlight-protocol"]),
    ("splitlight-rewrite", &["splitlight-engine", "splitlight-protocol"]),
    ("splitlight-collector", &["splitlight-protocol", "splitlight-stats"]),
    ("splitlight-interop", &["splitlight-engine", "splitlight-protocol"]),
    ("splitlight-browser", &["splitlight-engine", "splitlight-protocol"]),
    ("splitlight-decide", &["splitlight-engine", "splitlight-protocol"]),
    ("splitlight-portable", &["splitlight-engine", "splitlight-protocol"]),
    (
        "splitlight-cli",
        &[
            "splitlight-collector",
            "splitlight-engine",
            "splitlight-interop",
            "splitlight-protocol",
            "splitlight-rewrite",
            "splitlight-stats",
        ],
    ),
    (
        "splitlight-worker",
        &["splitlight-collector", "splitlight-engine", "splitlight-protocol", "splitlight-rewrite"],
    ),
    (
        "splitlight-tests",
        &[
            "splitlight-collector",
            "splitlight-engine",
            "splitlight-interop",
            "splitlight-protocol",
            "splitlight-rewrite",
            "splitlight-stats",
        ],
    ),
    ("xtask", &[]),
];

/// What a pure crate may use from outside, so that none of them can reach a clock, a network or JavaScript.
const PURE: [(&str, &[&str]); 6] = [
    ("splitlight-protocol", &["schemars", "serde", "serde_json", "serde_path_to_error"]),
    ("splitlight-engine", &["jiff"]),
    ("splitlight-rewrite", &["lol_html", "memchr"]),
    ("splitlight-stats", &["libm", "serde"]),
    ("splitlight-collector", &["postcard", "serde"]),
    ("splitlight-interop", &["aes", "base64", "cbc", "serde", "serde_json"]),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Normal dependencies by package: all of ours, and those from outside.
fn dependencies() -> BTreeMap<String, (BTreeSet<String>, BTreeSet<String>)> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps"])
        .current_dir(root())
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let packages = metadata["packages"].as_array().expect("packages");
    let text = |value: &serde_json::Value| value.as_str().expect("text").to_owned();
    let ours: BTreeSet<String> = packages.iter().map(|package| text(&package["name"])).collect();
    let of = |package: &serde_json::Value| {
        let names = package["dependencies"].as_array().expect("dependencies").iter();
        let names = names.filter(|dependency| dependency["kind"].is_null()).map(|d| text(&d["name"]));
        names.partition(|name| ours.contains(name))
    };
    packages.iter().map(|package| (text(&package["name"]), of(package))).collect()
}

#[test]
fn arrows_go_only_downward() {
    let found = dependencies();
    let known: BTreeMap<&str, BTreeSet<&str>> =
        ARROWS.iter().map(|(name, arrows)| (*name, arrows.iter().copied().collect())).collect();
    for (name, (ours, _)) in &found {
        let allowed = known
            .get(name.as_str())
            .unwrap_or_else(|| panic!("{name} is not in the house: add it to ARROWS"));
        for arrow in ours {
            assert!(
                allowed.contains(arrow.as_str()),
                "{name} -> {arrow} is an arrow the design does not have"
            );
        }
    }
}

#[test]
fn pure_crates_use_only_what_is_listed() {
    let found = dependencies();
    for (name, allowed) in PURE {
        for outside in &found[name].1 {
            assert!(allowed.contains(&outside.as_str()), "{name} is pure and may not use {outside}");
        }
    }
}

/// Every file of the kinds given, but not what tools make.
fn sources(extensions: &[&str]) -> Vec<(String, String)> {
    fn walk(folder: &Path, extensions: &[&str], into: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("readable").path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if path.is_dir() {
                if !matches!(name.as_str(), "target" | "node_modules") && !name.starts_with('.') {
                    walk(&path, extensions, into);
                }
            } else if path.extension().is_some_and(|e| extensions.contains(&&*e.to_string_lossy())) {
                into.push(path);
            }
        }
    }
    let mut paths = Vec::new();
    for folder in ["crates", "worker", "tests", "www"] {
        walk(&root().join(folder), extensions, &mut paths);
    }
    paths.sort();
    let read =
        |path: PathBuf| (path.to_string_lossy().into_owned(), std::fs::read_to_string(&path).expect("text"));
    paths.into_iter().map(read).collect()
}

#[test]
fn every_file_opens_with_a_sentence_and_is_one_idea_long() {
    let mut offences = Vec::new();
    for (path, text) in sources(&["rs", "js", "mjs"]) {
        let first = text.lines().next().unwrap_or_default();
        let marks = if Path::new(&path).extension().is_some_and(|e| e == "rs") { "//! " } else { "// " };
        if !first.starts_with(marks) {
            offences.push(format!("{path}: the first line is no sentence about the file"));
        }
        if text.lines().count() > 500 {
            offences.push(format!("{path}: more than 500 lines"));
        }
    }
    assert!(offences.is_empty(), "\n{}", offences.join("\n"));
}

#[test]
fn pure_crates_do_not_ask_for_the_platform() {
    let mut offences = Vec::new();
    for (path, text) in sources(&["rs"]) {
        let pure = PURE
            .iter()
            .any(|(name, _)| path.contains(&format!("crates/{}/src", &name["splitlight-".len()..])));
        let odd = |line: &&str| {
            line.contains("cfg(target") || line.contains("cfg(feature") || line.contains("cfg!(")
        };
        if pure && let Some(line) = text.lines().find(odd) {
            offences.push(format!("{path}: {line}"));
        }
    }
    assert!(offences.is_empty(), "\n{}", offences.join("\n"));
}

#[test]
fn the_configs_that_people_copy_are_sound() {
    let read = |path: &str| std::fs::read_to_string(root().join(path)).expect("readable");
    let readme = read("README.md");
    let (_, rest) = readme.split_once("```json\n").expect("a config in the README");
    let (example, _) = rest.split_once("```").expect("its end");
    for text in [example, &read("www/demo/splitlight.json")] {
        let parsed = splitlight_protocol::config::parse(text);
        assert_eq!(parsed.issues, [], "{text}");
        assert_eq!(splitlight_engine::compile(&parsed.config).issues, [], "{text}");
    }
}
