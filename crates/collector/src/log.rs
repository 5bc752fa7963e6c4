//! Raw events as they are kept and exported: enough to count everything anew.

use crate::received::{Batch, Fact, Received, Traits};
use serde::{Deserialize, Serialize};
use splitlight_protocol::event::EventId;
use splitlight_protocol::{Consent, Map, Timestamp};
use std::collections::BTreeMap;

/// First byte of an entry's form, so that a later one can be told from it.
const FORM: u8 = 2;

/// The new events of a batch, to be kept.
#[derive(Clone, Debug, Serialize)]
pub struct Entry<'a> {
    /// Whose; it is no part of the compact form, so that it can be dropped alone.
    #[serde(skip)]
    pub visitor: &'a str,
    /// When they arrived.
    pub received: Timestamp,
    /// What the visitor had agreed to, as the sender said.
    pub consent: Option<Consent>,
    /// The dimensions that were known of the visitor.
    pub traits: &'a Traits,
    /// The events.
    pub events: Vec<&'a Received>,
}

/// The first form, which knew no dimensions; it is still read.
#[derive(Deserialize)]
struct FirstForm {
    received: Timestamp,
    consent: Option<Consent>,
    events: Vec<Received>,
}

/// An [`Entry`] as it is read again.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Logged {
    /// When they arrived.
    pub received: Timestamp,
    /// What the visitor had agreed to, as the sender said.
    pub consent: Option<Consent>,
    /// The dimensions that were known of the visitor.
    pub traits: Traits,
    /// The events.
    pub events: Vec<Received>,
}

impl Entry<'_> {
    /// The compact form, for a storage.
    pub fn to_bytes(&self) -> Vec<u8> {
        postcard::to_allocvec(&(FORM, self)).unwrap_or_default()
    }
}

impl Logged {
    /// Reads [`Entry::to_bytes`], of this release or an earlier one; `None` when the bytes are something else.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        match bytes.split_first()? {
            (&FORM, rest) => postcard::from_bytes(rest).ok(),
            (1, rest) => {
                let FirstForm { received, consent, events } = postcard::from_bytes(rest).ok()?;
                Some(Self { received, consent, traits: Traits::new(), events })
            }
            _ => None,
        }
    }

    /// One line for each event.
    pub fn lines(self, visitor: Option<&str>) -> impl Iterator<Item = Line> + use<> {
        let (received_at, consent, traits) = (self.received, self.consent, self.traits);
        let visitor = visitor.map(str::to_owned);
        self.events.into_iter().map(move |event| {
            let Received { id, time, fact } = event;
            let (visitor, traits) = (visitor.clone(), traits.clone());
            let line = Line { visitor, received_at, consent, traits, id, time, ..Line::default() };
            match fact {
                Fact::Exposure { experiment, variation, valid } => Line {
                    kind: LineKind::Exposure,
                    experiment: Some(experiment),
                    variation: Some(variation),
                    valid: Some(valid),
                    ..line
                },
                Fact::Conversion { name, value, properties } => {
                    Line { kind: LineKind::Conversion, name: Some(name), value, properties, ..line }
                }
                Fact::PageView => line,
                Fact::Dropped { reason, count } => {
                    Line { kind: LineKind::Dropped, name: Some(reason), value: Some(count.into()), ..line }
                }
            }
        })
    }
}

/// An exported event: one JSON object a line.
///
/// ```
/// use splitlight_collector::{Entry, Fact, Line, Logged, Received};
/// use splitlight_protocol::{Timestamp, event::EventId};
/// let event = Received {
///     id: EventId::from_bytes([7; 16]),
///     time: Timestamp::from_ms(5),
///     fact: Fact::Exposure { experiment: "hero".into(), variation: "bold".into(), valid: true },
/// };
/// let (received, traits) = (Timestamp::from_ms(9), Default::default());
/// let entry = Entry { visitor: "v-1", received, consent: None, traits: &traits, events: vec![&event] };
/// let lines: Vec<Line> = Logged::from_bytes(&entry.to_bytes()).into_iter().flat_map(|l| l.lines(Some("v-1"))).collect();
/// let text = serde_json::to_string(&lines[0])?;
/// assert_eq!(
///     text,
///     r#"{"visitor":"v-1","receivedAt":9,"id":"07070707-0707-0707-0707-070707070707","kind":"exposure","time":5,"experiment":"hero","variation":"bold","valid":true}"#
/// );
/// assert_eq!(serde_json::from_str::<Line>(&text)?.batch().map(|batch| batch.events), Some(vec![event]));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Line {
    /// Whose; `None` once the id was dropped for its age.
    #[serde(default)]
    pub visitor: Option<String>,
    /// When it arrived, in milliseconds since 1970.
    pub received_at: Timestamp,
    /// What the visitor had agreed to, as the sender said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consent: Option<Consent>,
    /// The dimensions that were known of the visitor.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub traits: Traits,
    /// The event's id.
    pub id: EventId,
    kind: LineKind,
    /// When it happened, by the server's clock, in milliseconds since 1970.
    pub time: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    experiment: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    variation: Option<String>,
    /// Whether the hash gives this variation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    valid: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    value: Option<i64>,
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    properties: Map,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum LineKind {
    Exposure,
    Conversion,
    PageView,
    Dropped,
}

impl Default for Line {
    fn default() -> Self {
        Self {
            visitor: None,
            received_at: Timestamp::default(),
            consent: None,
            traits: Traits::new(),
            id: EventId::from_bytes([0; 16]),
            kind: LineKind::PageView,
            time: Timestamp::default(),
            experiment: None,
            variation: None,
            valid: None,
            name: None,
            value: None,
            properties: Map::new(),
        }
    }
}

impl Line {
    /// The batch it came in, with this event alone; `None` when nobody knows whose it was, or a member is missing.
    pub fn batch(self) -> Option<Batch> {
        let fact = match (self.kind, self.experiment, self.variation, self.valid, self.name) {
            (LineKind::Exposure, Some(experiment), Some(variation), Some(valid), None) => {
                Fact::Exposure { experiment, variation, valid }
            }
            (LineKind::Conversion, None, None, None, Some(name)) => {
                Fact::Conversion { name, value: self.value, properties: self.properties }
            }
            (LineKind::PageView, None, None, None, None) => Fact::PageView,
            (LineKind::Dropped, None, None, None, Some(reason)) => {
                Fact::Dropped { reason, count: u32::try_from(self.value?).ok()? }
            }
            _ => return None,
        };
        let events = vec![Received { id: self.id, time: self.time, fact }];
        let (received, consent, traits) = (self.received_at, self.consent, self.traits);
        Some(Batch { visitor: self.visitor?, received, consent, traits, events, bots: 0 })
    }
}
