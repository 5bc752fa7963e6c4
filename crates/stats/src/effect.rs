//! Effects: the difference from control, absolute or relative, and what is sure about it.

use core::f64::consts::LN_2;

use crate::invalid::alpha_below;
use crate::special::{student_t_ln_sf, student_t_upper_quantile};
use crate::{Alternative, Estimate, Invalid, LiftInterval, Measured, NotEnoughData, TestResult, lift, welch};

/// The difference from control together with control's own mean: what absolute and relative effects are made of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Contrast {
    /// Variation minus control, adjusted where the estimates are.
    pub difference: f64,
    /// Its squared standard error.
    pub squared_error: f64,
    /// The plain mean of control.
    pub baseline: f64,
    /// Its squared standard error.
    pub baseline_squared_error: f64,
    /// Covariance of the difference and the baseline.
    pub covariance: f64,
    /// The lift at which the delta method linearizes.
    pub(crate) slope: f64,
    /// Welch-Satterthwaite degrees of freedom of the difference.
    pub dof: f64,
    /// Whether both variations vary by themselves.
    pub(crate) varies: bool,
}

impl Contrast {
    /// Two independent variations.
    ///
    /// ```
    /// use splitlight_stats::{Contrast, Sample};
    ///
    /// let control = Sample { n: 100.0, mean: 10.0, variance: 4.0 };
    /// let variation = Sample { n: 100.0, mean: 11.0, variance: 5.0 };
    /// let contrast = Contrast::between(&control.into(), &variation.into());
    /// assert_eq!((contrast.difference, contrast.squared_error, contrast.covariance), (1.0, 0.09, -0.04));
    /// ```
    pub fn between(control: &Measured, variation: &Measured) -> Self {
        let (a, b) = (&control.sample, &variation.sample);
        let difference = b.mean - a.mean;
        let plain = if variation.adjusts_ratio { difference } else { variation.mean - control.mean };
        Self {
            difference,
            squared_error: a.squared_error() + b.squared_error(),
            baseline: control.mean,
            baseline_squared_error: control.variance / a.n,
            covariance: -control.covariance / a.n,
            slope: plain / control.mean,
            dof: welch::degrees_of_freedom(a, b),
            varies: a.variance > 0.0 && b.variance > 0.0,
        }
    }

    /// The absolute effect, in the unit of the metric.
    ///
    /// # Errors
    /// [`NotEnoughData::NoVariance`] where a variation does not vary, for which [`compare()`](crate::compare()) has an
    /// answer; [`NotEnoughData::TooLarge`] where the difference or its error is infinite,
    /// [`NotEnoughData::ImpossibleMoments`] where something is no number.
    ///
    /// ```
    /// use splitlight_stats::{Alternative, Contrast, Sample};
    ///
    /// let control = Sample { n: 100.0, mean: 10.0, variance: 4.0 };
    /// let variation = Sample { n: 100.0, mean: 11.0, variance: 5.0 };
    /// let effect = Contrast::between(&control.into(), &variation.into()).absolute()?;
    /// assert!(effect.test(Alternative::TwoSided, 0.05)?.p_value < 0.002);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn absolute(&self) -> Result<Effect, NotEnoughData> {
        let numbers = [self.difference, self.squared_error, self.baseline, self.baseline_squared_error];
        if numbers.iter().chain([&self.covariance, &self.dof]).any(|number| number.is_nan()) {
            return Err(NotEnoughData::ImpossibleMoments);
        }
        if !self.varies || self.squared_error <= 0.0 {
            return Err(NotEnoughData::NoVariance);
        }
        if !self.difference.is_finite() || self.squared_error.is_infinite() {
            return Err(NotEnoughData::TooLarge);
        }
        let standard_error = libm::sqrt(self.squared_error);
        Ok(Effect { estimate: Estimate { value: self.difference, standard_error }, dof: self.dof })
    }

    /// The effect relative to the magnitude of the control mean, by the delta method.
    ///
    /// It is what other tools show, and it is here to be compared with them: its error shrinks when the variation is
    /// low, so its p-value is not that of the difference and looks too often significant. [`Self::lift_interval`] has
    /// neither defect, and is what [`compare()`](crate::compare()) shows.
    ///
    /// Formula: `V = (V_d - 2 r C + r^2 V_m) / m^2` with `r` the plain lift; the same as
    /// `vb/(nb m^2) + va mb^2/(na m^4)` where nothing is adjusted (Deng, Knoblich and Lu 2018).
    ///
    /// # Errors
    /// [`NotEnoughData::NoVariance`] where a variation does not vary, else [`NotEnoughData::NoBaseline`] where the
    /// control mean is 0.
    ///
    /// ```
    /// use splitlight_stats::{Contrast, Sample};
    ///
    /// let control = Sample { n: 100.0, mean: 10.0, variance: 4.0 };
    /// let variation = Sample { n: 100.0, mean: 11.0, variance: 5.0 };
    /// let effect = Contrast::between(&control.into(), &variation.into()).relative()?;
    /// assert!((effect.estimate.value - 0.1).abs() < 1e-15 && (effect.estimate.standard_error - 0.0314).abs() < 1e-4);
    /// # Ok::<(), splitlight_stats::NotEnoughData>(())
    /// ```
    pub fn relative(&self) -> Result<Effect, NotEnoughData> {
        let absolute = self.absolute()?;
        let value = self.lift().ok_or(NotEnoughData::NoBaseline)?;
        let r = self.slope;
        let variance = self.squared_error - 2.0 * r * self.covariance + r * r * self.baseline_squared_error;
        let standard_error = libm::sqrt(variance.max(0.0)) / self.baseline.abs();
        if standard_error.is_nan() {
            return Err(NotEnoughData::ImpossibleMoments);
        }
        if standard_error <= 0.0 {
            return Err(NotEnoughData::NoVariance);
        }
        // A control mean next to nothing is none.
        if value.is_infinite() || standard_error.is_infinite() {
            return Err(NotEnoughData::NoBaseline);
        }
        Ok(Effect { estimate: Estimate { value, standard_error }, ..absolute })
    }

    /// Difference divided by the magnitude of the control mean; `None` where that is 0.
    ///
    /// ```
    /// use splitlight_stats::{Contrast, Sample};
    ///
    /// let sample = Sample { n: 100.0, mean: 10.0, variance: 4.0 };
    /// assert_eq!(Contrast::between(&sample.into(), &sample.into()).lift(), Some(0.0));
    /// ```
    pub fn lift(&self) -> Option<f64> {
        lift::estimate(self.baseline, self.difference)
    }

    /// The interval of the lift that a test with this multiplier (its half interval in standard errors) implies.
    ///
    /// Fieller's theorem (1954), whatever the test: with the multiplier of an always-valid test it is a sequential
    /// Fieller interval. See [`lift::fieller`].
    ///
    /// ```
    /// use splitlight_stats::{Alternative, Contrast, LiftInterval, Sample, always_valid::Plan};
    ///
    /// let control = Sample { n: 1_000.0, mean: 10.0, variance: 100.0 };
    /// let variation = Sample { n: 1_000.0, mean: 12.0, variance: 100.0 };
    /// let contrast = Contrast::between(&control.into(), &variation.into());
    /// let multiplier = Plan::new(0.05, 2_000.0, Alternative::TwoSided)?.multiplier(2_000.0)?;
    /// assert!(matches!(contrast.lift_interval(multiplier), LiftInterval::Bounded(low, _) if low > 0.0));
    /// # Ok::<(), splitlight_stats::Invalid>(())
    /// ```
    pub fn lift_interval(&self, multiplier: f64) -> LiftInterval {
        lift::fieller(self, multiplier)
    }
}

