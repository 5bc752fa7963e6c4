//! A normal belief about an effect.

use core::f64::consts::PI;

use super::Direction;
use crate::invalid::{spread, value};
use crate::special::{normal_quantile, normal_sf};
use crate::{Estimate, Invalid};

/// What was believed of an effect before: normal with this mean and standard deviation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NormalPrior {
    /// The expected effect, in its unit; 0.1 is a lift of 10 %.
    pub mean: f64,
    /// Its standard deviation, in the same unit, above 0. Three tenths is a good start for a lift.
    pub standard_deviation: f64,
}

impl NormalPrior {
    /// The same belief about the difference, for a prior about the lift.
    ///
    /// `control_mean` is in the unit of the difference. Formula: both numbers times its magnitude (`GrowthBook`).
    ///
    /// ```
    /// use splitlight_stats::bayes::NormalPrior;
    ///
    /// let lift = NormalPrior { mean: 0.01, standard_deviation: 0.3 };
    /// assert_eq!(lift.of_difference(-200.0).standard_deviation, 60.0);
    /// ```
    #[must_use]
    pub fn of_difference(&self, control_mean: f64) -> Self {
        let scale = control_mean.abs();
        Self { mean: self.mean * scale, standard_deviation: self.standard_deviation * scale }
    }
}

/// What is believed of an effect: normal with this mean and standard deviation, in the unit of the estimate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NormalPosterior {
    /// The expected effect.
    pub mean: f64,
    /// Its standard deviation, above 0.
    pub standard_deviation: f64,
}

impl NormalPosterior {
    /// Weighs an estimate against a prior; without one, every effect was as likely as any other.
    ///
    /// Formula: precisions add, and the mean is weighted by them (`GrowthBook` gbstats `bayesian/tests.py`, as PostHog and
    /// Eppo): `1 / s^2 = 1 / se^2 + 1 / s0^2`. The estimate is a lift with a prior of the lift, or a difference with one
    /// of the difference ([`NormalPrior::of_difference`]).
    ///
    /// # Errors
    ///
    /// [`Invalid::Value`] and [`Invalid::Spread`] for the estimate, [`Invalid::Prior`] for the prior.
    ///
    /// ```
    /// use splitlight_stats::{Estimate, bayes::{Direction, NormalPosterior, NormalPrior}};
    ///
    /// let lift = Estimate { value: 0.05, standard_error: 0.02 };
    /// let flat = NormalPosterior::new(&lift, None)?;
    /// assert!((flat.chance_to_win(Direction::Increase) - 0.99379).abs() < 1e-5);
    /// let prior = NormalPrior { mean: 0.0, standard_deviation: 0.05 };
    /// assert!(NormalPosterior::new(&lift, Some(&prior))?.mean < 0.05);
    /// # Ok::<(), splitlight_stats::Invalid>(())
    /// ```
    pub fn new(estimate: &Estimate, prior: Option<&NormalPrior>) -> Result<Self, Invalid> {
        let (mean, error) = (value(estimate.value)?, spread(estimate.standard_error)?);
        let Some(prior) = prior else {
            return Ok(Self { mean, standard_deviation: error });
        };
        let (mean, standard_deviation) = weighed(mean, error, prior)?;
        Ok(Self { mean, standard_deviation })
    }

    /// The chance that the effect goes in the wanted direction, 0 to 1.
    ///
    /// Formula: `Phi(mean / s)` (`GrowthBook`'s chance to win).
    ///
    /// ```
    /// use splitlight_stats::{Direction, Estimate, bayes::NormalPosterior};
    ///
    /// let errors = NormalPosterior::new(&Estimate { value: -1.0, standard_error: 0.5 }, None)?;
    /// assert!(errors.chance_to_win(Direction::Decrease) > 0.97);
    /// # Ok::<(), splitlight_stats::Invalid>(())
    /// ```
    pub fn chance_to_win(&self, wanted: Direction) -> f64 {
        normal_sf(-self.score(wanted))
    }

