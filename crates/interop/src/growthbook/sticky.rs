//! Sticky buckets: a visitor keeps the variation they met, also when weights and conditions change.

use super::bucket::Unit;
use super::context::StickyDocument;
use super::payload::Experiment;
use splitlight_protocol::Map;
use std::collections::BTreeMap;

/// Documents by `attribute||value`.
pub(super) type Documents = BTreeMap<String, StickyDocument>;

/// What is stored of a visitor for an experiment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Stored {
    /// The variation that they keep.
    pub(super) variation: Option<usize>,
    /// Whether they met a version that may not come back.
    pub(super) blocked: bool,
}

/// Reads the documents of the id and its fallback; the id's goes first.
pub(super) fn stored(documents: &Documents, attributes: &Map, experiment: &Experiment) -> Stored {
    let document = |attribute: Option<&str>| {
        Unit::of(attributes, attribute, None).and_then(|unit| documents.get(&name(&unit)))
    };
    // Without a fallback attribute an SDK reads the document of `id`.
    let fallback = document(experiment.fallback_attribute.as_deref());
    let own = document(experiment.hash_attribute.as_deref());
    let assignments = || own.into_iter().chain(fallback).flat_map(|document| &document.assignments);

    let oldest = experiment.min_bucket_version.unwrap_or(0);
    let version = |key: &str| key.strip_prefix(&experiment.key)?.strip_prefix("__")?.parse::<i64>().ok();
    if assignments().any(|(key, _)| version(key).is_some_and(|version| (0..oldest).contains(&version))) {
        return Stored { variation: None, blocked: true };
    }
    let key = assignment_key(experiment);
    let kept = assignments().find(|(stored, _)| **stored == key).map(|(_, variation)| variation);
    let meta = experiment.meta.iter().flatten();
    let variation = kept.and_then(|kept| meta.clone().position(|meta| meta.key.as_ref() == Some(kept)));
    Stored { variation, blocked: false }
}

/// Adds a variation to the document of the id that was really used.
pub(super) fn store(documents: &mut Documents, unit: &Unit, experiment: &Experiment, variation: &str) {
    let document = documents.entry(name(unit)).or_insert_with(|| StickyDocument {
        attribute_name: unit.attribute.clone(),
        attribute_value: unit.text.clone(),
        assignments: BTreeMap::new(),
    });
    document.assignments.insert(assignment_key(experiment), variation.to_owned());
}

fn assignment_key(experiment: &Experiment) -> String {
    format!("{}__{}", experiment.key, experiment.bucket_version.unwrap_or(0))
}

fn name(unit: &Unit) -> String {
    format!("{}||{}", unit.attribute, unit.text)
}
