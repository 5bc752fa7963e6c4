//! The split's evidence at any time: a test that may look after every visitor.

use super::shares;
use crate::Invalid;
use crate::special::{ln_minus_linear, stirling_error};

/// How strongly the alternative resembles the weights: as if this many visitors had been seen before. A thousand finds
/// a split of 51 to 49 within 40,000 visitors; smaller numbers find grave mismatches sooner.
pub const CONCENTRATION: f64 = 1_000.0;

/// The evidence of one look against the weights.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SplitEvidence {
    /// ln of the e-value: how much better the alternative predicted the visitors than the weights did.
    pub ln_evidence: f64,
    /// The least chance that any look so far gave the weights, 0 to 1. Valid at any number of looks.
    pub p_value: f64,
    /// Its natural logarithm, which the next look takes.
    pub ln_p_value: f64,
    /// Visitors were seen in a variation that has no weight.
    pub leak: bool,
}

/// Weighs all visitors so far, per variation, against the weights, which need not add up to 1.
///
/// `concentration` is frozen before the start ([`CONCENTRATION`]), and `ln_p_before` is the `ln_p_value` of the look before,
/// 0 at the first. Formula: the Dirichlet-multinomial e-value of Lindon and Malek (2022), arXiv 2011.03567, equation 8:
/// `ln e = ln B(c w + x) - ln B(c w) - sum x ln w` and `p = min(1, 1 / e)`, with its large parts canceled on paper.
///
/// # Errors
///
/// [`Invalid::Length`] unless there are as many weights as variations; [`Invalid::Weight`] when a weight is negative or
/// not finite or none is positive; [`Invalid::Prior`] when `concentration` is not in [1e-6, 1e12]; [`Invalid::Alpha`] when
/// `ln_p_before` is above 0 or not finite; [`Invalid::Count`] beyond 2^53 visitors.
///
/// ```
/// use splitlight_stats::sample_ratio::{CONCENTRATION, split_evidence};
///
/// let even = split_evidence(&[5_050, 4_950], &[0.5, 0.5], CONCENTRATION, 0.0)?;
/// let later = split_evidence(&[10_600, 9_400], &[0.5, 0.5], CONCENTRATION, even.ln_p_value)?;
/// assert!(even.p_value > 0.5 && later.p_value < 1e-6);
/// # Ok::<(), splitlight_stats::Invalid>(())
/// ```
pub fn split_evidence(
    observed: &[u64],
    weights: &[f64],
    concentration: f64,
    ln_p_before: f64,
) -> Result<SplitEvidence, Invalid> {
    if observed.len() != weights.len() {
        return Err(Invalid::Length);
    }
    if weights.iter().any(|weight| !(weight.is_finite() && *weight >= 0.0)) {
        return Err(Invalid::Weight);
    }
    if !(1e-6..=1e12).contains(&concentration) {
        return Err(Invalid::Prior);
    }
    if !(f64::MIN..=0.0).contains(&ln_p_before) {
        return Err(Invalid::Alpha);
    }
    let shares = shares(weights, observed.len());
    // A share so small that its prior would be nothing cannot be weighed; it counts as no weight.
    let weighed = |share: f64| share > 1e-290;
    let arms = || observed.iter().map(|&x| x as f64).zip(shares.iter().copied());
    let n: f64 = arms().filter(|(_, share)| weighed(*share)).map(|(x, _)| x).sum();
    if !shares.iter().any(|share| weighed(*share)) {
        return Err(Invalid::Weight);
    }
    if n > 9_007_199_254_740_992.0 {
        return Err(Invalid::Count);
    }
    let total = concentration + n;
    let mut ln_evidence =
        0.5 * libm::log(total / concentration) - stirling_error(total) + stirling_error(concentration);
    for (x, share) in arms().filter(|(_, share)| weighed(*share)) {
        let prior = concentration * share;
        let posterior = prior + x;
        // The expected visitors minus the observed ones are what moves the evidence.
        let surplus = (n * share - x) / posterior;
        ln_evidence += stirling_error(posterior)
            - stirling_error(prior)
            - 0.5 * libm::log(posterior / prior)
            - posterior * ln_minus_linear(total * share / posterior, surplus);
    }
    let ln_p_value = ln_p_before.min(-ln_evidence).min(0.0);
    let leak = arms().any(|(x, share)| x > 0.0 && share <= 0.0);
    Ok(SplitEvidence { ln_evidence, p_value: libm::exp(ln_p_value), ln_p_value, leak })
}
