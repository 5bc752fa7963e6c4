//! Student's t distribution, right and fast from 1 to 1e19 degrees of freedom.

use core::f64::consts::FRAC_PI_2;

use super::beta::{fraction, power};
use super::{NEGLIGIBLE, STEPS_MAX, normal_quantile};

/// Below this the central probability by its series, above it the tail by its fraction: both take 20-30 steps.
const CENTRAL: f64 = 2.0;

/// A statistic beyond this gives the same answer as this one; its square still fits in an `f64`.
const STATISTIC_MAX: f64 = 1e150;

/// Steps of the quantile's refinement; the third-order step needs two or three.
const REFINEMENTS_MAX: u32 = 20;

/// One tail and the density at a point, with the exponential kept apart for tails below 1e-308.
struct Point {
    exponent: f64,
    tail: f64,
    density: f64,
}

impl Point {
    /// Evaluates at `t >= 0` with `dof >= 1`.
    fn at(t: f64, dof: f64) -> Self {
        let t = t.min(STATISTIC_MAX);
        let ratio = t * t / dof;
        let x = 1.0 / (1.0 + ratio);
        // For a large ratio `1 - x` is exact enough and `ratio * x` could round above one.
        let y = if ratio < 1.0 { ratio * x } else { 1.0 / (1.0 + 1.0 / ratio) };
        let a = 0.5 * dof;
        let (exponent, scale) = power(a, 0.5, x, y);
        if t >= CENTRAL {
            return Self { exponent, tail: 0.5 * scale / fraction(a, 0.5, x, y), density: scale / t };
        }
        let size = libm::exp(exponent) * scale;
        let central = if t > 0.0 { 2.0 * size * central_series(dof, y) } else { 0.0 };
        // At zero the density is the limit of power / t, which a small positive t already shows.
        let density = if t > 0.0 { size / t } else { 0.0 };
        Self { exponent: 0.0, tail: 0.5 * (1.0 - central), density }
    }

    /// P(T > t).
    fn sf(&self) -> f64 {
        libm::exp(self.exponent) * self.tail
    }
}

/// The nearest degrees of freedom that the formulas hold for; above the upper end t is normal to every digit.
fn within_domain(dof: f64) -> f64 {
    dof.clamp(1.0, 1e19)
}

/// `1 + c1 y + c2 y^2 + ...` of `I_y(1/2, dof/2)`, every term positive (Abramowitz & Stegun 26.5.4).
fn central_series(dof: f64, y: f64) -> f64 {
    let (mut term, mut sum) = (1.0, 1.0);
    for n in 0..STEPS_MAX {
        let n = f64::from(n);
        term *= (0.5 * (dof + 1.0) + n) / (1.5 + n) * y;
        sum += term;
        if term <= NEGLIGIBLE * sum {
            break;
        }
    }
    sum
}

/// P(T > t) for Student's t with `dof >= 1`, any real `t`.
///
/// Formula: `I_x(dof/2, 1/2) / 2` with `x = dof / (dof + t^2)` (Abramowitz & Stegun 26.5.27).
///
/// ```
/// let p = splitlight_stats::special::student_t_sf(1.0, 1.0);
/// assert!((p - 0.25).abs() < 1e-15);
/// ```
pub fn student_t_sf(t: f64, dof: f64) -> f64 {
    if t < 0.0 { 1.0 - student_t_sf(-t, dof) } else { Point::at(t, within_domain(dof)).sf() }
}

/// P(T <= t) for Student's t with `dof >= 1`, any real `t`; the mirror image of [`student_t_sf`].
///
/// ```
/// assert_eq!(splitlight_stats::special::student_t_cdf(0.0, 5.0), 0.5);
/// ```
pub fn student_t_cdf(t: f64, dof: f64) -> f64 {
    student_t_sf(-t, dof)
}

/// ln P(T > t) for Student's t with `dof >= 1`; stays finite where the probability itself underflows.
///
/// ```
/// let ln_p = splitlight_stats::special::student_t_ln_sf(100.0, 1e12);
/// assert!((ln_p + 5005.5242).abs() < 1e-3);
/// ```
pub fn student_t_ln_sf(t: f64, dof: f64) -> f64 {
    if t < 0.0 {
        return libm::log1p(-student_t_sf(-t, dof));
    }
    let point = Point::at(t, within_domain(dof));
    point.exponent + libm::log(point.tail)
}

