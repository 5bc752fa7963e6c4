//! How many visitors an experiment needs, before it starts and while it runs.

mod noncentral;
mod running;

pub use noncentral::{detectable_effect, normal_noncentrality, normal_power, student_power};
pub use running::Running;

use crate::always_valid::Plan;
use crate::invalid::{alpha, count, share, spread, value};
use crate::special::normal_quantile;
use crate::{Alternative, Invalid};

/// Halvings of a searched number of visitors, of 2^53 at most.
const SEARCH_STEPS: u32 = 120;

/// What is known of a metric before the experiment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Baseline {
    /// Mean per visitor, not 0; a share for proportions.
    pub mean: f64,
    /// Standard deviation per visitor, in the same unit, above 0.
    pub standard_deviation: f64,
}

impl Baseline {
    /// A conversion rate, between 0 and 1.
    ///
    /// # Errors
    ///
    /// [`Invalid::Share`] for any other rate.
    ///
    /// ```
    /// use splitlight_stats::power::Baseline;
    ///
    /// assert_eq!(Baseline::proportion(0.5)?.standard_deviation, 0.5);
    /// # Ok::<(), splitlight_stats::Invalid>(())
    /// ```
    pub fn proportion(rate: f64) -> Result<Self, Invalid> {
        let rate = share(rate)?;
        Ok(Self { mean: rate, standard_deviation: libm::sqrt(rate * (1.0 - rate)) })
    }

    /// Standard deviation in units of the mean.
    fn variation(&self) -> Result<f64, Invalid> {
        let mean = value(self.mean)?.abs();
        spread(spread(self.standard_deviation)? / spread(mean).map_err(|_| Invalid::Value)?)
    }
}

/// How often the result will be looked at.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Looks {
    /// Once, at the end.
    Once,
    /// As often as wanted, with the always-valid test.
    AnyTime {
        /// Planned visitors of the two variations together, 1 to 2^53.
        planned_total: f64,
    },
}

/// A two-sided test that an experiment will be analyzed with.
///
/// Variations get equal shares, and the variance of the variation is the control's. The formulas are those of
/// `GrowthBook`'s power calculator (`power.ts`), with the lift's standard error under the effect.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Design {
    /// False positive rate, between 0 and 1.
    pub alpha: f64,
    /// How often the result will be looked at.
    pub looks: Looks,
}

impl Design {
    /// The chance of a significant result with `n` visitors in each variation and a true relative `lift`.
    ///
    /// Formula: [`normal_power`] of `lift / se` with `se^2 = (1 + (1 + lift)^2) (s / m)^2 / n`; where every look counts, `se`
    /// is wider by the always-valid multiplier at `2 n` visitors over the normal quantile, which is the power at that
    /// look alone.
    ///
    /// # Errors
    ///
    /// [`Invalid::Alpha`], [`Invalid::Count`] for `n` or the planned total, [`Invalid::Value`] and [`Invalid::Spread`] for
    /// the baseline or the lift.
    ///
    /// ```
    /// use splitlight_stats::power::{Baseline, Design, Looks};
    ///
    /// let design = Design { alpha: 0.05, looks: Looks::Once };
    /// let power = design.power(&Baseline::proportion(0.3728)?, 239_019.0 / 3.0, 0.01)?;
    /// assert!((power - 0.3342523234515531).abs() < 1e-9);
    /// # Ok::<(), splitlight_stats::Invalid>(())
    /// ```
    pub fn power(&self, baseline: &Baseline, n: f64, lift: f64) -> Result<f64, Invalid> {
        let after = 1.0 + value(lift)?;
        let error = baseline.variation()? * libm::hypot(1.0, after) / libm::sqrt(count(n)?);
        let error = spread(error * self.inflation(n)?)?;
        normal_power(lift / error, self.alpha)
    }

    /// The least lift that is found with the given power with `n` visitors in each variation.
    ///
    /// Formula: with `g = (z_alpha + z_power)^2 s^2 / (n m^2)`, `s` inflated as in [`Design::power`], the positive solution of
    /// `lift^2 = g (1 + (1 + lift)^2)`: `(g + sqrt(g (2 - g))) / (1 - g)`.
    ///
    /// # Errors
    ///
    /// As [`Design::power`], [`Invalid::Power`] when `power` is not between `alpha` and 1, and [`Invalid::Unreachable`] when
    /// there are too few visitors for any lift.
    ///
    /// ```
    /// use splitlight_stats::power::{Baseline, Design, Looks};
    ///
    /// let design = Design { alpha: 0.05, looks: Looks::Once };
    /// let lift = design.detectable_lift(&Baseline::proportion(0.3728)?, 239_019.0 / 3.0, 0.8)?;
    /// assert!((lift - 0.018374608607120681).abs() < 1e-12);
    /// # Ok::<(), splitlight_stats::Invalid>(())
    /// ```
    pub fn detectable_lift(&self, baseline: &Baseline, n: f64, power: f64) -> Result<f64, Invalid> {
        let z = self.quantiles(power)?;
        let relative = z * baseline.variation()? * self.inflation(n)? / libm::sqrt(n);
        let g = relative * relative;
        if g >= 1.0 {
            return Err(Invalid::Unreachable);
        }
        spread((g + libm::sqrt(g * (2.0 - g))) / (1.0 - g)).map_err(|_| Invalid::Unreachable)
    }

