//! Moments: what is counted per variation, exact and additive.

use serde::{Deserialize, Serialize};

use crate::wide::Wide;
use crate::{NotEnoughData, Total};

/// What kind of number a visitor contributes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// 0 or 1 per visitor: converted or not, back on day 7 or not, past a step of a funnel or not.
    Proportion,
    /// Any integer per visitor: revenue in minor units, a count.
    Mean,
}

/// Count, sum and sum of squares of one value per visitor, in minor units and their squares.
///
/// All three are plain integer sums, so shards and days add in any order to the same bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Moments {
    /// Visitors exposed, converted or not.
    pub n: i64,
    /// Sum of the visitors' values, minor units.
    pub sum: Total,
    /// Sum of the squares of the visitors' values, minor units squared; unused for proportions.
    pub sum_squares: Total,
}

impl Moments {
    /// Moments of `n` visitors whose values have this sum and sum of squares.
    ///
    /// ```
    /// use splitlight_stats::Moments;
    ///
    /// assert_eq!(Moments::new(4, 10, 30).mean(), 2.5);
    /// ```
    pub fn new(n: i64, sum: i128, sum_squares: i128) -> Self {
        Self { n, sum: sum.into(), sum_squares: sum_squares.into() }
    }

    /// Moments of a proportion: `converted` of `n` visitors.
    ///
    /// ```
    /// use splitlight_stats::Moments;
    ///
    /// assert_eq!(Moments::conversions(10, 4).mean(), 0.4);
    /// ```
    pub fn conversions(n: i64, converted: i64) -> Self {
        Self::new(n, converted.into(), converted.into())
    }

    /// What a visitor who is already counted adds when their value, `before`, grows by `gain`; both in minor units.
    ///
    /// Formula: `dS = v`, `dS2 = v (2 s + v)`, so that the squares of running totals need no second pass.
    ///
    /// ```
    /// use splitlight_stats::Moments;
    ///
    /// let visitor = Moments { n: 1, ..Moments::default() };
    /// let both = visitor.merge(Moments::gain(0, 300)).merge(Moments::gain(300, 500));
    /// assert_eq!(both, Moments::new(1, 800, 800 * 800));
    /// ```
    pub fn gain(before: i64, gain: i64) -> Self {
        let (before, gain) = (i128::from(before), i128::from(gain));
        // Each product is at most 2^126; their sum may be too large, and then knows it.
        let product = Total::from(gain * before);
        let sum_squares = product + product + Total::from(gain * gain);
        Self { n: 0, sum: gain.into(), sum_squares }
    }

    /// Adds two sets of visitors that do not overlap; commutative and associative for every input.
    ///
    /// ```
    /// use splitlight_stats::Moments;
    ///
    /// let (monday, tuesday) = (Moments::conversions(10, 4), Moments::conversions(5, 1));
    /// assert_eq!(monday.merge(tuesday), Moments::conversions(15, 5));
    /// ```
    #[must_use]
    pub fn merge(self, other: Self) -> Self {
        Self {
            n: self.n.wrapping_add(other.n),
            sum: self.sum + other.sum,
            sum_squares: self.sum_squares + other.sum_squares,
        }
    }

    /// What takes these moments away again when it is merged.
    ///
    /// ```
    /// use splitlight_stats::Moments;
    ///
    /// let moments = Moments::conversions(10, 4);
    /// assert_eq!(moments.merge(moments.negated()), Moments::default());
    /// ```
    #[must_use]
    pub fn negated(self) -> Self {
        Self { n: self.n.wrapping_neg(), sum: -self.sum, sum_squares: -self.sum_squares }
    }

    /// Mean per visitor, minor units: `sum / n`, and 0 without visitors.
    ///
    /// ```
    /// use splitlight_stats::Moments;
    ///
    /// assert_eq!(Moments::new(4, 10, 30).mean(), 2.5);
    /// assert_eq!(Moments::default().mean(), 0.0);
    /// ```
    pub fn mean(&self) -> f64 {
        if self.n == 0 { 0.0 } else { self.sum.to_f64() / self.n as f64 }
    }

