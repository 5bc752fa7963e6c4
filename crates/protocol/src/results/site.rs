//! Results over time, and of the whole site.

use crate::config::{Direction, KpiPer, Period};
use schemars::JsonSchema;
use serde::Serialize;

/// `GET /v1/experiments/{key}/timeseries`: the results as they were at the end of every day.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Timeseries {
    /// The experiment's key.
    pub id: String,
    /// When the newest aggregate arrived, RFC 3339.
    pub date_updated: String,
    /// The days from the first visitor's on, in order.
    pub days: Vec<Day>,
}

/// The results as they were at the end of a day, in UTC.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Day {
    /// The day, such as `2026-11-01`.
    pub date: String,
    /// Visitors counted until then, by variation.
    pub users: Vec<u64>,
    /// The metrics, primary first.
    pub metrics: Vec<DayMetric>,
}

/// A metric until the end of a day.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DayMetric {
    /// The metric's key.
    pub metric_id: String,
    /// The variations, control first.
    pub variations: Vec<DayVariation>,
}

/// A metric in a variation until the end of a day, with its always-valid interval.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DayVariation {
    /// Index of the variation.
    pub variation_id: String,
    /// Rate, mean or ratio.
    pub mean: f64,
    /// Lift over control.
    pub percent_change: Option<f64>,
    /// Lower end of its interval.
    pub ci_low: Option<f64>,
    /// Upper end of its interval.
    pub ci_high: Option<f64>,
    /// Always-valid p-value.
    pub p_value: Option<f64>,
}

/// `GET /v1/funnels/{key}`.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FunnelResults {
    /// The funnel's key.
    pub key: String,
    /// For people.
    pub name: String,
    /// When the newest aggregate arrived, RFC 3339.
    pub date_updated: String,
    /// Everybody on the site.
    pub steps: Vec<StepResults>,
    /// The visitors of an experiment from their exposure on, by variation, when one was asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub variations: Vec<FunnelVariation>,
}

/// A funnel in one variation.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FunnelVariation {
    /// Index of the variation.
    pub variation_id: String,
    /// The variation's key.
    pub key: String,
    /// Visitors counted.
    pub users: u64,
    /// The steps.
    pub steps: Vec<StepResults>,
}

/// A step of a funnel.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StepResults {
    /// For people.
    pub name: String,
    /// Visitors who took it, in order.
    pub users: u64,
    /// Their share of those who took the step before; 1 for the first.
    pub rate: Option<f64>,
    /// Those who took the step before and not this one.
    pub dropped: u64,
    /// Their share of those who took the first step.
    pub rate_of_first: Option<f64>,
}

/// `GET /v1/kpis`.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct KpiList {
    /// When the newest aggregate arrived, RFC 3339.
    pub date_updated: String,
    /// In the order of the config.
    pub kpis: Vec<KpiResults>,
}

/// A KPI and how it stands.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct KpiResults {
    /// The KPI's key.
    pub key: String,
    /// For people.
    pub name: String,
    /// The metric's key.
    pub metric_id: String,
    /// Which way is better.
    pub direction: Direction,
    /// Over which time.
    pub period: Period,
    /// What of the metric it is.
    pub per: KpiPer,
    /// What it should reach, or stay below.
    pub target: f64,
    /// The periods that have a number, in order; the last one is still running.
    pub periods: Vec<KpiPeriod>,
    /// Whether the running period has reached the target, or is still below it where less is better.
    pub is_on_target: bool,
}

/// A KPI in one period.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct KpiPeriod {
    /// The first day.
    pub date: String,
    /// Visitors of the site.
    pub users: u64,
    /// The KPI; `None` for a mean without visitors.
    pub value: Option<f64>,
    /// The share of the target that is reached.
    pub progress: Option<f64>,
}

/// `GET /v1/cohorts`.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CohortTable {
    /// When the newest aggregate arrived, RFC 3339.
    pub date_updated: String,
    /// By the week in which visitors were first seen, in order.
    pub cohorts: Vec<Cohort>,
}

/// The visitors who were first seen in a week.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Cohort {
    /// The week's Monday.
    pub week: String,
    /// How many of them came in that week, the next one, and so on.
    pub users: Vec<u64>,
    /// The same as shares of the first number.
    pub shares: Vec<f64>,
}
