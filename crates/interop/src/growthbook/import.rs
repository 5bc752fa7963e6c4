//! GrowthBook payloads to Splitlight configs.

mod change;
mod condition;
mod experiment;

use super::payload::{Feature, Filter, Parent, Payload, Rule};
use condition::Conditions;
use serde_json::{Map as JsonMap, Value as Json, json};
use splitlight_protocol::{Issue, Value, config};
use std::collections::BTreeSet;

/// A config, and what of the payload is not in it.
#[derive(Clone, Debug, PartialEq)]
pub struct Imported {
    /// The config document.
    pub config: Value,
    /// What is not as it was: errors are items that were left out, warnings are differences that decide nothing. The
    /// pointers are into the payload.
    pub left_out: Vec<Issue>,
}

/// Translates a payload to a config of a project.
///
/// What the config can say decides as the payload does, with the same buckets: `id` becomes the unit `visitor`, any
/// other hash attribute the unit of that name. An item that a config cannot say as it is, is left out and listed.
///
/// ```
/// use splitlight_interop::growthbook::{Payload, import};
/// let payload = Payload::parse(r#"{ "features": { "price": { "defaultValue": 9, "rules": [
///   { "condition": { "country": "ES" }, "force": 8 }] } } }"#, None)?;
/// let imported = import(&payload, "shop");
/// assert_eq!(serde_json::to_string(&imported.config)?, concat!(
///     r#"{"features":[{"default":9,"key":"price","rules":[{"hashVersion":1,"value":8,"when":{"country":"ES"}}]}],"#,
///     r#""project":"shop","version":1}"#));
/// assert!(imported.left_out.is_empty());
/// # Ok::<(), serde_json::Error>(())
/// ```
pub fn import(payload: &Payload, project: &str) -> Imported {
    let mut importer = Importer {
        conditions: Conditions::new(payload.saved_groups.written()),
        payload,
        left_out: payload.left_out.clone(),
    };
    let mut items = Vec::new();
    for (key, feature) in &payload.features {
        let pointer = format!("/features/{key}");
        let written = importer.feature(&pointer, key, feature);
        importer.keep(&mut items, "features", pointer, written);
    }
    for (at, experiment) in payload.experiments.iter().enumerate() {
        let pointer = format!("/experiments/{at}");
        let written = importer.page_experiment(&pointer, experiment);
        importer.keep(&mut items, "experiments", pointer, written);
    }
    for key in importer.missing_parents() {
        let reason = format!("there is no feature `{key}`, but others depend on it");
        let pointer = format!("/features/{key}");
        importer.left_out.push(Issue::warning(pointer.clone(), reason, "remove it from `parentConditions`"));
        items.push(Item {
            section: "features",
            pointer,
            written: json!({ "key": clean_key(&key), "default": null }),
        });
    }
    items.extend(importer.conditions.audiences().map(|(id, written)| Item {
        section: "audiences",
        pointer: format!("/savedGroups/{id}"),
        written,
    }));
    sound(items, project, importer.left_out)
}

/// Why an item cannot be said in a config, and what to do about it.
type Refusal = (String, &'static str);

/// A part of an item, or why it has none.
type Part<T> = Result<T, Refusal>;

/// An item of the config, and where in the payload it comes from.
struct Item {
    section: &'static str,
    pointer: String,
    written: Json,
}

struct Importer<'a> {
    conditions: Conditions<'a>,
    payload: &'a Payload,
    left_out: Vec<Issue>,
}

