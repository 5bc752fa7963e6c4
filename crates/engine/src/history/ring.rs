//! One kind of event: buckets of days, and buckets of minutes for the last day.

use crate::code::Tracked;
use crate::codec::wire_struct;
use crate::list::leave_out;
use splitlight_protocol::Timestamp;
use splitlight_protocol::limits::{
    HISTORY_COARSE_MINUTES, HISTORY_DAYS_MAX, HISTORY_FINE_MINUTES, HISTORY_MINUTE_BUCKETS_MAX,
};

pub(super) const MINUTES_A_DAY: i32 = 1440;

/// When one kind of event happened, oldest first.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Ring {
    /// Which events, as in [`Tracked::key`]: it outlives the program that asked first.
    pub(super) key: String,
    pub(super) days: Vec<Bucket>,
    pub(super) minutes: Vec<Bucket>,
    /// When `values` were right: milliseconds, or the number of a session.
    pub(super) at: i64,
    /// Points under no name, or interests.
    pub(super) values: Vec<(String, f64)>,
}

/// A day or a minute after 1970, and what happened in it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Bucket {
    pub(super) at: i32,
    pub(super) count: u32,
    pub(super) sum: i64,
}

wire_struct!(Ring { key, days, minutes, at, values });
wire_struct!(Bucket { at, count, sum });

/// Whole minutes after 1970, at the ends of what days can be counted in.
pub(super) fn minute(now: Timestamp) -> i32 {
    let minutes = now.ms().div_euclid(60_000);
    i32::try_from(minutes).unwrap_or(if minutes < 0 { i32::MIN } else { i32::MAX })
}

impl Ring {
    pub(super) fn add(&mut self, now: Timestamp, value: i64, tracked: &Tracked<'_>) {
        if tracked.days > 0 {
            add(&mut self.days, now.day(), value);
        }
        if tracked.minutes {
            add(&mut self.minutes, minute(now), value);
        }
    }

    /// Drops days that no window reaches from the day `reference` on, and minutes of the days before its eve.
    pub(super) fn prune(&mut self, reference: i32, days: i32, now: Timestamp) {
        self.days.retain(|day| day.at > reference.saturating_sub(days));
        bound(&mut self.days, now.day(), HISTORY_DAYS_MAX);
        let oldest = reference.saturating_sub(1).saturating_mul(MINUTES_A_DAY);
        let fine = minute(now).saturating_sub(HISTORY_FINE_MINUTES);
        let mut kept: Vec<Bucket> = Vec::new();
        for mut bucket in self.minutes.drain(..).filter(|bucket| bucket.at >= oldest) {
            if bucket.at <= fine {
                bucket.at = bucket.at.saturating_sub(bucket.at.rem_euclid(HISTORY_COARSE_MINUTES));
            }
            match kept.last_mut().filter(|last| last.at == bucket.at) {
                Some(last) => last.join(bucket),
                None => kept.push(bucket),
            }
        }
        self.minutes = kept;
        bound(&mut self.minutes, minute(now), HISTORY_MINUTE_BUCKETS_MAX);
    }
}

impl Bucket {
    fn join(&mut self, other: Self) {
        self.count = self.count.saturating_add(other.count);
        self.sum = self.sum.saturating_add(other.sum);
    }
}

fn add(buckets: &mut Vec<Bucket>, at: i32, value: i64) {
    let new = Bucket { at, count: 1, sum: value };
    let place = buckets.partition_point(|bucket| bucket.at < at);
    match buckets.get_mut(place).filter(|bucket| bucket.at == at) {
        Some(bucket) => bucket.join(new),
        None => buckets.insert(place, new),
    }
}

/// Drops the buckets that are farthest from now, in whichever direction: a clock that jumps about leaves both.
fn bound(buckets: &mut Vec<Bucket>, now: i32, max: usize) {
    while buckets.len() > max {
        let far = |bucket: Option<&Bucket>| bucket.map_or(0, |bucket| bucket.at.abs_diff(now));
        if far(buckets.first()) >= far(buckets.last()) {
            leave_out(buckets, 0);
        } else {
            buckets.pop();
        }
    }
}
