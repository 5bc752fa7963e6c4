//! The incomplete beta function, without the cancellation that ruins it for large shapes.

use core::f64::consts::PI;

use super::gamma::{ln_minus_linear, stirling_error};
use super::quadrature::tail;
use super::{SHAPE_LARGE, SHAPE_MAX, continued_fraction};

/// Beyond this a share is below 1e-304, and its logarithm would not be known.
const LOGIT_MAX: f64 = 700.0;

/// Steps of the quantile; about ten are needed, more for tails below 1e-100.
const NEWTON_STEPS_MAX: u32 = 100;

/// `x^a y^b / B(a, b)` as (exponent, scale), the product being `exp(exponent) * scale`; `x + y = 1`.
///
/// Formula: Loader's saddle-point form (2000), with `a y - b x` as the small quantity, so that neither large
/// logarithms nor large gamma functions are subtracted.
pub(super) fn power(a: f64, b: f64, x: f64, y: f64) -> (f64, f64) {
    let total = a + b;
    let lambda = a * y - b * x;
    let first = a * ln_minus_linear(total * x / a, -lambda / a);
    let second = b * ln_minus_linear(total * y / b, lambda / b);
    let corrections = stirling_error(total) - stirling_error(a) - stirling_error(b);
    (first + second + corrections, libm::sqrt(a / total * b / (2.0 * PI)))
}

/// `ln [C(n, k) p^k q^(n-k)]` for counts `0 <= k <= n` and `p + q = 1`, both positive.
pub(crate) fn power_of_counts(k: f64, n: f64, p: f64, q: f64) -> f64 {
    let rest = n - k;
    if k <= 0.0 {
        return n * libm::log1p(-p);
    }
    if rest <= 0.0 {
        return n * libm::log1p(-q);
    }
    let (exponent, scale) = power(k, rest, p, q);
    exponent + libm::log(scale * (n / k / rest))
}

/// The fraction `f` in `I_x(a, b) = power / f`; converges fast where `a y >= b x`.
///
/// Formula: `DiDonato` & Morris 1992, equation 9 (`BFRAC`), the even part of the classical fraction.
pub(super) fn fraction(a: f64, b: f64, x: f64, y: f64) -> f64 {
    let lambda = a * y - b * x;
    continued_fraction(a * (lambda + 1.0) / (a + 1.0), |m| {
        let shape = a + 2.0 * m - 1.0;
        let numerator = (m * (a + m - 1.0) / shape) * ((a + b + m - 1.0) / shape) * (b - m) * x * x;
        let last = (a + m) * (lambda + 1.0 + m * (2.0 - x)) / (shape + 2.0);
        (numerator, m + m * (b - m) * x / shape + last)
    })
}

/// One tail of the beta distribution as the logarithm of a power and the factor beside it, and which tail it is.
struct Tail {
    exponent: f64,
    factor: f64,
    lower: bool,
}

impl Tail {
    /// The tail beyond `x` on its side of the mean, for `1e-10 <= a, b <= 1e16`, `0 < x, y` and `x + y = 1`.
    fn at(a: f64, b: f64, x: f64, y: f64) -> Self {
        let lower = a * y >= b * x;
        let (a, b, x, y) = if lower { (a, b, x, y) } else { (b, a, y, x) };
        let (exponent, scale) = power(a, b, x, y);
        let factor = if a > SHAPE_LARGE && b > SHAPE_LARGE {
            // Below this the tail of such a shape is zero anyway, and its slope would not be finite.
            let (x, y) = (x.max(1e-290), y.max(1e-290));
            // ln of the density relative to the one at x, which is concave: its linear part, and the rest.
            let slope = (a - 1.0) / x - (b - 1.0) / y;
            let relative = |u: f64| {
                (a - 1.0) * ln_minus_linear(1.0 - u / x, -u / x)
                    + (b - 1.0) * ln_minus_linear(1.0 + u / y, u / y)
                    - slope * u
            };
            let deviation = libm::sqrt(x * y / (a + b));
            scale * tail(deviation, x, relative) / (x * y)
        } else {
            scale / fraction(a, b, x, y)
        };
        Self { exponent, factor, lower }
    }

    fn probability(&self) -> f64 {
        (libm::exp(self.exponent) * self.factor).clamp(0.0, 1.0)
    }

    /// ln of the lower or the upper tail.
    fn ln(&self, lower: bool) -> f64 {
        if lower == self.lower {
            (self.exponent + libm::log(self.factor)).min(0.0)
        } else {
            libm::log1p(-self.probability())
        }
    }
}

/// `I_x(a, b)`, the regularized incomplete beta function, for `0 < a, b <= 1e16` and `0 <= x <= 1`.
///
/// Formula: `DiDonato` & Morris 1992, equation 9; for two huge shapes the integral of the density instead, since the
/// fraction would take `sqrt(a)` steps. A shape out of the domain counts as its nearer end, as does an `x` outside
/// the unit interval.
///
/// ```
/// let p = splitlight_stats::special::beta_regularized(2.0, 3.0, 0.9);
/// assert!((p - 0.9963).abs() < 1e-15);
/// ```
pub fn beta_regularized(a: f64, b: f64, x: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    if x >= 1.0 {
        return 1.0;
    }
    let tail = Tail::at(within_domain(a), within_domain(b), x, 1.0 - x);
    if tail.lower { tail.probability() } else { 1.0 - tail.probability() }
}

