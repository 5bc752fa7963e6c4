//! Moments of several values per visitor, for ratios and for covariates: sums of products beside the sums.

use serde::{Deserialize, Serialize};

use crate::wide::Wide;
use crate::{Kind, Moments, NotEnoughData, Total};

/// Moments of two values per visitor: the numerator and denominator of a ratio, or a metric and its covariate.
///
/// ```
/// use splitlight_stats::{Moments, PairMoments};
///
/// // Two visitors with 3 orders in 4 sessions and 1 order in 2 sessions.
/// let orders = Moments::new(2, 4, 10);
/// let sessions = Moments::new(2, 6, 20);
/// let pair = PairMoments { first: orders, second: sessions, product: 14.into() };
/// assert_eq!(pair.merge(PairMoments::default()), pair);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PairMoments {
    /// The numerator, or the metric after the exposure.
    pub first: Moments,
    /// The denominator, or the covariate, known before the exposure; of the same visitors.
    pub second: Moments,
    /// Sum over the visitors of first times second.
    pub product: Total,
}

impl PairMoments {
    /// What a counted visitor adds when their values, `before`, grow by `gain`; all in minor units.
    ///
    /// Formula: `dSxy = (x + dx)(y + dy) - x y`. A covariate is frozen at the exposure and gains nothing.
    ///
    /// ```
    /// use splitlight_stats::{Moments, PairMoments};
    ///
    /// let one = Moments { n: 1, ..Moments::default() };
    /// let visitor = PairMoments { first: one, second: one, product: 0.into() };
    /// let later = visitor.merge(PairMoments::gain((0, 0), (2, 3))).merge(PairMoments::gain((2, 3), (1, 0)));
    /// assert_eq!((later.first.sum, later.second.sum, later.product), (3.into(), 3.into(), 9.into()));
    /// ```
    pub fn gain(before: (i64, i64), gain: (i64, i64)) -> Self {
        let [x, y, dx, dy] = [before.0, before.1, gain.0, gain.1].map(i128::from);
        Self {
            first: Moments::gain(before.0, gain.0),
            second: Moments::gain(before.1, gain.1),
            // Each product fits in 128 bits, and their sum need not.
            product: Total::from(dx * y) + Total::from(dx * dy) + Total::from(x * dy),
        }
    }

    /// Adds two sets of visitors that do not overlap; commutative and associative for every input.
    #[must_use]
    pub fn merge(self, other: Self) -> Self {
        Self {
            first: self.first.merge(other.first),
            second: self.second.merge(other.second),
            product: self.product + other.product,
        }
    }

    /// Both variances and the covariance, per visitor; see [`covariance`].
    pub(crate) fn spread(&self, kind: Kind, covariate: Kind) -> Result<Spread, NotEnoughData> {
        Ok(Spread {
            first: self.first.checked_variance(kind)?,
            second: self.second.checked_variance(covariate)?,
            covariance: covariance((&self.first, kind), (&self.second, covariate), self.product)?,
        })
    }
}

/// Variances and covariance of two values per visitor.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spread {
    pub(crate) first: f64,
    pub(crate) second: f64,
    pub(crate) covariance: f64,
}

/// The covariance per visitor of two values with this sum of products.
///
/// Formula: `(n Sxy - Sx Sy) / (n (n - 1))`, or over `n^2` where both are proportions, as their variances have no
/// `n - 1` either; 0 for at most one visitor (`GrowthBook` gbstats `models/statistics.py`). The numerator is exact.
pub(crate) fn covariance(
    (first, kind): (&Moments, Kind),
    (second, other): (&Moments, Kind),
    product: Total,
) -> Result<f64, NotEnoughData> {
    if first.n != second.n || first.n < 0 {
        return Err(NotEnoughData::ImpossibleMoments);
    }
    let whole = |total: Total| total.value().ok_or(NotEnoughData::TooLarge);
    let (x, y, product) = (whole(first.sum)?, whole(second.sum)?, whole(product)?);
    if first.n <= 1 {
        return Ok(0.0);
    }
    let n = first.n as f64;
    let cross = Wide::product(first.n.into(), product).minus(Wide::product(x, y)).to_f64();
    let both = kind == Kind::Proportion && other == Kind::Proportion;
    Ok(cross / n / if both { n } else { n - 1.0 })
}

/// Moments of a ratio and of the same ratio before the exposure: four values per visitor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RatioMoments {
    /// Numerator and denominator after the exposure.
    pub after: PairMoments,
    /// Numerator and denominator before it.
    pub before: PairMoments,
    /// Sum of the numerator after times the numerator before.
    pub numerators: Total,
    /// Sum of the denominator after times the denominator before.
    pub denominators: Total,
    /// Sum of the numerator after times the denominator before.
    pub numerator_denominator: Total,
    /// Sum of the denominator after times the numerator before.
    pub denominator_numerator: Total,
}

impl RatioMoments {
    /// Adds two sets of visitors that do not overlap; commutative and associative for every input.
    ///
    /// ```
    /// use splitlight_stats::RatioMoments;
    ///
    /// let none = RatioMoments::default();
    /// assert_eq!(none.merge(none), none);
    /// ```
    #[must_use]
    pub fn merge(self, other: Self) -> Self {
        Self {
            after: self.after.merge(other.after),
            before: self.before.merge(other.before),
            numerators: self.numerators + other.numerators,
            denominators: self.denominators + other.denominators,
            numerator_denominator: self.numerator_denominator + other.numerator_denominator,
            denominator_numerator: self.denominator_numerator + other.denominator_numerator,
        }
    }
}
