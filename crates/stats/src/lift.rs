//! Lift: the relative effect and the interval that inverts the same test as the p-value.

use crate::{Sample, TestResult};

/// The interval of the lift, as a fraction of the control mean.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum LiftInterval {
    /// Lower and upper end; excludes 0 exactly where the interval of the difference does.
    Bounded(f64, f64),
    /// The control mean is not yet told apart from 0, so every ratio remains possible.
    Unbounded,
    /// There is no control mean to divide by, or the exact procedure was used, which has no interval of a ratio.
    Undefined,
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

/// The interval of the lift by Fieller's theorem (1954) with the multiplier of `test`.
///
/// It is the set of lifts `L` that the test of `variation mean = (1 + L) control mean` does not reject, that is
/// the roots of `(1 - g) L^2 - 2 (e + g) L + (low * high / m^2)`, with `m` the control mean, `e` the lift, `low`
/// and `high` the interval of the difference, and `g = multiplier^2 * squared error / m^2` of the control;
/// unbounded from `g = 1` on.
///
/// ```
/// use splitlight_stats::{LiftInterval, Sample, lift, welch};
///
/// let control = Sample { n: 1_000.0, mean: 10.0, variance: 100.0 };
/// let variation = Sample { n: 1_000.0, mean: 12.0, variance: 100.0 };
/// let test = welch::test(&control, &variation, 0.05);
/// assert!(matches!(lift::fieller(&control, &test), LiftInterval::Bounded(low, _) if low > 0.1));
/// ```
pub fn fieller(control: &Sample, test: &TestResult) -> LiftInterval {
    let scale = control.mean.abs();
    let Some(lift) = estimate(control.mean, test.difference) else { return LiftInterval::Undefined };
    let relative_error = test.multiplier * libm::sqrt(control.squared_error()) / scale;
    let g = relative_error * relative_error;
    if g >= 1.0 {
        return LiftInterval::Unbounded;
    }
    // With a negative control mean the signed ratio runs the other way; turn it around and back.
    let direction = if control.mean < 0.0 { -1.0 } else { 1.0 };
    let (low, high) = test.interval();
    let ends = roots(1.0 - g, direction * lift + g, (low / scale) * (high / scale));
    let (a, b) = (direction * ends.0, direction * ends.1);
    if a.is_finite() && b.is_finite() {
        LiftInterval::Bounded(a.min(b), a.max(b))
    } else {
        LiftInterval::Unbounded
    }
}

/// Both roots of `a x^2 - 2 b x + c` for `a > 0`, without cancellation: their signs are those of `b` and `c`.
fn roots(a: f64, b: f64, c: f64) -> (f64, f64) {
    let root = libm::sqrt((b * b - a * c).max(0.0));
    let far = b + if b < 0.0 { -root } else { root };
    if far == 0.0 { (0.0, 0.0) } else { (far / a, c / far) }
}
