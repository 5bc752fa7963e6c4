//! Sequential probability ratio tests of a difference, over a mixture of effects.

use core::f64::consts::LN_2;

use crate::invalid::{count, spread};
use crate::special::{normal_ln_sf, normal_quantile};
use crate::{Alternative, Estimate, Invalid, TestResult};

/// Tests an effect at any time against effects that are normal around 0 with variance `mixing_variance`, in squared
/// units of the effect.
///
/// Formula, with `V` the squared standard error and `t` the mixing variance: the likelihood ratio is
/// `sqrt(V / (V + t)) exp(t d^2 / (2 V (V + t)))`, `p = min(1, 1 / ratio)`, and the interval is where the ratio is below
/// `1 / alpha` (Johari, Koomen, Pekelis and Walsh 2022, section 4; Optimizely's test).
///
/// # Errors
///
/// [`Invalid::Alpha`] when `alpha` is not in (0, 1), [`Invalid::Spread`] for `mixing_variance`, and those of
/// [`Estimate::z`].
///
/// ```
/// use splitlight_stats::{Estimate, sequential::mixture_ratio_test};
///
/// let effect = Estimate { value: 0.05, standard_error: 0.01 };
/// assert!(mixture_ratio_test(&effect, 0.05, 0.0004)?.p_value < 0.001);
/// # Ok::<(), splitlight_stats::Invalid>(())
/// ```
pub fn mixture_ratio_test(
    effect: &Estimate,
    alpha: f64,
    mixing_variance: f64,
) -> Result<TestResult, Invalid> {
    let z = effect.z()?;
    let alpha = crate::invalid::alpha(alpha)?;
    // The mixing deviation in standard errors, so that no square over- or underflows.
    let relative = libm::sqrt(spread(mixing_variance)?) / effect.standard_error;
    let ratio = spread(relative * relative)?;
    let ln_p_value = (0.5 * libm::log1p(ratio) - 0.5 * z * z * (ratio / (1.0 + ratio))).min(0.0);
    Ok(TestResult {
        difference: effect.value,
        standard_error: effect.standard_error,
        alternative: Alternative::TwoSided,
        multiplier: half_interval(ratio, -libm::log(alpha)),
        p_value: libm::exp(ln_p_value),
        ln_p_value,
    })
}

/// The test of a difference of means with the constant mixing variance that Statsig derives from the data.
///
/// Formula: `Z* = sqrt((V + t) / t (-2 ln(alpha / 2) - ln(V / (V + t))))` with
/// `t = z^2 (va + vb) / (na + nb)`, `z` the normal quantile of `1 - alpha / 2`, and `V = va / na + vb / nb`; the p-value is
/// the two-sided normal one of `z` scaled to `Z*` (Statsig's documentation of sequential testing). Since `V / t` does not
/// change while the experiment grows, `Z*` is constant, 3.58 for equal halves: a conservative threshold for a hundred
/// looks, and no confidence sequence.
///
/// Counts `na`, `nb` are visitors, variances are in squared units of the difference.
///
/// # Errors
///
/// [`Invalid::Alpha`], [`Invalid::Count`] for visitors below 1, [`Invalid::Spread`] for a variance, [`Invalid::Value`].
///
/// ```
/// use splitlight_stats::sequential::statsig_test;
///
/// let test = statsig_test(0.042891, (1_231.0, 0.1223), (1_785.0, 0.1498), 0.05)?;
/// assert!((test.multiplier - 3.59196589701488769).abs() < 1e-12);
/// # Ok::<(), splitlight_stats::Invalid>(())
/// ```
pub fn statsig_test(
    difference: f64,
    control: (f64, f64),
    variation: (f64, f64),
    alpha: f64,
) -> Result<TestResult, Invalid> {
    let alpha = crate::invalid::alpha(alpha)?;
    let (n_control, n_variation) = (count(control.0)?, count(variation.0)?);
    let (var_control, var_variation) = (spread(control.1)?, spread(variation.1)?);
    let squared_error = var_control / n_control + var_variation / n_variation;
    let effect = Estimate { value: difference, standard_error: libm::sqrt(squared_error) };
    let z = effect.z()?;
    let critical = -normal_quantile(0.5 * alpha);
    let total = n_control + n_variation;
    let mixing = critical * critical * ((var_control / total + var_variation / total) / squared_error);
    let multiplier = half_interval(mixing, -libm::log(0.5 * alpha));
    let ln_p_value = (LN_2 + normal_ln_sf(z.abs() * (critical / multiplier))).min(0.0);
    Ok(TestResult {
        difference,
        standard_error: effect.standard_error,
        alternative: Alternative::TwoSided,
        multiplier,
        p_value: libm::exp(ln_p_value),
        ln_p_value,
    })
}

/// Half the interval of a mixture test in standard errors: the mixing variance is `ratio` squared errors, and the
/// interval ends at evidence `threshold`.
fn half_interval(ratio: f64, threshold: f64) -> f64 {
    libm::sqrt((1.0 + 1.0 / ratio) * (libm::log1p(ratio) + 2.0 * threshold))
}
