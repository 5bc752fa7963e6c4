//! The config: what people write in `splitlight.json`.
//!
//! [`parse`] reads a document without ever losing the whole of it: an item that cannot be understood becomes an
//! [`Issue`](crate::Issue) and is left out, the others run.
//!
//! ```
//! let parsed = splitlight_protocol::config::parse(r#"{
//!   "version": 1, "project": "shop",
//!   "experiments": [{ "key": "hero", "variations": [{ "key": "control" }, { "key": "bold", "wieght": 0.5 }] }]
//! }"#);
//! assert_eq!(parsed.config.experiments.len(), 0);
//! assert_eq!(parsed.issues[0].pointer, "/experiments/0/variations/1/wieght");
//! assert_eq!(parsed.issues[0].fix, "did you mean `weight`?");
//! ```

mod alert;
mod analysis;
mod change;
mod check;
mod cost;
mod declared;
mod feature;
mod metric;
mod notify;
mod read;
mod schema;
mod score;
mod targeting;

pub use alert::{Alert, Trigger, Urgency};
pub use analysis::{Analysis, Spending};
pub use change::{AttributeChange, Change, ClassChange, Edit, InsertChange, MoveChange, Position};
pub use cost::Cost;
pub use declared::{DeclaredEvent, EventValue, On};
pub use feature::{Feature, Rule};
pub use metric::{
    Denominator, Dimension, Direction, Funnel, FunnelStep, Kpi, KpiPer, Measure, Metric, MetricCap,
    MetricKind, Period,
};
pub use notify::{Topic, Webhook};
pub use read::{Parsed, parse};
pub(crate) use schema::Plain;
pub use schema::schema;
use schema::{Condition, HashVersion, Key, Share};
pub use score::{
    Affinity, Engagement, EventPoints, FitPoints, Gbt, Logistic, Model, ModelFeature, Score, Tiers, Tree,
};
use targeting::default_unit;
pub use targeting::{Cap, CapSpan, Filter, Holdout, Prerequisite, UNIT, UNIT_USER, WeightContext};

use crate::value::Value;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A whole project: audiences, experiments, personalizations and metrics.
#[derive(Clone, Debug, Default, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(deny_unknown_fields, transform = schema::document)]
pub struct Config {
    /// The version of the document's format, 1.
    #[schemars(extend("const" = 1))]
    pub version: u32,
    /// The project's key.
    #[schemars(with = "Key")]
    pub project: String,
    /// IANA name of the zone in which dates without an offset are read.
    #[schemars(default)]
    pub timezone: String,
    /// Conditions with a name.
    #[schemars(default)]
    pub audiences: Vec<Audience>,
    /// A/B tests.
    #[schemars(default)]
    pub experiments: Vec<Experiment>,
    /// Rules that change the page for some visitors.
    #[schemars(default)]
    pub personalizations: Vec<Personalization>,
    /// Values that the site's own code asks for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(default)]
    pub features: Vec<Feature>,
    /// Shares of all units that see nothing of the above.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(default)]
    pub holdouts: Vec<Holdout>,
    /// Numbers about a visitor that conditions ask for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(default)]
    pub scores: Vec<Score>,
    /// Events that the browser makes by itself.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(default)]
    pub events: Vec<DeclaredEvent>,
    /// What is measured.
    #[schemars(default)]
    pub metrics: Vec<Metric>,
    /// By what the results can be broken down, as it was at a visitor's first exposure.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(default)]
    pub dimensions: Vec<Dimension>,
    /// Steps that visitors take one after another.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(default)]
    pub funnels: Vec<Funnel>,
    /// Numbers of the whole site, with targets.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(default)]
    pub kpis: Vec<Kpi>,
    /// Whether to count in which weeks the visitors of a first week come back.
    #[serde(skip_serializing_if = "core::ops::Not::not")]
    #[schemars(default)]
    pub cohorts: bool,
    /// What experiments and personalizations cost.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(default)]
    pub costs: Vec<Cost>,
    /// What is worth waking somebody for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(default)]
    pub alerts: Vec<Alert>,
    /// Who is told of what happens.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(default)]
    pub webhooks: Vec<Webhook>,
}

/// A condition with a name, used as `{ "$audience": key }`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Audience {
    /// Unique among audiences.
    #[schemars(with = "Key")]
    pub key: String,
    /// For people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Who is in it, as a condition.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Condition>")]
    pub when: Option<Value>,
    /// Instead: the path of the attribute that has to have one of `values`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attribute: Option<String>,
    /// The values of a list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub values: Option<Vec<Value>>,
}

/// Where an experiment is in its life.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Being written; never leaves the server.
    Draft,
    /// Live, within its schedule.
    #[default]
    Running,
    /// Halted for now: everybody sees the original page, the results stay.
    Paused,
    /// Over: everybody sees the original page, the results stay.
    Stopped,
}

