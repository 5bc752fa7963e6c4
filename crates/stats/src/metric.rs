//! From what a visitor did to the value they contribute: caps, retention and funnels.

use serde::{Deserialize, Serialize};

use crate::Moments;

/// Moments of values with a cap, and their twin without: a few huge orders must not decide, and must not hide.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Capped {
    /// Of the values, each at most the cap.
    pub capped: Moments,
    /// Of the values as they are.
    pub uncapped: Moments,
}

impl Capped {
    /// What a counted visitor adds when their value, `before`, grows by `gain`, under a cap of at least 0; all in minor
    /// units. The magnitude of a refund is capped as well.
    ///
    /// Formula: the capped twin grows by `min(s + v, c) - min(s, c)`. A percentile cap is a number as well: read it once
    /// from the [`Sketch`](crate::Sketch) of both variations together, and keep it.
    ///
    /// ```
    /// use splitlight_stats::{Capped, Moments};
    ///
    /// let visitor = Moments { n: 1, ..Moments::default() };
    /// let counted = Capped { capped: visitor, uncapped: visitor };
    /// let later = counted.merge(Capped::gain(0, 800, 1_000)).merge(Capped::gain(800, 9_000, 1_000));
    /// assert_eq!((later.capped.mean(), later.uncapped.mean()), (1_000.0, 9_800.0));
    /// ```
    pub fn gain(before: i64, gain: i64, cap: i64) -> Self {
        let cap = cap.max(0);
        let under = |value: i64| value.clamp(-cap, cap);
        let after = before.saturating_add(gain);
        Self {
            // Both are between -cap and cap, whose distance may not fit.
            capped: Moments::gain(under(before), under(after).saturating_sub(under(before))),
            uncapped: Moments::gain(before, gain),
        }
    }

    /// Adds two sets of visitors that do not overlap; commutative and associative for every input.
    #[must_use]
    pub fn merge(self, other: Self) -> Self {
        Self { capped: self.capped.merge(other.capped), uncapped: self.uncapped.merge(other.uncapped) }
    }
}

/// Whether a visitor came back `day` days after their first one: a proportion. Days are counted in any calendar.
///
/// ```
/// // First seen on day 100, and again on day 107.
/// assert!(splitlight_stats::retained(100, &[100, 107], 7));
/// assert!(!splitlight_stats::retained(100, &[100, 106, 108], 7));
/// ```
pub fn retained(first_day: i32, active_days: &[i32], day: u16) -> bool {
    active_days.iter().any(|active| active.checked_sub(first_day) == Some(i32::from(day)))
}

/// How many steps of a funnel a visitor passed, in order: step `k` is passed at its earliest time not before the one
/// that passed step `k - 1`. Whether it is at least `k` is a proportion, and that of steps `k` by `k - 1` a ratio.
///
/// `times` has one list per step, each in any order and any unit.
///
/// ```
/// use splitlight_stats::funnel_steps;
///
/// // View, cart, purchase; the purchase was before the cart.
/// assert_eq!(funnel_steps(&[&[10, 50], &[40], &[30]]), 2);
/// assert_eq!(funnel_steps(&[&[10], &[], &[30]]), 1);
/// ```
pub fn funnel_steps(times: &[&[i64]]) -> usize {
    let mut last = i64::MIN;
    for (passed, step) in times.iter().enumerate() {
        match step.iter().copied().filter(|time| *time >= last).min() {
            Some(time) => last = time,
            None => return passed,
        }
    }
    times.len()
}
