//! One visitor on one page: features and experiments, gate by gate, in the order of GrowthBook's SDKs.

use super::bucket::{Unit, choose_variation, hash, in_namespace, keeps_out, or_id, rolled_out};
use super::condition::Condition;
use super::context::{Context, ExperimentResult, Exposure, FeatureResult, Source, StickyDocument};
use super::payload::{Experiment, Feature, Leaf, Meta, Parent, Payload, Rule};
use super::sticky::{self, Documents, Stored};
use super::url::{is_url_targeted, query_string_override};
use splitlight_protocol::{Map, Value};
use std::collections::BTreeMap;

/// How many features may depend on each other in a row; a longer chain counts as a cycle.
const PARENTS_MAX: usize = 100;

/// A visitor on a page, asking about features and experiments.
///
/// ```
/// use splitlight_interop::growthbook::{Context, Payload, Source, Visit};
/// let payload = Payload::parse(r#"{ "features": { "price": { "defaultValue": 9, "rules": [
///   { "condition": { "country": "ES" }, "force": 8 }, { "variations": [9, 7] }] } } }"#, None)?;
/// let context: Context = serde_json::from_str(r#"{ "attributes": { "id": "v-7", "country": "ES" } }"#)?;
/// let price = Visit::new(&payload, &context).feature("price");
/// assert_eq!((price.value.as_f64(), price.source), (Some(8.0), Source::Force));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug)]
pub struct Visit<'a> {
    pub(super) payload: &'a Payload,
    pub(super) context: &'a Context,
    attributes: Map,
    sticky: Option<Documents>,
    exposures: Vec<Exposure>,
    /// The features being evaluated, each because of the one before.
    parents: Vec<String>,
}

/// Why a rule is not the answer, when it is more than not holding.
enum Blocked {
    Cycle,
    Gate,
    Skip,
}

/// Which variation, and how it was found.
#[derive(Clone, Copy, Default)]
struct Chosen {
    variation: Option<usize>,
    hash_used: bool,
    bucket: Option<f64>,
    sticky: bool,
}

impl Chosen {
    const OUT: Self = Self { variation: None, hash_used: false, bucket: None, sticky: false };

    fn forced(variation: i64) -> Self {
        Self { variation: usize::try_from(variation).ok(), ..Self::OUT }
    }
}

impl<'a> Visit<'a> {
    /// A visit, with nothing asked yet.
    pub fn new(payload: &'a Payload, context: &'a Context) -> Self {
        let mut attributes = context.attributes.clone();
        if let Some(ids) = &context.remote_group_ids {
            let ids = ids.iter().map(|id| Value::from(id.as_str())).collect();
            attributes.insert("__gb_remoteGroupIds".to_owned(), Value::Array(ids));
        }
        let sticky = context.sticky_bucket_assignment_docs.clone();
        Self { payload, context, attributes, sticky, exposures: Vec::new(), parents: Vec::new() }
    }

    /// The variations met so far, each once, in the order they were met.
    pub fn exposures(&self) -> &[Exposure] {
        &self.exposures
    }

    /// The sticky buckets, to be stored, with those of this visit.
    pub fn sticky_bucket_assignment_docs(&self) -> Option<&BTreeMap<String, StickyDocument>> {
        self.sticky.as_ref()
    }

    /// The value of a feature.
    pub fn feature(&mut self, key: &str) -> FeatureResult {
        if self.parents.len() >= PARENTS_MAX || self.parents.iter().any(|parent| parent == key) {
            return answer(Value::Null, Source::CyclicPrerequisite, "");
        }
        if let Some(value) = self.context.forced_feature_values.get(key) {
            return answer(value.clone(), Source::Override, "");
        }
        let payload = self.payload;
        let Some(feature) = payload.features.get(key) else {
            return answer(Value::Null, Source::UnknownFeature, "");
        };
        self.parents.push(key.to_owned());
        let result = self.rules(key, feature);
        self.parents.pop();
        result
    }

    /// The variation of an experiment.
    pub fn run(&mut self, experiment: &Experiment) -> ExperimentResult {
        let mut experiment = experiment.clone();
        experiment.compile(&self.payload.saved_groups);
        self.enter(&self.with_leaf(experiment), None)
    }

    fn rules(&mut self, key: &str, feature: &Feature) -> FeatureResult {
        for rule in &feature.rules {
            match self.parents_hold(rule.experiment.parent_conditions.as_deref()) {
                Ok(()) => {}
                Err(Blocked::Cycle) => return answer(Value::Null, Source::CyclicPrerequisite, ""),
                Err(Blocked::Gate) => return answer(Value::Null, Source::Prerequisite, ""),
                Err(Blocked::Skip) => continue,
            }
            if let Some(result) = self.rule(key, rule) {
                return result;
            }
        }
        answer(feature.default_value.clone(), Source::DefaultValue, "")
    }