    /// What shipping the variation is expected to lose, in the unit of the effect: 0 where it wins, else the harm.
    ///
    /// Formula: `s (phi(z) - z Phi(-z))` with `z = mean / s` in the wanted direction (`GrowthBook`'s risk). It keeps its
    /// digits for large `z`, where the two terms are nearly equal.
    ///
    /// ```
    /// use splitlight_stats::{Estimate, bayes::{Direction, NormalPosterior}};
    ///
    /// let even = NormalPosterior::new(&Estimate { value: 0.0, standard_error: 1.0 }, None)?;
    /// assert!((even.loss_of_shipping(Direction::Increase) - 0.3989422804014327).abs() < 1e-15);
    /// # Ok::<(), splitlight_stats::Invalid>(())
    /// ```
    pub fn loss_of_shipping(&self, wanted: Direction) -> f64 {
        self.standard_deviation * shortfall(self.score(wanted))
    }

    /// What keeping the control is expected to lose: the improvement where there is one, else 0.
    ///
    /// ```
    /// use splitlight_stats::{Estimate, bayes::{Direction, NormalPosterior}};
    ///
    /// let better = NormalPosterior::new(&Estimate { value: 0.1, standard_error: 0.01 }, None)?;
    /// assert!((better.loss_of_keeping(Direction::Increase) - 0.1).abs() < 1e-12);
    /// # Ok::<(), splitlight_stats::Invalid>(())
    /// ```
    pub fn loss_of_keeping(&self, wanted: Direction) -> f64 {
        self.standard_deviation * shortfall(-self.score(wanted))
    }

    /// The interval that holds the effect with a chance of `1 - alpha`, with equal tails.
    ///
    /// # Errors
    ///
    /// [`Invalid::Alpha`] when `alpha` is not in (0, 1).
    ///
    /// ```
    /// use splitlight_stats::{Estimate, bayes::NormalPosterior};
    ///
    /// let posterior = NormalPosterior::new(&Estimate { value: 1.0, standard_error: 2.0 }, None)?;
    /// assert!((posterior.interval(0.05)?.1 - 4.919927969080108).abs() < 1e-12);
    /// # Ok::<(), splitlight_stats::Invalid>(())
    /// ```
    pub fn interval(&self, alpha: f64) -> Result<(f64, f64), Invalid> {
        let half = -normal_quantile(0.5 * crate::invalid::alpha(alpha)?) * self.standard_deviation;
        Ok((self.mean - half, self.mean + half))
    }

    /// The expected effect in standard deviations, positive where it is wanted.
    fn score(&self, wanted: Direction) -> f64 {
        let z = self.mean / self.standard_deviation;
        match wanted {
            Direction::Increase => z,
            Direction::Decrease => -z,
        }
    }
}

/// Mean and standard deviation of what is known of a value from an estimate and a prior.
pub(super) fn weighed(mean: f64, error: f64, prior: &NormalPrior) -> Result<(f64, f64), Invalid> {
    let prior_mean = value(prior.mean).map_err(|_| Invalid::Prior)?;
    let ratio = error / spread(prior.standard_deviation).map_err(|_| Invalid::Prior)?;
    // Weights from the ratio of the deviations, so that no square of a small or large one is needed.
    let width = libm::hypot(1.0, ratio);
    let (of_data, of_prior) = (1.0 / width / width, ratio / width * (ratio / width));
    Ok((of_data * mean + of_prior * prior_mean, error / width))
}

/// `E max(-X, 0)` for a normal X with mean `z` and variance 1: `phi(z) - z Phi(-z)`.
fn shortfall(z: f64) -> f64 {
    if z.is_nan() {
        return 0.0;
    }
    let density = libm::exp(-0.5 * z * z) / libm::sqrt(2.0 * PI);
    if z < 3.0 {
        return density - z * normal_sf(z);
    }
    // Mills' ratio is 1 / (z + c) with c = 1 / (z + 2 / (z + 3 / ...)), which leaves c / (z + c) without a difference.
    let c = (1..60).rev().fold(0.0, |c, k| f64::from(k) / (z + c));
    density * (c / (z + c))
}
