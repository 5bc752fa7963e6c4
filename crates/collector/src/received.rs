//! A received event, checked and with its time corrected.

use serde::{Deserialize, Serialize};
use splitlight_protocol::config::Dimension;
use splitlight_protocol::event::EventId;
use splitlight_protocol::limits::{EVENT_AGE_MS_MAX, EVENT_AHEAD_MS_MAX};
use splitlight_protocol::{Consent, Map, Timestamp};
use std::collections::BTreeMap;

/// What is known of a visitor, by dimension.
pub type Traits = BTreeMap<Dimension, String>;

/// What one visitor sent at a time, checked by the intake.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Batch {
    /// The visitor's anonymous id.
    pub visitor: String,
    /// When it arrived, by the server's clock.
    pub received: Timestamp,
    /// What the visitor had agreed to, as the sender says; `None` when it does not say.
    pub consent: Option<Consent>,
    /// The dimensions that are known of the visitor at this moment.
    pub traits: Traits,
    /// What happened.
    pub events: Vec<Received>,
    /// Events of a machine, which are counted and not kept.
    pub bots: u32,
}

/// A checked event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Received {
    /// Unique; an event that is received twice counts once.
    pub id: EventId,
    /// When it happened, by the server's clock: see [`correct_time`].
    pub time: Timestamp,
    /// What happened.
    pub fact: Fact,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Fact {
    /// The visitor met a variation.
    Exposure {
        /// The experiment's or personalization's key.
        experiment: String,
        /// The variation's key.
        variation: String,
        /// Whether it is the variation that the hash gives this visitor; otherwise it is quarantined.
        valid: bool,
    },
    /// The visitor did something that may feed a metric.
    Conversion {
        /// The event's name.
        name: String,
        /// Its value in integer minor units.
        value: Option<i64>,
        /// Anything else.
        properties: Map,
    },
    /// The visitor opened a page.
    PageView,
    /// The sender could not keep some events.
    Dropped {
        /// Why, in the sender's words.
        reason: String,
        /// How many.
        count: u32,
    },
}

/// An event's time by the server's clock, or `None` when it is older than the collector takes.
///
/// The client's clock dated both the event and the sending, so what it is off by cancels out. A time that is still
/// more than a minute ahead is impossible, and becomes the time of arrival.
///
/// ```
/// use splitlight_collector::correct_time;
/// use splitlight_protocol::Timestamp;
/// let at = Timestamp::from_ms;
/// // A clock that is an hour fast: the event was 5 seconds before the sending.
/// assert_eq!(correct_time(at(3_600_000), at(3_605_000), at(5_000)), Some(at(0)));
/// assert_eq!(correct_time(at(999_000), at(5_000), at(5_000)), Some(at(5_000)));
/// assert_eq!(correct_time(at(0), at(2_592_000_001), at(2_592_000_001)), None);
/// ```
pub fn correct_time(time: Timestamp, sent_at: Timestamp, received: Timestamp) -> Option<Timestamp> {
    let skew = received.ms().saturating_sub(sent_at.ms());
    let corrected = time.plus_ms(skew);
    if corrected.ms() > received.ms().saturating_add(EVENT_AHEAD_MS_MAX) {
        return Some(received);
    }
    (corrected.ms() >= received.ms().saturating_sub(EVENT_AGE_MS_MAX)).then_some(corrected)
}
