//! Scores: numbers about a visitor that conditions ask for, as `{ "$score": ... }`.

use super::schema::{Condition, Key};
use crate::value::Value;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A number about a visitor, made on the device from what they did and who they are; exactly one of `affinity`,
/// `engagement` and `model`.
///
/// ```
/// use splitlight_protocol::config::Score;
/// let score: Score = serde_json::from_str(
///     r#"{ "key": "lead", "engagement": { "events": [{ "event": "pricing", "points": 20, "halfLife": "7d" }] } }"#,
/// )?;
/// assert_eq!(score.engagement.map(|it| (it.scale, it.tiers.hot)), Some((50.0, 40)));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Score {
    /// Unique among scores.
    #[schemars(with = "Key")]
    pub key: String,
    /// For people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What a visitor likes best.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub affinity: Option<Affinity>,
    /// How near a visitor is to buying, 1 to 50.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub engagement: Option<Engagement>,
    /// The probability that a trained model gives, 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<Model>,
}

/// Interest in each value of a property, such as each category of a shop.
///
/// The first value ever met gets 10 points, a value met again and every other new one 5, a new value takes a point from
/// all others, the five highest are kept, and the end of a session halves all.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Affinity {
    /// The event that shows interest.
    pub event: String,
    /// The property whose values are told apart; it has to be a text.
    pub property: String,
    /// Properties the event must have.
    #[serde(default, rename = "where", skip_serializing_if = "BTreeMap::is_empty")]
    pub filter: BTreeMap<String, Value>,
}

/// Points for what a visitor did, which decay, and for who they are, which do not.
///
/// With the sum `raw` of all points, never below 0, the score is `1 + 49 (1 - exp(-raw / scale))`, rounded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Engagement {
    /// What counts of what they did.
    #[serde(default)]
    pub events: Vec<EventPoints>,
    /// What counts of who they are.
    #[serde(default)]
    pub fit: Vec<FitPoints>,
    /// The points that make 63 % of the way from 1 to 50.
    #[serde(default = "scale")]
    pub scale: f64,
    /// Names of ranges.
    #[serde(default)]
    pub tiers: Tiers,
}

/// Points for an event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EventPoints {
    /// The event.
    pub event: String,
    /// Properties it must have.
    #[serde(default, rename = "where", skip_serializing_if = "BTreeMap::is_empty")]
    pub filter: BTreeMap<String, Value>,
    /// Points each time; negative ones lower the score.
    pub points: f64,
    /// After this time half of the points are left, such as `7d`.
    pub half_life: String,
}

/// Points for who a visitor is, as long as it holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FitPoints {
    /// Who gets them, as a condition that asks for no score.
    #[schemars(with = "Condition")]
    pub when: Value,
    /// The points; negative ones lower the score.
    pub points: f64,
}

/// The lowest score of each tier; below the last one a visitor is `disqualified`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Tiers {
    /// 40 by default.
    #[serde(default = "hot")]
    pub hot: u32,
    /// 30 by default.
    #[serde(default = "warm")]
    pub warm: u32,
    /// 20 by default.
    #[serde(default = "cold")]
    pub cold: u32,
}

impl Default for Tiers {
    fn default() -> Self {
        Self { hot: hot(), warm: warm(), cold: cold() }
    }
}

/// A trained model; its score is `1 / (1 + exp(-(bias + sum)))`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum Model {
    /// The sum is that of the weights times the features.
    Logistic(Logistic),
    /// The sum is that of the trees' leaves.
    Gbt(Gbt),
}

/// Logistic regression.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Logistic {
    /// What is looked at, in the order of `weights`; see [`Model`].
    pub features: Vec<ModelFeature>,
    /// A weight per feature.
    pub weights: Vec<f64>,
    /// Added to the sum.
    #[serde(default)]
    pub bias: f64,
}

/// Gradient-boosted trees.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Gbt {
    /// What is looked at; trees name a feature by its place in this list.
    pub features: Vec<ModelFeature>,
    /// The trees.
    pub trees: Vec<Tree>,
    /// Added to the sum.
    #[serde(default)]
    pub bias: f64,
}

/// A number that a model looks at: an attribute's, true being 1, or an answer of the history. What is no number is 0.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum ModelFeature {
    /// The path of an attribute.
    Attribute(String),
    /// A question about the history.
    History {
        /// As in conditions, with `measure` (count, sum, daysSince or distinctDays) instead of a test.
        #[serde(rename = "$history")]
        history: Value,
    },
}

/// A decision tree, a list per member and an entry per node; the first node is the root.
///
/// At a node, the feature's value as a 32-bit float is compared with the threshold: not greater goes left.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tree {
    /// The feature's index; -1 for a leaf.
    pub f: Vec<i32>,
    /// The threshold.
    pub t: Vec<f64>,
    /// The node on the left.
    pub l: Vec<i32>,
    /// The node on the right.
    pub r: Vec<i32>,
    /// What a leaf adds to the sum.
    pub v: Vec<f64>,
}

fn scale() -> f64 {
    50.0
}

fn hot() -> u32 {
    40
}

fn warm() -> u32 {
    30
}

fn cold() -> u32 {
    20
}
