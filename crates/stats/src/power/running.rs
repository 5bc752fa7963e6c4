//! How far a running experiment is from its power.

use super::{Looks, SEARCH_STEPS};
use crate::always_valid::Plan;
use crate::bayes::NormalPrior;
use crate::invalid::{alpha, count, spread, value};
use crate::special::{normal_quantile, normal_sf};
use crate::{Alternative, Invalid};

/// A comparison that is still running, as `GrowthBook`'s mid-experiment power sees it (`midexperimentpower.py`).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Running {
    /// Visitors of the two variations together, so far, 1 to 2^53.
    pub visitors: f64,
    /// Standard error of the effect so far, in its unit.
    pub standard_error: f64,
    /// The effect that should be found, in the same unit; only its magnitude counts.
    pub effect: f64,
    /// False positive rate of one test, between 0 and 1: divide it by the number of tests to correct for them.
    pub alpha: f64,
    /// How often the result is looked at.
    pub looks: Looks,
    /// What is believed of the effect beforehand, in its unit; only a single look can have a prior.
    pub prior: Option<NormalPrior>,
}

impl Running {
    /// The chance to find the effect after `1 + more` times as many visitors as so far; `more` is 0 for now.
    ///
    /// Formula: the standard error shrinks to `se / sqrt(1 + more)`, and the effect is found where the interval, or with a
    /// prior the credible interval, excludes 0.
    ///
    /// # Errors
    ///
    /// [`Invalid::Count`], [`Invalid::Spread`], [`Invalid::Value`], [`Invalid::Alpha`] and [`Invalid::Prior`] for the fields;
    /// [`Invalid::Value`] when `more` is negative or there would be more than 2^53 visitors.
    ///
    /// ```
    /// use splitlight_stats::power::{Looks, Running};
    ///
    /// let running = Running {
    ///     visitors: 15_388.0, standard_error: 0.014459, effect: 0.01, alpha: 0.05, looks: Looks::Once, prior: None,
    /// };
    /// assert!((running.power(0.0)? - 0.10634178802903834).abs() < 1e-12);
    /// # Ok::<(), splitlight_stats::Invalid>(())
    /// ```
    pub fn power(&self, more: f64) -> Result<f64, Invalid> {
        if !(0.0..f64::INFINITY).contains(&more) {
            return Err(Invalid::Value);
        }
        let total = count(self.visitors)? * (1.0 + more);
        let error = spread(spread(self.standard_error)? / libm::sqrt(1.0 + more))?;
        let delta = spread(value(self.effect)?.abs().max(1e-149)).map(|effect| effect / error)?;
        let z = -normal_quantile(0.5 * alpha(self.alpha)?);
        let (end, shift) = match (&self.prior, self.looks) {
            (Some(prior), _) => {
                // The posterior's mean is the estimate pulled toward the prior's; both in standard errors.
                let deviation = spread(prior.standard_deviation).map_err(|_| Invalid::Prior)?;
                let mean = value(prior.mean).map_err(|_| Invalid::Prior)?;
                let ratio = error / deviation;
                (z * libm::hypot(1.0, ratio), mean / deviation * ratio)
            }
            (None, Looks::Once) => (z, 0.0),
            (None, Looks::AnyTime { planned_total }) => {
                let plan = Plan::new(self.alpha, planned_total, Alternative::TwoSided)?;
                (plan.multiplier(total)?, 0.0)
            }
        };
        let center = delta + shift;
        Ok((normal_sf(end - center) + normal_sf(end + center)).min(1.0))
    }

    /// How many more visitors are needed for the given power, as a multiple of those so far; 0 when there are enough.
    ///
    /// # Errors
    ///
    /// As [`Running::power`], [`Invalid::Power`] when `power` is not between 0 and 1, and [`Invalid::Unreachable`] when a
    /// hundred million times as many visitors are not enough.
    ///
    /// ```
    /// use splitlight_stats::power::{Looks, Running};
    ///
    /// let running = Running {
    ///     visitors: 1_353.0, standard_error: 0.038278, effect: 0.01, alpha: 0.05, looks: Looks::Once, prior: None,
    /// };
    /// assert!((running.remaining(0.8)? - 114.00191891643677).abs() < 1e-6);
    /// # Ok::<(), splitlight_stats::Invalid>(())
    /// ```
    pub fn remaining(&self, power: f64) -> Result<f64, Invalid> {
        const MORE_MAX: f64 = 134_217_728.0;
        if !(0.0 < power && power < 1.0) {
            return Err(Invalid::Power);
        }
        if self.power(0.0)? >= power {
            return Ok(0.0);
        }
        let (mut low, mut high) = (0.0, 1.0);
        while self.power(high).map_err(unreachable_count)? < power {
            (low, high) = (high, 2.0 * high);
            if high > MORE_MAX {
                return Err(Invalid::Unreachable);
            }
        }
        for _ in 0..SEARCH_STEPS {
            let middle = 0.5 * (low + high);
            if self.power(middle)? < power {
                low = middle;
            } else {
                high = middle;
            }
        }
        Ok(0.5 * (low + high))
    }
}

/// More visitors than can be counted are not to be had.
fn unreachable_count(reason: Invalid) -> Invalid {
    if reason == Invalid::Count { Invalid::Unreachable } else { reason }
}