    /// The visitors that each variation needs to find a lift with the given power, not rounded.
    ///
    /// It is where [`Design::power`] reaches `power`.
    ///
    /// # Errors
    ///
    /// As [`Design::detectable_lift`]; [`Invalid::Unreachable`] also for a lift of 0.
    ///
    /// ```
    /// use splitlight_stats::power::{Baseline, Design, Looks};
    ///
    /// let design = Design { alpha: 0.05, looks: Looks::Once };
    /// let n = design.visitors(&Baseline::proportion(0.1)?, 0.1, 0.8)?;
    /// assert_eq!(n.ceil(), 15_612.0);
    /// # Ok::<(), splitlight_stats::Invalid>(())
    /// ```
    pub fn visitors(&self, baseline: &Baseline, lift: f64, power: f64) -> Result<f64, Invalid> {
        const VISITORS_MAX: f64 = 4_503_599_627_370_496.0;
        self.quantiles(power)?;
        let enough = |n: f64| self.power(baseline, n, lift).map(|found| found >= power);
        if !enough(VISITORS_MAX)? {
            return Err(Invalid::Unreachable);
        }
        let (mut low, mut high) = (1.0, VISITORS_MAX);
        for _ in 0..SEARCH_STEPS {
            // Halving the logarithm, since the number may have any magnitude.
            let middle = libm::sqrt(low * high);
            if enough(middle)? {
                high = middle;
            } else {
                low = middle;
            }
        }
        Ok(high)
    }

    /// How much wider the interval is than that of a single look.
    fn inflation(&self, n: f64) -> Result<f64, Invalid> {
        let z = -normal_quantile(0.5 * alpha(self.alpha)?);
        match self.looks {
            Looks::Once => count(n).map(|_| 1.0),
            Looks::AnyTime { planned_total } => {
                let plan = Plan::new(self.alpha, planned_total, Alternative::TwoSided)?;
                Ok(plan.multiplier(2.0 * count(n)?)? / z.max(1e-10))
            }
        }
    }

    /// `z_alpha + z_power`, the drift that is found with this power when the wrong direction is left out.
    fn quantiles(&self, power: f64) -> Result<f64, Invalid> {
        if !(alpha(self.alpha)? < power && power < 1.0) {
            return Err(Invalid::Power);
        }
        Ok(normal_quantile(power) - normal_quantile(0.5 * self.alpha))
    }
}

/// How many visitors the comparison of two conversion rates needs, by the formulas in use; none is rounded.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ProportionSizes {
    /// Visitors in each of two equal variations, with the spread of the control under "no difference": Evan Miller's
    /// calculator.
    pub equal: f64,
    /// Visitors in the control, each rate with its own spread.
    pub control: f64,
    /// Cohen's effect size, `2 asin(sqrt(p2)) - 2 asin(sqrt(p1))`.
    pub cohen_h: f64,
    /// Visitors in the control for that effect size, wrong directions counted (as statsmodels' `NormalIndPower`).
    pub control_by_h: f64,
}

/// The visitors that it takes to find a relative `lift` of a conversion `rate`, with `ratio` visitors in the variation for
/// each in the control.
///
/// Formula: with `d = rate * lift`, `equal = ((z_a sqrt(2 p1 q1) + z_b sqrt(p1 q1 + p2 q2)) / d)^2`,
/// `control = (z_a + z_b)^2 (p1 q1 + p2 q2 / ratio) / d^2` and `control_by_h = (delta / h)^2 (1 + 1 / ratio)`, where `delta`
/// is [`normal_noncentrality`].
///
/// # Errors
///
/// [`Invalid::Share`] when a rate is not between 0 and 1, [`Invalid::Alpha`], [`Invalid::Power`], [`Invalid::Spread`] for
/// `ratio`, [`Invalid::Unreachable`] when the two rates are the same or more visitors than 1e150 are needed.
///
/// ```
/// use splitlight_stats::power::proportion_sizes;
///
/// let sizes = proportion_sizes(0.0243, 0.05, 0.05, 0.8, 1.0)?;
/// assert!((sizes.equal - 253956.43528944178).abs() < 1e-4);
/// # Ok::<(), splitlight_stats::Invalid>(())
/// ```
pub fn proportion_sizes(
    rate: f64,
    lift: f64,
    alpha: f64,
    power: f64,
    ratio: f64,
) -> Result<ProportionSizes, Invalid> {
    let (before, after) = (share(rate)?, share(rate * (1.0 + value(lift)?))?);
    let ratio = spread(ratio)?;
    let delta = normal_noncentrality(alpha, power)?;
    let (z_alpha, z_power) = (-normal_quantile(0.5 * alpha), normal_quantile(power));
    let (spread_before, spread_after) = (before * (1.0 - before), after * (1.0 - after));
    let difference = rate * lift;
    let pooled =
        z_alpha * libm::sqrt(2.0 * spread_before) + z_power * libm::sqrt(spread_before + spread_after);
    let own = (z_alpha + z_power) * libm::sqrt(spread_before + spread_after / ratio);
    let cohen_h = 2.0 * (libm::asin(libm::sqrt(after)) - libm::asin(libm::sqrt(before)));
    let squared = |relative: f64| spread(relative.abs()).map(|x| x * x).map_err(|_| Invalid::Unreachable);
    Ok(ProportionSizes {
        equal: squared(pooled / difference)?,
        control: squared(own / difference)?,
        cohen_h,
        control_by_h: squared(delta / cohen_h * libm::sqrt(1.0 + 1.0 / ratio))?,
    })
}

/// The days that an experiment takes: all its visitors over those of a day, in whole weeks, since weekdays differ.
///
/// # Errors
///
/// [`Invalid::Count`] when a number is not in [1, 2^53].
///
/// ```
/// use splitlight_stats::power::run_days;
///
/// assert_eq!(run_days(31_224.0, 1_500.0), Ok(21.0));
/// ```
pub fn run_days(visitors: f64, visitors_per_day: f64) -> Result<f64, Invalid> {
    let days = count(visitors)? / count(visitors_per_day)?;
    Ok(7.0 * libm::ceil(days / 7.0))
}
