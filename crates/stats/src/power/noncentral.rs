//! The chance that a test finds an effect of a known size.

use core::f64::consts::PI;

use crate::Invalid;
use crate::invalid::{count, spread, value};
use crate::special::quadrature::nodes;
use crate::special::{ln_minus_linear, normal_quantile, normal_sf, stirling_error, student_t_upper_quantile};

/// The power of a two-sided normal test when the effect is `noncentrality` standard errors.
///
/// Formula: `Phi(delta - z) + Phi(-delta - z)` with `z` the normal quantile of `1 - alpha / 2`.
///
/// # Errors
///
/// [`Invalid::Alpha`] when `alpha` is not in (0, 1), [`Invalid::Value`] for `noncentrality`.
///
/// ```
/// let power = splitlight_stats::power::normal_power(2.8, 0.05)?;
/// assert!((power - 0.79956).abs() < 1e-5);
/// # Ok::<(), splitlight_stats::Invalid>(())
/// ```
pub fn normal_power(noncentrality: f64, alpha: f64) -> Result<f64, Invalid> {
    let z = -normal_quantile(0.5 * crate::invalid::alpha(alpha)?);
    let delta = value(noncentrality)?.abs();
    Ok((normal_sf(z - delta) + normal_sf(z + delta)).min(1.0))
}

/// The effect, in standard errors, that a two-sided normal test finds with the given power; the inverse of
/// [`normal_power`].
///
/// # Errors
///
/// [`Invalid::Alpha`] when `alpha` is not in (0, 1), [`Invalid::Power`] when `power` is not between it and 1.
///
/// ```
/// let delta = splitlight_stats::power::normal_noncentrality(0.05, 0.8)?;
/// assert!((delta - 2.8015817).abs() < 1e-6);
/// # Ok::<(), splitlight_stats::Invalid>(())
/// ```
pub fn normal_noncentrality(alpha: f64, power: f64) -> Result<f64, Invalid> {
    let z = -normal_quantile(0.5 * crate::invalid::alpha(alpha)?);
    if !(alpha < power && power < 1.0) {
        return Err(Invalid::Power);
    }
    // Without the wrong direction the effect would have to be larger.
    let (mut low, mut high) = (0.0, (z + normal_quantile(power)).max(1e-8));
    while normal_power(high, alpha)? < power {
        high *= 2.0;
    }
    // As many halvings as a float has bits.
    for _ in 0..80 {
        let middle = 0.5 * (low + high);
        if normal_power(middle, alpha)? < power {
            low = middle;
        } else {
            high = middle;
        }
    }
    Ok(0.5 * (low + high))
}

/// The least effect that a two-sided normal test finds with the given power, in the unit of the standard error.
///
/// Formula: `(z_alpha + z_power) se`, which leaves out findings in the wrong direction; [`normal_noncentrality`] counts them.
///
/// # Errors
///
/// As [`normal_noncentrality`], and [`Invalid::Spread`] for the standard error.
///
/// ```
/// let least = splitlight_stats::power::detectable_effect(0.06313838, 0.05, 0.8)?;
/// assert!((least - 0.176887).abs() < 1e-6);
/// # Ok::<(), splitlight_stats::Invalid>(())
/// ```
pub fn detectable_effect(standard_error: f64, alpha: f64, power: f64) -> Result<f64, Invalid> {
    let z = -normal_quantile(0.5 * crate::invalid::alpha(alpha)?);
    if !(alpha < power && power < 1.0) {
        return Err(Invalid::Power);
    }
    Ok((z + normal_quantile(power)) * spread(standard_error)?)
}

/// The power of a two-sided t-test with `dof` degrees of freedom when the effect is `noncentrality` standard errors.
///
/// Formula: the noncentral t distribution as the integral of `Phi(delta - t w)` over the density of
/// `w = sqrt(chi^2_dof / dof)` (Johnson, Kotz and Balakrishnan 1995, section 31.3).
///
/// # Errors
///
/// [`Invalid::Alpha`] when `alpha` is not in (0, 1), [`Invalid::Count`] when `dof` is not in [1, 2^53], [`Invalid::Value`]
/// for `noncentrality`.
///
/// ```
/// let power = splitlight_stats::power::student_power(2.0, 100.0, 0.05)?;
/// assert!((power - 0.5082646).abs() < 1e-4);
/// # Ok::<(), splitlight_stats::Invalid>(())
/// ```
pub fn student_power(noncentrality: f64, dof: f64, alpha: f64) -> Result<f64, Invalid> {
    let t = student_t_upper_quantile(0.5 * crate::invalid::alpha(alpha)?, count(dof)?);
    let delta = value(noncentrality)?.abs();
    let scale = libm::exp(-stirling_error(0.5 * dof)) * libm::sqrt(dof / PI);
    let density = |w: f64| {
        let square = w * w;
        scale / w * libm::exp(0.5 * dof * ln_minus_linear(square, square - 1.0))
    };
    // Nine deviations around the middle of the density; the steps of Phi are as wide as 1 / t.
    let reach = 9.0 / libm::sqrt(2.0 * dof);
    let (low, high) = ((1.0 - reach).max(0.0), 1.0 + reach);
    let found: f64 = nodes(low, high, 24)
        .chain(nodes(high, high + reach, 4))
        .map(|(w, width)| width * density(w) * (normal_sf(t * w - delta) + normal_sf(t * w + delta)))
        .sum();
    Ok(found.clamp(0.0, 1.0))
}
