//! Planned looks: almost the power of a single look, with the right to stop at each.
//!
//! Where the always-valid test may be looked at whenever somebody likes, these bounds hold for the looks that were
//! planned. When a look comes earlier or later than planned, make the plan anew with the information that there really
//! was: what is spent depends on the information alone (Lan and `DeMets` 1983).

mod process;
mod spending;

pub use spending::Spending;

use crate::invalid::alpha_below;
use crate::special::{normal_ln_sf, normal_quantile};
use crate::{Alternative, Estimate, Invalid, TestResult};
use process::Process;

/// Most looks of a plan.
pub const LOOKS_MAX: usize = 60;

/// Least information between two looks, as a part of all; what is nearer is the same look.
pub const INFORMATION_STEP_MIN: f64 = 0.001;

/// A bound that is never crossed: the chance of it is below 1e-300.
const BOUND_MAX: f64 = 37.0;

/// Most steps of the searches for a p-value and for a drift.
const SEARCH_STEPS: u32 = 60;

/// One planned look.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Look {
    /// Part of the planned visitors, above 0, at most 1.
    pub information: f64,
    /// The false positive rate spent up to and with this look.
    pub spent: f64,
    /// The statistic from which on the experiment stops, in standard errors; 37 where nothing may be spent yet.
    pub bound: f64,
}

/// Looks and their bounds.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    alpha: f64,
    spending: Spending,
    alternative: Alternative,
    looks: Vec<Look>,
}

/// What a plan does when there is an effect.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Outlook {
    /// The chance that some look crosses its bound, 0 to 1.
    pub power: f64,
    /// The part of the planned visitors that is needed on average, at most the last look's information.
    pub information: f64,
}

impl Plan {
    /// Bounds for looks at the given parts of the planned visitors, with the false positive rate `alpha` in all.
    ///
    /// `information` rises from above 0 to at most 1, by at least [`INFORMATION_STEP_MIN`], 1 to [`LOOKS_MAX`] times.
    /// Formula: error spending (Lan and `DeMets` 1983) with bounds from the exact recursive integration of Armitage,
    /// `McPherson` and Rowe (1969); two-sided bounds are symmetric.
    ///
    /// # Errors
    ///
    /// [`Invalid::Alpha`] when `alpha` is not in (0, 1), or (0, 0.5) for one direction; [`Invalid::Length`] and
    /// [`Invalid::Order`] for the looks; [`Invalid::Value`] for the parameter of the spending.
    ///
    /// ```
    /// use splitlight_stats::{Alternative, group_sequential::{Plan, Spending}};
    ///
    /// let weekly = [0.2, 0.4, 0.6, 0.8, 1.0];
    /// let plan = Plan::new(0.05, Spending::OBrienFleming, &weekly, Alternative::TwoSided)?;
    /// assert!((plan.looks()[0].bound - 4.87688494879).abs() < 1e-8);
    /// assert!((plan.looks()[4].bound - 2.03103204331).abs() < 1e-8);
    /// # Ok::<(), splitlight_stats::Invalid>(())
    /// ```
    pub fn new(
        alpha: f64,
        spending: Spending,
        information: &[f64],
        alternative: Alternative,
    ) -> Result<Self, Invalid> {
        let two_sided = alternative == Alternative::TwoSided;
        alpha_below(alpha, if two_sided { 1.0 } else { 0.5 })?;
        spending.check()?;
        if information.is_empty() || information.len() > LOOKS_MAX {
            return Err(Invalid::Length);
        }
        let mut last = 0.0;
        for &part in information {
            // The comparison is false for what is no number.
            let rises = part - last >= INFORMATION_STEP_MIN * (1.0 - 1e-9) && part <= 1.0;
            if !rises {
                return Err(Invalid::Order);
            }
            last = part;
        }
        let looks = bounds(alpha, spending, information, two_sided);
        Ok(Self { alpha, spending, alternative, looks })
    }

    /// Whether it is two-sided and its false positive rate is what this confidence leaves.
    pub(crate) fn is_for(&self, confidence: f64) -> bool {
        const ROUNDING: f64 = 1e-12;
        self.alternative == Alternative::TwoSided && (1.0 - confidence - self.alpha).abs() <= ROUNDING
    }

