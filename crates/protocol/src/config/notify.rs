//! Who is told of what happens: the receivers of webhooks.

use super::schema::Key;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A receiver of signed messages about the project.
///
/// ```
/// let parsed = splitlight_protocol::config::parse(r#"{ "version": 1, "project": "shop", "webhooks": [
///   { "key": "ops", "url": "https://hooks.shop.test/splitlight", "events": ["alert", "verdict"] },
///   { "key": "open", "url": "http://hooks.shop.test/" }] }"#);
/// assert_eq!(parsed.config.webhooks.len(), 1);
/// assert_eq!(parsed.issues[0].pointer, "/webhooks/1/url");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Webhook {
    /// Unique among webhooks.
    #[schemars(with = "Key")]
    pub key: String,
    /// Where to, an https address; http only to this machine.
    pub url: String,
    /// Of what it is told.
    #[serde(default = "everything")]
    pub events: Vec<Topic>,
}

/// What a webhook is told of; a message's `type` begins with it and a dot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Topic {
    /// An experiment's verdict changed, or ended it.
    Verdict,
    /// An alert fired, or is over.
    Alert,
    /// A config was published or rolled back.
    Config,
    /// An experiment was started, paused, stopped or shipped.
    Experiment,
    /// A key was made, rotated or deleted.
    Key,
    /// A visitor was forgotten.
    Visitor,
}

impl Topic {
    /// Every topic, of which a webhook is told unless it says otherwise.
    pub const ALL: [Self; 6] =
        [Self::Verdict, Self::Alert, Self::Config, Self::Experiment, Self::Key, Self::Visitor];

    /// What messages about it begin with.
    ///
    /// ```
    /// use splitlight_protocol::config::Topic;
    /// assert_eq!(Topic::Alert.name(), "alert");
    /// ```
    pub const fn name(self) -> &'static str {
        match self {
            Self::Verdict => "verdict",
            Self::Alert => "alert",
            Self::Config => "config",
            Self::Experiment => "experiment",
            Self::Key => "key",
            Self::Visitor => "visitor",
        }
    }
}

fn everything() -> Vec<Topic> {
    Topic::ALL.to_vec()
}
