//! How much one sender may send: so much at once, and so much per second after that.

use splitlight_protocol::Timestamp;
use std::collections::BTreeMap;

/// Senders remembered at a time. One is forgotten once it may send everything again; should more than these be at it at
/// the same time, all start anew, because a memory that grows would stop everybody.
const SENDERS_MAX: usize = 10_000;

/// How much one sender may send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Events at once, after a pause.
    pub burst: u32,
    /// Events per second in the long run; at least 1.
    pub per_second: u32,
}

/// What the senders have sent of late: a token bucket for each, kept as the moment at which it is full again.
///
/// ```
/// use splitlight_collector::{Quota, Rate};
/// use splitlight_protocol::Timestamp;
/// let at = Timestamp::from_ms;
/// let mut quota = Quota::new(Rate { burst: 100, per_second: 10 });
/// assert_eq!(quota.take("v-1", 100, at(0)), Ok(()));
/// assert_eq!(quota.take("v-1", 5, at(0)), Err(500), "milliseconds until it would fit");
/// assert_eq!(quota.take("v-1", 5, at(500)), Ok(()));
/// assert_eq!(quota.take("v-2", 5, at(0)), Ok(()), "somebody else");
/// ```
#[derive(Clone, Debug)]
pub struct Quota {
    rate: Rate,
    /// By sender, in microseconds since 1970.
    full_at: BTreeMap<String, i64>,
}

impl Quota {
    /// A quota of which nothing is spent.
    pub const fn new(rate: Rate) -> Self {
        Self { rate, full_at: BTreeMap::new() }
    }

    /// Takes a sender's events all together or not at all; more than the burst count as the burst.
    ///
    /// # Errors
    /// The milliseconds after which the same events would fit.
    pub fn take(&mut self, sender: &str, events: u32, now: Timestamp) -> Result<(), i64> {
        let now_us = now.ms().saturating_mul(1000);
        let event_us = 1_000_000 / i64::from(self.rate.per_second.max(1));
        let burst_us = i64::from(self.rate.burst) * event_us;
        let known = self.full_at.get(sender).copied().unwrap_or(now_us).max(now_us);
        let full_at = known.saturating_add(i64::from(events.min(self.rate.burst)) * event_us);
        let over_us = full_at.saturating_sub(now_us.saturating_add(burst_us));
        if over_us > 0 {
            return Err(over_us.saturating_add(999) / 1000);
        }
        if self.full_at.len() >= SENDERS_MAX && !self.full_at.contains_key(sender) {
            self.full_at.retain(|_, full_at| *full_at > now_us);
            if self.full_at.len() >= SENDERS_MAX {
                self.full_at.clear();
            }
        }
        self.full_at.insert(sender.to_owned(), full_at);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate { burst: 100, per_second: 10 };

    #[test]
    fn nobody_gets_more_than_the_burst_and_the_rate() {
        let mut quota = Quota::new(RATE);
        let mut taken = 0;
        for ms in 0..60_000 {
            taken += u32::from(quota.take("v", 1, Timestamp::from_ms(ms)).is_ok());
        }
        assert_eq!(taken, 100 + 599);
    }

    #[test]
    fn what_was_refused_fits_after_the_wait() {
        let mut quota = Quota::new(RATE);
        quota.take("v", 100, Timestamp::from_ms(7)).expect("the burst");
        let wait = quota.take("v", 33, Timestamp::from_ms(7)).expect_err("over");
        assert!(quota.take("v", 33, Timestamp::from_ms(7 + wait - 2)).is_err());
        assert_eq!(quota.take("v", 33, Timestamp::from_ms(7 + wait)), Ok(()));
    }

    #[test]
    fn the_memory_is_bounded_and_forgets_nobody_who_is_over() {
        let mut quota = Quota::new(RATE);
        for sender in 0..3 * SENDERS_MAX {
            // A sender's event is forgiven after 100 ms, so of the old ones none is over.
            let now = Timestamp::from_ms(i64::try_from(sender).unwrap_or(0));
            if sender % 50 == 0 {
                let _ = quota.take("greedy", 100, now);
            }
            assert_eq!(quota.take(&sender.to_string(), 1, now), Ok(()));
            assert!(quota.full_at.len() <= SENDERS_MAX);
        }
        // What was taken at 20 s is forgiven at 30 s.
        assert!(quota.take("greedy", 100, Timestamp::from_ms(29_999)).is_err());
    }

    #[test]
    fn a_clock_that_jumps_back_harms_nobody_for_long() {
        let mut quota = Quota::new(RATE);
        quota.take("v", 1, Timestamp::from_ms(i64::MAX)).expect("far ahead");
        assert!(quota.take("w", 1, Timestamp::from_ms(i64::MIN)).is_ok());
    }
}