    /// The looks in their order.
    ///
    /// ```
    /// use splitlight_stats::{Alternative, group_sequential::{Plan, Spending}};
    ///
    /// let plan = Plan::new(0.05, Spending::Power(2.0), &[0.5, 1.0], Alternative::Greater)?;
    /// assert_eq!(plan.looks()[0].spent, 0.0125);
    /// # Ok::<(), splitlight_stats::Invalid>(())
    /// ```
    pub fn looks(&self) -> &[Look] {
        &self.looks
    }

    /// Tests an effect at a look, which is counted from 0.
    ///
    /// The interval is the repeated confidence interval, and the p-value the repeated one: the least false positive rate
    /// with which this plan would stop here (Jennison and Turnbull 1989), so that the p-value is below `alpha` where the
    /// interval excludes 0 and where the bound is crossed.
    ///
    /// # Errors
    ///
    /// [`Invalid::Length`] when there is no such look, [`Invalid::Value`] and [`Invalid::Spread`] for the effect.
    ///
    /// ```
    /// use splitlight_stats::{Alternative, Estimate, group_sequential::{Plan, Spending}};
    ///
    /// let plan = Plan::new(0.05, Spending::Pocock, &[0.5, 1.0], Alternative::TwoSided)?;
    /// let test = plan.test(0, &Estimate { value: 0.3, standard_error: 0.1 })?;
    /// assert!(test.p_value < 0.05 && test.interval().0 > 0.0);
    /// # Ok::<(), splitlight_stats::Invalid>(())
    /// ```
    pub fn test(&self, look: usize, effect: &Estimate) -> Result<TestResult, Invalid> {
        let planned = self.looks.get(look).ok_or(Invalid::Length)?;
        let z = self.alternative.toward(effect.z()?);
        let ln_p_value = self.ln_repeated_p(look, z);
        Ok(TestResult {
            difference: effect.value,
            standard_error: effect.standard_error,
            alternative: self.alternative,
            multiplier: planned.bound,
            p_value: libm::exp(ln_p_value),
            ln_p_value,
        })
    }

    /// The power and the expected length for an effect of `drift` standard errors at full information.
    ///
    /// # Errors
    ///
    /// [`Invalid::Value`] when the magnitude of `drift` is above 100 or not finite.
    ///
    /// ```
    /// use splitlight_stats::{Alternative, group_sequential::{Plan, Spending}};
    ///
    /// let plan = Plan::new(0.05, Spending::OBrienFleming, &[0.25, 0.5, 0.75, 1.0], Alternative::TwoSided)?;
    /// // A fixed look with this effect has a power of 0.80.
    /// let outlook = plan.outlook(2.8016)?;
    /// assert!(outlook.power > 0.78 && outlook.information < 0.85);
    /// # Ok::<(), splitlight_stats::Invalid>(())
    /// ```
    pub fn outlook(&self, drift: f64) -> Result<Outlook, Invalid> {
        const DRIFT_MAX: f64 = 100.0;
        if drift.is_nan() || drift.abs() > DRIFT_MAX {
            return Err(Invalid::Value);
        }
        let drift = if self.alternative == Alternative::Less { -drift } else { drift };
        let mut process = Process::new(self.alternative == Alternative::TwoSided, drift);
        let (mut power, mut spent_information) = (0.0, 0.0);
        let last = self.looks.last().map_or(1.0, |look| look.information);
        for (index, look) in self.looks.iter().enumerate() {
            let stopped = process.exit(look.information, look.bound).0;
            power += stopped;
            spent_information += stopped * look.information;
            let next = self.looks.get(index + 1).map(|look| look.information);
            process.advance(look.information, look.bound, next);
        }
        let power = power.min(1.0);
        Ok(Outlook { power, information: (spent_information + (1.0 - power) * last).min(last) })
    }

