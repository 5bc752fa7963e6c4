//! Payloads, reduced to what a visitor can still need: what an edge hands to a browser.

use super::groups::kept_groups;
use super::prune::{Pruned, Pruner};
use serde::Deserialize;
use splitlight_protocol::{Map, Value};
use std::collections::BTreeMap;

/// What of a payload is wanted, besides what the attributes decide.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Reduction {
    /// Only features and experiments with one of each of these.
    pub include: Labels,
    /// No features and experiments with any of these.
    pub exclude: Labels,
    /// Whether the features that others depend on have to pass `include` and `exclude` too.
    pub prerequisites: Prerequisites,
}

/// What features and experiments are labelled with in their `metadata`; `None` asks for nothing.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Labels {
    /// Ids of projects.
    pub projects: Option<Vec<Value>>,
    /// Tags.
    pub tags: Option<Vec<Value>>,
    /// Values by custom field.
    pub custom_fields: Option<BTreeMap<String, Vec<Value>>>,
}

/// What happens to features that others depend on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Prerequisites {
    /// They stay, so that the result is the same as with the whole payload.
    #[default]
    Keep,
    /// Only those that are wanted stay, and holdouts.
    Filter,
}

/// Leaves of a payload what a visitor can still need, when some of their attributes are known.
///
/// For every visitor with those attributes the result is the same as with the whole payload. Members that are not
/// known stay.
///
/// ```
/// use splitlight_interop::growthbook::{Reduction, reduce_payload};
/// use splitlight_protocol::{Map, Value};
/// let payload: Value = serde_json::from_str(r#"{ "features": { "price": { "rules": [
///   { "condition": { "plan": "pro", "country": "ES" }, "force": 8 }] } } }"#)?;
/// let known = Map::from_iter([("plan".to_owned(), Value::from("pro"))]);
/// let reduced = reduce_payload(&payload, &known, &Reduction::default());
/// assert_eq!(serde_json::to_string(&reduced)?, concat!(
///     r#"{"experiments":[],"features":{"price":{"rules":[{"condition":{"country":"ES"},"force":8}]}},"#,
///     r#""savedGroups":{}}"#));
/// # Ok::<(), serde_json::Error>(())
/// ```
pub fn reduce_payload(payload: &Value, known: &Map, reduction: &Reduction) -> Value {
    let written = members(payload.at(&["savedGroups"]));
    let features = members(payload.at(&["features"]));
    let pruner = Pruner::new(known, &written);
    let mut reducer = Reducer { features: &features, pruner, reduction, kept: BTreeMap::new() };
    for (key, feature) in features.iter() {
        if reduction.wants(feature) {
            reducer.keep(key);
        }
    }
    let experiments = items(payload.at(&["experiments"])).iter().filter(|item| reduction.wants(item));
    let experiments: Vec<Value> = experiments.map(|item| reducer.prune(item, false)).collect();
    for experiment in &experiments {
        reducer.keep_parents(experiment);
    }
    let bandits = reducer.bandits(&members(payload.at(&["contextualBandits"])), &experiments);
    let Reducer { mut pruner, kept, .. } = reducer;

    let kept = Value::Object(kept.into_iter().collect());
    let (experiments, bandits) = (Value::Array(experiments), Value::Object(bandits));
    let roots = [&kept, &experiments, &bandits];
    let groups = kept_groups(&roots, &written, |id| pruner.group(id));
    let mut result = without(&members(Some(payload)), "contextualBandits");
    if payload.at(&["contextualBandits"]).is_some_and(is_something) {
        result.insert("contextualBandits".to_owned(), bandits);
    }
    for (name, section) in [("features", kept), ("experiments", experiments), ("savedGroups", groups)] {
        result.insert(name.to_owned(), section);
    }
    Value::Object(result)
}

struct Reducer<'a> {
    features: &'a Map,
    pruner: Pruner<'a>,
    reduction: &'a Reduction,
    kept: BTreeMap<String, Value>,
}

