//! A report of a day, a week or a month: what changed, what is decided, and whether it paid.

use super::{Headline, Verdict};
use crate::config::{Direction, KpiPer, Period, Status};
use schemars::JsonSchema;
use serde::Serialize;

/// `GET /v1/reports/{period}`. Money is in minor units of its `format`, days are in UTC.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// The project's key.
    pub project: String,
    /// Over which time.
    pub period: Period,
    /// Its first day, such as `2026-11-01`.
    pub date_start: String,
    /// Its last day.
    pub date_end: String,
    /// Whether it is over; otherwise the numbers are those until now.
    pub is_complete: bool,
    /// When the newest aggregate arrived, RFC 3339.
    pub date_updated: String,
    /// In the order of the config.
    pub kpis: Vec<KpiReport>,
    /// Every experiment that is not a draft, as it was when the period ended.
    pub experiments: Vec<ExperimentReport>,
    /// What paid, for every experiment and personalization with a cost.
    pub returns: Vec<Return>,
    /// The costs of no experiment until the period's end, in minor units.
    pub overhead: f64,
}

/// A KPI in the period and in the one before.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct KpiReport {
    /// The KPI's key.
    pub key: String,
    /// For people.
    pub name: String,
    /// The metric's key.
    pub metric_id: String,
    /// Which way is better.
    pub direction: Direction,
    /// What of the metric it is.
    pub per: KpiPer,
    /// What its numbers are.
    pub unit: Unit,
    /// ISO 4217 code when it is money.
    pub format: Option<String>,
    /// In the period.
    pub value: Option<f64>,
    /// In the period before.
    pub previous: Option<f64>,
    /// The difference of both.
    pub change: Option<f64>,
    /// The difference as a share of the period before; 0.1 is +10 %.
    pub percent_change: Option<f64>,
    /// Why a number is missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// What the numbers of a KPI are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Unit {
    /// A share of the visitors: 0.05 is 5 %.
    Share,
    /// Minor units of the KPI's `format`.
    Money,
    /// Visitors.
    Visitors,
    /// Events.
    Events,
    /// What the events' values are.
    Value,
}

/// An experiment as it was when the period ended.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExperimentReport {
    /// The experiment's key.
    pub key: String,
    /// For people.
    pub name: String,
    /// Where it is in its life now.
    pub status: Status,
    /// Visitors counted until the period's end.
    pub users: u64,
    /// Those of them that the period brought.
    pub users_gained: u64,
    /// Those that the period before brought.
    pub users_gained_before: u64,
    /// The difference of both as a share of the period before.
    pub percent_change: Option<f64>,
    /// The primary metric of the leading variation, until the period's end.
    pub primary: Option<Headline>,
    /// What to do, from what was counted until the period's end.
    pub verdict: Verdict,
}

/// What an experiment or personalization brought and cost until the period's end.
///
/// The benefit is the measured difference per visitor, times the visitors who met the variation while it was measured.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Return {
    /// The key of the experiment or personalization.
    pub key: String,
    /// For people.
    pub name: String,
    /// The metric of money that it is measured by.
    pub metric_id: Option<String>,
    /// ISO 4217 code of the money.
    pub format: Option<String>,
    /// The variation that is shipped, or else the one with the largest benefit, by key.
    pub variation: Option<String>,
    /// Visitors who met it.
    pub users: u64,
    /// The benefit; below 0 for a loss.
    pub benefit: Option<f64>,
    /// Lower end of its always-valid interval.
    pub benefit_low: Option<f64>,
    /// Upper end of its always-valid interval.
    pub benefit_high: Option<f64>,
    /// The costs.
    pub investment: f64,
    /// (benefit - investment) / investment; 0.5 is 50 %.
    pub roi: Option<f64>,
    /// The same with the lower end of the benefit.
    pub roi_low: Option<f64>,
    /// The same with the upper end of the benefit.
    pub roi_high: Option<f64>,
    /// Days in which a benefit like that of the period's new visitors pays the costs until then.
    pub payback_days: Option<f64>,
    /// Why a number is missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}
