//! A metric measured in one variation: its mean, whatever kind of metric it is, ready to be compared.

use serde::{Deserialize, Serialize};

use crate::joint::covariance;
use crate::{Kind, Moments, NotEnoughData, PairMoments, RatioMoments, Sample};

/// A gradient below this says that a covariate explains nothing, so it is left out.
const THETA_MIN: f64 = 1e-8;

/// The mean of a metric in one variation, adjusted or not, and how it varies together with the plain mean.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// What is tested: visitors, the mean after adjustment, and its variance per visitor.
    pub sample: Sample,
    /// The plain mean, as people read it and as lifts are relative to.
    pub mean: f64,
    /// Variance per visitor of the plain mean.
    pub variance: f64,
    /// Covariance per visitor of the adjusted and the plain mean; the variance where nothing was adjusted.
    pub covariance: f64,
    /// Whether a covariate adjusts a ratio: the delta method then linearizes at the adjusted lift, not at the plain one.
    pub(crate) adjusts_ratio: bool,
}

impl From<Sample> for Measured {
    fn from(sample: Sample) -> Self {
        let Sample { mean, variance, .. } = sample;
        Self { sample, mean, variance, covariance: variance, adjusts_ratio: false }
    }
}

impl Measured {
    /// A proportion or a mean.
    ///
    /// # Errors
    /// [`NotEnoughData::ImpossibleMoments`] and [`NotEnoughData::TooLarge`].
    ///
    /// ```
    /// use splitlight_stats::{Measured, Kind, Moments};
    ///
    /// let estimate = Measured::plain(&Moments::conversions(100, 30), Kind::Proportion)?;
    /// assert_eq!((estimate.mean, estimate.variance), (0.3, 0.21));
    /// # Ok::<(), splitlight_stats::NotEnoughData>(())
    /// ```
    pub fn plain(moments: &Moments, kind: Kind) -> Result<Self, NotEnoughData> {
        let variance = moments.checked_variance(kind)?;
        Ok(Sample { n: moments.n as f64, mean: moments.mean(), variance }.into())
    }

    /// A ratio of two sums, such as orders per session: first over second, of the given kinds.
    ///
    /// Formula: `m = Sm / Sd`, `variance = vm/d^2 + vd m^2/d^4 - 2 cov m/d^3` with the means `m` and `d` per visitor
    /// (delta method; Deng, Knoblich and Lu 2018). Mean and variance are 0 where the denominator is.
    ///
    /// # Errors
    /// [`NotEnoughData::ImpossibleMoments`] and [`NotEnoughData::TooLarge`].
    ///
    /// ```
    /// use splitlight_stats::{Measured, Kind, Moments, PairMoments};
    ///
    /// let (orders, sessions) = (Moments::new(2, 4, 10), Moments::new(2, 6, 20));
    /// let pair = PairMoments { first: orders, second: sessions, product: 14.into() };
    /// let estimate = Measured::ratio(&pair, Kind::Mean, Kind::Mean)?;
    /// assert_eq!(estimate.mean, 4.0 / 6.0);
    /// # Ok::<(), splitlight_stats::NotEnoughData>(())
    /// ```
    pub fn ratio(pair: &PairMoments, first: Kind, second: Kind) -> Result<Self, NotEnoughData> {
        let spread = pair.spread(first, second)?;
        let (m, d) = (pair.first.mean(), pair.second.mean());
        let n = pair.first.n as f64;
        if pair.second.sum == 0 || pair.first.n <= 1 {
            return Ok(
                Sample { n, mean: if pair.second.sum == 0 { 0.0 } else { m / d }, variance: 0.0 }.into()
            );
        }
        let ratio = m / d;
        let variance =
            (spread.first - 2.0 * ratio * spread.covariance + ratio * ratio * spread.second) / (d * d);
        Ok(Sample { n, mean: ratio, variance: variance.max(0.0) }.into())
    }

