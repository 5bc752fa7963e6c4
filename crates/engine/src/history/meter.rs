//! Numbers that change with every event of a kind and with time: points that decay, and interests.

use super::ring::Ring;
use crate::codec::{Reader, wire_enum};
use crate::list::leave_out;
use crate::number::exp2;
use splitlight_protocol::limits::{AFFINITY_VALUES_MAX, HISTORY_TEXT_BYTES_MAX};
use splitlight_protocol::{Map, Timestamp, Value};

/// What is kept of a kind of event besides its counts.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Meter {
    None,
    /// Points each time, half of which are left after some milliseconds.
    Points {
        points: f64,
        half_life: i64,
    },
    /// Interest in the values of a property.
    Affinity {
        property: String,
    },
}

wire_enum!(Meter { 0 => None, 1 => Points { points, half_life }, 2 => Affinity { property } });

impl Meter {
    /// What is read where there are no meters.
    pub(crate) fn passed(from: &mut Reader<'_>) -> Self {
        from.byte();
        Self::None
    }

    /// Brings a ring's values to a moment, without an event.
    ///
    /// Points are exact however often this is done: `2^(-a) 2^(-b) = 2^(-(a + b))`.
    pub(super) fn settle(&self, ring: &mut Ring, now: Timestamp, session: u32) {
        if let Some((left, at)) = self.left(ring, now, session) {
            ring.values.iter_mut().for_each(|(_, value)| *value *= left);
            ring.at = at;
        }
    }

    /// The part of a ring's values that is left at a moment, and the moment; `None` when all of it is.
    pub(super) fn left(&self, ring: &Ring, now: Timestamp, session: u32) -> Option<(f64, i64)> {
        let (at, halvings) = match self {
            Self::None => return None,
            Self::Points { half_life, .. } => {
                let past = now.ms().saturating_sub(ring.at);
                (now.ms(), past as f64 / (*half_life).max(1) as f64)
            }
            Self::Affinity { .. } => {
                let past = i64::from(session).saturating_sub(ring.at);
                (i64::from(session), past as f64)
            }
        };
        // A clock that is set back, as far as 1970, and then right again has let no time pass.
        (halvings > 0.0).then(|| (exp2(-halvings), at))
    }

    /// Counts an event.
    pub(super) fn add(&self, ring: &mut Ring, properties: &Map, now: Timestamp, session: u32) {
        self.settle(ring, now, session);
        match self {
            Self::None => {}
            Self::Points { points, .. } => match ring.values.first_mut() {
                Some((_, value)) => *value += points,
                None => ring.values.push((String::new(), *points)),
            },
            Self::Affinity { property } => {
                if let Some(Value::String(name)) = properties.get(property)
                    && name.len() <= HISTORY_TEXT_BYTES_MAX
                {
                    like(&mut ring.values, name);
                }
            }
        }
    }
}

/// The published rules of category affinity.
fn like(values: &mut Vec<(String, f64)>, name: &str) {
    const FIRST: f64 = 10.0;
    const NEXT: f64 = 5.0;
    if let Some((_, value)) = values.iter_mut().find(|(known, _)| known == name) {
        *value += NEXT;
        return;
    }
    let points = if values.is_empty() { FIRST } else { NEXT };
    for (_, value) in &mut *values {
        *value = (*value - 1.0).max(0.0);
    }
    values.push((name.to_owned(), points));
    if values.len() > AFFINITY_VALUES_MAX {
        let mut lowest = 0;
        for (at, (_, value)) in values.iter().enumerate() {
            if values.get(lowest).is_some_and(|(_, least)| value < least) {
                lowest = at;
            }
        }
        leave_out(values, lowest);
    }
}