    fn rule(&mut self, key: &str, rule: &Rule) -> Option<FeatureResult> {
        if self.filtered_out(&rule.experiment) {
            return None;
        }
        if let Some(value) = &rule.force {
            let shown = self.passes(rule.experiment.condition.as_ref())
                && rolled_out(&rule.experiment, rule.range, key, self.unit(&rule.experiment).as_ref());
            return shown.then(|| answer(value.clone(), Source::Force, &rule.id));
        }
        let mut experiment = self.with_leaf(experiment_of(key, rule)?);
        let result = self.enter(&experiment, Some(key));
        if !result.in_experiment || result.passthrough == Some(true) {
            return None;
        }
        experiment.contextual_bandit.clone_from(&result.leaf);
        let answer = answer(result.value.clone(), Source::Experiment, &rule.id);
        Some(FeatureResult { experiment: Some(experiment), experiment_result: Some(result), ..answer })
    }

    /// Gives a contextual bandit the weights of the first context that holds, or keeps its own.
    fn with_leaf(&self, mut experiment: Experiment) -> Experiment {
        let bandits = &self.payload.contextual_bandits;
        let Some(bandit) = experiment.contextual_bandit_ref.as_ref().and_then(|name| bandits.get(name))
        else {
            return experiment;
        };
        let context = bandit.contexts.iter().find(|context| self.passes(Some(&context.condition)));
        let own = || experiment.weights.clone().unwrap_or_default();
        let leaf = Leaf {
            leaf_id: context.map_or(-1, |context| context.leaf_id),
            variation_weights: context.map_or_else(own, |context| context.weights.clone()),
            bandit_version: bandit.bandit_version,
        };
        experiment.weights = context.map(|context| context.weights.clone()).or(experiment.weights);
        experiment.contextual_bandit = Some(leaf);
        experiment
    }

    fn enter(&mut self, experiment: &Experiment, feature: Option<&str>) -> ExperimentResult {
        let unit = self.unit(experiment);
        let chosen = self.choose(experiment, unit.as_ref());
        let result = result(experiment, unit.as_ref(), chosen, feature);
        if let Some(unit) = unit.filter(|_| result.in_experiment && result.hash_used) {
            if let Some(documents) = self.sticky.as_mut().filter(|_| is_sticky(experiment)) {
                sticky::store(documents, &unit, experiment, &result.key);
            }
            self.expose(experiment, &result);
        }
        result
    }

    /// The gates of an experiment; the first that is closed is the answer.
    fn choose(&mut self, experiment: &Experiment, unit: Option<&Unit>) -> Chosen {
        let (n, url) = (experiment.variations.len(), &self.context.url);
        if n < 2 || !self.context.enabled {
            return Chosen::OUT;
        }
        if experiment.url_patterns.as_ref().is_some_and(|targets| !is_url_targeted(url, targets)) {
            return Chosen::OUT;
        }
        if let Some(variation) = query_string_override(&experiment.key, url, n) {
            return Chosen { variation: Some(variation), ..Chosen::OUT };
        }
        if let Some(variation) = self.context.forced_variations.get(&experiment.key) {
            return Chosen::forced(*variation);
        }
        if experiment.status.as_deref() == Some("draft") || experiment.active == Some(false) {
            return Chosen::OUT;
        }
        let Some(unit) = unit else { return Chosen::OUT };
        let stored = self.stored(experiment);
        if stored.variation.is_none() && !self.admitted(experiment, unit) {
            return Chosen::OUT;
        }
        let Some(bucket) = hash(experiment.seed(), &unit.text, experiment.hash_version.unwrap_or(1)) else {
            return Chosen::OUT;
        };
        if stored.blocked {
            return Chosen { sticky: true, ..Chosen::OUT };
        }
        let Some(variation) = stored.variation.or_else(|| choose_variation(bucket, &experiment.ranges()))
        else {
            return Chosen::OUT;
        };
        if let Some(forced) = experiment.force {
            return Chosen::forced(forced);
        }
        if self.context.qa_mode || experiment.status.as_deref() == Some("stopped") {
            return Chosen::OUT;
        }
        let sticky = stored.variation.is_some();
        Chosen { variation: Some(variation), hash_used: true, bucket: Some(bucket), sticky }
    }

    /// The gates that a stored bucket opens.
    fn admitted(&mut self, experiment: &Experiment, unit: &Unit) -> bool {
        let inside = match (&experiment.filters, &experiment.namespace) {
            (Some(_), _) => !self.filtered_out(experiment),
            (None, Some(namespace)) => in_namespace(&unit.text, namespace),
            (None, None) => true,
        };
        inside
            && self.passes(experiment.condition.as_ref())
            && self.parents_hold(experiment.parent_conditions.as_deref()).is_ok()
    }