    /// A mean or proportion with the part taken out that the covariate explains (CUPED); see [`Theta::of_means`].
    ///
    /// Formula: `m = my - theta mx`, `variance = vy + theta^2 vx - 2 theta cov` (Deng, Xu, Kohavi and Walker 2013).
    ///
    /// # Errors
    /// [`NotEnoughData::ImpossibleMoments`] and [`NotEnoughData::TooLarge`].
    ///
    /// ```
    /// use splitlight_stats::{Measured, Kind, Moments, PairMoments, Theta};
    ///
    /// // Spending after and before, which go together.
    /// let (after, before) = (Moments::new(100, 1_000, 14_000), Moments::new(100, 900, 12_000));
    /// let pair = PairMoments { first: after, second: before, product: 12_500.into() };
    /// let theta = Theta::of_means(&pair, &pair, Kind::Mean, Kind::Mean)?;
    /// let adjusted = Measured::adjusted(&pair, Kind::Mean, Kind::Mean, theta)?;
    /// assert!(adjusted.sample.variance < 0.6 * adjusted.variance && adjusted.mean == 10.0);
    /// # Ok::<(), splitlight_stats::NotEnoughData>(())
    /// ```
    pub fn adjusted(
        pair: &PairMoments,
        kind: Kind,
        covariate: Kind,
        theta: Theta,
    ) -> Result<Self, NotEnoughData> {
        let spread = pair.spread(kind, covariate)?;
        let Theta(theta) = theta;
        let mean = pair.first.mean();
        let variance =
            (spread.first + theta * theta * spread.second - 2.0 * theta * spread.covariance).max(0.0);
        Ok(Self {
            sample: Sample { n: pair.first.n as f64, mean: mean - theta * pair.second.mean(), variance },
            mean,
            variance: spread.first,
            covariance: spread.first - theta * spread.covariance,
            adjusts_ratio: false,
        })
    }

    /// A ratio with the part taken out that the same ratio before the exposure explains; see [`Theta::of_ratios`].
    ///
    /// Formula: `R - theta R'` with the gradient of all four means (delta method; `GrowthBook` gbstats
    /// `RegressionAdjustedRatioStatistic`). The plain ratio where `theta` is 0 or a denominator is.
    ///
    /// # Errors
    /// [`NotEnoughData::ImpossibleMoments`] and [`NotEnoughData::TooLarge`].
    ///
    /// ```
    /// use splitlight_stats::{Measured, Kind, RatioMoments, Theta};
    ///
    /// let nobody = RatioMoments::default();
    /// let theta = Theta::of_ratios(&nobody, &nobody, Kind::Mean, Kind::Mean)?;
    /// assert_eq!(Measured::adjusted_ratio(&nobody, Kind::Mean, Kind::Mean, theta)?.mean, 0.0);
    /// # Ok::<(), splitlight_stats::NotEnoughData>(())
    /// ```
    pub fn adjusted_ratio(
        moments: &RatioMoments,
        numerator: Kind,
        denominator: Kind,
        theta: Theta,
    ) -> Result<Self, NotEnoughData> {
        let plain = Self::ratio(&moments.after, numerator, denominator)?;
        let Some(linear) = Linear::of(moments, numerator, denominator)? else { return Ok(plain) };
        let Theta(theta) = theta;
        let variance =
            (linear.after + theta * theta * linear.before - 2.0 * theta * linear.covariance).max(0.0);
        Ok(Self {
            sample: Sample { mean: plain.mean - theta * linear.mean_before, variance, ..plain.sample },
            covariance: linear.after - theta * linear.covariance,
            adjusts_ratio: theta != 0.0,
            ..plain
        })
    }
}

/// How much of a metric its covariate explains: the coefficient that makes the adjusted variance smallest.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Theta(pub f64);

