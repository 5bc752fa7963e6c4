//! Experiments, those of rules and those of pages.

use super::change::variation;
use super::{Exporter, Part, attribute, condition, filters, join, parents, put, unscheduled};
use serde_json::{Map as JsonMap, Value as Json, json};
use splitlight_protocol::config::{Experiment, Holdout, PageKind};

impl Exporter<'_> {
    /// An experiment with the values of its variations, or (`pages`) what they change.
    pub(super) fn experiment(&mut self, e: &Experiment, pages: bool) -> Part<JsonMap<String, Json>> {
        unscheduled(e.start.as_ref(), e.end.as_ref())?;
        let mut written = JsonMap::new();
        written.insert("key".to_owned(), json!(e.key));
        put(&mut written, "name", &e.name);
        put(&mut written, "seed", &e.seed);
        written.insert("hashVersion".to_owned(), json!(e.hash_version));
        written.insert("hashAttribute".to_owned(), json!(attribute(&e.unit)?));
        let fallback = e.fallback_unit.as_deref().map(attribute).transpose()?;
        put(&mut written, "fallbackAttribute", fallback);
        if e.sticky {
            written.insert("bucketVersion".to_owned(), json!(e.bucket_version));
            put(&mut written, "minBucketVersion", (e.min_bucket_version > 0).then_some(e.min_bucket_version));
        } else {
            written.insert("disableStickyBucketing".to_owned(), json!(true));
        }
        put(&mut written, "condition", e.when.as_ref().map(condition).transpose()?);
        put(&mut written, "parentConditions", parents(&e.prerequisites)?);
        self.shares(e, &mut written)?;
        let meta = e.variations.iter().map(|it| {
            let mut meta = JsonMap::new();
            meta.insert("key".to_owned(), json!(it.key));
            put(&mut meta, "name", &it.name);
            meta
        });
        written.insert("meta".to_owned(), json!(meta.collect::<Vec<_>>()));
        let variations =
            e.variations.iter().map(|it| if pages { variation(it) } else { Ok(json!(it.value)) });
        written.insert("variations".to_owned(), variations.collect::<Part<Json>>()?);
        if pages {
            page(e, &mut written);
        }
        Ok(written)
    }

    /// Who takes part, and the share of each variation.
    fn shares(&mut self, e: &Experiment, written: &mut JsonMap<String, Json>) -> Part<()> {
        put(written, "coverage", (e.coverage < 1.0).then_some(e.coverage));
        put(written, "ranges", &e.ranges);
        let weights = e.variations.iter().any(|it| it.weight.is_some()).then(|| e.weights());
        put(written, "weights", weights);
        put(written, "filters", filters(&e.filters, &e.unit)?);
        let layer = e.layer.iter().map(|layer| {
            let attribute = attribute(&e.unit)?;
            Ok(json!({ "seed": layer.key, "ranges": [layer.range], "hashVersion": 2, "attribute": attribute }))
        });
        join(written, "filters", &layer.collect::<Part<Vec<_>>>()?);
        let holdouts = self.config.holdouts.iter().filter(|holdout| !holdout.except.contains(&e.key));
        join(written, "filters", &holdouts.map(not_held_out).collect::<Part<Vec<_>>>()?);
        let contexts = e.contexts.iter().map(|context| {
            let condition = condition(&context.when)?;
            Ok(json!({ "leafId": context.leaf, "condition": condition, "weights": context.weights }))
        });
        let contexts = contexts.collect::<Part<Vec<Json>>>()?;
        if !contexts.is_empty() {
            written.insert("contextualBanditRef".to_owned(), json!(e.key));
            self.bandits.insert(e.key.clone(), json!({ "contexts": contexts }));
        }
        Ok(())
    }
}

/// On which pages it runs.
fn page(e: &Experiment, written: &mut JsonMap<String, Json>) {
    let patterns = e.pages.iter().map(|page| {
        let kind = match page.kind {
            PageKind::Simple => "simple",
            PageKind::Regex => "regex",
            PageKind::Exact => "exact",
        };
        let pattern = page.include.as_ref().or(page.exclude.as_ref());
        json!({ "include": page.include.is_some(), "type": kind, "pattern": pattern })
    });
    let patterns: Vec<Json> = patterns.collect();
    // A redirect without patterns never runs in GrowthBook.
    let everywhere = vec![json!({ "include": true, "type": "simple", "pattern": "*" })];
    put(written, "urlPatterns", if patterns.is_empty() { everywhere } else { patterns });
    let keeps = |redirect: &splitlight_protocol::config::Redirect| redirect.keep_query;
    let keep = e.variations.iter().filter_map(|it| it.redirect.as_ref()).any(keeps);
    put(written, "persistQueryString", keep.then_some(true));
    written.insert("changeId".to_owned(), json!(e.key));
}

/// A filter that lets in whom a holdout does not hold out.
fn not_held_out(holdout: &Holdout) -> Part<Json> {
    let attribute = attribute(&holdout.unit)?;
    let ranges = [[holdout.share, 1.0]];
    Ok(json!({ "seed": holdout.key, "ranges": ranges, "hashVersion": 2, "attribute": attribute }))
}
