//! The always-valid test: a confidence sequence that may be looked at after every visitor.

use core::f64::consts::LN_2;

use crate::invalid::{alpha_below, count};
use crate::{Alternative, Estimate, Invalid, TestResult};

/// What is frozen before the start, so that any number of looks is allowed afterwards.
///
/// It is the asymptotic confidence sequence of Waudby-Smith et al. (2021), a normal mixture; `GrowthBook`'s sequential
/// test, Eppo's, and the two-sided normal mixture of Howard et al. (2021) are the same.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Plan {
    alpha: f64,
    rho_squared: f64,
    alternative: Alternative,
}

impl Plan {
    /// A plan for `alpha`, 1 minus the confidence, and `planned_total` visitors of both variations together, where the
    /// interval is tightest.
    ///
    /// Formula: `rho^2 = (L + ln(L + 1)) / planned_total` with `L = -2 ln alpha`, and `2 alpha` for `alpha` where one
    /// direction is tested (Waudby-Smith et al. 2021, appendix B.2).
    ///
    /// # Errors
    ///
    /// [`Invalid::Alpha`] when `alpha` is not in (0, 1), or (0, 0.5) for one direction; [`Invalid::Count`] when
    /// `planned_total` is not in [1, 2^53].
    ///
    /// ```
    /// use splitlight_stats::{Alternative, Estimate, always_valid::Plan};
    ///
    /// let plan = Plan::new(0.05, 10_000.0, Alternative::TwoSided)?;
    /// let difference = Estimate { value: 0.3, standard_error: 0.04 };
    /// assert!(plan.test(&difference, 10_000.0)?.p_value < 0.001);
    /// # Ok::<(), splitlight_stats::Invalid>(())
    /// ```
    pub fn new(alpha: f64, planned_total: f64, alternative: Alternative) -> Result<Self, Invalid> {
        let both = match alternative {
            Alternative::TwoSided => alpha_below(alpha, 1.0)?,
            Alternative::Greater | Alternative::Less => 2.0 * alpha_below(alpha, 0.5)?,
        };
        let bound = -2.0 * libm::log(both);
        let rho_squared = (bound + libm::log1p(bound)) / count(planned_total)?;
        Ok(Self { alpha, rho_squared, alternative })
    }

    /// Tests an effect after `total` visitors of both variations together.
    ///
    /// Formula, with `m = total * rho^2`: `p = min(1, sqrt(m + 1) exp(-E))` where `E = z^2 m / (2 (m + 1))`
    /// (equations 9 and 155); for one direction `p = min(1, sqrt(m + 1) / (2 expm1(E)))`, which is equation 134 solved
    /// for `alpha`, and 1 on the wrong side. The p-value of the experiment so far is the least one that any look saw.
    ///
    /// # Errors
    ///
    /// [`Invalid::Count`] when `total` is not in [1, 2^53], [`Invalid::Value`] or [`Invalid::Spread`] for the effect.
    ///
    /// ```
    /// use splitlight_stats::{Alternative, Estimate, always_valid::Plan};
    ///
    /// let better = Plan::new(0.05, 5_000.0, Alternative::Greater)?;
    /// let test = better.test(&Estimate { value: 0.02, standard_error: 0.004 }, 5_000.0)?;
    /// assert!(test.p_value < 0.05 && test.interval().0 > 0.0);
    /// assert_eq!(test.interval().1, f64::INFINITY);
    /// # Ok::<(), splitlight_stats::Invalid>(())
    /// ```
    pub fn test(&self, effect: &Estimate, total: f64) -> Result<TestResult, Invalid> {
        let z = self.alternative.toward(effect.z()?);
        let multiplier = self.multiplier(total)?;
        let mixture = total * self.rho_squared;
        let evidence = 0.5 * z * z * (mixture / (mixture + 1.0));
        let ln_cost = 0.5 * libm::log1p(mixture);
        let ln_p_value = match self.alternative {
            Alternative::TwoSided => ln_cost - evidence,
            // Here z has the sign of the wanted direction; what speaks for the other one says nothing.
            _ if z <= 0.0 => 0.0,
            // ln expm1(E), which must not overflow for a large E.
            _ => ln_cost - LN_2 - evidence - libm::log(-libm::expm1(-evidence)),
        };
        let ln_p_value = ln_p_value.min(0.0);
        Ok(TestResult {
            difference: effect.value,
            standard_error: effect.standard_error,
            alternative: self.alternative,
            multiplier,
            p_value: libm::exp(ln_p_value),
            ln_p_value,
        })
    }

    /// Half the interval in standard errors after `total` visitors of both variations together.
    ///
    /// Formula, with `m = total * rho^2`: `sqrt(2 (m + 1) / m * ln(sqrt(m + 1) / alpha))` (equations 9 and 155), and
    /// `ln(1 + sqrt(m + 1) / (2 alpha))` in its place for one direction (equation 134).
    ///
    /// # Errors
    ///
    /// [`Invalid::Count`] when `total` is not in [1, 2^53].
    ///
    /// ```
    /// use splitlight_stats::{Alternative, always_valid::Plan};
    ///
    /// let plan = Plan::new(0.05, 10_000.0, Alternative::TwoSided)?;
    /// assert!((plan.multiplier(1_615.0)? - 3.4834839236168638).abs() < 1e-12);
    /// # Ok::<(), splitlight_stats::Invalid>(())
    /// ```
    pub fn multiplier(&self, total: f64) -> Result<f64, Invalid> {
        let mixture = count(total)? * self.rho_squared;
        let bound = match self.alternative {
            Alternative::TwoSided => 0.5 * libm::log1p(mixture) - libm::log(self.alpha),
            Alternative::Greater | Alternative::Less => {
                // ln(1 + q) for a q that may be too large for an f64.
                let ln_q = 0.5 * libm::log1p(mixture) - libm::log(2.0 * self.alpha);
                ln_q + libm::log1p(libm::exp(-ln_q))
            }
        };
        Ok(libm::sqrt(2.0 * ((mixture + 1.0) / mixture) * bound))
    }
}
