//! What narrows down who takes part: units, filters, prerequisites, holdouts, caps and contexts.

use super::schema::{Condition, HashVersion, Key, Share};
use crate::value::Value;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The unit that is hashed unless something else is written: the anonymous id of a browser.
pub const UNIT: &str = "visitor";

/// The id of a signed-in person.
pub const UNIT_USER: &str = "user";

/// Hash ranges that a unit has to be in; how layers of other systems (namespaces) are written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Filter {
    /// Hash seed.
    pub seed: String,
    /// Parts of `[0, 1)`, from inclusive, to exclusive; one of them has to hold the unit.
    pub ranges: Vec<[f64; 2]>,
    /// The hash of GrowthBook's contract to use, 2 or 1.
    #[serde(default = "super::two")]
    #[schemars(with = "HashVersion")]
    pub hash_version: u32,
    /// What is hashed, when it is not the item's unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
}

/// What another feature has to be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Prerequisite {
    /// The feature's key.
    #[schemars(with = "Key")]
    pub feature: String,
    /// A condition on `{ "value": ... }`, the feature's value for this visitor.
    #[schemars(with = "Condition")]
    pub when: Value,
    /// Whether a failure ends the whole feature instead of only this rule.
    #[serde(default)]
    pub gate: bool,
}

/// A share of all units that sees no experiment and no personalization, so that all of them together can be measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Holdout {
    /// Unique among holdouts; also the hash seed.
    #[schemars(with = "Key")]
    pub key: String,
    /// For people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The share held out, 0 to 1.
    #[schemars(with = "Share")]
    pub share: f64,
    /// What is hashed.
    #[serde(default = "default_unit")]
    pub unit: String,
    /// Keys of experiments and personalizations it does not hold out of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub except: Vec<String>,
}

/// How often a personalization may be shown.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Cap {
    /// At most so many times.
    pub times: u32,
    /// In which span.
    pub per: CapSpan,
}

/// The span a [`Cap`] counts in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum CapSpan {
    /// A visit, which ends after half an hour without a page.
    Session,
    /// A day in UTC.
    Day,
    /// As long as the device remembers.
    Lifetime,
}

/// Weights for a part of the audience, as a contextual bandit gives them; the first context that holds is used.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WeightContext {
    /// Which leaf of the bandit's tree it is.
    pub leaf: i64,
    /// For whom.
    #[schemars(with = "Condition")]
    pub when: Value,
    /// A weight per variation.
    #[schemars(with = "Vec<Share>")]
    pub weights: Vec<f64>,
}

pub(super) fn default_unit() -> String {
    UNIT.to_owned()
}
