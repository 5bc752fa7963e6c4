//! Quantiles of a metric, with the interval that order statistics give, and their variance as an estimate.

use serde::{Deserialize, Serialize};

use crate::special::normal_quantile;
use crate::{Measured, Moments, NotEnoughData, PairMoments, Sample};

/// The tail of the 95 % order-statistic interval that the variance is read from.
const TAIL: f64 = 0.025;

/// Below this many values an interval without width says nothing; from it on the variance has a floor.
const FLOOR_FROM: f64 = 100.0;

/// The floor of the variance, as in `GrowthBook` gbstats.
const VARIANCE_MIN: f64 = 1e-5;

/// From this many values on an interval without width is believed.
const DISTINCT_FROM: f64 = 1000.0;

/// A quantile of one variation and the order statistics around it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Quantile {
    /// Values: visitors, or events where a visitor has several.
    pub n: i64,
    /// The number of values that the two order statistics were chosen for, at most `n`.
    pub n_star: i64,
    /// The level, above 0 and below 1; 0.5 is the median.
    pub level: f64,
    /// The quantile, minor units.
    pub value: f64,
    /// The order statistic at `level - z sqrt(level (1 - level) / n_star)` with `z` of 95 %.
    pub lower: f64,
    /// The order statistic at `level + z sqrt(level (1 - level) / n_star)`.
    pub upper: f64,
}

impl Quantile {
    /// The estimate to compare, for one value per visitor.
    ///
    /// Formula: `variance = (n* / n) (n - 1) ((upper - lower) / (2 z))^2` (Deng, Knoblich and Lu 2018; the floors are
    /// those of `GrowthBook` gbstats).
    ///
    /// # Errors
    /// [`NotEnoughData::TooFewVisitors`] where the interval would need ranks below the first or above the last value,
    /// [`NotEnoughData::NoVariance`] where it has no width, [`NotEnoughData::InvalidSettings`] for a level outside of
    /// 0 and 1, [`NotEnoughData::ImpossibleMoments`] for counts or values that cannot be.
    ///
    /// ```
    /// use splitlight_stats::Quantile;
    ///
    /// let q = Quantile { n: 1_000, n_star: 1_000, level: 0.5, value: 40.0, lower: 38.0, upper: 43.0 };
    /// let estimate = q.estimate()?;
    /// assert!(estimate.mean == 40.0 && (estimate.sample.squared_error() - 1.6254).abs() < 1e-4);
    /// # Ok::<(), splitlight_stats::NotEnoughData>(())
    /// ```
    pub fn estimate(&self) -> Result<Measured, NotEnoughData> {
        self.checked()?;
        self.with_variance(self.independent_variance())
    }

    /// The estimate to compare, where visitors have several values each; `moments` has a pair per visitor: how many of
    /// the visitor's values are at most the quantile, and how many there are.
    ///
    /// Formula: the variance of [`Self::estimate`] times that of the share of values at most the quantile, taken per
    /// visitor by the delta method, over `level (1 - level) / n` (Yao, Li and Lu 2024).
    ///
    /// # Errors
    /// As [`Self::estimate`].
    ///
    /// ```
    /// use splitlight_stats::{Moments, PairMoments, Quantile};
    ///
    /// let q = Quantile { n: 1_000, n_star: 1_000, level: 0.5, value: 40.0, lower: 38.0, upper: 43.0 };
    /// let (below, all) = (Moments::new(500, 500, 900), Moments::new(500, 1_000, 2_000));
    /// let moments = PairMoments { first: below, second: all, product: 1_000.into() };
    /// assert!(q.clustered_estimate(&moments)?.variance > q.estimate()?.variance);
    /// # Ok::<(), splitlight_stats::NotEnoughData>(())
    /// ```
    pub fn clustered_estimate(&self, moments: &PairMoments) -> Result<Measured, NotEnoughData> {
        self.checked()?;
        let visitors = moments.first.n;
        if visitors <= 1 || moments.second.sum.to_f64() <= 0.0 {
            return Err(NotEnoughData::NoVariance);
        }
        let share = Measured::ratio(moments, crate::Kind::Mean, crate::Kind::Mean)?;
        let independent = self.level * (1.0 - self.level) / self.n as f64;
        self.with_variance(self.independent_variance() * (share.sample.squared_error() / independent))
    }

    /// The interval of the quantile itself, for one value per visitor; `alpha` is 1 minus the confidence.
    ///
    /// Formula: `value -+ z error` with the squared error of [`Self::estimate`].
    ///
    /// # Errors
    /// As [`Self::estimate`], and [`NotEnoughData::InvalidSettings`] for an `alpha` outside of 0 and 1.
    ///
    /// ```
    /// use splitlight_stats::Quantile;
    ///
    /// let q = Quantile { n: 1_000, n_star: 1_000, level: 0.5, value: 40.0, lower: 38.0, upper: 43.0 };
    /// let (low, high) = q.interval(0.05)?;
    /// assert!((low - 37.5).abs() < 0.01 && (high - 42.5).abs() < 0.01);
    /// # Ok::<(), splitlight_stats::NotEnoughData>(())
    /// ```
    pub fn interval(&self, alpha: f64) -> Result<(f64, f64), NotEnoughData> {
        if !(0.0 < alpha && alpha < 1.0) {
            return Err(NotEnoughData::InvalidSettings);
        }
        let half = normal_quantile(0.5 * alpha).abs() * libm::sqrt(self.estimate()?.sample.squared_error());
        Ok((self.value - half, self.value + half))
    }

    fn checked(&self) -> Result<(), NotEnoughData> {
        let Self { n, n_star, level, value, lower, upper } = *self;
        if !(0.0 < level && level < 1.0) {
            return Err(NotEnoughData::InvalidSettings);
        }
        let finite = [value, lower, upper].iter().all(|number| number.is_finite());
        if n < 0 || n_star < 0 || n_star > n || !finite || lower > upper {
            return Err(NotEnoughData::ImpossibleMoments);
        }
        let z = normal_quantile(TAIL);
        let odds = level / (1.0 - level);
        if n as f64 <= z * z * odds.max(1.0 / odds) {
            return Err(NotEnoughData::TooFewVisitors);
        }
        Ok(())
    }

    fn independent_variance(&self) -> f64 {
        let n = self.n as f64;
        let error = (self.upper - self.lower) / (2.0 * normal_quantile(TAIL));
        self.n_star as f64 / n * (n - 1.0) * error * error
    }

    fn with_variance(&self, variance: f64) -> Result<Measured, NotEnoughData> {
        let n = self.n as f64;
        if variance <= 0.0 && n < DISTINCT_FROM {
            return Err(NotEnoughData::NoVariance);
        }
        let variance = if n < FLOOR_FROM { variance } else { variance.max(VARIANCE_MIN) };
        Ok(Sample { n, mean: self.value, variance }.into())
    }
}

/// The pair that one visitor adds to the moments of [`Quantile::clustered_estimate`].
///
/// ```
/// use splitlight_stats::{PairMoments, quantile_visitor};
///
/// let moments = [(2, 3), (0, 1)].iter().fold(PairMoments::default(), |sum, &(below, all)| {
///     sum.merge(quantile_visitor(below, all))
/// });
/// assert_eq!((moments.first.n, moments.product), (2, 6.into()));
/// ```
pub fn quantile_visitor(at_most: i64, values: i64) -> PairMoments {
    let one = Moments { n: 1, ..Moments::default() };
    let visitor = PairMoments { first: one, second: one, ..PairMoments::default() };
    visitor.merge(PairMoments::gain((0, 0), (at_most, values)))
}