    /// Variance per visitor, minor units squared; `None` where no set of visitors has these moments.
    ///
    /// Formula: `m (1 - m)` for a proportion, `(n S2 - S^2) / (n (n - 1))` for a mean, 0 for at most one visitor
    /// (`GrowthBook` gbstats `models/statistics.py`). The numerators are exact integers.
    ///
    /// ```
    /// use splitlight_stats::{Kind, Moments};
    ///
    /// let moments = Moments::new(3, 6, 14);
    /// assert_eq!(moments.variance(Kind::Mean), Some(1.0));
    /// assert_eq!(moments.variance(Kind::Proportion), None);
    /// ```
    pub fn variance(&self, kind: Kind) -> Option<f64> {
        self.checked_variance(kind).ok()
    }

    /// The variance, or whether the moments are impossible or too large.
    pub(crate) fn checked_variance(&self, kind: Kind) -> Result<f64, NotEnoughData> {
        let impossible = Err(NotEnoughData::ImpossibleMoments);
        let sum = self.sum.value().ok_or(NotEnoughData::TooLarge)?;
        if self.n < 0 {
            return impossible;
        }
        let (count, n) = (i128::from(self.n), self.n as f64);
        if kind == Kind::Proportion {
            if !(0..=count).contains(&sum) {
                return impossible;
            }
            return Ok(if count == 0 { 0.0 } else { (sum * (count - sum)) as f64 / n / n });
        }
        let squares = self.sum_squares.value().ok_or(NotEnoughData::TooLarge)?;
        let spread = Wide::product(count, squares).minus(Wide::product(sum, sum));
        // Cauchy and Schwarz forbid a negative one.
        if squares < 0 || spread.is_negative() {
            return impossible;
        }
        Ok(if count <= 1 { 0.0 } else { spread.to_f64() / n / (n - 1.0) })
    }

    /// The floating-point view that the tests use; `None` as for [`Moments::variance`].
    ///
    /// ```
    /// use splitlight_stats::{Kind, Moments};
    ///
    /// let sample = Moments::conversions(10, 5).sample(Kind::Proportion);
    /// assert_eq!(sample.map(|s| (s.n, s.mean, s.variance)), Some((10.0, 0.5, 0.25)));
    /// ```
    pub fn sample(&self, kind: Kind) -> Option<Sample> {
        self.variance(kind).map(|variance| Sample { n: self.n as f64, mean: self.mean(), variance })
    }

    /// The mean of `variation` minus this one, minor units, from exact integers: two means of millions may differ by
    /// cents. `None` without visitors or where a sum is too large.
    ///
    /// Formula: `(Sb na - Sa nb) / (na nb)`.
    ///
    /// ```
    /// use splitlight_stats::Moments;
    ///
    /// let (a, b) = (Moments::new(10, 10_000_000_005, 0), Moments::new(10, 10_000_000_007, 0));
    /// assert_eq!(a.difference(&b), Some(0.2));
    /// assert!(b.mean() - a.mean() != 0.2);
    /// ```
    pub fn difference(&self, variation: &Self) -> Option<f64> {
        let (a, b) = (self.sum.value()?, variation.sum.value()?);
        let (n_a, n_b) = (self.n, variation.n);
        let cross = Wide::product(b, n_a.into()).minus(Wide::product(a, n_b.into()));
        (n_a > 0 && n_b > 0).then(|| cross.to_f64() / (i128::from(n_a) * i128::from(n_b)) as f64)
    }
}

/// Size, mean and variance of one variation, the only things a test of means looks at.
///
/// The tests expect `n >= 2`, finite numbers and a variance above 0 in at least one of the two samples;
/// [`compare()`](crate::compare()) checks that first.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// Visitors.
    pub n: f64,
    /// Mean per visitor, minor units.
    pub mean: f64,
    /// Variance per visitor, minor units squared.
    pub variance: f64,
}

impl Sample {
    /// Squared standard error of the mean: `variance / n`.
    ///
    /// ```
    /// use splitlight_stats::Sample;
    ///
    /// assert_eq!(Sample { n: 4.0, mean: 1.0, variance: 8.0 }.squared_error(), 2.0);
    /// ```
    pub fn squared_error(&self) -> f64 {
        self.variance / self.n
    }
}