/// `(ln I_x(a, b), ln I_y(b, a))` for `x + y = 1`, both positive; finite even where a tail underflows.
pub(crate) fn beta_ln_tails(a: f64, b: f64, x: f64, y: f64) -> (f64, f64) {
    let tail = Tail::at(within_domain(a), within_domain(b), x, y);
    (tail.ln(true), tail.ln(false))
}

/// A logit as the share and what is left of it, both positive.
pub(crate) fn shares(logit: f64) -> (f64, f64) {
    let logit = logit.clamp(-LOGIT_MAX, LOGIT_MAX);
    (1.0 / (1.0 + libm::exp(-logit)), 1.0 / (1.0 + libm::exp(logit)))
}

/// ln of the density of the logit of a beta variable: `x^a y^b / B(a, b)`.
pub(crate) fn ln_logit_density(a: f64, b: f64, x: f64, y: f64) -> f64 {
    let (exponent, scale) = power(within_domain(a), within_domain(b), x, y);
    exponent + libm::log(scale)
}

/// The `x` with `I_x(a, b) = p`, for `0 < a, b <= 1e16`; 0 at or below `p = 0` and 1 at or above 1.
///
/// Formula: Newton's method on the logarithm of the smaller tail over the logit of `x`, where it is concave, so that every
/// start converges.
///
/// ```
/// let x = splitlight_stats::special::beta_quantile(0.025, 0.5, 10.5);
/// assert!((x - 4.7890433157581895e-5).abs() < 1e-16);
/// ```
pub fn beta_quantile(p: f64, a: f64, b: f64) -> f64 {
    quantile_shares(p, a, b).0
}

/// The `x` with `I_x(a, b) = 1 - tail`, which keeps the digits that `1 - tail` and `1 - x` would drop.
///
/// ```
/// let high = splitlight_stats::special::beta_upper_quantile(0.025, 1.0, 1e9);
/// assert!((high / 3.688879447e-9 - 1.0).abs() < 1e-9);
/// ```
pub fn beta_upper_quantile(tail: f64, a: f64, b: f64) -> f64 {
    quantile_shares(tail, b, a).1
}

/// The quantile, and 1 minus it.
fn quantile_shares(p: f64, a: f64, b: f64) -> (f64, f64) {
    if p <= 0.0 {
        return (0.0, 1.0);
    }
    if p >= 1.0 {
        return (1.0, 0.0);
    }
    let (a, b) = (within_domain(a), within_domain(b));
    let lower = p <= 0.5;
    let goal = if lower { libm::log(p) } else { libm::log1p(-p) };
    let mut logit = libm::log(a / b);
    for _ in 0..NEWTON_STEPS_MAX {
        let at = shares(logit);
        let ln_tails = beta_ln_tails(a, b, at.0, at.1);
        let ln_tail = if lower { ln_tails.0 } else { ln_tails.1 };
        let slope = libm::exp(ln_logit_density(a, b, at.0, at.1) - ln_tail);
        let step = (goal - ln_tail) / if lower { slope } else { -slope };
        if !step.is_finite() {
            break;
        }
        logit = (logit + step).clamp(-LOGIT_MAX, LOGIT_MAX);
        if step.abs() <= 1e-15 * logit.abs().max(1e-3) {
            break;
        }
    }
    shares(logit)
}

/// The nearest shape that the formulas hold for.
fn within_domain(shape: f64) -> f64 {
    shape.clamp(1e-10, SHAPE_MAX)
}

/// P(F > x) for an F with `between >= 1` and `within >= 1` degrees of freedom, each up to 1e16.
///
/// Formula: `I_y(within / 2, between / 2)` with `y = within / (within + between x)` (Abramowitz & Stegun 26.6.2).
///
/// ```
/// let p = splitlight_stats::special::f_sf(4.0, 1.0, 1e12);
/// assert!((p - 0.04550026389635842).abs() < 1e-12);
/// ```
pub fn f_sf(x: f64, between: f64, within: f64) -> f64 {
    libm::exp(f_ln_sf(x, between, within))
}

/// ln P(F > x) for an F with `between >= 1` and `within >= 1` degrees of freedom; stays finite where the probability
/// underflows.
///
/// ```
/// let ln_p = splitlight_stats::special::f_ln_sf(10_000.0, 2.0, 1e12);
/// assert!((ln_p + 10_000.0).abs() < 1e-3);
/// ```
pub fn f_ln_sf(x: f64, between: f64, within: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    let (a, b) = (within_domain(0.5 * within), within_domain(0.5 * between));
    // The ratio of the parts, kept away from 0 and infinity, where nothing changes any more.
    let odds = (b / a * x).clamp(1e-290, 1e290);
    beta_ln_tails(a, b, 1.0 / (1.0 + odds), 1.0 / (1.0 + 1.0 / odds)).0
}
