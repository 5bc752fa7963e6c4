//! One comparison of a variation with the control: the entry point of the collector.

use core::fmt;

use serde::Serialize;

use crate::always_valid;
use crate::exact::fisher_ln_p;
use crate::proportion::{Conversions, newcombe};
use crate::{
    Alternative, Contrast, Estimate, Kind, LiftInterval, Measured, Moments, Sample, TestResult,
    group_sequential, lift, welch,
};

/// How often the result may be looked at.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Method<'p> {
    /// Once, at a size fixed in advance: Welch's t-test, or Fisher's exact test for a proportion without a variance.
    Welch,
    /// As often as wanted: [`always_valid`].
    AlwaysValid {
        /// Planned visitors of both variations together, at least 2, frozen before the start.
        planned_total: f64,
    },
    /// At the looks of a plan: [`group_sequential`].
    GroupSequential {
        /// Two-sided, for the confidence of the comparison.
        plan: &'p group_sequential::Plan,
        /// Which look this is, counted from 0.
        look: usize,
    },
}

/// The procedure a result came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Procedure {
    /// Welch's t-test.
    Welch,
    /// The asymptotic confidence sequence.
    AlwaysValid,
    /// The bounds of planned looks.
    GroupSequential,
    /// Fisher's exact test and Newcombe's interval, where everybody or nobody of a variation converted.
    Exact,
}

/// The difference between a variation and the control, in minor units per visitor, and its uncertainty.
///
/// Every number is finite. Up to rounding, `p_value < 1 - confidence` where and only where `difference_interval`
/// excludes 0, and `lift_interval`, where it says anything, excludes it where and only where `difference_interval` does.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Comparison {
    /// The procedure used.
    pub method: Procedure,
    /// Confidence of both intervals, as asked for.
    pub confidence: f64,
    /// Two-sided p-value of "no difference", 0 to 1.
    pub p_value: f64,
    /// Its natural logarithm, for p-values below the smallest `f64`.
    pub ln_p_value: f64,
    /// Control mean per visitor, minor units; a share for proportions.
    pub control_mean: f64,
    /// Variation mean per visitor, minor units; a share for proportions.
    pub variation_mean: f64,
    /// Variation mean minus control mean, minor units; a share for proportions.
    pub difference: f64,
    /// Lower and upper end of the difference, in its unit.
    pub difference_interval: (f64, f64),
    /// Difference divided by the magnitude of the control mean, where that is not 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lift: Option<f64>,
    /// Interval of the lift.
    pub lift_interval: LiftInterval,
}

/// Why there is no result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum NotEnoughData {
    /// A variation has fewer visitors than the test needs: 2, or 1 for the exact procedure.
    TooFewVisitors,
    /// All visitors of both variations have the same value.
    NoVariance,
    /// No visitors can have these moments: a negative count, more than 2^53 of them, more conversions than visitors,
    /// or squares that are too small for their sum.
    ImpossibleMoments,
    /// The confidence is not in `[0.5, 1)`, the planned total is below 2 or not finite, or there is no such look.
    InvalidSettings,
    /// A sum does not fit in 128 bits.
    TooLarge,
    /// The control mean is 0, so there is nothing to be relative to.
    NoBaseline,
    /// The method has no test for this kind of metric: quantiles are compared once, at the end.
    NotOffered,
}

/// Visitors of both variations together: beyond 2^53 a count is no longer exact as a float.
const VISITORS_MAX: f64 = 9_007_199_254_740_992.0;

/// Means and variances beyond this have squares that overflow; it is the square of the largest 128-bit sum.
const NUMBER_MAX: f64 = 1e77;

impl fmt::Display for NotEnoughData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooFewVisitors => "too few visitors",
            Self::NoVariance => "all visitors have the same value",
            Self::ImpossibleMoments => "moments contradict each other",
            Self::InvalidSettings => "confidence, planned total or look out of range",
            Self::TooLarge => "a sum does not fit in 128 bits",
            Self::NoBaseline => "the control mean is 0",
            Self::NotOffered => "this kind of metric can only be compared once, at the end",
        })
    }
}

impl core::error::Error for NotEnoughData {}

