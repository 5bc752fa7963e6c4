//! What GrowthBook's SDKs know of a visitor and a page, and what they answer.

use super::payload::{Experiment, Leaf};
use serde::{Deserialize, Serialize};
use splitlight_protocol::{Map, Value};
use std::collections::BTreeMap;

/// What is known of the visitor and the page.
///
/// ```
/// use splitlight_interop::growthbook::Context;
/// let context: Context = serde_json::from_str(r#"{ "attributes": { "id": "v-7" }, "qaMode": true }"#)?;
/// assert!(context.enabled && context.qa_mode);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Context {
    /// Everything conditions may ask about, and the ids that are hashed.
    pub attributes: Map,
    /// The page's address.
    pub url: String,
    /// Whether experiments run at all.
    pub enabled: bool,
    /// Whether only variations that are forced are given, for testing.
    pub qa_mode: bool,
    /// Variations by experiment, instead of the hash.
    pub forced_variations: BTreeMap<String, i64>,
    /// Values by feature, instead of its rules.
    pub forced_feature_values: BTreeMap<String, Value>,
    /// Variations met before; without them there is no sticky bucketing.
    pub sticky_bucket_assignment_docs: Option<BTreeMap<String, StickyDocument>>,
    /// Ids of remote groups the visitor is in, when they were asked for; they go before the attribute of that name.
    pub remote_group_ids: Option<Vec<String>>,
}

impl Default for Context {
    fn default() -> Self {
        Self {
            attributes: Map::new(),
            url: String::new(),
            enabled: true,
            qa_mode: false,
            forced_variations: BTreeMap::new(),
            forced_feature_values: BTreeMap::new(),
            sticky_bucket_assignment_docs: None,
            remote_group_ids: None,
        }
    }
}

/// The variations that a visitor, known by one attribute, has met; stored under `attribute||value`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StickyDocument {
    /// The attribute's name.
    pub attribute_name: String,
    /// Its value, as text.
    pub attribute_value: String,
    /// Variation keys by `experiment__bucketVersion`.
    pub assignments: BTreeMap<String, String>,
}

/// Where a feature's value came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Source {
    /// There is no such feature.
    UnknownFeature,
    /// No rule held.
    DefaultValue,
    /// A rule gave it.
    Force,
    /// The context gave it.
    Override,
    /// An experiment gave it.
    Experiment,
    /// A feature that this one depends on is not as it has to be.
    Prerequisite,
    /// The feature depends on itself.
    CyclicPrerequisite,
}

/// The value of a feature for a visitor.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FeatureResult {
    /// The value, `null` when there is none.
    pub value: Value,
    /// Whether the value is one that JavaScript holds for true.
    pub on: bool,
    /// The opposite of `on`.
    pub off: bool,
    /// Where the value came from.
    pub source: Source,
    /// The id of the rule that gave it, or nothing.
    pub rule_id: String,
    /// The experiment that gave it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub experiment: Option<Experiment>,
    /// What the experiment said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub experiment_result: Option<ExperimentResult>,
}

/// The variation of an experiment for a visitor.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ExperimentResult {
    /// The variation's key, its index when it has none.
    pub key: String,
    /// The feature whose rule the experiment is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub feature_id: Option<String>,
    /// Whether the visitor takes part; control otherwise.
    pub in_experiment: bool,
    /// Whether the hash (or a stored bucket) chose; what is forced is no exposure.
    pub hash_used: bool,
    /// The variation's index.
    pub variation_id: usize,
    /// The variation's value.
    pub value: Value,
    /// The attribute that was hashed.
    pub hash_attribute: String,
    /// Its value, `""` when the visitor has none.
    pub hash_value: Value,
    /// Whether a stored bucket chose.
    pub sticky_bucket_used: bool,
    /// The hash, in `[0, 1)`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bucket: Option<f64>,
    /// The variation's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Whether the visitor goes on to the next rule.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub passthrough: Option<bool>,
    /// The bandit's context.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub leaf: Option<Leaf>,
}

/// A variation that was met, to be recorded once per visitor and experiment.
#[derive(Clone, Debug, PartialEq)]
pub struct Exposure {
    /// The experiment.
    pub experiment: Experiment,
    /// What it said.
    pub result: ExperimentResult,
}

/// The page an experiment sends the visitor to.
#[derive(Clone, Debug, PartialEq)]
pub struct Redirect {
    /// The experiment's key.
    pub experiment: String,
    /// The address as the variation has it.
    pub destination: String,
    /// The address with the parameters of the current one, when they are to be kept.
    pub url: String,
    /// What the experiment said.
    pub result: ExperimentResult,
}
