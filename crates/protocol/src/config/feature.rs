//! Features: values that the site's own code asks for, decided by rules.

use super::schema::{Condition, HashVersion, Key, Share};
use super::{Experiment, Filter, Prerequisite, UNIT, default_unit};
use crate::value::Value;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

/// A value that the site's own code asks for.
///
/// ```
/// use splitlight_protocol::config::Feature;
/// let feature: Feature = serde_json::from_str(
///     r#"{ "key": "checkout", "default": "classic", "rules": [{ "when": { "plan": "pro" }, "value": "one-page" }] }"#,
/// )?;
/// assert_eq!(feature.rules[0].coverage, 1.0);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Feature {
    /// Unique among features.
    #[schemars(with = "Key")]
    pub key: String,
    /// For people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The value when no rule decides.
    #[serde(default)]
    pub default: Value,
    /// Tried in order; the first that applies decides.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<Rule>,
}

/// One rule of a feature: it gives a value, or runs an experiment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Rule {
    /// For people and for explanations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// For whom; none means for everybody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Condition>")]
    pub when: Option<Value>,
    /// What other features have to be.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub prerequisites: Vec<Prerequisite>,
    /// Hash ranges the unit has to be in, all of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub filters: Vec<Filter>,
    /// First moment, inclusive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<String>,
    /// Last moment, exclusive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<String>,
    /// The value to give; exactly one of `value`, `experiment` and `run`.
    #[serde(default, deserialize_with = "written", skip_serializing_if = "Option::is_none")]
    pub value: Option<Value>,
    /// The share of those it is for that get the value, 0 to 1.
    #[serde(default = "super::one")]
    #[schemars(with = "Share")]
    pub coverage: f64,
    /// The part of `[0, 1)` that gets the value, instead of `coverage`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub range: Option<[f64; 2]>,
    /// What is hashed for `coverage` and `range`.
    #[serde(default = "default_unit")]
    pub unit: String,
    /// Hash seed for `coverage` and `range`, when it is not the feature's key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<String>,
    /// The hash of GrowthBook's contract to use, 2 or 1.
    #[serde(default = "super::two")]
    #[schemars(with = "HashVersion")]
    pub hash_version: u32,
    /// The key of the experiment whose variation's value the feature takes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub experiment: Option<String>,
    /// An experiment that exists only in this rule; its results are counted under its key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<Box<Experiment>>,
}

impl Default for Rule {
    fn default() -> Self {
        Self {
            key: None,
            when: None,
            prerequisites: Vec::new(),
            filters: Vec::new(),
            start: None,
            end: None,
            value: None,
            coverage: 1.0,
            range: None,
            unit: UNIT.to_owned(),
            seed: None,
            hash_version: 2,
            experiment: None,
            run: None,
        }
    }
}

/// Keeps `null` apart from nothing, because `null` is a value a rule may give.
fn written<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}