/// An A/B test.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Experiment {
    /// Unique among experiments and personalizations; also the hash seed unless `seed` is given.
    #[schemars(with = "Key")]
    pub key: String,
    /// For people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What is expected and why, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hypothesis: Option<String>,
    /// Where it is in its life.
    #[serde(default)]
    pub status: Status,
    /// What is hashed: `visitor`, `user`, or the path of an attribute.
    #[serde(default = "default_unit")]
    pub unit: String,
    /// What is hashed while the unit has no id, such as `visitor` before the `user` signs in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fallback_unit: Option<String>,
    /// The hash of GrowthBook's contract to use: 2 (10,000 buckets) or 1 (1,000 buckets).
    #[serde(default = "two")]
    #[schemars(with = "HashVersion")]
    pub hash_version: u32,
    /// Hash seed, when it is not the key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<String>,
    /// Share of the audience that takes part, 0 to 1.
    #[serde(default = "one")]
    #[schemars(with = "Share")]
    pub coverage: f64,
    /// A part of `[0, 1)` per variation, instead of weights and coverage.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ranges: Option<Vec<[f64; 2]>>,
    /// Other weights for parts of the audience.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub contexts: Vec<WeightContext>,
    /// Hash ranges the unit has to be in, all of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub filters: Vec<Filter>,
    /// What features have to be.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub prerequisites: Vec<Prerequisite>,
    /// Whether a unit keeps its variation when weights, coverage or the audience change later.
    #[serde(default)]
    pub sticky: bool,
    /// Raise it to let everybody be assigned anew.
    #[serde(default)]
    pub bucket_version: u32,
    /// Units whose kept variation is older are excluded.
    #[serde(default)]
    pub min_bucket_version: u32,
    /// On which pages; none means on every page.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pages: Vec<Page>,
    /// For whom; none means for everybody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Condition>")]
    pub when: Option<Value>,
    /// The variations; the first is control.
    pub variations: Vec<Variation>,
    /// Mutual exclusion with the other experiments of the layer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layer: Option<Layer>,
    /// First moment, inclusive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<String>,
    /// Last moment, exclusive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<String>,
    /// What decides.
    #[serde(default)]
    pub metrics: MetricRoles,
    /// How it is analyzed.
    #[serde(default)]
    pub analysis: Analysis,
}

/// One version of the page.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Variation {
    /// Unique within the experiment.
    #[schemars(with = "Key")]
    pub key: String,
    /// For people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Share of the covered traffic, 0 to 1; equal shares when no variation says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Share>")]
    pub weight: Option<f64>,
    /// Anything the site's own code wants to know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Value>,
    /// Edits to the page.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<Change>,
    /// The address to send the visitor to instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redirect: Option<Redirect>,
}

/// Another address instead of this page.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Redirect {
    /// Where to, absolute or relative to the page.
    pub to: String,
    /// Whether the page's query parameters go along, unless the new address has them.
    #[serde(default)]
    pub keep_query: bool,
}

/// A pattern of page addresses; exactly one of `include` and `exclude`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Page {
    /// Pages that match take part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub include: Option<String>,
    /// Pages that match do not, whatever else matches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exclude: Option<String>,
    /// How the pattern is written.
    #[serde(default, skip_serializing_if = "PageKind::is_simple")]
    pub kind: PageKind,
}

/// How a page pattern is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum PageKind {
    /// Parts of an address in which `*` stands for any run of characters.
    #[default]
    Simple,
    /// A regular expression, tried on the whole address and on what follows the host.
    Regex,
    /// The whole address, character by character.
    Exact,
}

impl PageKind {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
    fn is_simple(&self) -> bool {
        *self == Self::Simple
    }
}

/// A share of the traffic that no other experiment of the layer has.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Layer {
    /// The layer's key, which is its hash seed.
    #[schemars(with = "Key")]
    pub key: String,
    /// From, inclusive, to, exclusive; 0 to 1.
    pub range: [f64; 2],
}

/// Which metric has which say.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MetricRoles {
    /// The one that decides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub primary: Option<String>,
    /// Shown, without a say.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secondary: Vec<String>,
    /// Must not get worse.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub guardrails: Vec<String>,
}

/// A rule that changes the page for the visitors it describes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Personalization {
    /// Unique among experiments and personalizations.
    #[schemars(with = "Key")]
    pub key: String,
    /// For people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Where it is in its life.
    #[serde(default)]
    pub status: Status,
    /// The place it fills; of all that match, only the one that goes first fills it. Its own key when missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Key>")]
    pub slot: Option<String>,
    /// The lowest number goes first; ties go by the order in the document.
    #[serde(default)]
    pub priority: i32,
    /// On which pages; none means on every page.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pages: Vec<Page>,
    /// For whom.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Condition>")]
    pub when: Option<Value>,
    /// First moment, inclusive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<String>,
    /// Last moment, exclusive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<String>,
    /// Share of the matching visitors that keep the original page, so that the lift can be measured; 0 to 1.
    #[serde(default)]
    #[schemars(with = "Share")]
    pub holdout: f64,
    /// What is hashed for the holdout: `visitor`, `user`, or the path of an attribute.
    #[serde(default = "default_unit")]
    pub unit: String,
    /// What features have to be.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub prerequisites: Vec<Prerequisite>,
    /// How often it may be shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cap: Option<Cap>,
    /// How long it rests after it was shown, such as `7d`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cooldown: Option<String>,
    /// Anything the site's own code wants to know while it is shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Value>,
    /// Edits to the page.
    #[serde(default)]
    pub changes: Vec<Change>,
}

impl Experiment {
    /// The variations' shares of the covered traffic, which add up to 1.
    ///
    /// Missing weights are equal ones; [`parse`] has seen to it that all or none are written.
    pub fn weights(&self) -> Vec<f64> {
        let equal = 1.0 / self.variations.len().max(1) as f64;
        self.variations.iter().map(|variation| variation.weight.unwrap_or(equal)).collect()
    }
}

fn one() -> f64 {
    1.0
}

fn two() -> u32 {
    2
}
