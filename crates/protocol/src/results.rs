//! The results as the API answers them: a superset of GrowthBook's field names.

mod report;
mod site;

pub use report::{ExperimentReport, KpiReport, Report, Return, Unit};
pub use site::{
    Cohort, CohortTable, Day, DayMetric, DayVariation, FunnelResults, FunnelVariation, KpiList, KpiPeriod,
    KpiResults, StepResults, Timeseries,
};

use crate::config::{Dimension, Direction, MetricKind, Status};
use schemars::JsonSchema;
use serde::Serialize;

/// `GET /v1/experiments`.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExperimentList {
    /// When the newest aggregate arrived, RFC 3339.
    pub date_updated: String,
    /// Every experiment of the config that is not a draft.
    pub experiments: Vec<ExperimentSummary>,
    /// What came in beside the results.
    pub intake: Intake,
    /// Where the next page begins, when there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

/// What came in and is in no result, over all days.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Intake {
    /// Exposures that the hash does not give.
    pub quarantined: u64,
    /// Events of machines: by their user agent, or steered by a program.
    pub bots: u64,
    /// Events that browsers could not keep and said so.
    pub dropped: u64,
}

/// One line of [`ExperimentList`].
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExperimentSummary {
    /// The experiment's key.
    pub key: String,
    /// For people.
    pub name: String,
    /// Where it is in its life.
    pub status: Status,
    /// First moment as written in the config.
    pub date_start: Option<String>,
    /// Last moment as written in the config.
    pub date_end: Option<String>,
    /// Visitors counted.
    pub users: u64,
    /// The primary metric of the leading variation.
    pub primary: Option<Headline>,
    /// What to do.
    pub verdict: Verdict,
    /// Whether the traffic split is as planned.
    pub srm: Srm,
}

/// The primary metric of the leading variation.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Headline {
    /// The metric's key.
    pub metric_id: String,
    /// Index of the variation.
    pub variation_id: String,
    /// Lift over control; 0.1 is +10 %.
    pub percent_change: Option<f64>,
    /// Lower end of its always-valid interval.
    pub ci_low: Option<f64>,
    /// Upper end of its always-valid interval.
    pub ci_high: Option<f64>,
    /// Always-valid p-value.
    pub p_value: Option<f64>,
}

/// `GET /v1/experiments/{key}/results`.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExperimentResults {
    /// The experiment's key.
    pub id: String,
    /// The experiment's key, under GrowthBook's name.
    pub experiment_id: String,
    /// For people.
    pub name: String,
    /// Where it is in its life.
    pub status: Status,
    /// When the newest aggregate arrived, RFC 3339.
    pub date_updated: String,
    /// First moment as written in the config.
    pub date_start: Option<String>,
    /// Last moment as written in the config.
    pub date_end: Option<String>,
    /// How it was analyzed.
    pub settings: Settings,
    /// The variations, control first.
    pub variations: Vec<VariationTraffic>,
    /// Visitors counted, over all variations.
    pub total_users: u64,
    /// Whether the numbers can be trusted.
    pub checks: Checks,
    /// What to do.
    pub verdict: Verdict,
    /// One entry per dimension value; the first, `""`, is everybody.
    pub results: Vec<DimensionResults>,
}

/// How an experiment was analyzed.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Settings {
    /// Confidence of the intervals.
    pub confidence: f64,
    /// Planned visitors.
    pub sample_size: u64,
    /// The method the verdict goes by.
    pub method: Method,
    /// What the results can be broken down by.
    pub dimensions: Vec<Dimension>,
}

/// A variation and its traffic.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct VariationTraffic {
    /// Index of the variation.
    pub variation_id: String,
    /// The variation's key.
    pub key: String,
    /// For people.
    pub name: String,
    /// Planned share.
    pub weight: f64,
    /// Visitors counted.
    pub users: u64,
}

/// Whether the numbers can be trusted.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Checks {
    /// p-value of the sample-ratio test.
    pub srm: Option<f64>,
    /// What it means.
    pub srm_status: SrmStatus,
    /// Visitors seen in more than one variation; they are excluded.
    pub multiple_exposures: u64,
    /// Exposures that the hash does not give; they are excluded.
    pub quarantined: u64,
}

/// Whether the traffic split is as planned.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Srm {
    /// p-value of the chi-square test.
    pub p_value: Option<f64>,
    /// What it means.
    pub status: SrmStatus,
}

/// What the sample-ratio test says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SrmStatus {
    /// The split is compatible with the plan.
    Ok,
    /// It is not: do not trust the results before the cause is known.
    Mismatch,
    /// Too few visitors to say.
    Insufficient,
}

