//! How an experiment is analyzed, declared before it starts.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How an experiment is analyzed, declared before it starts.
///
/// ```
/// let analysis = splitlight_protocol::config::Analysis::default();
/// assert_eq!((analysis.confidence, analysis.sample_size, analysis.auto_stop), (0.95, 10_000, false));
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Analysis {
    /// Confidence of the intervals, above 0.5 and below 1.
    #[serde(default = "confidence")]
    pub confidence: f64,
    /// Planned visitors over all variations; the always-valid interval is tightest there.
    #[serde(default = "sample_size")]
    pub sample_size: u64,
    /// Whether the verdict ends the experiment: it ships a winner, and stops what does harm, what proves nothing until the
    /// planned visitors are in, and a broken split. No belief, such as a chance to win, ends anything.
    #[serde(default)]
    pub auto_stop: bool,
    /// How often `autoStop` looks until the planned visitors are in: each time the same part of them came in.
    #[serde(default = "looks")]
    pub looks: u32,
    /// How planned looks spend the rate of false alarms. Without it every look is always valid, however many there are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spending: Option<Spending>,
    /// Days before `autoStop` ships anything, 7 when missing: a whole week.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub days_min: Option<u32>,
    /// Visitors of each variation before `autoStop` decides anything, 100 when missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub visitors_min: Option<u64>,
}

/// How planned looks spend the rate of false alarms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Spending {
    /// Next to nothing early.
    ObrienFleming,
    /// About the same at every look.
    Pocock,
}

impl Default for Analysis {
    fn default() -> Self {
        Self {
            confidence: confidence(),
            sample_size: sample_size(),
            auto_stop: false,
            looks: looks(),
            spending: None,
            days_min: None,
            visitors_min: None,
        }
    }
}

fn confidence() -> f64 {
    0.95
}

fn sample_size() -> u64 {
    10_000
}

/// One a day for two weeks, where traffic is even.
fn looks() -> u32 {
    14
}
