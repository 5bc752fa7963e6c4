//! What is measured: metrics, funnels, KPIs, and what results are broken down by.

use super::schema::Key;
use crate::value::Value;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How a metric counts a visitor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum MetricKind {
    /// Converted or not.
    Proportion,
    /// The visitor's total.
    Mean,
    /// The visitors' total over the total of the `denominator`.
    Ratio,
    /// The value that a share `quantile` of the visitors who have one does not exceed.
    Quantile,
    /// Whether the visit of the exposure has a single `page_view`; events half an hour apart are of one visit.
    Bounce,
}

/// What a visitor's value is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Measure {
    /// How many events.
    #[default]
    Count,
    /// The sum of the events' values, in integer minor units.
    Value,
    /// The mean of the events' values, rounded towards zero.
    Average,
    /// The largest of the events' values.
    Largest,
}

/// Which way a metric should go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// More is better.
    #[default]
    Increase,
    /// Less is better.
    Decrease,
}

/// What is measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Metric {
    /// Unique among metrics.
    #[schemars(with = "Key")]
    pub key: String,
    /// For people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// How a visitor is counted.
    pub kind: MetricKind,
    /// The event that counts; `page_view` for opened pages, which a bounce need not say.
    #[schemars(with = "Key")]
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub event: String,
    /// Properties the event must have, by equality.
    #[serde(default, rename = "where", skip_serializing_if = "BTreeMap::is_empty")]
    pub filter: BTreeMap<String, Value>,
    /// What a visitor's value is, where it is no proportion.
    #[serde(default)]
    pub value: Measure,
    /// What a ratio divides by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub denominator: Option<Denominator>,
    /// The level of a quantile, such as 0.75.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quantile: Option<f64>,
    /// Which way is better.
    #[serde(default)]
    pub direction: Direction,
    /// How long after the exposure events begin to count, such as `7d` for retention.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delay: Option<String>,
    /// How long from then on an event counts, such as `14d`.
    #[serde(default = "window")]
    pub window: String,
    /// How long before the exposure the same events are looked at, to reduce the noise (CUPED), such as `14d`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lookback: Option<String>,
    /// The most that one visitor counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cap: Option<MetricCap>,
    /// As a guardrail: the loss, as a share of control, that has to be ruled out before anything is shipped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub margin: Option<f64>,
    /// ISO 4217 code when the value is money.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
}

/// What a ratio divides by, of the same visitors and within the same time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Denominator {
    /// The event that counts.
    #[schemars(with = "Key")]
    pub event: String,
    /// Properties the event must have, by equality.
    #[serde(default, rename = "where", skip_serializing_if = "BTreeMap::is_empty")]
    pub filter: BTreeMap<String, Value>,
    /// What a visitor's value is.
    #[serde(default)]
    pub value: Measure,
}

/// The most that one visitor counts: exactly one of the two.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MetricCap {
    /// In the unit of the values.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<i64>,
    /// The quantile of all visitors with a value other than 0, such as 0.99; read within 1 % when results are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub percentile: Option<f64>,
}

/// What results can be broken down by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Dimension {
    /// The country the visitor is in, as ISO 3166-1 alpha-2.
    Country,
    /// `mobile`, `tablet` or `desktop`.
    Device,
    /// The browser's family.
    Browser,
    /// How they came: `direct`, `search`, `social`, `email`, `paid` or `referral`.
    Source,
    /// `new` or `returning`.
    Visitor,
}

impl Dimension {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Country, Self::Device, Self::Browser, Self::Source, Self::Visitor];

    /// The name in configs and addresses.
    ///
    /// ```
    /// assert_eq!(splitlight_protocol::config::Dimension::Country.name(), "country");
    /// ```
    pub const fn name(self) -> &'static str {
        match self {
            Self::Country => "country",
            Self::Device => "device",
            Self::Browser => "browser",
            Self::Source => "source",
            Self::Visitor => "visitor",
        }
    }
}

/// Steps that visitors take one after another.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Funnel {
    /// Unique among funnels.
    #[schemars(with = "Key")]
    pub key: String,
    /// For people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// In their order, at least two.
    pub steps: Vec<FunnelStep>,
    /// How long after the first step the others count, such as `7d`.
    #[serde(default = "window")]
    pub window: String,
}

/// A step of a funnel.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FunnelStep {
    /// For people; the event's name when missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The event that takes the step; `page_view` for opened pages.
    #[schemars(with = "Key")]
    pub event: String,
    /// Properties the event must have, by equality.
    #[serde(default, rename = "where", skip_serializing_if = "BTreeMap::is_empty")]
    pub filter: BTreeMap<String, Value>,
}

/// A span of the calendar, in UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Period {
    /// A day.
    Day,
    /// A week, from Monday on.
    Week,
    /// A month.
    #[default]
    Month,
}

/// A number of the whole site, with a target.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Kpi {
    /// Unique among KPIs.
    #[schemars(with = "Key")]
    pub key: String,
    /// For people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The metric, of which windows do not matter here.
    #[schemars(with = "Key")]
    pub metric: String,
    /// Whether its total counts, or its mean over the visitors.
    #[serde(default)]
    pub per: KpiPer,
    /// Over which time.
    #[serde(default)]
    pub period: Period,
    /// What it should reach, or stay below where less is better; minor units, or a share.
    pub target: f64,
}

/// What of a metric a KPI is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum KpiPer {
    /// The total: conversions, or minor units.
    #[default]
    Total,
    /// The mean over the visitors of the period: a rate, or minor units.
    Visitor,
}

fn window() -> String {
    "14d".to_owned()
}
