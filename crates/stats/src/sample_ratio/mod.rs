//! Sample ratio mismatch: whether visitors fell on the variations as the weights say.

mod exposure;
mod sequential;

pub use exposure::{MULTIPLE_EXPOSURE_MAX, MultipleExposure, VISITORS_MIN, multiple_exposure};
pub use sequential::{CONCENTRATION, SplitEvidence, split_evidence};

use crate::special::chi_square_ln_sf;

/// A split less likely than this is reported as a mismatch (`GrowthBook` and Eppo use the same threshold).
pub const MISMATCH_P_VALUE: f64 = 0.001;

/// The p-value alone raises no flag while a variation expects fewer visitors than this (Cochran 1954), because
/// one visitor in a 1 % variation would then look like a mismatch.
pub const EXPECTED_MIN: f64 = 5.0;

/// The outcome of the goodness-of-fit test.
#[derive(Clone, Debug, PartialEq)]
pub struct SampleRatio {
    /// Pearson's statistic over the variations with a weight, 0 or more.
    pub chi_square: f64,
    /// Variations with a weight, minus one; 0 where there is nothing to test.
    pub degrees_of_freedom: u32,
    /// Chance of a split at least as uneven when the weights hold, 0 to 1; 1 where there is nothing to test.
    pub p_value: f64,
    /// Its natural logarithm, for chances below the smallest `f64`.
    pub ln_p_value: f64,
    /// Visitors expected in each variation, in the order of `observed`.
    pub expected: Vec<f64>,
    /// Visitors were seen in a variation that has no weight.
    pub leak: bool,
    /// `leak`, or a p-value below [`MISMATCH_P_VALUE`] with at least [`EXPECTED_MIN`] expected everywhere.
    pub flagged: bool,
}

/// Tests the observed visitors per variation against the weights, which need not add up to 1.
///
/// Formula: `sum (observed - expected)^2 / expected` against a chi-square with one degree of freedom less than
/// there are weights above 0 (Pearson 1900). A weight that is missing, negative or not finite counts as 0.
///
/// ```
/// use splitlight_stats::sample_ratio;
///
/// assert!(!sample_ratio(&[5_050, 4_950], &[0.5, 0.5]).flagged);
/// assert!(sample_ratio(&[5_300, 4_700], &[0.5, 0.5]).flagged);
/// assert!(sample_ratio(&[100, 100, 1], &[1.0, 1.0, 0.0]).leak);
/// ```
pub fn sample_ratio(observed: &[u64], weights: &[f64]) -> SampleRatio {
    let shares = shares(weights, observed.len());
    let total: f64 = observed.iter().map(|&n| n as f64).sum();
    let expected: Vec<f64> = shares.iter().map(|share| share * total).collect();
    let cells = || observed.iter().map(|&n| n as f64).zip(expected.iter().copied());
    let used = cells().zip(&shares).filter(|(_, share)| **share > 0.0).map(|(cell, _)| cell);
    let (mut chi_square, mut degrees_of_freedom, mut smallest) = (0.0, 0_u32, f64::INFINITY);
    for (index, (seen, expected)) in used.enumerate() {
        // An expectation that underflowed to 0 says nothing; the division would make it a NaN.
        if expected > 0.0 {
            chi_square += (seen - expected) / expected * (seen - expected);
        }
        degrees_of_freedom = u32::try_from(index).unwrap_or(u32::MAX);
        smallest = smallest.min(expected);
    }
    let leak = observed.iter().zip(&shares).any(|(&n, &share)| n > 0 && share <= 0.0);
    let ln_p_value = match degrees_of_freedom {
        0 => 0.0,
        dof => chi_square_ln_sf(chi_square, f64::from(dof)),
    };
    let p_value = libm::exp(ln_p_value);
    let flagged = leak || p_value < MISMATCH_P_VALUE && smallest >= EXPECTED_MIN;
    SampleRatio { chi_square, degrees_of_freedom, p_value, ln_p_value, expected, leak, flagged }
}

/// The weights as `n` parts of 1, all 0 when there is no weight at all.
fn shares(weights: &[f64], n: usize) -> Vec<f64> {
    let mut shares: Vec<f64> =
        weights.iter().map(|&w| if w.is_finite() { w.max(0.0) } else { 0.0 }).collect();
    shares.resize(n, 0.0);
    let largest = shares.iter().copied().fold(0.0, f64::max);
    // Dividing by the largest first keeps the sum of huge weights finite.
    let sum: f64 = shares.iter().map(|share| share / largest).sum();
    for share in &mut shares {
        *share = if largest > 0.0 { *share / largest / sum } else { 0.0 };
    }
    shares
}
