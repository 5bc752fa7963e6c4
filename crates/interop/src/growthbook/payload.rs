//! A payload as GrowthBook's API serves it, read so that one broken item takes no other down.

use super::condition::{Condition, Groups};
use super::crypt::decrypt;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use splitlight_protocol::{Issue, Map, Value};
use std::collections::BTreeMap;

/// A payload: the features and experiments of a project, compiled.
///
/// Properties that are not known are ignored. A feature, experiment or bandit that cannot be read is left out and
/// listed in `left_out`; the others work.
///
/// ```
/// use splitlight_interop::growthbook::Payload;
/// let payload = Payload::parse(r#"{ "features": { "a": { "defaultValue": 1, "new": true }, "b": 7 } }"#, None)?;
/// assert!(payload.features.contains_key("a"));
/// assert_eq!(payload.left_out[0].pointer, "/features/b");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Payload {
    /// Features by key.
    pub features: BTreeMap<String, Feature>,
    /// Experiments that run by themselves on pages, the first goes first.
    pub experiments: Vec<Experiment>,
    /// Groups that conditions refer to.
    pub saved_groups: Groups,
    /// Contextual bandits by reference.
    pub contextual_bandits: BTreeMap<String, Bandit>,
    /// When it was made, as written.
    pub date_updated: Option<String>,
    /// What could not be read, and why.
    pub left_out: Vec<Issue>,
}

/// A feature: its value for visitors that no rule is for, and the rules, of which the first that holds wins.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Feature {
    /// The value when no rule holds.
    pub default_value: Value,
    /// The first that holds gives the value.
    pub rules: Vec<Rule>,
}

/// A rule of a feature: a value for some, or an experiment on the feature's value.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Rule {
    /// The rule's id, for results.
    pub id: String,
    /// The value to give; `null` is one too.
    #[serde(deserialize_with = "present")]
    pub force: Option<Value>,
    /// Share of the hash that gets the forced value, instead of the coverage.
    pub range: Option<[f64; 2]>,
    /// Values of a contextual bandit, which older SDKs do not read.
    pub contextual_variations: Option<Vec<Value>>,
    /// Everything a rule has in common with an experiment.
    #[serde(flatten)]
    pub experiment: Experiment,
}

/// An experiment, alone or as a rule of a feature.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[expect(missing_docs, reason = "the names are GrowthBook's, which documents them")]
pub struct Experiment {
    pub key: String,
    pub variations: Vec<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weights: Option<Vec<f64>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub coverage: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ranges: Option<Vec<[f64; 2]>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hash_attribute: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fallback_attribute: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hash_version: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<(String, f64, f64)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filters: Option<Vec<Filter>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub condition: Option<Condition>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent_conditions: Option<Vec<Parent>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub meta: Option<Vec<Meta>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phase: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disable_sticky_bucketing: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bucket_version: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_bucket_version: Option<i64>,
    #[serde(skip_serializing)]
    pub contextual_bandit_ref: Option<String>,
    /// The leaf that gave the weights, in results.
    #[serde(skip_deserializing, skip_serializing_if = "Option::is_none")]
    pub contextual_bandit: Option<Leaf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub force: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub active: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url_patterns: Option<Vec<UrlTarget>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub persist_query_string: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub manual: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub change_id: Option<String>,
}

/// A share of a hash of its own that visitors have to be in.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[expect(missing_docs, reason = "the names are GrowthBook's, which documents them")]
pub struct Filter {
    pub seed: String,
    pub ranges: Vec<[f64; 2]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hash_version: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attribute: Option<String>,
}

/// A feature whose value has to meet a condition about `value`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Parent {
    /// The feature's key.
    pub id: String,
    /// The condition.
    #[serde(default)]
    pub condition: Condition,
    /// Whether failing ends the feature instead of the rule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gate: Option<bool>,
}

/// What is known of a variation besides its value.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Meta {
    /// The variation's key; its index when missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// For people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Whether visitors of this variation go on to the next rule, as in a holdout.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub passthrough: Option<bool>,
}

