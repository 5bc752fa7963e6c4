//! Features and prerequisites to their compiled form.

use super::item::hash_version;
use super::{Compiler, index};
use crate::feature::{Feature, Prerequisite, Rollout, Rule};
use crate::program::Item;
use splitlight_protocol::{Code, Issue, config};

impl Compiler<'_> {
    /// All features; experiments that exist only in a rule are added to the items.
    pub(super) fn features(&mut self, items: &mut Vec<Item>, experiments: &[(String, u32)]) -> Vec<Feature> {
        let config = self.config;
        let mut features = Vec::with_capacity(config.features.len());
        for (at, feature) in config.features.iter().enumerate() {
            let mut rules = Vec::with_capacity(feature.rules.len());
            for (number, rule) in feature.rules.iter().enumerate() {
                let base = format!("/features/{at}/rules/{number}");
                rules.extend(self.rule(&base, &feature.key, rule, items, experiments));
            }
            features.push(Feature { key: feature.key.clone(), default: feature.default.clone(), rules });
        }
        self.refuse_cycles(&features);
        features
    }

    /// A rule, unless it is not understood or its experiment is not live: the rules after it go on.
    fn rule(
        &mut self,
        base: &str,
        feature: &str,
        rule: &config::Rule,
        items: &mut Vec<Item>,
        experiments: &[(String, u32)],
    ) -> Option<Rule> {
        let window = self.window(base, rule.start.as_deref(), rule.end.as_deref());
        let when = self.when(base, rule.when.as_ref());
        let prerequisites = self.prerequisites(base, &rule.prerequisites);
        let item = match (&rule.experiment, &rule.run) {
            (Some(key), _) => Some(experiments.iter().find(|(known, _)| known == key)?.1),
            (None, Some(run)) => {
                let item = self.experiment(&format!("{base}/run"), run)?;
                items.push(item);
                Some(index(items.len() - 1))
            }
            (None, None) => None,
        };
        let whole = rule.range.is_none() && rule.coverage >= 1.0;
        let range = rule.range.map_or((0.0, rule.coverage), |[from, to]| (from, to));
        let rollout = (item.is_none() && !whole).then(|| Rollout {
            seed: rule.seed.clone().unwrap_or_else(|| feature.to_owned()),
            hash_version: hash_version(rule.hash_version),
            range,
        });
        let (start, end) = window?;
        Some(Rule {
            start,
            end,
            prerequisites,
            filters: self.filters(&rule.filters),
            when,
            unit: self.unit(&rule.unit),
            rollout,
            value: rule.value.clone().unwrap_or_default(),
            item,
        })
    }

    pub(super) fn prerequisites(
        &mut self,
        base: &str,
        written: &[config::Prerequisite],
    ) -> Vec<Prerequisite> {
        let config = self.config;
        let mut prerequisites = Vec::with_capacity(written.len());
        for (at, prerequisite) in written.iter().enumerate() {
            let here = format!("{base}/prerequisites/{at}");
            let feature = config.features.iter().position(|feature| feature.key == prerequisite.feature);
            if feature.is_none() {
                let reason = format!("there is no feature `{}`", prerequisite.feature);
                let issue = Issue::error(format!("{here}/feature"), reason, "add it to `features`");
                self.issues.push(issue.coded(Code::UnknownReference));
            }
            prerequisites.push(Prerequisite {
                // A feature that is not there closes, as an index beyond the last one.
                feature: feature.map_or(u32::MAX, index),
                when: self.when(&here, Some(&prerequisite.when)),
                gate: prerequisite.gate,
            });
        }
        prerequisites
    }

    /// Lists every feature that depends on itself; at run time such a feature is null.
    fn refuse_cycles(&mut self, features: &[Feature]) {
        for at in 0..features.len() {
            if reaches(features, at, at, &mut vec![false; features.len()]) {
                let reason = format!("the feature `{}` depends on itself", features[at].key);
                let pointer = format!("/features/{at}");
                let issue = Issue::error(pointer, reason, "remove one of the prerequisites");
                self.issues.push(issue.coded(Code::Cycle));
            }
        }
    }
}

/// Whether the prerequisites of a feature lead to another one.
fn reaches(features: &[Feature], from: usize, to: usize, seen: &mut [bool]) -> bool {
    let rules = features[from].rules.iter();
    let next = rules.flat_map(|rule| &rule.prerequisites).map(|prerequisite| prerequisite.feature as usize);
    next.filter(|next| *next < features.len()).any(|next| {
        next == to || (!core::mem::replace(&mut seen[next], true) && reaches(features, next, to, seen))
    })
}
