//! Conditions as they are written in payloads, decided by the engine.

use super::payload::{Experiment, Payload};
use super::targeting::Targeting;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use splitlight_protocol::{Map, Value};
use std::sync::Arc;

/// The saved groups that conditions refer to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Groups {
    written: Arc<Map>,
}

impl Groups {
    /// Reads groups: `{ id: [values] }` and `{ id: { "type": "list" | "condition" | "remote", ... } }`.
    pub fn new(written: &Map) -> Self {
        Self { written: Arc::new(written.clone()) }
    }

    /// The groups as written.
    pub fn written(&self) -> &Map {
        &self.written
    }
}

/// A condition.
///
/// ```
/// use splitlight_interop::growthbook::{Condition, Groups};
/// use splitlight_protocol::{Map, Value};
/// let condition = Condition::new(serde_json::from_str(r#"{ "age": { "$gte": 18 } }"#)?, &Groups::default());
/// let age = |age: f64| Map::from_iter([("age".to_owned(), Value::Number(age))]);
/// assert!(condition.holds(&age(18.0)) && !condition.holds(&age(17.0)) && !condition.holds(&Map::new()));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    written: Value,
    /// Nothing until the groups are known; then it holds for nobody.
    compiled: Option<Targeting>,
}

impl Default for Condition {
    fn default() -> Self {
        Self { written: Value::Object(Map::new()), compiled: None }
    }
}

impl Condition {
    /// Compiles a condition; one that cannot be understood holds for nobody.
    pub fn new(written: Value, groups: &Groups) -> Self {
        let mut condition = Self { written, compiled: None };
        condition.compile(groups);
        condition
    }

    /// The condition as written.
    pub fn written(&self) -> &Value {
        &self.written
    }

    /// Whether it holds; what is not understood does not, also where it is negated.
    pub fn holds(&self, attributes: &Map) -> bool {
        self.truth(attributes) == Some(true)
    }

    /// Whether it holds, `None` when that depends on something that is not understood.
    pub fn truth(&self, attributes: &Map) -> Option<bool> {
        self.compiled.as_ref()?.matches(attributes)
    }

    fn compile(&mut self, groups: &Groups) {
        self.compiled = Some(Targeting::compile(&self.written, &groups.written));
    }
}

impl Experiment {
    /// Compiles the conditions, which refer to groups.
    pub(super) fn compile(&mut self, groups: &Groups) {
        let parents = self.parent_conditions.iter_mut().flatten().map(|parent| &mut parent.condition);
        for condition in self.condition.iter_mut().chain(parents) {
            condition.compile(groups);
        }
    }
}

impl Payload {
    /// Compiles every condition, once.
    pub(super) fn compile(&mut self) {
        let rules = self.features.values_mut().flat_map(|feature| &mut feature.rules);
        for experiment in rules.map(|rule| &mut rule.experiment).chain(&mut self.experiments) {
            experiment.compile(&self.saved_groups);
        }
        for context in self.contextual_bandits.values_mut().flat_map(|bandit| &mut bandit.contexts) {
            context.condition.compile(&self.saved_groups);
        }
    }
}

impl Serialize for Condition {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.written.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Condition {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Value::deserialize(deserializer).map(|written| Self { written, compiled: None })
    }
}
