//! What a test of two means says, whichever test it was.

use crate::Alternative;

/// One test of the difference between two means.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TestResult {
    /// Variation mean minus control mean, in the units of the means.
    pub difference: f64,
    /// Standard error of the difference, in the same units, above 0.
    pub standard_error: f64,
    /// Which differences the p-value counts, and which ends the interval has.
    pub alternative: Alternative,
    /// Half the interval in standard errors: the quantile the test compares with, above 0.
    pub multiplier: f64,
    /// p-value of "no difference" against the alternative, 0 to 1; 0 only where it is below the smallest `f64`.
    pub p_value: f64,
    /// Natural logarithm of the p-value, finite even where `p_value` is 0.
    pub ln_p_value: f64,
}

impl TestResult {
    /// The interval of the difference: `difference -+ multiplier * standard_error`, and infinite at the end that a
    /// one-sided alternative does not have.
    ///
    /// ```
    /// use splitlight_stats::{Alternative, Effect, Estimate};
    ///
    /// let effect = Effect { estimate: Estimate { value: 1.0, standard_error: 1.0 }, dof: 100.0 };
    /// let (low, high) = effect.test(Alternative::TwoSided, 0.05)?.interval();
    /// assert!(low < 0.0 && 0.0 < high);
    /// # Ok::<(), splitlight_stats::Invalid>(())
    /// ```
    pub fn interval(&self) -> (f64, f64) {
        self.alternative.interval(self.difference, self.multiplier * self.standard_error)
    }
}
