//! The always-valid test: a confidence sequence that may be looked at after every visitor.

use crate::{Sample, TestResult};

/// Tests the difference of two means at any number of looks; `alpha` is 1 minus the confidence.
///
/// `planned_total` is the planned number of visitors of the two variations together, where the interval is
/// tightest; it must be frozen before the start. Formula: the asymptotic confidence sequence of Waudby-Smith et
/// al. (2021), equations 9 and 155, a normal mixture: with `m = N rho^2` and `rho` from [`rho_squared`],
/// `p = min(1, sqrt(m + 1) exp(-z^2 m / (2 (m + 1))))`. Samples as described at [`Sample`].
///
/// ```
/// use splitlight_stats::{Sample, always_valid};
///
/// let control = Sample { n: 5_000.0, mean: 10.0, variance: 4.0 };
/// let variation = Sample { n: 5_000.0, mean: 10.3, variance: 4.0 };
/// assert!(always_valid::test(&control, &variation, 0.05, 10_000.0).p_value < 0.001);
/// ```
pub fn test(control: &Sample, variation: &Sample, alpha: f64, planned_total: f64) -> TestResult {
    let difference = variation.mean - control.mean;
    let standard_error = libm::sqrt(control.squared_error() + variation.squared_error());
    let z = difference / standard_error;
    let total = control.n + variation.n;
    let mixture = total * rho_squared(alpha, planned_total);
    let ln_p_value = (0.5 * libm::log1p(mixture) - 0.5 * z * z * (mixture / (mixture + 1.0))).min(0.0);
    TestResult {
        difference,
        standard_error,
        multiplier: multiplier(total, alpha, planned_total),
        p_value: libm::exp(ln_p_value),
        ln_p_value,
    }
}

/// Half the interval in standard errors after `total` visitors; all three arguments above 0, `alpha` below 1.
///
/// Formula: `sqrt(2 (m + 1) / m * ln(sqrt(m + 1) / alpha))` with `m = total * rho^2`; the same as Eppo's
/// sequential multiplier and the two-sided normal mixture of Howard et al. (2021).
///
/// ```
/// let multiplier = splitlight_stats::always_valid::multiplier(1_615.0, 0.05, 10_000.0);
/// assert!((multiplier - 3.4834839236168638).abs() < 1e-12);
/// ```
pub fn multiplier(total: f64, alpha: f64, planned_total: f64) -> f64 {
    let mixture = total * rho_squared(alpha, planned_total);
    let bound = 0.5 * libm::log1p(mixture) - libm::log(alpha);
    libm::sqrt(2.0 * ((mixture + 1.0) / mixture) * bound)
}

/// The mixture parameter that makes the interval tightest at `planned_total` visitors.
///
/// Formula: `(L + ln(L + 1)) / planned_total` with `L = -2 ln alpha` (Waudby-Smith et al. 2021).
///
/// ```
/// let rho_squared = splitlight_stats::always_valid::rho_squared(0.05, 5_000.0);
/// assert!((rho_squared.sqrt() - 0.03984).abs() < 1e-5);
/// ```
pub fn rho_squared(alpha: f64, planned_total: f64) -> f64 {
    let bound = -2.0 * libm::log(alpha);
    (bound + libm::log1p(bound)) / planned_total
}
