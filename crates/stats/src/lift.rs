//! Lift: the relative effect and the interval that inverts the same test as the p-value.

use serde::Serialize;

use crate::Contrast;

/// The lifts that a test does not reject, as fractions of the control mean.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum LiftInterval {
    /// Lower and upper end; excludes 0 exactly where the interval of the difference does.
    Bounded(f64, f64),
    /// Every lift but those between the two: the control mean is not yet told apart from 0, but the variation is from
    /// what these lifts would make of it. They contain 0 exactly where the interval of the difference does not.
    Outside(f64, f64),
    /// Every lift: neither mean is told apart from 0.
    Unbounded,
    /// There is no control mean to divide by, or the exact procedure was used, which has no interval of a ratio.
    Undefined,
}

impl LiftInterval {
    /// Whether "no lift" is rejected.
    ///
    /// ```
    /// use splitlight_stats::LiftInterval;
    ///
    /// assert!(LiftInterval::Bounded(0.1, 0.2).excludes_zero());
    /// assert!(LiftInterval::Outside(-0.1, 0.2).excludes_zero());
    /// assert!(!LiftInterval::Unbounded.excludes_zero());
    /// ```
    pub fn excludes_zero(&self) -> bool {
        match *self {
            Self::Bounded(low, high) => low > 0.0 || high < 0.0,
            Self::Outside(low, high) => low < 0.0 && 0.0 < high,
            Self::Unbounded | Self::Undefined => false,
        }
    }
}

/// The lift, `difference / |control mean|`; `None` where the control mean is 0.
///
/// The magnitude keeps the sign of the difference when the mean itself is negative (refunds).
///
/// ```
/// use splitlight_stats::lift;
///
/// assert_eq!(lift::estimate(2.0, 1.0), Some(0.5));
/// assert_eq!(lift::estimate(0.0, 1.0), None);
/// ```
pub fn estimate(control_mean: f64, difference: f64) -> Option<f64> {
    let lift = difference / control_mean.abs();
    lift.is_finite().then_some(lift)
}

/// The interval of the lift by Fieller's theorem (1954); `multiplier` is the half interval of the test in standard
/// errors.
///
/// It is the set of lifts `L` that the test of `difference = L control mean` does not reject, that is where
/// `(1 - g) L^2 - 2 (e - z^2 C / m^2) L + low * high / m^2 <= 0`, with `m` the control mean, `e` the lift, `low` and
/// `high` the interval of the difference, `C` the covariance of the difference and the control mean, and
/// `g = z^2 * squared error / m^2` of the control mean; bounded for `g < 1`.
///
/// ```
/// use splitlight_stats::{Contrast, LiftInterval, Sample, lift};
///
/// let control = Sample { n: 1_000.0, mean: 10.0, variance: 100.0 };
/// let variation = Sample { n: 1_000.0, mean: 12.0, variance: 100.0 };
/// let contrast = Contrast::between(&control.into(), &variation.into());
/// assert!(matches!(lift::fieller(&contrast, 1.96), LiftInterval::Bounded(low, _) if low > 0.1));
/// ```
pub fn fieller(contrast: &Contrast, multiplier: f64) -> LiftInterval {
    let Contrast { difference, baseline, .. } = *contrast;
    let scale = baseline.abs();
    let Some(lift) = estimate(baseline, difference) else { return LiftInterval::Undefined };
    let relative_error = multiplier * libm::sqrt(contrast.baseline_squared_error) / scale;
    let g = relative_error * relative_error;
    // With a negative control mean the signed ratio runs the other way; turn it around and back.
    let direction = if baseline < 0.0 { -1.0 } else { 1.0 };
    let half = multiplier * libm::sqrt(contrast.squared_error);
    let (low, high) = (difference - half, difference + half);
    let middle = direction * lift - (multiplier / scale) * (multiplier / scale) * contrast.covariance;
    let last = (low / scale) * (high / scale);
    let ordered = |ends: (f64, f64)| {
        let (a, b) = (direction * ends.0, direction * ends.1);
        (a.is_finite() && b.is_finite()).then_some((a.min(b), a.max(b)))
    };
    if g < 1.0 {
        let ends = ordered(roots(1.0 - g, middle, last));
        return ends.map_or(LiftInterval::Unbounded, |(low, high)| LiftInterval::Bounded(low, high));
    }
    // The parabola opens downward, and rejects only between its roots, if it has any.
    let gap = middle * middle > (1.0 - g) * last;
    let ends = if gap && g > 1.0 { ordered(roots(g - 1.0, -middle, -last)) } else { None };
    ends.map_or(LiftInterval::Unbounded, |(low, high)| LiftInterval::Outside(low, high))
}

/// Both roots of `a x^2 - 2 b x + c` for `a > 0`, without cancellation: their signs are those of `b` and `c`.
fn roots(a: f64, b: f64, c: f64) -> (f64, f64) {
    let root = libm::sqrt((b * b - a * c).max(0.0));
    let far = b + if b < 0.0 { -root } else { root };
    if far == 0.0 { (0.0, 0.0) } else { (far / a, c / far) }
}