/// Compares a variation with the control; `confidence` in `[0.5, 1)`, usually 0.95.
///
/// A variation whose visitors all have the same value has no variance of its own. A proportion then gets Fisher's
/// exact test under [`Method::Welch`]; everything else borrows the variance of both variations together, which is
/// the right one if they do not differ and too large if they do.
///
/// # Errors
///
/// [`NotEnoughData`] says which of the conditions for a result is missing.
///
/// ```
/// use splitlight_stats::{Kind, Method, Moments, compare};
///
/// // Orders of 10.00 by 100 and of 12.00 by 120 out of 1000 visitors each, in cents.
/// let control = Moments::new(1_000, 100_000, 100_000_000);
/// let variation = Moments::new(1_000, 144_000, 172_800_000);
/// let method = Method::AlwaysValid { planned_total: 4_000.0 };
/// let result = compare(&control, &variation, Kind::Mean, method, 0.95)?;
/// assert_eq!(result.difference, 44.0);
/// assert_eq!(result.lift, Some(0.44));
/// # Ok::<(), splitlight_stats::NotEnoughData>(())
/// ```
pub fn compare(
    control: &Moments,
    variation: &Moments,
    kind: Kind,
    method: Method<'_>,
    confidence: f64,
) -> Result<Comparison, NotEnoughData> {
    if !valid(method, confidence) {
        return Err(NotEnoughData::InvalidSettings);
    }
    let (a, b) = (Measured::plain(control, kind)?, Measured::plain(variation, kind)?);
    let constant = a.variance <= 0.0 || b.variance <= 0.0;
    if constant
        && kind == Kind::Proportion
        && method == Method::Welch
        && a.sample.n + b.sample.n <= VISITORS_MAX
    {
        return exact(control, variation, &a.sample, &b.sample, confidence);
    }
    let difference = control.difference(variation);
    tested(&a, &b, difference, method, confidence)
}

/// Compares two estimates: of ratios, quantiles, or means that a covariate adjusts; otherwise as [`compare()`].
///
/// # Errors
///
/// [`NotEnoughData`] says which of the conditions for a result is missing.
///
/// ```
/// use splitlight_stats::{Method, Sample, compare_measured};
///
/// let control = Sample { n: 1_000.0, mean: 10.0, variance: 100.0 };
/// let variation = Sample { n: 1_000.0, mean: 12.0, variance: 100.0 };
/// let result = compare_measured(&control.into(), &variation.into(), Method::Welch, 0.95)?;
/// assert!(result.p_value < 1e-4 && result.lift == Some(0.2));
/// # Ok::<(), splitlight_stats::NotEnoughData>(())
/// ```
pub fn compare_measured(
    control: &Measured,
    variation: &Measured,
    method: Method<'_>,
    confidence: f64,
) -> Result<Comparison, NotEnoughData> {
    if !valid(method, confidence) {
        return Err(NotEnoughData::InvalidSettings);
    }
    if !(possible(control) && possible(variation)) {
        return Err(NotEnoughData::ImpossibleMoments);
    }
    tested(control, variation, None, method, confidence)
}

/// Whether a set of visitors can have this estimate, with room for its squares.
fn possible(estimate: &Measured) -> bool {
    let Measured { sample, mean, variance, covariance, .. } = estimate;
    let fits = |number: f64| number.abs() < NUMBER_MAX;
    sample.n >= 0.0
        && sample.variance >= 0.0
        && *variance >= 0.0
        && [sample.n, sample.mean, sample.variance, *mean, *variance, *covariance].into_iter().all(fits)
}

