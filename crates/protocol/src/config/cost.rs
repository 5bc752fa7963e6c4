//! What experiments and personalizations cost, so that a report can say whether they pay.

use super::metric::Period;
use super::schema::{Day, Key};
use crate::time::parse_date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A cost of an experiment or a personalization, or of all of them together.
///
/// Amounts are in the currency of the metric that says what it brings.
///
/// ```
/// use splitlight_protocol::config::{self, Period};
/// let parsed = config::parse(r#"{ "version": 1, "project": "shop",
///   "personalizations": [{ "key": "welcome", "value": 1 }],
///   "costs": [{ "key": "copy", "experiment": "welcome", "amount": 25000, "every": "month", "start": "2026-11-01" }] }"#);
/// assert_eq!(parsed.issues, []);
/// assert_eq!(parsed.config.costs[0].every, Some(Period::Month));
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Cost {
    /// Unique among costs.
    #[schemars(with = "Key")]
    pub key: String,
    /// For people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The experiment or personalization that it is for; without one it is for the project.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Key>")]
    pub experiment: Option<String>,
    /// How much, in integer minor units such as cents.
    #[schemars(range(min = 1, max = 1_000_000_000_000_000_i64))]
    pub amount: i64,
    /// How often; once when missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every: Option<Period>,
    /// The day of the first time, such as `2026-11-01`, in UTC; that of the first visitor when missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Day>")]
    pub start: Option<String>,
}

impl Cost {
    /// The most that one cost may be: what an event's value may be.
    pub const AMOUNT_MAX: i64 = 1_000_000_000_000_000;

    /// The day of the first time, in days since 1970, when it is written.
    ///
    /// ```
    /// use splitlight_protocol::config::Cost;
    /// let start = Some("1970-02-01".to_owned());
    /// let cost = Cost { key: "copy".into(), name: None, experiment: None, amount: 1, every: None, start };
    /// assert_eq!(cost.first_day(), Some(31));
    /// ```
    pub fn first_day(&self) -> Option<i32> {
        parse_date(self.start.as_deref()?)
    }
}