/// An effect in one unit and its uncertainty.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Effect {
    /// The estimate, in minor units per visitor, as a share or lift, or in units per day.
    pub estimate: Estimate,
    /// Degrees of freedom of Student's t, at least 1.
    pub dof: f64,
}

impl Effect {
    /// The effect per day of the whole traffic.
    ///
    /// Formula: the absolute effect times `total_users / (traffic_share * days)`, with `total_users` those of all
    /// variations, `traffic_share` the part of the traffic in the experiment, and `days` its length; all above 0.
    ///
    /// ```
    /// use splitlight_stats::{Effect, Estimate};
    ///
    /// let effect = Effect { estimate: Estimate { value: 0.5, standard_error: 0.1 }, dof: 100.0 };
    /// assert_eq!(effect.per_day(1_000.0, 0.5, 20.0).estimate.value, 50.0);
    /// ```
    #[must_use]
    pub fn per_day(&self, total_users: f64, traffic_share: f64, days: f64) -> Self {
        let scale = total_users / (traffic_share * days);
        let Estimate { value, standard_error } = self.estimate;
        let estimate = Estimate { value: value * scale, standard_error: standard_error * scale };
        Self { estimate, dof: self.dof }
    }

    /// Student's t test of "no effect" at a level `alpha` between 0 and 1, all of it on one side where the alternative
    /// has one.
    ///
    /// Formula: `t = estimate / error`, p by the survival function, interval `estimate -+ quantile * error`.
    ///
    /// # Errors
    /// [`Invalid::Alpha`], [`Invalid::Value`] and [`Invalid::Spread`] when a number is out of its range.
    ///
    /// ```
    /// use splitlight_stats::{Alternative, Effect, Estimate};
    ///
    /// let effect = Effect { estimate: Estimate { value: 3.0, standard_error: 1.0 }, dof: 1e6 };
    /// let test = effect.test(Alternative::Less, 0.05)?;
    /// assert!(test.p_value > 0.99 && test.interval().0 == f64::NEG_INFINITY);
    /// # Ok::<(), splitlight_stats::Invalid>(())
    /// ```
    pub fn test(&self, alternative: Alternative, alpha: f64) -> Result<TestResult, Invalid> {
        let Estimate { value, standard_error } = self.estimate;
        let t = alternative.toward(self.estimate.z()?);
        let alpha = alpha_below(alpha, 1.0)?;
        let (sides, ln_sides) = if alternative == Alternative::TwoSided { (2.0, LN_2) } else { (1.0, 0.0) };
        let ln_p_value = (ln_sides + student_t_ln_sf(t, self.dof)).min(0.0);
        Ok(TestResult {
            difference: value,
            standard_error,
            alternative,
            multiplier: student_t_upper_quantile(alpha / sides, self.dof),
            p_value: libm::exp(ln_p_value),
            ln_p_value,
        })
    }
}