impl Importer<'_> {
    fn keep(
        &mut self,
        items: &mut Vec<Item>,
        section: &'static str,
        pointer: String,
        written: Part<JsonMap<String, Json>>,
    ) {
        match written {
            Ok(written) => items.push(Item { section, pointer, written: Json::Object(written) }),
            Err((reason, fix)) => self.left_out.push(Issue::error(pointer, reason, fix)),
        }
    }

    fn warn(&mut self, pointer: &str, reason: impl Into<String>, fix: &str) {
        self.left_out.push(Issue::warning(pointer, reason, fix));
    }

    fn feature(&mut self, pointer: &str, key: &str, feature: &Feature) -> Part<JsonMap<String, Json>> {
        let mut written = JsonMap::new();
        self.renamed(pointer, key);
        written.insert("key".to_owned(), json!(clean_key(key)));
        written.insert("default".to_owned(), json!(feature.default_value));
        let mut rules = Vec::with_capacity(feature.rules.len());
        for (at, rule) in feature.rules.iter().enumerate() {
            rules.extend(self.rule(&format!("{pointer}/rules/{at}"), key, rule)?.map(Json::Object));
        }
        put(&mut written, "rules", rules);
        Ok(written)
    }

    /// A rule, or nothing for one that never gives a value and stops nobody.
    fn rule(&mut self, pointer: &str, feature: &str, rule: &Rule) -> Part<Option<JsonMap<String, Json>>> {
        let inner = &rule.experiment;
        let mut written = JsonMap::new();
        put(&mut written, "key", (!rule.id.is_empty()).then_some(&rule.id));
        put(&mut written, "prerequisites", self.prerequisites(inner.parent_conditions.as_deref())?);
        put(&mut written, "filters", filters(inner.filters.as_deref())?);
        if let Some(value) = &rule.force {
            self.forced(pointer, feature, rule, value, &mut written)?;
        } else if let Some(mut experiment) = super::visit::experiment_of(feature, rule).filter(runs) {
            experiment.filters = None;
            let run = self.experiment(pointer, &experiment)?;
            written.insert("run".to_owned(), Json::Object(run));
        } else {
            // Such a rule only gates: its prerequisites matter, its own value never.
            written.insert("value".to_owned(), Json::Null);
            written.insert("when".to_owned(), condition::never());
            written.insert("hashVersion".to_owned(), json!(2));
            return Ok(written.contains_key("prerequisites").then_some(written));
        }
        Ok(Some(written))
    }

    fn forced(
        &mut self,
        pointer: &str,
        feature: &str,
        rule: &Rule,
        value: &Value,
        written: &mut JsonMap<String, Json>,
    ) -> Part<()> {
        let inner = &rule.experiment;
        if inner.fallback_attribute.is_some() {
            self.warn(
                pointer,
                "a forced value has no fallback unit",
                "hash an attribute that every visitor has",
            );
        }
        written.insert("value".to_owned(), json!(value));
        put(written, "when", self.condition(inner.condition.as_ref())?);
        // A share needs an id in GrowthBook, also when it is 1, which here only a range does.
        let range = rule.range.or(inner.coverage.map(|coverage| [0.0, coverage]));
        put(written, "range", range.map(|[from, to]| sound_range(from, to)));
        let unit = unit(inner.hash_attribute.as_deref())?;
        put(written, "unit", Some(unit).filter(|unit| *unit != config::UNIT));
        let seed = inner.seed.clone().filter(|seed| !seed.is_empty() && seed != feature);
        put(written, "seed", seed.or_else(|| (clean_key(feature) != feature).then(|| feature.to_owned())));
        written.insert("hashVersion".to_owned(), json!(version(inner.hash_version, 1)?));
        Ok(())
    }

    fn condition(&mut self, condition: Option<&super::Condition>) -> Part<Option<Json>> {
        let written = condition.map(super::Condition::written);
        written
            .filter(|written| !matches!(written, Value::Null))
            .map(|it| self.conditions.translate(it))
            .transpose()
    }

    fn prerequisites(&mut self, parents: Option<&[Parent]>) -> Part<Vec<Json>> {
        let mut all = Vec::new();
        for parent in parents.into_iter().flatten() {
            let when = self.conditions.translate(parent.condition.written())?;
            let mut written = JsonMap::new();
            written.insert("feature".to_owned(), json!(clean_key(&parent.id)));
            written.insert("when".to_owned(), when);
            put(&mut written, "gate", parent.gate.filter(|gate| *gate));
            all.push(Json::Object(written));
        }
        Ok(all)
    }

    fn renamed(&mut self, pointer: &str, key: &str) {
        // Holdouts of GrowthBook begin with a `$` that no code ever writes.
        if clean_key(key) != key && !key.starts_with('$') {
            let reason = format!("the key `{key}` is `{}` here", clean_key(key));
            self.warn(pointer, reason, "use that key in code");
        }
    }

    /// Features that others depend on and the payload does not have: their value is `null`.
    fn missing_parents(&self) -> BTreeSet<String> {
        let rules =
            self.payload.features.values().flat_map(|feature| &feature.rules).map(|rule| &rule.experiment);
        let parents =
            rules.chain(&self.payload.experiments).filter_map(|item| item.parent_conditions.as_ref());
        let known = |id: &&String| self.payload.features.contains_key(*id);
        parents.flatten().map(|parent| &parent.id).filter(|id| !known(id)).cloned().collect()
    }
}

