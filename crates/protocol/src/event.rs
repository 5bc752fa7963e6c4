//! Events and the batches they travel in.
//!
//! ```
//! use splitlight_protocol::event::{Batch, Kind};
//! let body = r#"{ "key": "sl_write_x", "visitor": "v-1", "sentAt": 1795219200000, "events": [
//!   { "id": "019a2b3c-4d5e-7f60-8123-456789abcdef", "kind": "conversion", "name": "purchase", "value": 4900,
//!     "time": 1795219199000, "page": "/thanks/" }] }"#;
//! let batch = Batch::parse(body.as_bytes())?;
//! assert!(matches!(&batch.events[0].kind, Kind::Conversion { name, .. } if name == "purchase"));
//! # Ok::<(), splitlight_protocol::event::BatchError>(())
//! ```

mod id;
mod parse;
mod sift;
mod wire;

pub use id::EventId;
pub use parse::BatchError;
pub use sift::Refused;

use crate::consent::Consent;
use crate::limits::ID_CHARS_MAX;
use crate::time::Timestamp;
use crate::value::Map;
use serde::{Deserialize, Serialize};

/// The name under which metrics and funnels count opened pages.
pub const PAGE_VIEW: &str = "page_view";

/// Whether a text may be the id of a visitor or a session.
///
/// ```
/// use splitlight_protocol::event::is_id;
/// assert!(is_id("3f9b2a4e-0d7c-4a0c-9f8f-1a2b3c4d5e6f"));
/// assert!(!is_id("") && !is_id("two\nlines"));
/// ```
pub fn is_id(id: &str) -> bool {
    (1..=ID_CHARS_MAX).contains(&id.chars().count()) && !id.chars().any(char::is_control)
}

/// What one visitor sends at a time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Batch {
    /// The write key. It is in the body because a beacon cannot carry a header; a server sends it in one.
    #[serde(default)]
    pub key: String,
    /// The visitor's anonymous id.
    pub visitor: String,
    /// The session's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// The hash of the program that decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config: Option<String>,
    /// When it was sent, by the clock that also dated the events.
    pub sent_at: Timestamp,
    /// What the visitor has agreed to; it is kept with the events. Who has not agreed sends nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consent: Option<Consent>,
    /// Name and version of the sender.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sdk: Option<String>,
    /// Whether a program steers the browser (`navigator.webdriver`): its events are counted apart.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub automated: bool,
    /// The host of the page that led to the site, at the beginning of the visit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub referrer: Option<String>,
    /// The campaign's medium (`utm_medium`), at the beginning of the visit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub medium: Option<String>,
    /// Whether this is not the visitor's first visit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub returning: Option<bool>,
    /// What happened.
    pub events: Vec<Event>,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "wire::Wire", into = "wire::Wire")]
pub struct Event {
    /// Unique; an event that is sent twice counts once.
    pub id: EventId,
    /// When, by the client's clock.
    pub time: Timestamp,
    /// On which page: the path, without query.
    pub page: Option<String>,
    /// What.
    pub kind: Kind,
}

/// What kind of thing happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// The visitor met a variation of an experiment.
    Exposure {
        /// The experiment's or personalization's key.
        experiment: String,
        /// The variation's key.
        variation: String,
    },
    /// The visitor did something that may feed a metric.
    Conversion {
        /// The event's name.
        name: String,
        /// Its value in integer minor units (cents), when it has one.
        value: Option<i64>,
        /// Anything else.
        properties: Map,
    },
    /// The visitor opened a page.
    PageView,
    /// The sender could not keep some events; an event of its own, so that they are counted once, too.
    Dropped {
        /// Why, in the sender's words.
        reason: String,
        /// How many.
        count: u32,
    },
}

/// The fate of a received event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Stored, and counted if a metric or experiment asks for it.
    Accepted,
    /// Had been received before; nothing changed.
    Duplicate,
    /// An exposure to a variation that this visitor cannot have been given; stored apart, never counted.
    Quarantined,
    /// Older than the collector keeps; not stored.
    TooOld,
    /// Not an event within the limits; not stored.
    Invalid,
    /// Of a visitor whose id our edge has not signed, where only those count; not stored.
    Unsigned,
    /// Of a visitor who was forgotten; not stored.
    Forgotten,
}

/// The answer to a batch.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Receipt {
    /// One entry per event, in the order of the batch.
    pub outcomes: Vec<(EventId, Outcome)>,
}
