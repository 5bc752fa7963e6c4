//! Splitlight configs to GrowthBook payloads, for its SDKs to read.

mod change;
mod experiment;

use serde_json::{Map as JsonMap, Value as Json, json};
use splitlight_protocol::config::{self, Config, Experiment, Feature, Filter, Prerequisite, Rule, Status};
use splitlight_protocol::{Issue, Value};

/// A payload, and what of the config is not in it.
#[derive(Clone, Debug, PartialEq)]
pub struct Exported {
    /// The payload.
    pub payload: Value,
    /// What GrowthBook has no equivalent for; the pointers are into the config.
    pub left_out: Vec<Issue>,
}

/// Translates a config to a payload.
///
/// Features, experiments and audiences become features, experiments that run by themselves and saved groups, with the
/// same buckets: the unit `visitor` is the attribute `id`, `user` is `userId`. An experiment that changes no page and
/// that no feature runs becomes a feature of its key. What GrowthBook has nothing for is left out and listed.
///
/// ```
/// use splitlight_interop::growthbook::export;
/// use splitlight_protocol::config;
/// let parsed = config::parse(r#"{ "version": 1, "project": "shop", "features": [
///   { "key": "price", "default": 9, "rules": [{ "when": { "country": "ES" }, "value": 8 }] }] }"#);
/// let exported = export(&parsed.config);
/// assert_eq!(serde_json::to_string(&exported.payload)?, concat!(
///     r#"{"features":{"price":{"defaultValue":9,"rules":[{"condition":{"country":"ES"},"force":8}]}}}"#));
/// assert!(exported.left_out.is_empty());
/// # Ok::<(), serde_json::Error>(())
/// ```
pub fn export(config: &Config) -> Exported {
    let mut exporter = Exporter { config, bandits: JsonMap::new(), left_out: Vec::new() };
    let groups = exporter.groups();
    let mut features = exporter.features();
    let experiments = exporter.experiments(&mut features);
    for (at, item) in
        config.personalizations.iter().enumerate().filter(|(_, it)| it.status == Status::Running)
    {
        let reason = format!("`{}` competes for a slot, which GrowthBook does not know", item.key);
        let fix = "make it an experiment, or keep serving it here";
        exporter.left_out.push(Issue::error(format!("/personalizations/{at}"), reason, fix));
    }
    let mut payload = JsonMap::new();
    payload.insert("features".to_owned(), Json::Object(features));
    put(&mut payload, "experiments", experiments);
    put(&mut payload, "savedGroups", groups);
    put(&mut payload, "contextualBandits", exporter.bandits);
    let payload = serde_json::from_value(Json::Object(payload)).unwrap_or_default();
    Exported { payload, left_out: exporter.left_out }
}

/// Why an item cannot be said in a payload.
type Part<T> = Result<T, String>;

struct Exporter<'a> {
    config: &'a Config,
    bandits: JsonMap<String, Json>,
    left_out: Vec<Issue>,
}

impl Exporter<'_> {
    fn refuse(&mut self, pointer: String, reason: String) {
        self.left_out.push(Issue::error(pointer, reason, "keep serving it here"));
    }

    fn groups(&mut self) -> JsonMap<String, Json> {
        let mut groups = JsonMap::new();
        for (at, audience) in self.config.audiences.iter().enumerate() {
            if let (Some(path), Some(values)) = (&audience.attribute, &audience.values) {
                let group = json!({ "type": "list", "attributeKey": path, "values": values });
                groups.insert(audience.key.clone(), group);
                continue;
            }
            match condition(audience.when.as_ref().unwrap_or(&Value::Null)) {
                Ok(condition) => {
                    let group = json!({ "type": "condition", "condition": condition });
                    groups.insert(audience.key.clone(), group);
                }
                Err(reason) => self.refuse(format!("/audiences/{at}"), reason),
            }
        }
        groups
    }

    fn features(&mut self) -> JsonMap<String, Json> {
        let config = self.config;
        let mut features = JsonMap::new();
        for (at, feature) in config.features.iter().enumerate() {
            match self.feature(feature) {
                Ok(written) => {
                    features.insert(feature.key.clone(), written);
                }
                Err(reason) => self.refuse(format!("/features/{at}"), reason),
            }
        }
        features
    }

    fn feature(&mut self, feature: &Feature) -> Part<Json> {
        let mut rules = Vec::with_capacity(feature.rules.len());
        for rule in &feature.rules {
            rules.extend(self.rule(rule)?);
        }
        let mut written = JsonMap::new();
        written.insert("defaultValue".to_owned(), json!(feature.default));
        put(&mut written, "rules", rules);
        Ok(Json::Object(written))
    }

    /// A rule; nothing for one whose experiment is not live, because the rules after it go on.
    fn rule(&mut self, rule: &Rule) -> Part<Option<JsonMap<String, Json>>> {
        let config = self.config;
        let named = rule.experiment.as_ref();
        let named = named.and_then(|key| config.experiments.iter().find(|experiment| experiment.key == *key));
        let experiment = rule.run.as_deref().or(named);
        let mut written = match experiment {
            Some(experiment) if experiment.status != Status::Running => return Ok(None),
            Some(experiment) if !experiment.pages.is_empty() => {
                return Err(format!("the experiment `{}` is for some pages only", experiment.key));
            }
            Some(experiment) => self.experiment(experiment, false)?,
            None => JsonMap::new(),
        };
        unscheduled(rule.start.as_ref(), rule.end.as_ref())?;
        put(&mut written, "id", &rule.key);
        let own = rule.when.as_ref().map(condition).transpose()?;
        let both: Vec<Json> = own.into_iter().chain(written.remove("condition")).collect();
        let both = if both.len() > 1 { Some(json!({ "$and": both })) } else { both.into_iter().next() };
        put(&mut written, "condition", both);
        join(&mut written, "filters", &filters(&rule.filters, &rule.unit)?);
        join(&mut written, "parentConditions", &parents(&rule.prerequisites)?);
        if let (None, Some(value)) = (experiment, &rule.value) {
            written.insert("force".to_owned(), json!(value));
            share(rule, &mut written)?;
        }
        Ok(Some(written))
    }

    fn experiments(&mut self, features: &mut JsonMap<String, Json>) -> Vec<Json> {
        let config = self.config;
        let named: Vec<&String> = config
            .features
            .iter()
            .flat_map(|feature| &feature.rules)
            .filter_map(|rule| rule.experiment.as_ref())
            .collect();
        let mut experiments = Vec::new();
        for (at, experiment) in config.experiments.iter().enumerate() {
            let changes =
                experiment.variations.iter().any(|it| !it.changes.is_empty() || it.redirect.is_some());
            if experiment.status != Status::Running || (!changes && named.contains(&&experiment.key)) {
                continue;
            }
            let written = if changes {
                self.experiment(experiment, true).map(|written| experiments.push(Json::Object(written)))
            } else {
                self.alone(experiment).map(|feature| {
                    features.entry(experiment.key.clone()).or_insert(feature);
                })
            };
            if let Err(reason) = written {
                self.refuse(format!("/experiments/{at}"), reason);
            }
        }
        experiments
    }

    /// The feature that an experiment without changes is: its value is the variation's, or the variation's key.
    fn alone(&mut self, experiment: &Experiment) -> Part<Json> {
        if !experiment.pages.is_empty() {
            return Err("it changes nothing, and is for some pages only".to_owned());
        }
        let mut rule = self.experiment(experiment, false)?;
        let valued = experiment.variations.iter().any(|variation| variation.value.is_some());
        let value = |variation: &config::Variation| {
            if valued { json!(variation.value) } else { json!(variation.key) }
        };
        let all: Vec<Json> = experiment.variations.iter().map(value).collect();
        let control = all.first().cloned().unwrap_or_default();
        rule.insert("variations".to_owned(), Json::Array(all));
        Ok(json!({ "defaultValue": control, "rules": [rule] }))
    }
}

