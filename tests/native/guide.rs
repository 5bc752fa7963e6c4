//! The guide says what the vectors say, its configs can be published, and it leaves no operator out.

use splitlight_engine::{Setting, compile, lint};
use splitlight_protocol::{Code, Timestamp, config};
use splitlight_rewrite::{browser_changes, markup_issues};
use splitlight_tests::guide::{COMMAND, pages, with_tables};

/// When the configs are judged: 2026-11-21T09:00:00Z.
const NOW: i64 = 1_795_251_600_000;

fn texts() -> Vec<(String, String)> {
    let read = |path: std::path::PathBuf| {
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        (name, std::fs::read_to_string(&path).expect("readable"))
    };
    pages().expect("the guide").into_iter().map(read).collect()
}

#[test]
fn every_table_is_that_of_the_vectors() {
    let pages = texts();
    assert!(
        pages.iter().filter(|(_, page)| page.contains("<!-- vectors ")).count() >= 8,
        "tables are missing"
    );
    for (name, page) in pages {
        let made = with_tables(&page).unwrap_or_else(|reason| panic!("{name}: {reason}"));
        assert!(made == page, "the tables of {name} are not those of the vectors: run `{COMMAND}`");
    }
}

#[test]
fn every_page_is_in_the_documentation() {
    let module = include_str!("../../crates/engine/src/guide.rs");
    for (name, _) in texts() {
        assert!(module.contains(&format!("include_str!(\"../guide/{name}\")")), "nothing includes {name}");
    }
}

/// What is wrong with a config, or hardly meant.
fn findings(text: &str) -> Vec<String> {
    // Where only a section is shown, what has to be there comes before it.
    let document = match text.trim_start().strip_prefix('{') {
        Some(rest) if !text.contains("\"version\"") => {
            format!("{{ \"version\": 1, \"project\": \"shop\", {rest}")
        }
        _ => text.to_owned(),
    };
    let parsed = config::parse(&document);
    let setting = Setting { now: Timestamp::from_ms(NOW), visitors_per_day: None };
    let more = [
        compile(&parsed.config).issues,
        markup_issues(&parsed.config),
        lint(&parsed.config, &setting),
        browser_changes(&parsed.config),
    ];
    parsed.issues.iter().chain(more.iter().flatten()).map(ToString::to_string).collect()
}

#[test]
fn every_config_of_the_guide_is_without_findings() {
    let mut configs = 0;
    for (name, page) in texts() {
        for block in page.split("```json\n").skip(1).filter_map(|rest| rest.split("```").next()) {
            configs += 1;
            assert_eq!(findings(block), [""; 0], "{name}: {block}");
        }
    }
    assert!(configs >= 8, "only {configs} configs were found");
}

#[test]
fn every_complete_config_of_the_readme_and_the_docs_is_without_findings() {
    // What `lint` says of this one is shown there.
    let odd = include_str!("../../crates/cli/tests/cli/data/odd.json");
    let pages = [include_str!("../../README.md"), include_str!("../../www/docs/metrics.md")];
    let blocks = pages.iter().flat_map(|page| page.split("```json\n").skip(1));
    let blocks = blocks.filter_map(|rest| rest.split("```").next());
    let complete: Vec<&str> = blocks.filter(|block| block.contains("\"version\"") && *block != odd).collect();
    assert!(complete.len() >= 3, "only {} configs were found", complete.len());
    for block in complete {
        assert_eq!(findings(block), [""; 0], "{block}");
    }
}

#[test]
fn every_operator_is_explained() {
    let text: String = texts().into_iter().map(|(_, page)| page).collect();
    for condition in [r#"{ "a": { "$qqqqqqqqqq": 1 } }"#, r#"{ "$qqqqqqqqqq": 1 }"#] {
        let document = format!(
            r#"{{ "version": 1, "project": "p", "personalizations": [{{ "key": "k", "when": {condition},
                "changes": [{{ "selector": "h1", "text": "Hi" }}] }}] }}"#
        );
        let issues = compile(&config::parse(&document).config).issues;
        let unknown = issues.iter().find(|issue| issue.code == Code::UnknownOperator).expect("an issue");
        let known: Vec<&str> = unknown.fix.split([' ', ',']).filter(|word| word.starts_with('$')).collect();
        assert!(known.len() >= 10, "{}", unknown.fix);
        for operator in known {
            assert!(
                text.contains(&format!("`{operator}`")) || text.contains(&format!("\"{operator}\"")),
                "no page explains {operator}"
            );
        }
    }
}