    /// The drift, in standard errors at full information, that the plan finds with the given power. Its square divided
    /// by that of a single look, `(z_alpha + z_power)^2`, is how many more visitors the plan needs at most.
    ///
    /// # Errors
    ///
    /// [`Invalid::Power`] when `power` is not between `alpha` and 1, [`Invalid::Unreachable`] when no drift has it.
    ///
    /// ```
    /// use splitlight_stats::{Alternative, group_sequential::{Plan, Spending}};
    ///
    /// let plan = Plan::new(0.05, Spending::OBrienFleming, &[0.25, 0.5, 0.75, 1.0], Alternative::TwoSided)?;
    /// let inflation = (plan.drift(0.8)? / 2.8016).powi(2);
    /// assert!(1.0 < inflation && inflation < 1.05);
    /// # Ok::<(), splitlight_stats::Invalid>(())
    /// ```
    pub fn drift(&self, power: f64) -> Result<f64, Invalid> {
        if !(self.alpha < power && power < 1.0) {
            return Err(Invalid::Power);
        }
        let direction = if self.alternative == Alternative::Less { -1.0 } else { 1.0 };
        let enough = |drift: f64| self.outlook(direction * drift).is_ok_and(|found| found.power >= power);
        let (mut low, mut high) = (0.0, 8.0);
        while !enough(high) {
            if high > 50.0 {
                return Err(Invalid::Unreachable);
            }
            (low, high) = (high, 2.0 * high);
        }
        for _ in 0..SEARCH_STEPS {
            if high - low <= 1e-9 * high {
                break;
            }
            let middle = 0.5 * (low + high);
            if enough(middle) {
                high = middle;
            } else {
                low = middle;
            }
        }
        Ok(direction * high)
    }

    /// ln of the false positive rate whose plan has the bound `z` at this look.
    ///
    /// The bound is nearly linear in the normal quantile of the rate, so that the secant method over that quantile takes a
    /// few steps; a bracket keeps it from leaving.
    fn ln_repeated_p(&self, look: usize, z: f64) -> f64 {
        let two_sided = self.alternative == Alternative::TwoSided;
        let information: Vec<f64> = self.looks[..=look].iter().map(|look| look.information).collect();
        let sides = if two_sided { 2.0 } else { 1.0 };
        let ln_rate = |quantile: f64| (libm::log(sides) + normal_ln_sf(quantile)).min(0.0);
        let excess = |quantile: f64| {
            let found = bounds(libm::exp(ln_rate(quantile)), self.spending, &information, two_sided);
            z - found.last().map_or(BOUND_MAX, |look| look.bound)
        };
        // The least and the largest rate that a plan may have, as quantiles.
        let (mut low, mut high) = (1e-9, BOUND_MAX - 0.5);
        let own = -normal_quantile(self.alpha / sides);
        let planned = self.looks[look].bound;
        let (mut last, mut at_last) = (own, z - planned);
        let mut quantile = own + at_last * (own / planned.abs().max(0.1)).clamp(0.01, 1.0);
        for _ in 0..SEARCH_STEPS {
            if at_last >= 0.0 {
                low = f64::max(low, last);
            } else {
                high = f64::min(high, last);
            }
            if !(low < quantile && quantile < high) {
                quantile = 0.5 * (low + high);
            }
            let found = excess(quantile);
            let slope = (found - at_last) / (quantile - last);
            (last, at_last) = (quantile, found);
            if found.abs() <= 1e-10 || high - low <= 1e-10 {
                break;
            }
            quantile -= found / slope;
        }
        // Rounding may not turn a crossed bound into an insignificant p-value, or the other way round.
        let last = if z >= planned { last.max(own) } else { last.min(own) };
        ln_rate(last)
    }
}

/// The bounds in the order of the looks.
fn bounds(alpha: f64, spending: Spending, information: &[f64], two_sided: bool) -> Vec<Look> {
    let mut process = Process::new(two_sided, 0.0);
    let mut before = 0.0;
    let mut looks = Vec::with_capacity(information.len());
    for (index, &part) in information.iter().enumerate() {
        let spent = spending.spent(alpha, part, two_sided).max(before);
        let bound = process.bound(part, spent - before);
        process.advance(part, bound, information.get(index + 1).copied());
        looks.push(Look { information: part, spent, bound });
        before = spent;
    }
    looks
}