/// The document without items that a config does not take, each of which is listed.
fn sound(mut items: Vec<Item>, project: &str, mut left_out: Vec<Issue>) -> Imported {
    loop {
        let document = document(&items, project);
        let parsed = config::parse(&document.to_string());
        let issues = parsed.issues.into_iter().chain(splitlight_engine::compile(&parsed.config).issues);
        let mut broken = BTreeSet::new();
        for issue in issues {
            let mut parts = issue.pointer.split('/').skip(1);
            let (section, at) =
                (parts.next().unwrap_or_default(), parts.next().and_then(|at| at.parse().ok()));
            let mut of_section = items.iter().enumerate().filter(|(_, item)| item.section == section);
            let Some((place, item)) = at.and_then(|at: usize| of_section.nth(at)) else { continue };
            if broken.insert(place) {
                left_out.push(Issue::error(item.pointer.clone(), issue.reason, issue.fix));
            }
        }
        if broken.is_empty() {
            return Imported { config: serde_json::from_value(document).unwrap_or_default(), left_out };
        }
        // What depended on them is found in the next round.
        let kept = items.into_iter().enumerate().filter(|(place, _)| !broken.contains(place));
        items = kept.map(|(_, item)| item).collect();
    }
}

fn document(items: &[Item], project: &str) -> Json {
    let mut document = JsonMap::new();
    document.insert("version".to_owned(), json!(1));
    document.insert("project".to_owned(), json!(project));
    for section in ["audiences", "experiments", "features"] {
        let of_section = items.iter().filter(|item| item.section == section);
        put(&mut document, section, of_section.map(|item| item.written.clone()).collect::<Vec<_>>());
    }
    Json::Object(document)
}

/// Whether there is anything to choose from.
fn runs(experiment: &super::Experiment) -> bool {
    experiment.variations.len() > 1
}

/// Writes a member unless there is nothing to write.
fn put(map: &mut JsonMap<String, Json>, name: &str, value: impl serde::Serialize) {
    let value = json!(value);
    if !matches!(&value, Json::Null) && value.as_array().is_none_or(|items| !items.is_empty()) {
        map.insert(name.to_owned(), value);
    }
}

/// A key with only the characters that keys have here.
fn clean_key(key: &str) -> String {
    let fine = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ':');
    key.trim_start_matches('$').chars().map(|c| if fine(c) { c } else { '-' }).collect()
}

/// The unit that an attribute is here.
fn unit(attribute: Option<&str>) -> Part<&str> {
    match super::bucket::or_id(attribute) {
        "id" => Ok(config::UNIT),
        name if name.contains('.') || name == config::UNIT || name == config::UNIT_USER => {
            Err((format!("the attribute `{name}` is no unit here"), "hash an attribute of another name"))
        }
        name => Ok(name),
    }
}

fn version(written: Option<i64>, default: i64) -> Part<i64> {
    let version = written.unwrap_or(default);
    let known = matches!(version, 1 | 2);
    known.then_some(version).ok_or((format!("there is no hash version {version}"), "use version 2"))
}

/// A range within `[0, 1]`, empty when it ends before it begins; the hash is never outside.
fn sound_range(from: f64, to: f64) -> [f64; 2] {
    let [from, to] = [from, to].map(|end| end.clamp(0.0, 1.0));
    [from, to.max(from)]
}

fn filters(written: Option<&[Filter]>) -> Part<Vec<Json>> {
    let mut all = Vec::new();
    for filter in written.into_iter().flatten() {
        let ranges: Vec<[f64; 2]> = filter.ranges.iter().map(|[from, to]| sound_range(*from, *to)).collect();
        let (unit, version) = (unit(filter.attribute.as_deref())?, version(filter.hash_version, 2)?);
        all.push(json!({ "seed": filter.seed, "ranges": ranges, "hashVersion": version, "unit": unit }));
    }
    Ok(all)
}