/// The `t` with P(T > t) = `tail`, for `0 < tail < 1` and `dof >= 1`; `inf` at 0 and `-inf` at 1,
/// and never beyond 1e150 otherwise.
///
/// Formula: Hill's algorithm 396 (1970) for a start, then the third-order Taylor step on the tail.
///
/// ```
/// let t = splitlight_stats::special::student_t_upper_quantile(0.025, 10.0);
/// assert!((t - 2.2281388519862744).abs() < 1e-14);
/// ```
pub fn student_t_upper_quantile(tail: f64, dof: f64) -> f64 {
    if tail <= 0.0 {
        return f64::INFINITY;
    }
    if tail >= 1.0 {
        return f64::NEG_INFINITY;
    }
    if tail > 0.5 {
        return -student_t_upper_quantile(1.0 - tail, dof);
    }
    let dof = within_domain(dof);
    refine(hill(tail, dof), tail, dof)
}

/// The `t` with P(T <= t) = `p`, for `0 < p < 1` and `dof >= 1`.
///
/// ```
/// let t = splitlight_stats::special::student_t_quantile(0.75, 1.0);
/// assert!((t - 1.0).abs() < 1e-14);
/// ```
pub fn student_t_quantile(p: f64, dof: f64) -> f64 {
    if p < 0.5 { -student_t_upper_quantile(p, dof) } else { student_t_upper_quantile(1.0 - p, dof) }
}

/// Three to five digits of the quantile of an upper tail of at most one half, by algorithm 396.
fn hill(tail: f64, dof: f64) -> f64 {
    let inverse = 1.0 / (dof - 0.5);
    let curvature = 48.0 / (inverse * inverse);
    let c = ((20_700.0 * inverse / curvature - 98.0) * inverse - 16.0) * inverse + 96.36;
    let d = ((94.5 / (curvature + c) - 3.0) / curvature + 1.0) * libm::sqrt(inverse * FRAC_PI_2) * dof;
    let power = libm::pow(d * 2.0 * tail, 2.0 / dof);
    if power > 0.05 + inverse {
        let z = normal_quantile(tail);
        let square = z * z;
        let heavy = if dof < 5.0 { 0.3 * (dof - 4.5) * (z + 0.6) } else { 0.0 };
        let scale = (((0.05 * d * z - 5.0) * z - 7.0) * z - 2.0) * z + curvature + c + heavy;
        let expansion = ((0.4 * square + 6.3) * square + 36.0) * square + 94.5;
        let w = ((expansion / scale - square - 3.0) / curvature + 1.0) * z;
        return libm::sqrt(dof * libm::expm1(inverse * w * w));
    }
    let far = 1.0 / (((dof + 6.0) / (dof * power) - 0.089 * d - 0.822) * (dof + 2.0) * 3.0);
    let w = ((far + 0.5 / (dof + 4.0)) * power - 1.0) * (dof + 1.0) / (dof + 2.0) + 1.0 / power;
    libm::sqrt(dof * w)
}

/// Repeats `t += e (1 + e t (dof+1) / (2 (dof+t^2)))` with `e = (sf - tail) / density`.
fn refine(start: f64, tail: f64, dof: f64) -> f64 {
    let mut t = start.min(STATISTIC_MAX);
    for _ in 0..REFINEMENTS_MAX {
        let point = Point::at(t, dof);
        // A density of zero is only met at t = 0, the answer itself.
        if point.density <= 0.0 {
            break;
        }
        let goal = tail / libm::exp(point.exponent);
        let error = (point.tail - goal) / point.density;
        let step = error * (1.0 + 0.5 * error * t * (dof + 1.0) / (dof + t * t));
        // A wild step means the start was poor; halving or doubling is always safe.
        t = if step.is_finite() { (t + step).clamp(0.5 * t, 2.0 * t).min(STATISTIC_MAX) } else { 0.5 * t };
        if step.abs() <= 4.0 * f64::EPSILON * t {
            break;
        }
    }
    t
}
