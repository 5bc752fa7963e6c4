//! The engine for JavaScript, as the benchmark calls it: one call decides everything for one visitor.

use splitlight_engine::{Facts, History, Program, Visitor, compile, decide};
use splitlight_protocol::{Timestamp, Value, config};
use wasm_bindgen::prelude::wasm_bindgen;

/// A program, ready to decide.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Decider {
    program: Program,
}

#[wasm_bindgen]
impl Decider {
    /// Compiles a config.
    ///
    /// # Errors
    /// The first issue, when there is one.
    #[wasm_bindgen(constructor)]
    pub fn new(text: &str) -> Result<Decider, String> {
        let parsed = config::parse(text);
        let compiled = compile(&parsed.config);
        match parsed.issues.iter().chain(&compiled.issues).next() {
            Some(issue) => Err(issue.to_string()),
            None => Ok(Self { program: compiled.program }),
        }
    }

    /// Decides everything for a visitor who is new: the index of the variation per item, or -1 when not assigned.
    ///
    /// # Errors
    /// When the attributes are not a JSON object.
    pub fn decide(&self, id: &str, url: &str, attributes: &str, now_ms: f64) -> Result<Vec<i8>, String> {
        let Ok(Value::Object(attributes)) = serde_json::from_str(attributes) else {
            return Err("the attributes are not a JSON object".to_owned());
        };
        let visitor = Visitor::new(Facts {
            id: Some(id.to_owned()),
            attributes,
            history: Some(History::default()),
            url: url.to_owned(),
            ..Facts::default()
        });
        #[expect(clippy::cast_possible_truncation, reason = "JavaScript's milliseconds are whole")]
        let now = Timestamp::from_ms(now_ms as i64);
        let decisions = decide(&self.program, &visitor, now);
        let answer = |decision: splitlight_engine::Decision| match decision.reason {
            splitlight_engine::Reason::Assigned => i8::try_from(decision.variation).unwrap_or(i8::MAX),
            _ => -1,
        };
        Ok(decisions.iter(&self.program).map(|(_, decision)| answer(decision)).collect())
    }
}