/// What to do with an experiment.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Verdict {
    /// In a word.
    pub kind: VerdictKind,
    /// The variation it is about, by key.
    pub variation: Option<String>,
    /// Why, in a word for programs, such as `winner`, `harm` or `brokenSplit`.
    pub code: String,
    /// Why, as a sentence.
    pub reason: String,
}

/// What to do, in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum VerdictKind {
    /// Let it run.
    Continue,
    /// A variation is better than control.
    Ship,
    /// A variation does harm, or the numbers cannot be trusted.
    Stop,
    /// The planned sample is in and shows no difference.
    Inconclusive,
}

/// The metrics within one value of a dimension.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DimensionResults {
    /// The value, `""` for everybody.
    pub dimension: String,
    /// Visitors counted.
    pub total_users: u64,
    /// Whether the numbers can be trusted.
    pub checks: DimensionChecks,
    /// The metrics, primary first.
    pub metrics: Vec<MetricResults>,
}

/// GrowthBook's place for the sample-ratio p-value.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct DimensionChecks {
    /// p-value of the sample-ratio test.
    pub srm: Option<f64>,
}

/// One metric over all variations.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MetricResults {
    /// The metric's key.
    pub metric_id: String,
    /// For people.
    pub metric_name: String,
    /// How it counts a visitor.
    pub kind: MetricKind,
    /// Which say it has.
    pub role: Role,
    /// Which way is better.
    pub direction: Direction,
    /// ISO 4217 code when it is money.
    pub format: Option<String>,
    /// The variations, control first.
    pub variations: Vec<VariationResults>,
}

/// Which say a metric has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Decides.
    Primary,
    /// Shown.
    Secondary,
    /// Must not get worse.
    Guardrail,
}

/// One metric in one variation.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct VariationResults {
    /// Index of the variation.
    pub variation_id: String,
    /// The variation's key.
    pub variation_name: String,
    /// Visitors counted.
    pub users: u64,
    /// One per method, the deciding one first.
    pub analyses: Vec<Analysis>,
    /// The deciding method without the metric's cap, to see what it hides.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uncapped: Option<Analysis>,
}

/// How a comparison with control was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// Stays right however often people look.
    AlwaysValid,
    /// Right when people look once, at the planned end.
    Welch,
    /// Right at planned looks, of which the present one is taken for the first.
    GroupSequential,
    /// What to believe, whatever was believed before; it never decides.
    Bayesian,
}

impl Method {
    /// All of them, the deciding one first.
    pub const ALL: [Self; 4] = [Self::AlwaysValid, Self::Welch, Self::GroupSequential, Self::Bayesian];

    /// The name in addresses.
    ///
    /// ```
    /// assert_eq!(splitlight_protocol::results::Method::AlwaysValid.name(), "always-valid");
    /// ```
    pub const fn name(self) -> &'static str {
        match self {
            Self::AlwaysValid => "always-valid",
            Self::Welch => "welch",
            Self::GroupSequential => "group-sequential",
            Self::Bayesian => "bayesian",
        }
    }
}

/// What can be said about the lift.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LiftStatus {
    /// This is control.
    Control,
    /// The interval has two ends.
    Bounded,
    /// Control's mean may be zero within the noise, so the relative interval has no ends; the absolute one has.
    Unbounded,
    /// Control's mean is zero: there is no relative change; the absolute one stands.
    Undefined,
    /// Too few visitors to compare.
    Insufficient,
}

/// A comparison with control.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "AnalysisResults")]
pub struct Analysis {
    /// `frequentist` or `bayesian`; GrowthBook's name.
    pub engine: &'static str,
    /// How the comparison was made.
    pub method: Method,
    /// Sum over the visitors: conversions, or minor units.
    pub numerator: f64,
    /// Visitors, or the sum that a ratio divides by.
    pub denominator: f64,
    /// Rate, mean, ratio or quantile.
    pub mean: f64,
    /// Standard deviation over visitors.
    pub stddev: f64,
    /// Lift over control; 0.1 is +10 %.
    pub percent_change: Option<f64>,
    /// Lower end of its interval.
    pub ci_low: Option<f64>,
    /// Upper end of its interval.
    pub ci_high: Option<f64>,
    /// What can be said about the lift.
    pub lift_status: LiftStatus,
    /// p-value of the difference, the same for the absolute and the relative view.
    pub p_value: Option<f64>,
    /// Difference of the means.
    pub difference: Option<f64>,
    /// Lower end of its interval.
    pub difference_low: Option<f64>,
    /// Upper end of its interval.
    pub difference_high: Option<f64>,
    /// The chance that the variation is better, of the method `bayesian`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chance_to_beat_control: Option<f64>,
    /// The expected loss of keeping control and of shipping, in the unit of the mean, of the method `bayesian`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub risk: Option<[f64; 2]>,
}
