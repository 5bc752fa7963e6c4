//! Experiments, those of rules and those of pages.

use super::super::bucket::equal_weights;
use super::super::payload::{Experiment, Meta};
use super::super::redirect::ChangeKind;
use super::change::changes;
use super::{Importer, Part, clean_key, filters, put, sound_range, unit, version};
use serde_json::{Map as JsonMap, Value as Json, json};
use splitlight_protocol::{Value, config};

impl Importer<'_> {
    /// An experiment that runs by itself on pages.
    pub(super) fn page_experiment(
        &mut self,
        pointer: &str,
        experiment: &Experiment,
    ) -> Part<JsonMap<String, Json>> {
        if experiment.change_kind() == ChangeKind::Unknown {
            return Err(("it changes nothing".to_owned(), "remove it"));
        }
        if experiment.manual == Some(true) {
            return Err(("it only runs when code asks for it".to_owned(), "make it a feature's rule"));
        }
        if experiment.url_patterns.as_ref().is_some_and(Vec::is_empty) {
            return Err(("it is for no page".to_owned(), "write a pattern"));
        }
        let mut written = self.experiment(pointer, experiment)?;
        let draft = experiment.status.as_deref() == Some("draft") || experiment.active == Some(false);
        let status = if draft { Some("draft") } else { experiment.status.as_deref() };
        put(&mut written, "status", status.filter(|status| *status != "running"));
        put(&mut written, "prerequisites", self.prerequisites(experiment.parent_conditions.as_deref())?);
        let page = |target: &super::super::UrlTarget| {
            let mut page = JsonMap::new();
            page.insert(if target.include { "include" } else { "exclude" }.to_owned(), json!(target.pattern));
            put(&mut page, "kind", Some(&target.kind).filter(|kind| *kind != "simple"));
            page
        };
        put(&mut written, "pages", experiment.url_patterns.iter().flatten().map(page).collect::<Vec<_>>());
        Ok(written)
    }

    /// What all experiments have: variations, and who gets which.
    pub(super) fn experiment(&mut self, pointer: &str, e: &Experiment) -> Part<JsonMap<String, Json>> {
        if e.force.is_some() {
            return Err(("everybody gets one variation".to_owned(), "use a feature or a personalization"));
        }
        if e.phase.is_some() {
            self.warn(pointer, "`phase` has no place here", "nothing: it decides nothing");
        }
        self.renamed(pointer, &e.key);
        let mut written = JsonMap::new();
        written.insert("key".to_owned(), json!(clean_key(&e.key)));
        put(&mut written, "name", &e.name);
        let seed = Some(e.seed()).filter(|seed| *seed != clean_key(&e.key));
        put(&mut written, "seed", seed);
        written.insert("hashVersion".to_owned(), json!(version(e.hash_version, 1)?));
        let own = unit(e.hash_attribute.as_deref())?;
        put(&mut written, "unit", Some(own).filter(|unit| *unit != config::UNIT));
        sticky(e, &mut written)?;
        put(&mut written, "when", self.condition(e.condition.as_ref())?);
        let shares = shares(e, &mut written)?;
        put(&mut written, "filters", layer(e, own)?);
        put(&mut written, "contexts", self.contexts(e)?);
        let mut variations = Vec::with_capacity(e.variations.len());
        for (at, value) in e.variations.iter().enumerate() {
            let weight = shares.as_ref().and_then(|shares| shares.get(at));
            variations.push(self.variation(pointer, e, at, value, weight)?);
        }
        written.insert("variations".to_owned(), json!(variations));
        Ok(written)
    }

    fn contexts(&mut self, e: &Experiment) -> Part<Vec<Json>> {
        let payload = self.payload;
        let name = e.contextual_bandit_ref.as_ref().filter(|_| e.ranges.is_none());
        let bandit = name.and_then(|name| payload.contextual_bandits.get(name));
        let mut all = Vec::new();
        for context in bandit.iter().flat_map(|bandit| &bandit.contexts) {
            let fit = context.weights.len() == e.variations.len()
                && (0.99..=1.01).contains(&context.weights.iter().sum::<f64>());
            let weights = if fit { context.weights.clone() } else { equal_weights(e.variations.len()) };
            let when = self.conditions.translate(context.condition.written())?;
            all.push(json!({ "leaf": context.leaf_id, "when": when, "weights": weights }));
        }
        Ok(all)
    }

    fn variation(
        &mut self,
        pointer: &str,
        e: &Experiment,
        at: usize,
        value: &Value,
        weight: Option<&f64>,
    ) -> Part<JsonMap<String, Json>> {
        let Meta { key, name, passthrough } =
            e.meta.as_ref().and_then(|meta| meta.get(at)).cloned().unwrap_or_default();
        if passthrough == Some(true) {
            self.warn(pointer, "visitors that go on to the next rule are not counted", "use a holdout");
        }
        let key = key.filter(|key| !key.is_empty()).unwrap_or_else(|| at.to_string());
        self.renamed(pointer, &key);
        let mut written = JsonMap::new();
        written.insert("key".to_owned(), json!(clean_key(&key)));
        put(&mut written, "name", name);
        put(&mut written, "weight", weight);
        if e.change_kind() == ChangeKind::Unknown {
            written.insert("value".to_owned(), json!(value));
            return Ok(written);
        }
        put(&mut written, "changes", changes(value)?);
        let to = value.at(&["urlRedirect"]).and_then(Value::as_str).filter(|to| !to.is_empty());
        let keep = e.persist_query_string == Some(true);
        put(&mut written, "redirect", to.map(|to| json!({ "to": to, "keepQuery": keep })));
        Ok(written)
    }
}

