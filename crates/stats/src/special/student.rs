//! Student's t distribution, right and fast from 1 to 1e19 degrees of freedom.

use core::f64::consts::FRAC_PI_2;

use super::beta::{fraction, power};
use super::{NEGLIGIBLE, STEPS_MAX, normal_ln_sf, normal_quantile, normal_sf};

/// Below this the central probability by its short series, above it the tail by its fraction of 20-30 slow steps; here
/// the tail still has 14 of its digits.
const CENTRAL: f64 = 2.5;

/// From here on t is close enough to normal for a few terms of an expansion to have every digit.
const NEARLY_NORMAL: f64 = 1_000.0;
const NEARLY_NORMAL_QUANTILE: f64 = 400.0;

/// Largest normal score of the tail's expansion, and the one for degrees of freedom that allow more.
const SCORE_MAX: f64 = 8.0;
const SCORE_MAX_FAR: f64 = 25.0;
const NEARLY_NORMAL_FAR: f64 = 100_000.0;

/// Largest square of the normal score, in degrees of freedom, of the quantile's expansion.
const SQUARE_MAX: f64 = 0.01;

/// A relative step this small leaves an error of its third power, which is none.
const STEP_LAST: f64 = 2e-6;

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
    if t < 0.0 {
        return 1.0 - student_t_sf(-t, dof);
    }
    let dof = within_domain(dof);
    match normal_score(t, dof) {
        Some(z) => normal_sf(z),
        None => Point::at(t, dof).sf(),
    }
}

/// The normal score with the same tail as `t >= 0`, where its expansion has every digit.
///
/// Formula: Hill 1970, algorithm 395, in `sqrt((dof - 1/2) ln(1 + t^2 / dof))`.
fn normal_score(t: f64, dof: f64) -> Option<f64> {
    let score_max = if dof < NEARLY_NORMAL_FAR { SCORE_MAX } else { SCORE_MAX_FAR };
    if dof < NEARLY_NORMAL || t > 2.0 * score_max {
        return None;
    }
    let shifted = dof - 0.5;
    let scale = 48.0 * shifted * shifted;
    let square = shifted * libm::log1p(t / dof * t);
    let start = libm::sqrt(square);
    let second = ((4.0 * square + 33.0) * square + 240.0) * square + 855.0;
    let correction = square + 3.0 - second / (10.0 * (scale + 0.8 * square * square + 100.0));
    let score = start + start * (correction / scale);
    (score <= score_max).then_some(score)
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
    let dof = within_domain(dof);
    if let Some(z) = normal_score(t, dof) {
        return normal_ln_sf(z);
    }
    let point = Point::at(t, dof);
    point.exponent + libm::log(point.tail)
}

/// The `t` with P(T > t) = `tail`, for `0 < tail < 1` and `dof >= 1`; `inf` at 0 and `-inf` at 1,
/// and never beyond 1e150 otherwise.
///
/// Formula: the expansion of Cornish and Fisher where it has every digit (Abramowitz & Stegun 26.7.5 and one term
/// more); else Hill's algorithm 396 (1970) for a start, then the third-order Taylor step on the tail.
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
    let z = -normal_quantile(tail);
    let square = z * z;
    if dof >= NEARLY_NORMAL_QUANTILE && square <= SQUARE_MAX * dof {
        return cornish_fisher(z, 1.0 / dof);
    }
    // Where the expansion is not exact it is still the better start, unless the tail is heavy.
    let near = dof >= 10.0 && square <= 0.3 * dof;
    refine(if near { cornish_fisher(z, 1.0 / dof) } else { hill(tail, dof) }, tail, dof)
}

/// The quantile of t from that of the normal distribution.
fn cornish_fisher(z: f64, inverse: f64) -> f64 {
    let x = z * z;
    let first = (x + 1.0) / 4.0;
    let second = ((5.0 * x + 16.0) * x + 3.0) / 96.0;
    let third = (((3.0 * x + 19.0) * x + 17.0) * x - 15.0) / 384.0;
    let fourth = ((((79.0 * x + 776.0) * x + 1_482.0) * x - 1_920.0) * x - 945.0) / 92_160.0;
    let fifth = (((((27.0 * x + 339.0) * x + 930.0) * x - 1_782.0) * x - 765.0) * x + 17_955.0) / 368_640.0;
    let sum = first + inverse * (second + inverse * (third + inverse * (fourth + inverse * fifth)));
    z + z * (inverse * sum)
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
        if step.abs() <= STEP_LAST * t {
            break;
        }
    }
    t
}
