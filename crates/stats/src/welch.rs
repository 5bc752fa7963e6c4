//! Welch's t-test: one look at a size that was fixed in advance.

use core::f64::consts::LN_2;

use crate::special::{student_t_ln_sf, student_t_upper_quantile};
use crate::{Alternative, Sample, TestResult};

/// Tests the difference of two means with unequal variances; `alpha` is 1 minus the confidence.
///
/// Formula: `t = d / sqrt(A + B)` with `A`, `B` the squared errors, against Student's t with
/// [`degrees_of_freedom`]; the p-value is two-sided and comes from the survival function (Welch 1947).
/// Samples as described at [`Sample`].
pub(crate) fn test(control: &Sample, variation: &Sample, alpha: f64) -> TestResult {
    let difference = variation.mean - control.mean;
    let standard_error = libm::sqrt(control.squared_error() + variation.squared_error());
    let dof = degrees_of_freedom(control, variation);
    let t = (difference / standard_error).abs();
    let ln_p_value = (LN_2 + student_t_ln_sf(t, dof)).min(0.0);
    TestResult {
        difference,
        standard_error,
        alternative: Alternative::TwoSided,
        multiplier: student_t_upper_quantile(0.5 * alpha, dof),
        p_value: libm::exp(ln_p_value),
        ln_p_value,
    }
}

/// Welch-Satterthwaite degrees of freedom, at least 1.
///
/// Formula: `(A + B)^2 / (A^2/(na - 1) + B^2/(nb - 1))` with `A`, `B` the squared errors (Satterthwaite 1946).
pub(crate) fn degrees_of_freedom(control: &Sample, variation: &Sample) -> f64 {
    let (a, b) = (control.squared_error(), variation.squared_error());
    // Shares instead of squares, so that no magnitude of money overflows or vanishes.
    let (share_a, share_b) = (a / (a + b), b / (a + b));
    let inverse = share_a * share_a / (control.n - 1.0) + share_b * share_b / (variation.n - 1.0);
    (1.0 / inverse).max(1.0)
}
