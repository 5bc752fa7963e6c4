//! Coefficients of a linear model, at any time: e-values instead of t-tests.

use crate::invalid::{count, spread};
use crate::{Alternative, Estimate, Invalid, TestResult};

/// A coefficient of a regression, and what the others leave of it.
///
/// Formula: Lindon, Ham, Tingley and Bojinov (2022), arXiv 2210.08589, section 2: with `r = phi / (phi + z2)`,
/// `ln BF = ln(r) / 2 + (nu + 1) / 2 [ln(1 + t^2 / nu) - ln(1 + r t^2 / nu)]`, and `p = min(1, 1 / BF)`. It is used at
/// Netflix.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LinearModel {
    /// The coefficient and its usual standard error.
    pub coefficient: Estimate,
    /// Residual degrees of freedom, `n - p - 1`: visitors without coefficients, 1 to 2^53.
    pub residual_dof: f64,
    /// Squared residual deviation divided by the squared standard error: about the number of visitors times the
    /// variance that the other columns leave of this one. Above 0.
    pub information: f64,
    /// Prior precision of the coefficient in units of the residual precision, above 0, frozen before the start; the
    /// sequence is tightest where `information` is about a tenth to a hundredth of `prior_information` times `ln n`.
    pub prior_information: f64,
}

impl LinearModel {
    /// ln of the Bayes factor against a coefficient of 0: the e-value of the data so far.
    ///
    /// # Errors
    ///
    /// [`Invalid::Count`] for the degrees of freedom, [`Invalid::Spread`] for an information, [`Invalid::Value`].
    ///
    /// ```
    /// use splitlight_stats::{Estimate, sequential::LinearModel};
    ///
    /// let coefficient = Estimate { value: -0.59073, standard_error: 0.181969 };
    /// let model =
    ///     LinearModel { coefficient, residual_dof: 8_236.0, information: 2358.4101, prior_information: 1.0 };
    /// assert!((model.ln_bayes_factor()? - 1.3812578048034438).abs() < 1e-9);
    /// # Ok::<(), splitlight_stats::Invalid>(())
    /// ```
    pub fn ln_bayes_factor(&self) -> Result<f64, Invalid> {
        let (r, nu) = self.shrinkage()?;
        // t / sqrt(nu), bounded like z.
        let scaled = self.coefficient.z()? / libm::sqrt(nu);
        let square = scaled * scaled;
        // ln(1 + q) - ln(1 + r q) as one logarithm, which keeps the digits of a small q.
        let gain = libm::log1p((1.0 - r) * square / (1.0 + r * square));
        Ok(0.5 * libm::log(r) + 0.5 * (nu + 1.0) * gain)
    }

    /// The test against 0 with its interval, for one minus the confidence `alpha`.
    ///
    /// The interval's half is `se sqrt(nu (1 - A) / (A - r))` with `A = (r alpha^2)^(1 / (nu + 1))`.
    ///
    /// # Errors
    ///
    /// As [`LinearModel::ln_bayes_factor`], [`Invalid::Alpha`], and [`Invalid::Unreachable`] when there are too few
    /// visitors for an interval with ends.
    ///
    /// ```
    /// use splitlight_stats::{Estimate, sequential::LinearModel};
    ///
    /// let coefficient = Estimate { value: 0.5465, standard_error: 0.097724 };
    /// let model =
    ///     LinearModel { coefficient, residual_dof: 118_072.0, information: 19981.9925, prior_information: 10.0 };
    /// let test = model.test(0.05)?;
    /// assert!(test.p_value < 1e-5 && test.interval().0 > 0.0);
    /// # Ok::<(), splitlight_stats::Invalid>(())
    /// ```
    pub fn test(&self, alpha: f64) -> Result<TestResult, Invalid> {
        let ln_alpha = libm::log(crate::invalid::alpha(alpha)?);
        let (r, nu) = self.shrinkage()?;
        let ln_p_value = (-self.ln_bayes_factor()?).min(0.0);
        // A is near 1 for many visitors, so that its distance from 1 is what is computed.
        let ln_a = (libm::log(r) + 2.0 * ln_alpha) / (nu + 1.0);
        let (below_one, above_r) = (-libm::expm1(ln_a), libm::exp(ln_a) - r);
        if above_r <= 0.0 {
            return Err(Invalid::Unreachable);
        }
        let multiplier = libm::sqrt(nu * below_one / above_r);
        if !(multiplier * self.coefficient.standard_error).is_finite() {
            return Err(Invalid::Unreachable);
        }
        Ok(TestResult {
            difference: self.coefficient.value,
            standard_error: self.coefficient.standard_error,
            alternative: Alternative::TwoSided,
            multiplier,
            p_value: libm::exp(ln_p_value),
            ln_p_value,
        })
    }

    /// `phi / (phi + z2)` and the degrees of freedom.
    fn shrinkage(&self) -> Result<(f64, f64), Invalid> {
        let (prior, information) = (spread(self.prior_information)?, spread(self.information)?);
        Ok((prior / (prior + information), count(self.residual_dof)?))
    }
}
