//! The published schema: it is what the types say, it accepts what is accepted, and it is no schema that accepts all.

use super::splitlight;
use serde_json::{Value, json};
use splitlight_protocol::config::parse;
use std::path::{Path, PathBuf};

const PUBLISHED: &str = "www/schema/splitlight.schema.json";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).expect("readable")
}

fn validator() -> jsonschema::Validator {
    jsonschema::validator_for(&splitlight_protocol::config::schema()).expect("a schema")
}

#[test]
fn the_published_schema_is_that_of_the_types() {
    let (code, printed, err) = splitlight(&["schema"], "");
    assert_eq!((code, err.as_str()), (0, ""));
    let command = format!("cargo splitlight schema > {PUBLISHED}");
    assert!(read(PUBLISHED) == printed, "the types have changed: run `{command}`");
    jsonschema::meta::validate(&serde_json::from_str(&printed).expect("JSON")).expect("a valid schema");
}

#[test]
fn the_published_api_is_that_of_the_routes() {
    const API: &str = "www/schema/openapi.json";
    let (code, printed, err) = splitlight(&["openapi"], "");
    assert_eq!((code, err.as_str()), (0, ""));
    let command = format!("cargo splitlight openapi > {API}");
    assert!(read(API) == printed, "the routes have changed: run `{command}`");
    let document: Value = serde_json::from_str(&printed).expect("JSON");
    let schemas = document["components"]["schemas"].as_object().expect("schemas");
    for reference in printed.split("#/components/schemas/").skip(1) {
        let name = reference.split('"').next().unwrap_or_default();
        assert!(schemas.contains_key(name), "there is no schema {name}");
    }
}

/// Everything below a value that says it is a config.
fn configs(value: &Value, into: &mut Vec<Value>) {
    match value {
        Value::Object(members) => {
            if members.contains_key("version") && members.contains_key("project") {
                into.push(value.clone());
            }
            members.values().for_each(|inner| configs(inner, into));
        }
        Value::Array(items) => items.iter().for_each(|inner| configs(inner, into)),
        Value::String(text) if text.starts_with('{') => {
            if let Ok(inner) = serde_json::from_str(text) {
                configs(&inner, into);
            }
        }
        _ => {}
    }
}

fn files(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("readable").path();
        if path.is_dir() {
            files(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "json") {
            into.push(path);
        }
    }
}

/// The configs of the README, of the demo shop and of the vectors.
fn all_configs() -> Vec<Value> {
    let mut all = vec![serde_json::from_str(&read("www/demo/splitlight.json")).expect("JSON")];
    let readme = read("README.md");
    let blocks = readme.split("```json\n").skip(1).filter_map(|rest| rest.split("```").next());
    blocks.filter_map(|block| serde_json::from_str(block).ok()).for_each(|block| configs(&block, &mut all));
    let mut paths = Vec::new();
    files(&root().join("tests/vectors"), &mut paths);
    paths.sort();
    for path in paths {
        let text = std::fs::read_to_string(&path).expect("readable");
        let document: Value = serde_json::from_str(&text).expect("JSON");
        configs(&document, &mut all);
        if path.ends_with("engine/lint.json") {
            // There a config is only its sections.
            for case in document["cases"].as_array().expect("cases") {
                let mut config =
                    json!({ "version": 1, "project": "shop", "metrics": document["shared"]["metrics"] });
                for (name, section) in case["config"].as_object().into_iter().flatten() {
                    config[name] = section.clone();
                }
                all.push(config);
            }
        }
    }
    all
}

/// Whether a config can be published.
fn is_sound(config: &Value) -> bool {
    let parsed = parse(&config.to_string());
    parsed.issues.is_empty() && splitlight_engine::compile(&parsed.config).issues.is_empty()
}

#[test]
fn every_config_that_is_accepted_validates() {
    let validator = validator();
    let sound: Vec<Value> = all_configs().into_iter().filter(is_sound).collect();
    assert!(sound.len() > 100, "only {} configs were found", sound.len());
    for config in sound {
        let errors: Vec<String> = validator
            .iter_errors(&config)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert!(errors.is_empty(), "{config}\n{}", errors.join("\n"));
    }
}

#[test]
fn what_is_no_config_does_not_validate() {
    let validator = validator();
    let experiment = |member: &str, value: Value| {
        let mut experiment = json!({ "key": "e", "variations": [{ "key": "a" }, { "key": "b" }] });
        experiment[member] = value;
        json!({ "version": 1, "project": "p", "experiments": [experiment] })
    };
    let change = |change: Value| {
        experiment("variations", json!([{ "key": "a" }, { "key": "b", "changes": [change] }]))
    };
    let refused = [
        json!([]),
        json!({ "project": "p" }),
        json!({ "version": 1 }),
        json!({ "version": 2, "project": "p" }),
        json!({ "version": 1, "project": "p", "experimnts": [] }),
        json!({ "version": 1, "project": "p", "funnels": [{}] }),
        json!({ "version": 1, "project": "a key" }),
        experiment("wieght", json!(1)),
        experiment("status", json!("on")),
        experiment("coverage", json!(1.5)),
        experiment("hashVersion", json!(3)),
        experiment("variations", json!([{ "weight": 1 }, { "key": "b" }])),
        experiment("layer", json!({ "key": "l", "range": [0] })),
        experiment("when", json!({ "$and": [{ "$or": 1 }] })),
        experiment("pages", json!([{ "includes": "/" }])),
        change(json!({ "selector": "h1" })),
        change(json!({ "selector": "h1", "text": "a", "html": "b" })),
        change(json!({ "text": "a" })),
        change(json!({ "selector": "h1", "insert": { "position": "above", "html": "b" } })),
        json!({ "version": 1, "project": "p", "scores": [{ "key": "s", "model": { "type": "svm" } }] }),
    ];
    for config in refused {
        assert!(!validator.is_valid(&config), "{config}");
        assert!(!is_sound(&config), "only the schema refuses {config}");
    }
    let accepted = [
        change(json!({ "selector": "h1", "text": "a", "html": null })),
        change(json!({ "css": "h1 { color: red }" })),
        json!({ "version": 1, "project": "p", "$schema": "https://site.test/schema.json", "funnels": [] }),
    ];
    for config in accepted {
        assert!(validator.is_valid(&config) && is_sound(&config), "{config}");
    }
}