/// A pattern of addresses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UrlTarget {
    /// Whether a match takes part or keeps out.
    #[serde(default = "yes")]
    pub include: bool,
    /// `simple`, `regex` or `exact`; nothing matches any other.
    #[serde(rename = "type", default)]
    pub kind: String,
    /// The pattern.
    #[serde(default)]
    pub pattern: String,
}

/// A contextual bandit: weights by context.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Bandit {
    /// Which training gave the weights.
    pub bandit_version: Option<f64>,
    /// The first whose condition holds gives the weights.
    pub contexts: Vec<BanditContext>,
}

/// The weights of one context.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct BanditContext {
    /// The context's number.
    pub leaf_id: i64,
    /// For whom.
    pub condition: Condition,
    /// The weights, in the order of the variations.
    pub weights: Vec<f64>,
}

/// The context of a bandit that gave a visitor's weights; leaf -1 are the rule's own weights.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the names are GrowthBook's, which documents them")]
pub struct Leaf {
    pub leaf_id: i64,
    pub variation_weights: Vec<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bandit_version: Option<f64>,
}

impl Payload {
    /// Reads a payload; sections that are encrypted need the key of the SDK connection.
    ///
    /// # Errors
    /// When the text is not JSON. Everything else that is wrong is listed in `left_out`.
    pub fn parse(text: &str, key: Option<&str>) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text).map(|document| Self::read(&document, key))
    }

    /// [`Payload::parse`] for a document that was read already.
    pub fn read(document: &serde_json::Value, key: Option<&str>) -> Self {
        let mut left_out = Vec::new();
        let [features, experiments, groups, bandits] =
            ["features", "experiments", "savedGroups", "contextualBandits"]
                .map(|section| open(document, section, key, &mut left_out));
        let mut payload = Self {
            features: items("/features", &features, &mut left_out),
            experiments: list("/experiments", &experiments, &mut left_out),
            saved_groups: Groups::new(&serde_json::from_value::<Map>(groups).unwrap_or_default()),
            contextual_bandits: items("/contextualBandits", &bandits, &mut left_out),
            date_updated: document["dateUpdated"].as_str().map(str::to_owned),
            left_out,
        };
        payload.compile();
        payload
    }
}

/// A section as written, or decrypted when there is an encrypted one.
fn open(
    document: &serde_json::Value,
    section: &str,
    key: Option<&str>,
    left_out: &mut Vec<Issue>,
) -> serde_json::Value {
    let (first, rest) = section.split_at(1);
    let sealed = format!("encrypted{}{rest}", first.to_uppercase());
    let Some(text) = document[&sealed].as_str().filter(|text| !text.is_empty()) else {
        return document[section].clone();
    };
    let plain = key.and_then(|key| decrypt(text, key)).and_then(|plain| serde_json::from_str(&plain).ok());
    plain.unwrap_or_else(|| {
        let fix = "give the decryption key of the SDK connection";
        left_out.push(Issue::error(format!("/{sealed}"), "the section cannot be decrypted", fix));
        document[section].clone()
    })
}

const FIX: &str = "write it as GrowthBook's payloads have it";

fn items<T: DeserializeOwned>(
    base: &str,
    section: &serde_json::Value,
    left_out: &mut Vec<Issue>,
) -> BTreeMap<String, T> {
    let mut read = |(key, item): (&String, &serde_json::Value)| {
        let item = T::deserialize(item)
            .map_err(|error| left_out.push(Issue::error(format!("{base}/{key}"), error.to_string(), FIX)));
        item.ok().map(|item| (key.clone(), item))
    };
    section.as_object().into_iter().flatten().filter_map(&mut read).collect()
}

fn list<T: DeserializeOwned>(base: &str, section: &serde_json::Value, left_out: &mut Vec<Issue>) -> Vec<T> {
    let mut read = |(index, item): (usize, &serde_json::Value)| {
        T::deserialize(item)
            .map_err(|error| left_out.push(Issue::error(format!("{base}/{index}"), error.to_string(), FIX)))
            .ok()
    };
    section.as_array().into_iter().flatten().enumerate().filter_map(&mut read).collect()
}

/// A member that is there, also when it is `null`.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

const fn yes() -> bool {
    true
}
