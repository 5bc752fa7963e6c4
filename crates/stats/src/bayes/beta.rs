//! Beliefs about conversion rates.

use crate::Invalid;
use crate::invalid::count;
use crate::special::quadrature::log_concave;
use crate::special::{beta_ln_tails, beta_quantile, beta_upper_quantile, ln_logit_density, shares};

/// What is believed of a conversion rate: Beta with these shapes.
///
/// It needs no variance in the data, so it also answers for variations where everybody or nobody converted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BetaPosterior {
    alpha: f64,
    beta: f64,
}

impl BetaPosterior {
    /// After `converted` of `n` visitors, with the shapes of the prior; (1, 1) says that every rate was as likely as
    /// any other, (0.5, 0.5) is Jeffreys' prior.
    ///
    /// Formula: `Beta(prior.0 + converted, prior.1 + n - converted)`.
    ///
    /// # Errors
    ///
    /// [`Invalid::Conversions`] unless `0 <= converted <= n`, [`Invalid::Count`] for more than 2^53 visitors,
    /// [`Invalid::Prior`] when a shape of the prior is not in [0.1, 1e12].
    ///
    /// ```
    /// use splitlight_stats::bayes::BetaPosterior;
    ///
    /// let nobody = BetaPosterior::new(0.0, 10.0, (1.0, 1.0))?;
    /// assert_eq!(nobody.mean(), 1.0 / 12.0);
    /// # Ok::<(), splitlight_stats::Invalid>(())
    /// ```
    pub fn new(converted: f64, n: f64, prior: (f64, f64)) -> Result<Self, Invalid> {
        const PRIOR: core::ops::RangeInclusive<f64> = 0.1..=1e12;
        if n != 0.0 {
            count(n)?;
        }
        if !(0.0..=n).contains(&converted) {
            return Err(Invalid::Conversions);
        }
        if !PRIOR.contains(&prior.0) || !PRIOR.contains(&prior.1) {
            return Err(Invalid::Prior);
        }
        let (alpha, beta) = (prior.0 + converted, prior.1 + (n - converted));
        Ok(Self { alpha, beta })
    }

    /// The expected rate: `alpha / (alpha + beta)`.
    ///
    /// ```
    /// use splitlight_stats::bayes::BetaPosterior;
    ///
    /// assert_eq!(BetaPosterior::new(3.0, 8.0, (1.0, 1.0))?.mean(), 0.4);
    /// # Ok::<(), splitlight_stats::Invalid>(())
    /// ```
    pub fn mean(&self) -> f64 {
        self.alpha / (self.alpha + self.beta)
    }

    /// The interval that holds the rate with a chance of `1 - alpha`, with equal tails.
    ///
    /// # Errors
    ///
    /// [`Invalid::Alpha`] when `alpha` is not in (0, 1).
    ///
    /// ```
    /// use splitlight_stats::bayes::BetaPosterior;
    ///
    /// let (low, high) = BetaPosterior::new(0.0, 10.0, (1.0, 1.0))?.interval(0.05)?;
    /// assert!((low - 0.002298972213814267).abs() < 1e-15 && (high - 0.28491415291815436).abs() < 1e-13);
    /// # Ok::<(), splitlight_stats::Invalid>(())
    /// ```
    pub fn interval(&self, alpha: f64) -> Result<(f64, f64), Invalid> {
        let tail = 0.5 * crate::invalid::alpha(alpha)?;
        let low = beta_quantile(tail, self.alpha, self.beta);
        // Of a narrow one both ends may be the same rate, up to rounding.
        Ok((low, beta_upper_quantile(tail, self.alpha, self.beta).max(low)))
    }

    /// Center and spread of the logit, which is close to normal.
    fn logit(&self) -> (f64, f64) {
        let spread = libm::sqrt(1.0 / self.alpha + 1.0 / self.beta);
        (libm::log(self.alpha / self.beta), spread)
    }

    /// ln of the chance that the rate is below the one of this logit, and of the chance that it is above.
    fn ln_tails(&self, logit: f64) -> (f64, f64) {
        let (x, y) = shares(logit);
        beta_ln_tails(self.alpha, self.beta, x, y)
    }
}

/// Two rates side by side.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Comparison {
    /// The chance that the variation's rate is the higher one, 0 to 1.
    pub chance_to_win: f64,
    /// How much rate shipping the variation is expected to lose.
    pub loss_of_shipping: f64,
    /// How much rate keeping the control is expected to lose.
    pub loss_of_keeping: f64,
}

/// Compares the variation's rate with the control's. Where a lower rate is wanted, swap the two.
///
/// Formula: `P(B > A)` is the integral of the density of one over the tail of the other, and
/// `E max(A - B, 0)` that of `P(B < x < A)`, both over the logit, where all parts are logarithmically concave. They are
/// Evan Miller's sums (2015) and their shifted betas without cancellation, for any size and prior.
///
/// ```
/// use splitlight_stats::bayes::{BetaPosterior, compare};
///
/// let control = BetaPosterior::new(0.0, 50.0, (1.0, 1.0))?;
/// let variation = BetaPosterior::new(3.0, 50.0, (1.0, 1.0))?;
/// let result = compare(&control, &variation);
/// assert!((result.chance_to_win - 0.9411941194119412).abs() < 1e-10);
/// assert!((result.loss_of_keeping - 0.05877927225134761).abs() < 1e-10);
/// # Ok::<(), splitlight_stats::Invalid>(())
/// ```
pub fn compare(control: &BetaPosterior, variation: &BetaPosterior) -> Comparison {
    let breaks = [control.logit(), variation.logit()];
    // The chance that `low` is below `high`.
    let below = |low: &BetaPosterior, high: &BetaPosterior| {
        let over = |s: f64| {
            let (x, y) = shares(s);
            ln_logit_density(low.alpha, low.beta, x, y) + high.ln_tails(s).1
        };
        log_concave(&breaks, over)
    };
    // E max(high - low, 0): the lengths of all x between the two.
    let lead = |low: &BetaPosterior, high: &BetaPosterior| {
        let over = |s: f64| {
            let (x, y) = shares(s);
            libm::log(x) + libm::log(y) + low.ln_tails(s).0 + high.ln_tails(s).1
        };
        log_concave(&breaks, over)
    };
    Comparison {
        chance_to_win: below(control, variation).clamp(0.0, 1.0),
        loss_of_shipping: lead(variation, control).clamp(0.0, 1.0),
        loss_of_keeping: lead(control, variation).clamp(0.0, 1.0),
    }
}
