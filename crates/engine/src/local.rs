//! The time where the visitor or the shop is: days of the week and hours of the day.

use crate::codec::wire_struct;
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

wire_struct!(Local { zone, days, from, to });

const MINUTES_A_DAY: i64 = 1440;

impl Local {
    /// Whether it is such a time; `None` when the visitor's own time is not known.
    pub(crate) fn holds(&self, visitor: &Visitor, now: Timestamp) -> Option<bool> {
        let utc = now.ms().div_euclid(60_000);
        let offset = if self.zone.is_empty() {
            visitor.utc_offset?
        } else {
            let since = self.zone.iter().rev().find(|(from, _)| i64::from(*from) <= utc);
            since.or(self.zone.first()).map_or(0, |(_, offset)| *offset)
        };
        let local = utc.saturating_add(i64::from(offset));
        let minute = local.rem_euclid(MINUTES_A_DAY);
        let (from, to) = (i64::from(self.from), i64::from(self.to));
        // 1 January 1970 was a Thursday.
        let day = |local: i64| self.days >> (local.div_euclid(MINUTES_A_DAY) + 3).rem_euclid(7) & 1 == 1;
        Some(if from < to {
            day(local) && from <= minute && minute < to
        } else {
            // A night belongs to the day on which it begins.
            (day(local) && from <= minute) || (day(local.saturating_sub(MINUTES_A_DAY)) && minute < to)
        })
    }
}
