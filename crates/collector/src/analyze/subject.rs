//! What is analyzed: an experiment, or a personalization seen as one.

use crate::plan::PERSONALIZATION;
use splitlight_protocol::config::{Analysis, Config, Experiment, Personalization, Status};
use splitlight_protocol::results::Role;

/// An experiment, or a personalization seen as one.
pub(super) struct Subject<'a> {
    pub(super) key: &'a str,
    pub(super) name: &'a str,
    pub(super) status: Status,
    pub(super) start: Option<&'a str>,
    pub(super) end: Option<&'a str>,
    pub(super) confidence: f64,
    pub(super) sample_size: u64,
    /// Control first.
    pub(super) variations: Vec<Variation<'a>>,
    /// Metric keys, each once, the deciding one first.
    pub(super) roles: Vec<(&'a str, Role)>,
    pub(super) is_personalization: bool,
}

pub(super) struct Variation<'a> {
    pub(super) key: &'a str,
    pub(super) name: &'a str,
    pub(super) weight: f64,
}

impl<'a> Subject<'a> {
    pub(super) fn find(config: &'a Config, key: &str) -> Option<Self> {
        let experiment = config.experiments.iter().find(|experiment| experiment.key == key);
        let rule = config.personalizations.iter().find(|rule| rule.key == key);
        let subject = match (experiment, rule) {
            (Some(experiment), _) => Self::experiment(experiment),
            (None, Some(rule)) => Self::personalization(config, rule),
            (None, None) => return None,
        };
        (subject.status != Status::Draft).then_some(subject)
    }

    fn experiment(experiment: &'a Experiment) -> Self {
        let named = &experiment.metrics;
        let mut roles: Vec<(&str, Role)> = Vec::new();
        let first = named.primary.iter().map(|key| (key, Role::Primary));
        let second = named.secondary.iter().map(|key| (key, Role::Secondary));
        let guards = named.guardrails.iter().map(|key| (key, Role::Guardrail));
        for (key, role) in first.chain(second).chain(guards) {
            if !roles.iter().any(|(known, _)| known == key) {
                roles.push((key, role));
            }
        }
        let variations = experiment.variations.iter().zip(experiment.weights());
        Self {
            key: &experiment.key,
            name: experiment.name.as_deref().unwrap_or(&experiment.key),
            status: experiment.status,
            start: experiment.start.as_deref(),
            end: experiment.end.as_deref(),
            confidence: experiment.analysis.confidence,
            sample_size: experiment.analysis.sample_size,
            variations: variations
                .map(|(written, weight)| Variation {
                    key: &written.key,
                    name: written.name.as_deref().unwrap_or(&written.key),
                    weight,
                })
                .collect(),
            roles,
            is_personalization: false,
        }
    }

    fn personalization(config: &'a Config, rule: &'a Personalization) -> Self {
        let Analysis { confidence, sample_size, .. } = Analysis::default();
        let [holdout, shown] = PERSONALIZATION;
        let roles = config.metrics.iter().enumerate().map(|(index, metric)| {
            (metric.key.as_str(), if index == 0 { Role::Primary } else { Role::Secondary })
        });
        Self {
            key: &rule.key,
            name: rule.name.as_deref().unwrap_or(&rule.key),
            status: rule.status,
            start: rule.start.as_deref(),
            end: rule.end.as_deref(),
            confidence,
            sample_size,
            variations: vec![
                Variation { key: holdout, name: "Holdout", weight: rule.holdout },
                Variation { key: shown, name: "Shown", weight: 1.0 - rule.holdout },
            ],
            roles: roles.collect(),
            is_personalization: true,
        }
    }
}