/// Filters, or the namespace, which is a filter with its own seed.
fn layer(e: &Experiment, own: &str) -> Part<Vec<Json>> {
    match (&e.filters, &e.namespace) {
        (None, Some((key, from, to))) => Ok(vec![json!({
            "seed": format!("__{key}"), "hashVersion": 1, "ranges": [sound_range(*from, *to)], "unit": own,
        })]),
        (written, _) => filters(written.as_deref()),
    }
}

/// What is kept of a visitor, when the payload says anything of it: whether an SDK keeps it is not in the payload.
fn sticky(e: &Experiment, written: &mut JsonMap<String, Json>) -> Part<()> {
    let asked =
        e.fallback_attribute.is_some() || e.bucket_version.is_some() || e.min_bucket_version.is_some();
    if !asked || e.disable_sticky_bucketing == Some(true) {
        return Ok(());
    }
    written.insert("sticky".to_owned(), json!(true));
    put(written, "fallbackUnit", e.fallback_attribute.as_deref().map(|name| unit(Some(name))).transpose()?);
    put(written, "bucketVersion", e.bucket_version);
    put(written, "minBucketVersion", e.min_bucket_version);
    Ok(())
}

/// Writes the coverage and gives the weights, or writes the ranges when weights cannot say the same.
fn shares(e: &Experiment, written: &mut JsonMap<String, Json>) -> Part<Option<Vec<f64>>> {
    let coverage = e.coverage.map(|coverage| coverage.clamp(0.0, 1.0)).filter(|coverage| *coverage < 1.0);
    put(written, "coverage", coverage);
    let fit = e.weights.as_ref().filter(|weights| weights.len() == e.variations.len());
    let exact = fit.filter(|weights| (weights.iter().sum::<f64>() - 1.0).abs() <= 0.001);
    let passes = |at: usize| e.meta.as_ref().and_then(|meta| meta.get(at)?.passthrough) == Some(true);
    let going_on = (0..e.variations.len()).any(passes);
    if e.ranges.is_none() && !going_on && (fit.is_none() || exact.is_some()) {
        return Ok(exact.cloned());
    }
    let mut ranges: Vec<[f64; 2]> = e.ranges().into_iter().map(|[from, to]| sound_range(from, to)).collect();
    // What has no range gets an empty one, and so does who goes on to the next rule.
    ranges.resize(e.variations.len(), [0.0, 0.0]);
    for at in (0..e.variations.len()).filter(|at| passes(*at)) {
        let [from, to] = std::mem::take(&mut ranges[at]);
        let overlaps = |[start, end]: &[f64; 2]| from.max(*start) < to.min(*end);
        if ranges[at..].iter().any(overlaps) || e.contextual_bandit_ref.is_some() {
            return Err(("its visitors go on to the next rule".to_owned(), "use a holdout"));
        }
    }
    written.insert("ranges".to_owned(), json!(ranges));
    Ok(None)
}