impl Reducer<'_> {
    /// Keeps a feature and, before anything else refers to them, the features it depends on.
    fn keep(&mut self, key: &str) {
        let mut waiting = vec![key.to_owned()];
        while let Some(key) = waiting.pop() {
            let Some(feature) = self.features.get(&key).filter(|feature| is_something(feature)) else {
                continue;
            };
            if self.kept.contains_key(&key) {
                continue;
            }
            let mut feature = members(Some(feature));
            if let Some(Value::Array(rules)) = feature.get("rules").cloned() {
                // A feature of another project, kept because of one of ours, keeps the rules of its own project.
                let scoped = self.reduction.has_project(&feature);
                let served = rules.iter().filter(|rule| !scoped || self.reduction.serves(rule));
                let served: Vec<&Value> = served.collect();
                let rules: Vec<Value> = served.into_iter().map(|rule| self.prune(rule, true)).collect();
                waiting.extend(rules.iter().flat_map(|rule| self.parents(rule)));
                feature.insert("rules".to_owned(), Value::Array(rules));
            }
            self.kept.insert(key, Value::Object(feature));
        }
    }

    fn keep_parents(&mut self, item: &Value) {
        self.parents(item).iter().for_each(|parent| self.keep(parent));
    }

    fn parents(&self, item: &Value) -> Vec<String> {
        let ids = items(item.at(&["parentConditions"])).iter();
        let ids = ids.filter_map(|parent| parent.at(&["id"]).and_then(Value::as_str));
        let all = self.reduction.prerequisites == Prerequisites::Keep;
        ids.filter(|id| all || id.starts_with("$holdout:")).map(str::to_owned).collect()
    }

    /// A rule or experiment with its condition pruned.
    fn prune(&mut self, item: &Value, is_rule: bool) -> Value {
        let written = members(Some(item));
        let Some(condition) = written.get("condition").filter(|condition| is_something(condition)) else {
            return item.clone();
        };
        let mut pruned = without(&written, "condition");
        match self.pruner.root(condition) {
            Pruned::Decided(true) => {}
            Pruned::Rest(condition) => {
                pruned.insert("condition".to_owned(), condition);
            }
            // The item stays: a sticky bucket or a forced variation does not ask for the condition.
            Pruned::Decided(false) => {
                let never = Map::from_iter([("$not".to_owned(), Value::Object(Map::new()))]);
                pruned.insert("condition".to_owned(), Value::Object(never));
                if is_rule && written.get("force").is_some() {
                    pruned.insert("force".to_owned(), Value::Null);
                }
            }
        }
        Value::Object(pruned)
    }

    /// The bandits that what is kept refers to, without contexts that hold for nobody.
    fn bandits(&mut self, written: &Map, experiments: &[Value]) -> Map {
        let rules = self.kept.values().flat_map(|feature| items(feature.at(&["rules"])));
        let names = rules.chain(experiments).filter_map(|item| item.at(&["contextualBanditRef"])?.as_str());
        let names: Vec<String> = names.map(str::to_owned).collect();
        let found = names.into_iter().filter_map(|name| Some((written.get(&name)?, name)));
        let mut bandit = |(bandit, name): (&Value, String)| {
            let Value::Object(bandit) = bandit else { return (name, bandit.clone()) };
            let mut bandit = bandit.clone();
            let contexts = items(bandit.get("contexts")).to_vec();
            let contexts = contexts.iter().filter_map(|context| self.context(context)).collect();
            bandit.insert("contexts".to_owned(), Value::Array(contexts));
            (name, Value::Object(bandit))
        };
        found.map(&mut bandit).collect()
    }

    fn context(&mut self, context: &Value) -> Option<Value> {
        let mut members = members(Some(context));
        let everybody = Value::Object(Map::new());
        let condition = members.get("condition").filter(|condition| is_something(condition));
        let condition = match self.pruner.root(condition.unwrap_or(&everybody)) {
            Pruned::Decided(false) => return None,
            Pruned::Decided(true) => everybody,
            Pruned::Rest(condition) => condition,
        };
        members.insert("condition".to_owned(), condition);
        Some(Value::Object(members))
    }
}

impl Reduction {
    /// Whether an item has one of each included label, and none of the excluded ones.
    fn wants(&self, item: &Value) -> bool {
        let label = |path: &[&str]| item.at(&["metadata"]).and_then(|metadata| metadata.at(path));
        let custom = |(field, values): (&String, &Vec<Value>)| has(label(&["customFields", field]), values);
        let custom_fields = |labels: &Labels| labels.custom_fields.clone().unwrap_or_default();
        let excluded = |name: &str, values: &Option<Vec<Value>>| {
            values.as_ref().is_some_and(|values| has(label(&[name]), values))
        };
        self.has_project(&members(Some(item)))
            && self.include.tags.as_ref().is_none_or(|tags| has(label(&["tags"]), tags))
            && custom_fields(&self.include).iter().all(custom)
            && !excluded("projects", &self.exclude.projects)
            && !excluded("tags", &self.exclude.tags)
            && !custom_fields(&self.exclude).iter().any(custom)
    }

    /// Whether an item is of an included project, or of all projects.
    fn has_project(&self, item: &Map) -> bool {
        let label = |name: &str| item.get("metadata").and_then(|metadata| metadata.at(&[name]));
        let Some(wanted) = &self.include.projects else { return true };
        label("allProjects").is_some_and(is_something) || has(label("projects"), wanted)
    }

    /// Whether a rule is for an included project; one without projects is for all of its feature's.
    fn serves(&self, rule: &Value) -> bool {
        let projects = rule.at(&["metadata", "projects"]).filter(|projects| is_something(projects));
        let Some((wanted, projects)) = self.include.projects.as_ref().zip(projects) else { return true };
        has(Some(projects), wanted)
    }
}

/// Whether a label, or one of a list of labels, is wanted; objects and lists are never alike.
fn has(label: Option<&Value>, wanted: &[Value]) -> bool {
    let scalar = |value: &&Value| !matches!(value, Value::Array(_) | Value::Object(_));
    let is_wanted = |value: &Value| wanted.iter().filter(scalar).any(|other| other == value);
    match label {
        Some(Value::Array(labels)) => labels.iter().any(is_wanted),
        Some(label) => is_wanted(label),
        None => false,
    }
}

/// What JavaScript holds for true.
fn is_something(value: &Value) -> bool {
    !matches!(value, Value::Null | Value::Bool(false))
        && value.as_f64() != Some(0.0)
        && value.as_str() != Some("")
}

fn members(value: Option<&Value>) -> Map {
    match value {
        Some(Value::Object(members)) => members.clone(),
        _ => Map::new(),
    }
}

fn items(value: Option<&Value>) -> &[Value] {
    match value {
        Some(Value::Array(items)) => items,
        _ => &[],
    }
}

fn without(map: &Map, name: &str) -> Map {
    let others = map.iter().filter(|(other, _)| *other != name);
    others.map(|(name, value)| (name.to_owned(), value.clone())).collect()
}
