//! The time where the visitor or the shop is: days of the week and hours of the day.

use crate::codec::{Reader, Wire, wire_struct};
use crate::condition::Truth;
use crate::visitor::Visitor;
use splitlight_protocol::Timestamp;

/// A part of the week in local time.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Local {
    /// From which minute after 1970 (UTC) on the local time is ahead of UTC by how many minutes, earliest first; the
    /// visitor's own time when there are none.
    pub(crate) zone: Vec<(i32, i32)>,
    /// A bit per day, Monday the lowest.
    pub(crate) days: u32,
    /// Minutes of the day, inclusive and exclusive; one that does not end after its start ends on the next day.
    pub(crate) from: i32,
    pub(crate) to: i32,
}

wire_struct!(Local { days, from, to, zone });

const MINUTES_A_DAY: i64 = 1440;

/// Whether it is the part of the week that is next, which is unknown when the visitor's own time is not known.
pub(crate) fn holds(part: &mut Reader<'_>, visitor: &Visitor, now: Timestamp) -> Truth {
    let utc = now.ms().div_euclid(60_000);
    let (days, from, to) = (u32::read(part), i64::read(part), i64::read(part));
    let mut offset = None;
    for _ in 0..part.length() {
        let (since, ahead) = (i64::read(part), i64::read(part));
        if offset.is_none() || since <= utc {
            offset = Some(ahead);
        }
    }
    let Some(offset) = offset.or(visitor.facts.utc_offset.map(i64::from)) else { return Truth::Unknown };
    let local = utc.saturating_add(offset);
    let minute = local.rem_euclid(MINUTES_A_DAY);
    // 1 January 1970 was a Thursday.
    let day = |local: i64| days >> (local.div_euclid(MINUTES_A_DAY) + 3).rem_euclid(7) & 1 == 1;
    let holds = if from < to {
        day(local) && from <= minute && minute < to
    } else {
        // A night belongs to the day on which it begins.
        (day(local) && from <= minute) || (day(local.saturating_sub(MINUTES_A_DAY)) && minute < to)
    };
    holds.into()
}
