//! The JSON Schema of configs never refuses what can be published, for random configs that use all of the format.

use splitlight_protocol::config::{parse, schema};
use splitlight_tests::pairs::config_text;

#[test]
fn every_random_config_that_can_be_published_validates() {
    let validator = jsonschema::validator_for(&schema()).expect("a schema");
    let mut published = 0;
    for number in 0..3000 {
        let text = config_text(7, number);
        let parsed = parse(&text);
        if !parsed.issues.is_empty() || !splitlight_engine::compile(&parsed.config).issues.is_empty() {
            continue;
        }
        published += 1;
        let config = serde_json::from_str(&text).expect("JSON");
        let errors = validator.iter_errors(&config);
        let errors: Vec<String> = errors.map(|error| format!("{}: {error}", error.instance_path())).collect();
        assert!(errors.is_empty(), "{text}\n{}", errors.join("\n"));
    }
    assert!(published > 200, "only {published} configs can be published");
}
