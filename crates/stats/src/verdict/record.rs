//! Everything a verdict is made from: what was declared before the start, and what was counted since.

use serde::{Deserialize, Serialize};

use crate::sample_ratio::MISMATCH_P_VALUE;
use crate::{Capped, Direction, Moments, PairMoments, Quantile, RatioMoments};

/// What was declared and what was counted: the same record gives the same verdict, bit by bit, whenever and wherever.
///
/// ```
/// use splitlight_stats::verdict::{Record, Verdict};
///
/// let record: Record = serde_json::from_str(r#"{
///     "plan": { "visitors": 20000, "method": "alwaysValid" },
///     "days": 9,
///     "variations": [{ "key": "control", "visitors": 6010 }, { "key": "bold", "visitors": 5990 }],
///     "metrics": [{ "key": "bought", "role": "primary", "kind": "proportion", "variations": [
///         { "n": 6010, "sum": 300, "sumSquares": 300 }, { "n": 5990, "sum": 420, "sumSquares": 420 }] }]
/// }"#)?;
/// assert_eq!(record.decide().verdict, Verdict::Ship { variation: "bold".into() });
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Record {
    /// Declared before the start.
    pub plan: Plan,
    /// Days since the start.
    #[serde(default)]
    pub days: f64,
    /// Visitors of all variations at each look of planned looks so far, this one included; the present number alone when
    /// empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub looks: Vec<f64>,
    /// Control first.
    pub variations: Vec<Variation>,
    /// The metrics, of which one is primary.
    pub metrics: Vec<Metric>,
}

/// What was declared before the start.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Plan {
    /// Confidence of all comparisons of a metric together, 0.5 to below 1.
    #[serde(default = "confidence")]
    pub confidence: f64,
    /// How often one may look.
    #[serde(default)]
    pub method: PlannedMethod,
    /// Visitors of all variations after which the experiment ends.
    pub visitors: f64,
    /// Days before which nothing is shipped, so that a whole week is in.
    #[serde(default)]
    pub days_min: f64,
    /// Visitors of each variation before which nothing is decided.
    #[serde(default)]
    pub visitors_min: u64,
    /// A split less likely than this is broken.
    #[serde(default = "split_p_value_min")]
    pub split_p_value_min: f64,
}

/// How often one may look.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum PlannedMethod {
    /// Once, when all planned visitors are in.
    Welch,
    /// Always.
    #[default]
    AlwaysValid,
    /// At looks that do not depend on what was seen, with the false positive rate spent over them.
    GroupSequential(Spending),
}

/// How planned looks spend the false positive rate; see [`crate::group_sequential::Spending`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Spending {
    /// Next to nothing early.
    OBrienFleming,
    /// About the same at every look.
    Pocock,
    /// `alpha t^phi`.
    Power(f64),
    /// Hwang, Shih and De Cani's, with `gamma`.
    HwangShihDeCani(f64),
}

/// A variation and who met it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Variation {
    /// Its key.
    pub key: String,
    /// Its planned part of the traffic, in any unit.
    #[serde(default = "one")]
    pub weight: f64,
    /// Visitors counted.
    pub visitors: u64,
}

/// A metric and what was counted of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Metric {
    /// Its key.
    pub key: String,
    /// What it has to say.
    #[serde(default)]
    pub role: Role,
    /// Which way is better.
    #[serde(default)]
    pub direction: Direction,
    /// Of a guardrail: the loss, as a share of the control mean, that is surely not reached before anything is shipped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub margin: Option<f64>,
    /// What was counted, control first.
    #[serde(flatten)]
    pub values: Values,
}

/// What a metric has to say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// It decides.
    Primary,
    /// It is shown.
    #[default]
    Secondary,
    /// It must not get worse.
    Guardrail,
}

/// What was counted of a metric, one entry per variation, control first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "variations", rename_all = "camelCase")]
pub enum Values {
    /// Converted or not: conversions, retention, steps of a funnel.
    Proportion(Vec<Moments>),
    /// A number per visitor: counts, revenue.
    Mean(Vec<Moments>),
    /// A number per visitor under a cap, and without.
    Capped(Vec<Capped>),
    /// A ratio of two numbers per visitor.
    Ratio(Vec<PairMoments>),
    /// Converted or not, adjusted by whether the visitor did before the exposure.
    AdjustedProportion(Vec<PairMoments>),
    /// A number per visitor, adjusted by a number known before the exposure.
    AdjustedMean(Vec<PairMoments>),
    /// A ratio, adjusted by the same before the exposure.
    AdjustedRatio(Vec<RatioMoments>),
    /// A quantile.
    Quantile(Vec<Quantile>),
}

fn confidence() -> f64 {
    0.95
}

fn split_p_value_min() -> f64 {
    MISMATCH_P_VALUE
}

fn one() -> f64 {
    1.0
}