/// The test of two estimates whose settings are valid; `difference` is that of their means where it is known exactly.
fn tested(
    control: &Measured,
    variation: &Measured,
    difference: Option<f64>,
    method: Method<'_>,
    confidence: f64,
) -> Result<Comparison, NotEnoughData> {
    let total = control.sample.n + variation.sample.n;
    if total > VISITORS_MAX {
        return Err(NotEnoughData::ImpossibleMoments);
    }
    if control.sample.n < 2.0 || variation.sample.n < 2.0 {
        return Err(NotEnoughData::TooFewVisitors);
    }
    let difference = difference.unwrap_or(variation.sample.mean - control.sample.mean);
    let shared = together(&control.sample, &variation.sample, difference);
    if shared <= 0.0 {
        return Err(NotEnoughData::NoVariance);
    }
    let varying = |estimate: &Measured| {
        if estimate.sample.variance > 0.0 {
            return *estimate;
        }
        let sample = Sample { variance: shared, ..estimate.sample };
        Measured { sample, variance: shared.max(estimate.variance), covariance: shared, ..*estimate }
    };
    let (control, variation) = (varying(control), varying(variation));
    let contrast = Contrast { difference, ..Contrast::between(&control, &variation) };
    // Only the difference of the means matters to a test, and this one is exact.
    let a = Sample { mean: 0.0, ..control.sample };
    let b = Sample { mean: difference, ..variation.sample };
    let alpha = 1.0 - confidence;
    let (test, procedure) = match method {
        Method::Welch => (welch::test(&a, &b, alpha), Procedure::Welch),
        Method::AlwaysValid { planned_total } => {
            let plan = always_valid::Plan::new(alpha, planned_total, Alternative::TwoSided);
            let test = plan.and_then(|plan| plan.test(&estimate(&a, &b), total));
            (test.map_err(|_| NotEnoughData::InvalidSettings)?, Procedure::AlwaysValid)
        }
        Method::GroupSequential { plan, look } => {
            let test = plan.test(look, &estimate(&a, &b));
            (test.map_err(|_| NotEnoughData::InvalidSettings)?, Procedure::GroupSequential)
        }
    };
    Ok(report(&control, &variation, &contrast, &test, procedure, confidence))
}

/// The variance of the visitors of both, were they one variation.
fn together(a: &Sample, b: &Sample, difference: f64) -> f64 {
    let between = a.n / (a.n + b.n) * b.n * difference * difference;
    ((a.n - 1.0) * a.variance + (b.n - 1.0) * b.variance + between) / (a.n + b.n - 1.0)
}

/// The difference of the means.
fn estimate(a: &Sample, b: &Sample) -> Estimate {
    let standard_error = libm::sqrt(a.squared_error() + b.squared_error());
    Estimate { value: b.mean - a.mean, standard_error }
}

/// Whether the settings are in range; a NaN is not.
fn valid(method: Method<'_>, confidence: f64) -> bool {
    let planned = match method {
        Method::Welch => true,
        Method::AlwaysValid { planned_total } => planned_total >= 2.0 && planned_total.is_finite(),
        Method::GroupSequential { plan, .. } => plan.is_for(confidence),
    };
    planned && (0.5..1.0).contains(&confidence)
}

/// Adds the lift and its interval to a test.
fn report(
    control: &Measured,
    variation: &Measured,
    contrast: &Contrast,
    test: &TestResult,
    method: Procedure,
    confidence: f64,
) -> Comparison {
    Comparison {
        method,
        confidence,
        p_value: test.p_value,
        ln_p_value: test.ln_p_value,
        control_mean: control.mean,
        variation_mean: variation.mean,
        difference: test.difference,
        difference_interval: test.interval(),
        lift: contrast.lift(),
        lift_interval: contrast.lift_interval(test.multiplier),
    }
}

/// The procedure for a proportion where everybody or nobody of a variation converted.
fn exact(
    control: &Moments,
    variation: &Moments,
    a: &Sample,
    b: &Sample,
    confidence: f64,
) -> Result<Comparison, NotEnoughData> {
    if control.n < 1 || variation.n < 1 {
        return Err(NotEnoughData::TooFewVisitors);
    }
    let conversions = |m: &Moments| Conversions { converted: m.sum.to_f64(), n: m.n as f64 };
    let (before, after) = (conversions(control), conversions(variation));
    let alpha = 1.0 - confidence;
    let (low, high) = newcombe(&before, &after, alpha);
    let mut ln_p_value = fisher_ln_p(&before, &after);
    // In a few small tables one of the two excludes 0 and the other does not; then neither may.
    if low <= 0.0 && 0.0 <= high {
        ln_p_value = ln_p_value.max(libm::log(alpha));
    }
    let p_value = libm::exp(ln_p_value);
    let difference_interval = if p_value < alpha { (low, high) } else { (low.min(0.0), high.max(0.0)) };
    let difference = b.mean - a.mean;
    Ok(Comparison {
        method: Procedure::Exact,
        confidence,
        p_value,
        ln_p_value,
        control_mean: a.mean,
        variation_mean: b.mean,
        difference,
        difference_interval,
        lift: lift::estimate(a.mean, difference),
        lift_interval: LiftInterval::Undefined,
    })
}