    /// Whether the features that something depends on have the values it needs.
    fn parents_hold(&mut self, parents: Option<&[Parent]>) -> Result<(), Blocked> {
        for parent in parents.into_iter().flatten() {
            let found = self.feature(&parent.id);
            if found.source == Source::CyclicPrerequisite {
                return Err(Blocked::Cycle);
            }
            let value = Map::from_iter([("value".to_owned(), found.value)]);
            if !parent.condition.holds(&value) {
                return Err(if parent.gate == Some(true) { Blocked::Gate } else { Blocked::Skip });
            }
        }
        Ok(())
    }

    fn passes(&self, condition: Option<&Condition>) -> bool {
        condition.is_none_or(|condition| condition.holds(&self.attributes))
    }

    fn filtered_out(&self, experiment: &Experiment) -> bool {
        experiment.filters.iter().flatten().any(|filter| keeps_out(filter, &self.attributes))
    }

    /// The id that is hashed; the fallback only counts where buckets are sticky.
    fn unit(&self, experiment: &Experiment) -> Option<Unit> {
        let sticky = self.sticky.is_some() && is_sticky(experiment);
        let fallback = experiment.fallback_attribute.as_deref().filter(|_| sticky);
        Unit::of(&self.attributes, experiment.hash_attribute.as_deref(), fallback)
    }

    fn stored(&self, experiment: &Experiment) -> Stored {
        let documents = self.sticky.as_ref().filter(|_| is_sticky(experiment));
        documents
            .map_or_else(Stored::default, |documents| sticky::stored(documents, &self.attributes, experiment))
    }

    fn expose(&mut self, experiment: &Experiment, result: &ExperimentResult) {
        let same = |other: &Exposure| {
            other.experiment.key == experiment.key
                && other.result.variation_id == result.variation_id
                && other.result.hash_attribute == result.hash_attribute
                && other.result.hash_value == result.hash_value
        };
        if !self.exposures.iter().any(same) {
            self.exposures.push(Exposure { experiment: experiment.clone(), result: result.clone() });
        }
    }
}

fn is_sticky(experiment: &Experiment) -> bool {
    experiment.disable_sticky_bucketing != Some(true)
}

/// The experiment that a rule is: only the members that belong to one, under the rule's key or the feature's.
pub(super) fn experiment_of(key: &str, rule: &Rule) -> Option<Experiment> {
    let written = rule.experiment.clone();
    let variations = Some(written.variations).filter(|list| !list.is_empty());
    Some(Experiment {
        key: if written.key.is_empty() { key.to_owned() } else { written.key },
        variations: variations.or_else(|| rule.contextual_variations.clone())?,
        parent_conditions: None,
        url_patterns: None,
        persist_query_string: None,
        status: None,
        active: None,
        manual: None,
        change_id: None,
        ..written
    })
}

fn result(e: &Experiment, unit: Option<&Unit>, chosen: Chosen, feature: Option<&str>) -> ExperimentResult {
    let variation = chosen.variation.filter(|variation| *variation < e.variations.len());
    let index = variation.unwrap_or(0);
    let meta = e.meta.as_ref().and_then(|meta| meta.get(index)).cloned().unwrap_or_default();
    let Meta { key, name, passthrough } = meta;
    ExperimentResult {
        key: key.filter(|key| !key.is_empty()).unwrap_or_else(|| index.to_string()),
        feature_id: feature.map(str::to_owned),
        in_experiment: variation.is_some(),
        hash_used: chosen.hash_used,
        variation_id: index,
        value: e.variations.get(index).cloned().unwrap_or_default(),
        hash_attribute: unit
            .map_or_else(|| or_id(e.hash_attribute.as_deref()).to_owned(), |unit| unit.attribute.clone()),
        hash_value: unit.map_or_else(|| Value::from(""), |unit| unit.value.clone()),
        sticky_bucket_used: chosen.sticky,
        bucket: chosen.bucket,
        name,
        passthrough,
        leaf: e.contextual_bandit.clone().filter(|_| chosen.hash_used),
    }
}

fn answer(value: Value, source: Source, rule: &str) -> FeatureResult {
    let on = match &value {
        Value::Null => false,
        Value::Bool(truth) => *truth,
        Value::Number(number) => *number != 0.0,
        Value::String(text) => !text.is_empty(),
        Value::Array(_) | Value::Object(_) => true,
    };
    FeatureResult {
        value,
        on,
        off: !on,
        source,
        rule_id: rule.to_owned(),
        experiment: None,
        experiment_result: None,
    }
}