impl Theta {
    /// For means and proportions, of both variations together; 0 where metric or covariate does not vary.
    ///
    /// Formula: `cov(y, x) / var(x)`, pooled (Deng, Xu, Kohavi and Walker 2013).
    ///
    /// # Errors
    /// [`NotEnoughData::ImpossibleMoments`] and [`NotEnoughData::TooLarge`].
    ///
    /// ```
    /// use splitlight_stats::{Kind, Moments, PairMoments, Theta};
    ///
    /// let values = Moments::new(2, 3, 5);
    /// let pair = PairMoments { first: values, second: values, product: 5.into() };
    /// assert_eq!(Theta::of_means(&pair, &pair, Kind::Mean, Kind::Mean), Ok(Theta(1.0)));
    /// ```
    pub fn of_means(
        control: &PairMoments,
        variation: &PairMoments,
        kind: Kind,
        covariate: Kind,
    ) -> Result<Self, NotEnoughData> {
        let spread = control.merge(*variation).spread(kind, covariate)?;
        let explains = spread.first > 0.0 && spread.second > 0.0;
        Ok(Self(if explains { spread.covariance / spread.second } else { 0.0 }))
    }

    /// For ratios, of both variations; 0 where the ratio before does not vary or explains nothing.
    ///
    /// Formula: the sum of both covariances over the sum of both variances of the linearized ratios, as in
    /// `GrowthBook` gbstats.
    ///
    /// # Errors
    /// [`NotEnoughData::ImpossibleMoments`] and [`NotEnoughData::TooLarge`].
    ///
    /// ```
    /// use splitlight_stats::{Kind, RatioMoments, Theta};
    ///
    /// let nobody = RatioMoments::default();
    /// assert_eq!(Theta::of_ratios(&nobody, &nobody, Kind::Mean, Kind::Mean), Ok(Theta(0.0)));
    /// ```
    pub fn of_ratios(
        control: &RatioMoments,
        variation: &RatioMoments,
        numerator: Kind,
        denominator: Kind,
    ) -> Result<Self, NotEnoughData> {
        let parts =
            [Linear::of(control, numerator, denominator)?, Linear::of(variation, numerator, denominator)?];
        let sum = |of: fn(&Linear) -> f64| parts.iter().flatten().map(of).sum::<f64>();
        let theta = sum(|part| part.covariance) / sum(|part| part.before);
        Ok(Self(if theta.is_finite() && theta.abs() >= THETA_MIN { theta } else { 0.0 }))
    }
}

/// The ratios after and before, linearized: variances and covariance per visitor.
struct Linear {
    after: f64,
    before: f64,
    covariance: f64,
    mean_before: f64,
}

impl Linear {
    /// `None` where a denominator is 0 or nobody varies.
    fn of(moments: &RatioMoments, numerator: Kind, denominator: Kind) -> Result<Option<Self>, NotEnoughData> {
        let (after, before) = (&moments.after, &moments.before);
        if after.first.n <= 1 || after.second.sum == 0 || before.second.sum == 0 {
            return Ok(None);
        }
        let cross =
            |a: &Moments, kind_a, b: &Moments, kind_b, product| covariance((a, kind_a), (b, kind_b), product);
        let numerators = cross(&after.first, numerator, &before.first, numerator, moments.numerators)?;
        let denominators =
            cross(&after.second, denominator, &before.second, denominator, moments.denominators)?;
        let mixed =
            cross(&after.first, numerator, &before.second, denominator, moments.numerator_denominator)?;
        let mixed_back =
            cross(&after.second, denominator, &before.first, numerator, moments.denominator_numerator)?;
        let (d, d_before) = (after.second.mean(), before.second.mean());
        let (r, r_before) = (after.first.mean() / d, before.first.mean() / d_before);
        let own = [(after, r, d), (before, r_before, d_before)].map(|(pair, r, d)| {
            let spread = pair.spread(numerator, denominator)?;
            Ok((spread.first - 2.0 * r * spread.covariance + r * r * spread.second) / (d * d))
        });
        let [own_after, own_before] = own;
        let covariance = numerators - r * mixed_back - r_before * mixed + r * r_before * denominators;
        Ok(Some(Self {
            after: own_after?,
            before: own_before?,
            covariance: covariance / (d * d_before),
            mean_before: r_before,
        }))
    }
}
