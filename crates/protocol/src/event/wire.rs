//! The written form of an event: one flat object whose `kind` says which members it has.

use super::{Event, EventId, Kind};
use crate::time::Timestamp;
use crate::value::Map;
use serde::{Deserialize, Serialize};

/// More than this no sender lost since it told last.
const DROPPED_MAX: u32 = 1_000_000;

/// A flat struct rather than a flattened enum, so that an error can say in which member it is.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wire {
    id: EventId,
    kind: Name,
    time: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    page: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    experiment: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    variation: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    value: Option<i64>,
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    properties: Map,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Name {
    Exposure,
    Conversion,
    PageView,
    Dropped,
}

impl TryFrom<Wire> for Event {
    type Error = &'static str;

    fn try_from(wire: Wire) -> Result<Self, Self::Error> {
        let kind = match (wire.kind, wire.experiment, wire.variation, wire.name) {
            (Name::Exposure, Some(experiment), Some(variation), None) => {
                Kind::Exposure { experiment, variation }
            }
            (Name::Exposure, ..) => return Err("an exposure has `experiment` and `variation` and no `name`"),
            (Name::Conversion, None, None, Some(name)) => {
                Kind::Conversion { name, value: wire.value, properties: wire.properties }
            }
            (Name::Conversion, ..) => {
                return Err("a conversion has a `name` and no `experiment` or `variation`");
            }
            (Name::PageView, None, None, None) => Kind::PageView,
            (Name::PageView, ..) => return Err("a page view has only `page`"),
            (Name::Dropped, None, None, Some(reason)) => {
                let count = wire.value.and_then(|count| u32::try_from(count).ok());
                let count = count.filter(|count| (1..=DROPPED_MAX).contains(count));
                Kind::Dropped { reason, count: count.ok_or("`value` says how many events, 1 to 1000000")? }
            }
            (Name::Dropped, ..) => {
                return Err("dropped events have a `name`, the reason, and a `value`, how many");
            }
        };
        Ok(Self { id: wire.id, time: wire.time, page: wire.page, kind })
    }
}

impl From<Event> for Wire {
    fn from(event: Event) -> Self {
        let Event { id, time, page, kind } = event;
        let bare = Self {
            id,
            kind: Name::PageView,
            time,
            page,
            experiment: None,
            variation: None,
            name: None,
            value: None,
            properties: Map::new(),
        };
        match kind {
            Kind::Exposure { experiment, variation } => Self {
                kind: Name::Exposure,
                experiment: Some(experiment),
                variation: Some(variation),
                ..bare
            },
            Kind::Conversion { name, value, properties } => {
                Self { kind: Name::Conversion, name: Some(name), value, properties, ..bare }
            }
            Kind::PageView => bare,
            Kind::Dropped { reason, count } => {
                Self { kind: Name::Dropped, name: Some(reason), value: Some(count.into()), ..bare }
            }
        }
    }
}
