//! A record of what a decision was made from, so that it can be made again.

use crate::{Consent, Map, Timestamp};
use serde::{Deserialize, Serialize};

/// Everything one page view's decisions were made from.
///
/// It is made on the device or at the edge and goes nowhere by itself: a person attaches it to a report.
///
/// ```
/// let record: splitlight_protocol::record::Record = serde_json::from_str(
///     r#"{ "config": "3f2a", "now": 0, "id": "v-1", "url": "https://shop.test/", "consent": "granted" }"#,
/// )?;
/// assert_eq!(record.history, None, "not known, as at the edge");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Record {
    /// Hash of the config version that decided.
    pub config: String,
    /// When, in milliseconds since 1970.
    pub now: Timestamp,
    /// The visitor's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The signed-in person's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Everything conditions could ask about.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub attributes: Map,
    /// The device's history as hexadecimal bytes; missing where it was not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub history: Option<String>,
    /// The audiences that the device had said the visitor was in; missing where it had not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub segments: Option<Vec<u32>>,
    /// The page's address.
    pub url: String,
    /// What the visitor had agreed to.
    pub consent: Consent,
    /// Whether it was a machine that says so.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub bot: bool,
    /// Variations that the device kept.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub sticky: String,
    /// How many minutes the visitor's clock was ahead of UTC, when that was known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub utc_offset: Option<i32>,
    /// Whether the site's own attributes and the user were still to come, as at the edge.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub partial: bool,
    /// What a preview link asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub forced: Vec<(String, String)>,
}