/// Writes a member unless there is nothing to write.
fn put(map: &mut JsonMap<String, Json>, name: &str, value: impl serde::Serialize) {
    let value = json!(value);
    let empty =
        value.as_array().is_some_and(Vec::is_empty) || value.as_object().is_some_and(JsonMap::is_empty);
    if !value.is_null() && !empty {
        map.insert(name.to_owned(), value);
    }
}

/// Adds to a list that may be there already.
fn join(map: &mut JsonMap<String, Json>, name: &str, more: &[Json]) {
    let written = map.remove(name);
    let all: Vec<&Json> = written.iter().filter_map(Json::as_array).flatten().chain(more).collect();
    let all = json!(all);
    put(map, name, all);
}

fn unscheduled(start: Option<&String>, end: Option<&String>) -> Part<()> {
    if start.is_some() || end.is_some() {
        return Err("a payload has no dates".to_owned());
    }
    Ok(())
}

fn share(rule: &Rule, written: &mut JsonMap<String, Json>) -> Part<()> {
    let range = rule.range.or((rule.coverage < 1.0).then_some([0.0, rule.coverage]));
    if let Some(range) = range {
        // A range means the same in every generation of SDKs, a coverage does not at its end.
        put(written, "range", range);
        put(written, "hashAttribute", attribute(&rule.unit)?);
        put(written, "seed", &rule.seed);
        put(written, "hashVersion", rule.hash_version);
    }
    Ok(())
}

/// The attribute that a unit is.
fn attribute(unit: &str) -> Part<&str> {
    match unit {
        config::UNIT => Ok("id"),
        config::UNIT_USER => Ok("userId"),
        path if path.contains('.') => Err(format!("`{path}` is within another attribute")),
        name => Ok(name),
    }
}

fn filters(written: &[Filter], own: &str) -> Part<Vec<Json>> {
    let filter = |filter: &Filter| {
        let attribute = attribute(filter.unit.as_deref().unwrap_or(own))?;
        let Filter { seed, ranges, hash_version, .. } = filter;
        Ok(json!({ "seed": seed, "ranges": ranges, "hashVersion": hash_version, "attribute": attribute }))
    };
    written.iter().map(filter).collect()
}

fn parents(written: &[Prerequisite]) -> Part<Vec<Json>> {
    let parent = |prerequisite: &Prerequisite| {
        let mut parent = JsonMap::new();
        parent.insert("id".to_owned(), json!(prerequisite.feature));
        parent.insert("condition".to_owned(), condition(&prerequisite.when)?);
        put(&mut parent, "gate", prerequisite.gate.then_some(true));
        Ok(Json::Object(parent))
    };
    written.iter().map(parent).collect()
}

/// A condition in GrowthBook's terms: an audience is a saved group, what asks about the history is not there.
fn condition(written: &Value) -> Part<Json> {
    let Value::Object(members) = written else { return Err("a condition is no object".to_owned()) };
    let member = |(name, value): (&str, &Value)| {
        let (name, value) = match (name, value) {
            ("$audience", key) => ("$savedGroup", json!({ "id": key })),
            ("$and" | "$or" | "$nor", Value::Array(all)) => {
                (name, all.iter().map(condition).collect::<Part<Json>>()?)
            }
            ("$not", inner) => (name, condition(inner)?),
            _ if name.starts_with('$') => return Err(format!("GrowthBook does not know `{name}`")),
            (_, test) => (name, json!(test)),
        };
        Ok((name.to_owned(), value))
    };
    members.iter().map(member).collect::<Part<JsonMap<_, _>>>().map(Json::Object)
}
