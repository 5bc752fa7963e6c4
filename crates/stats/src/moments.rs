//! Moments: what is counted per variation, exact and additive.

/// What kind of number a visitor contributes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// 0 or 1 per visitor: converted or not.
    Proportion,
    /// Any integer per visitor: revenue in minor units, a count.
    Mean,
}

/// Count, sum and sum of squares of one value per visitor, in minor units and their squares.
///
/// All three are plain integer sums, so shards and days add in any order to the same bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Moments {
    /// Visitors exposed, converted or not.
    pub n: i64,
    /// Sum of the visitors' values, minor units.
    pub sum: i128,
    /// Sum of the squares of the visitors' values, minor units squared; unused for proportions.
    pub sum_squares: i128,
}

impl Moments {
    /// Moments of a proportion: `converted` of `n` visitors.
    ///
    /// ```
    /// use splitlight_stats::Moments;
    ///
    /// assert_eq!(Moments::conversions(10, 4).mean(), 0.4);
    /// ```
    pub fn conversions(n: i64, converted: i64) -> Self {
        Self { n, sum: converted.into(), sum_squares: converted.into() }
    }

    /// Adds two sets of visitors that do not overlap; commutative and associative for every input.
    ///
    /// Sums wrap, so an overflow on the way that a later correction undoes leaves no trace; real sums of `i64`
    /// values stay far inside `i128`.
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
            sum: self.sum.wrapping_add(other.sum),
            sum_squares: self.sum_squares.wrapping_add(other.sum_squares),
        }
    }

    /// Mean per visitor, minor units: `sum / n`, and 0 without visitors.
    ///
    /// ```
    /// use splitlight_stats::Moments;
    ///
    /// assert_eq!(Moments { n: 4, sum: 10, sum_squares: 30 }.mean(), 2.5);
    /// assert_eq!(Moments::default().mean(), 0.0);
    /// ```
    pub fn mean(&self) -> f64 {
        if self.n == 0 { 0.0 } else { self.sum as f64 / self.n as f64 }
    }

    /// Variance per visitor, minor units squared; `None` where no set of visitors has these moments.
    ///
    /// Formula: `m (1 - m)` for a proportion, `(n S2 - S^2) / (n (n - 1))` for a mean, 0 for at most one visitor
    /// (`GrowthBook` gbstats `models/statistics.py`). The numerators are exact integers.
    ///
    /// ```
    /// use splitlight_stats::{Kind, Moments};
    ///
    /// let moments = Moments { n: 3, sum: 6, sum_squares: 14 };
    /// assert_eq!(moments.variance(Kind::Mean), Some(1.0));
    /// assert_eq!(moments.variance(Kind::Proportion), None);
    /// ```
    pub fn variance(&self, kind: Kind) -> Option<f64> {
        let n = self.n as f64;
        match kind {
            _ if self.n < 0 => None,
            Kind::Proportion => {
                let (n_exact, rest) = (i128::from(self.n), i128::from(self.n).checked_sub(self.sum)?);
                if !(0..=n_exact).contains(&self.sum) {
                    return None;
                }
                Some(if self.n == 0 { 0.0 } else { (self.sum * rest) as f64 / n / n })
            }
            Kind::Mean => {
                let spread = self.spread()?;
                Some(if self.n <= 1 { 0.0 } else { spread / n / (n - 1.0) })
            }
        }
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

    /// `n S2 - S^2`, exact until the last rounding; `None` if it is negative, which Cauchy and Schwarz forbid.
    fn spread(&self) -> Option<f64> {
        let n_squares =
            wide_product(u128::from(self.n.unsigned_abs()), u128::try_from(self.sum_squares).ok()?);
        let square = wide_product(self.sum.unsigned_abs(), self.sum.unsigned_abs());
        let (low, borrow) = n_squares.1.overflowing_sub(square.1);
        let high = n_squares.0.checked_sub(square.0)?.checked_sub(u128::from(borrow))?;
        Some(high as f64 * 2f64.powi(128) + low as f64)
    }
}

/// The 256-bit product as (high, low), because a squared sum of money does not fit in 128 bits.
fn wide_product(a: u128, b: u128) -> (u128, u128) {
    const LOW: u128 = u64::MAX as u128;
    let (a_high, a_low) = (a >> 64, a & LOW);
    let (b_high, b_low) = (b >> 64, b & LOW);
    let (first, second) = (a_high * b_low, a_low * b_high);
    let (middle, carry) = first.overflowing_add(second);
    let (low, low_carry) = (a_low * b_low).overflowing_add(middle << 64);
    let high = a_high * b_high + (middle >> 64) + (u128::from(carry) << 64) + u128::from(low_carry);
    (high, low)
}

/// Size, mean and variance of one variation, the only things a test of means looks at.
///
/// The tests expect `n >= 2`, finite numbers and a variance above 0 in at least one of the two samples;
/// [`compare()`](crate::compare()) checks that first.
#[derive(Clone, Copy, Debug, PartialEq)]
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

#[cfg(test)]
mod tests {
    use super::wide_product;

    #[test]
    fn wide_products_keep_every_bit() {
        assert_eq!(wide_product(u128::MAX, u128::MAX), (u128::MAX - 1, 1));
        assert_eq!(wide_product(1 << 127, 6), (3, 0));
        assert_eq!(wide_product(u128::from(u64::MAX), 1 << 64), (0, u128::from(u64::MAX) << 64));
    }
}
