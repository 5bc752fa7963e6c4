//! What is worth waking somebody for: thresholds, how bad they are, and what to do about them.

use super::schema::{Key, Share};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A threshold that is watched while experiments run.
///
/// Three are watched without being written: `sample-ratio`, `multiple-exposure` and `guardrail-harmed`. One that is written
/// under the same key takes the place of such a one, and is off with `"enabled": false`.
///
/// ```
/// use splitlight_protocol::config::{self, Trigger, Urgency};
/// let parsed = config::parse(r#"{ "version": 1, "project": "shop",
///   "metrics": [{ "key": "bought", "kind": "proportion", "event": "purchase" }],
///   "alerts": [{ "key": "few-buyers", "severity": "critical", "minUsers": 500,
///                "when": { "kind": "conversionBelow", "metric": "bought", "below": 0.02 } }] }"#);
/// assert_eq!(parsed.issues, []);
/// assert_eq!(parsed.config.alerts[0].severity, Urgency::Critical);
/// assert_eq!(config::Alert::standing(&parsed.config).len(), 4);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Alert {
    /// Unique among alerts.
    #[schemars(with = "Key")]
    pub key: String,
    /// When it fires.
    pub when: Trigger,
    /// How bad that is.
    #[serde(default)]
    pub severity: Urgency,
    /// Days that an experiment has to run before it can fire.
    #[serde(default)]
    pub min_days: u32,
    /// Visitors that an experiment has to have before it can fire.
    #[serde(default = "users_min")]
    pub min_users: u64,
    /// What to do, for people; a text of ours when missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
    /// Whether it is watched.
    #[serde(default = "yes")]
    pub enabled: bool,
}

/// When an alert fires.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase", deny_unknown_fields)]
pub enum Trigger {
    /// The mean of a metric over all visitors of an experiment is below a target.
    ConversionBelow {
        /// The metric.
        metric: String,
        /// A rate, or minor units per visitor.
        below: f64,
        /// Only of this experiment; of all that have the metric when missing.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        experiment: Option<String>,
    },
    /// A guardrail is surely worse in a variation than in control.
    GuardrailHarmed {},
    /// The visitors did not fall on the variations as the weights say.
    SampleRatio {},
    /// Too many visitors met more than one variation.
    MultipleExposure {
        /// Their share of all visitors.
        #[serde(default = "one_percent")]
        #[schemars(with = "Share")]
        above: f64,
    },
    /// Too many exposures are ones that the hash does not give, so that they do not count.
    IngestErrors {
        /// Their share of all exposures.
        #[serde(default = "five_percent")]
        #[schemars(with = "Share")]
        above: f64,
    },
    /// Nothing was counted for hours although an experiment runs.
    NoData {
        /// How many hours.
        #[serde(default = "a_day")]
        hours: u32,
    },
}

/// How bad an alert is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Urgency {
    /// Worth knowing.
    Info,
    /// To be looked at within days.
    #[default]
    Warning,
    /// To be looked at now.
    Critical,
}

impl Alert {
    /// The alerts that are watched: those of the config, and of the three that need not be written those that are not.
    pub fn standing(config: &super::Config) -> Vec<Self> {
        let own = [
            ("sample-ratio", Trigger::SampleRatio {}, Urgency::Critical),
            ("multiple-exposure", Trigger::MultipleExposure { above: one_percent() }, Urgency::Warning),
            ("guardrail-harmed", Trigger::GuardrailHarmed {}, Urgency::Critical),
        ];
        let written = |key: &str| config.alerts.iter().any(|alert| alert.key == key);
        let own = own.into_iter().filter(|(key, ..)| !written(key)).map(|(key, when, severity)| Self {
            key: key.to_owned(),
            when,
            severity,
            min_days: 0,
            min_users: users_min(),
            action: None,
            enabled: true,
        });
        own.chain(config.alerts.iter().filter(|alert| alert.enabled).cloned()).collect()
    }

    /// What to do about it.
    ///
    /// ```
    /// use splitlight_protocol::config::{Alert, Config};
    /// assert!(Alert::standing(&Config::default())[0].advice().starts_with("Do not trust"));
    /// ```
    pub fn advice(&self) -> &str {
        let own = match &self.when {
            Trigger::ConversionBelow { .. } => "Look at what changed on the pages before the conversion.",
            Trigger::GuardrailHarmed {} => "Stop the experiment, or drop the variation that does harm.",
            Trigger::SampleRatio {} => {
                "Do not trust the numbers before it is known why a variation loses visitors."
            }
            Trigger::MultipleExposure { .. } => {
                "Look for ids that change, and for pages that force a variation."
            }
            Trigger::IngestErrors { .. } => "Look for pages with an old script or a config of their own.",
            Trigger::NoData { .. } => {
                "Look whether the script is still on the pages, and whether its key still holds."
            }
        };
        self.action.as_deref().unwrap_or(own)
    }
}

fn users_min() -> u64 {
    100
}

fn yes() -> bool {
    true
}

fn one_percent() -> f64 {
    0.01
}

fn five_percent() -> f64 {
    0.05
}

fn a_day() -> u32 {
    24
}
