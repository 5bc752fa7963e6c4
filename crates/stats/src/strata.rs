//! Post-stratification: groups of visitors known before the exposure, compared within and put together by their size.

use crate::joint::Spread;
use crate::{Contrast, Kind, Measured, Moments, NotEnoughData, PairMoments, welch};

/// What one group of visitors shows, as control and variation.
pub type Stratum<T> = (T, T);

/// A linear combination per visitor: means and their covariances, times the visitors of the stratum.
#[derive(Clone, Copy)]
struct Cell<const K: usize> {
    n: f64,
    mean: [f64; K],
    covariance: [[f64; K]; K],
}

/// The effect on a proportion or a mean, every stratum weighted by its share of the visitors.
///
/// A stratum where a variation does not vary is added to the largest one. Formula: with the shares `nu_k = n_k / n` and
/// the (control mean, difference) `a_k` with covariance `C_k / n_k` of a stratum, the sum is `sum nu_k a_k` and its
/// covariance `(sum nu_k a_k a_k' - a a') / n + sum nu_k C_k / n`, as the shares are multinomial (Miratrix, Sekhon and
/// Yu 2013; `GrowthBook` gbstats `post_strat.py`). Degrees of freedom are those of all visitors together.
///
/// # Errors
/// [`NotEnoughData::TooFewVisitors`] without strata, or why the moments have no variance.
///
/// ```
/// use splitlight_stats::{Kind, Moments, strata};
///
/// let (phone, desk) = ((1_000, 50, 60), (1_000, 300, 330));
/// let stratum = |(n, a, b)| (Moments::conversions(n, a), Moments::conversions(n, b));
/// let contrast = strata::plain(&[stratum(phone), stratum(desk)], Kind::Proportion)?;
/// assert!((contrast.difference - 0.02).abs() < 1e-15);
/// # Ok::<(), splitlight_stats::NotEnoughData>(())
/// ```
pub fn plain(strata: &[Stratum<Moments>], kind: Kind) -> Result<Contrast, NotEnoughData> {
    let estimate = |moments: &Moments| Measured::plain(moments, kind);
    let Grouped { alone, rest, rest_is_sum, total } = grouped(strata, Moments::merge, |m| m.n, &estimate)?;
    let alone = alone.into_iter().map(|stratum| (stratum, kind));
    let cells = alone.chain([(rest, sum_kind(kind, rest_is_sum))]).map(|((a, b), kind)| {
        let (a, b) = (Measured::plain(&a, kind)?.sample, Measured::plain(&b, kind)?.sample);
        let (of_a, of_b) = (a.squared_error(), b.squared_error());
        let covariance = [[of_a, -of_a], [-of_a, of_a + of_b]];
        Ok(Cell { n: a.n + b.n, mean: [a.mean, b.mean - a.mean], covariance })
    });
    let cells: Vec<Cell<2>> = cells.collect::<Result<_, NotEnoughData>>()?;
    let whole = |moments| Measured::plain(moments, sum_kind(kind, strata.len() > 1));
    Ok(contrast(&together(&cells), dof(&whole(&total.0)?, &whole(&total.1)?)))
}

/// Sums of strata have their variance over `n - 1`, also those of proportions.
fn sum_kind(kind: Kind, is_sum: bool) -> Kind {
    if is_sum { Kind::Mean } else { kind }
}

/// The same for a mean or proportion with its covariate, whose part is taken out by a regression in every stratum.
///
/// Formula: ordinary least squares of `y` on 1, the variation and the covariate (as `GrowthBook` gbstats), the residual
/// variance over `n_k - 3`, and the control mean of a stratum is that at its average covariate; then as [`plain`].
///
/// # Errors
/// As [`plain`].
///
/// ```
/// use splitlight_stats::{Kind, Moments, PairMoments, strata};
///
/// let visitors = |sum, squares, product: i64| PairMoments {
///     first: Moments::new(100, sum, squares),
///     second: Moments::new(100, 900, 12_000),
///     product: product.into(),
/// };
/// let stratum = (visitors(1_000, 14_000, 12_500), visitors(1_100, 16_000, 13_400));
/// let contrast = strata::adjusted(&[stratum, stratum], Kind::Mean, Kind::Mean)?;
/// assert!((contrast.difference - 1.0).abs() < 1e-12);
/// # Ok::<(), splitlight_stats::NotEnoughData>(())
/// ```
pub fn adjusted(
    strata: &[Stratum<PairMoments>],
    kind: Kind,
    covariate: Kind,
) -> Result<Contrast, NotEnoughData> {
    let estimate = |pair: &PairMoments| Measured::plain(&pair.first, kind);
    let Grouped { alone, rest, total, .. } =
        grouped(strata, PairMoments::merge, |pair| pair.first.n, &estimate)?;
    let cells = alone.iter().chain([&rest]).map(|(a, b)| regression(a, b));
    let cells: Vec<Cell<2>> = cells.collect::<Result<_, NotEnoughData>>()?;
    let theta = crate::Theta::of_means(&total.0, &total.1, kind, covariate)?;
    let whole = |pair| Measured::adjusted(pair, kind, covariate, theta);
    Ok(contrast(&together(&cells), dof(&whole(&total.0)?, &whole(&total.1)?)))
}

/// The same for a ratio; numerators and denominators are put together before they are divided.
///
/// Formula: as [`plain`] for the four means of (numerator, denominator) of control and their differences, then the
/// delta method.
///
/// # Errors
/// As [`plain`].
///
/// ```
/// use splitlight_stats::{Kind, Moments, PairMoments, strata};
///
/// let visitors = |sum, product: i64| PairMoments {
///     first: Moments::new(100, sum, 3 * sum),
///     second: Moments::new(100, 400, 2_000),
///     product: product.into(),
/// };
/// let stratum = (visitors(200, 900), visitors(220, 990));
/// let contrast = strata::ratio(&[stratum], Kind::Mean, Kind::Mean)?;
/// assert!((contrast.difference - 0.05).abs() < 1e-12);
/// # Ok::<(), splitlight_stats::NotEnoughData>(())
/// ```
pub fn ratio(strata: &[Stratum<PairMoments>], first: Kind, second: Kind) -> Result<Contrast, NotEnoughData> {
    let estimate = |pair: &PairMoments| Measured::ratio(pair, first, second);
    let Grouped { alone, rest, total, .. } =
        grouped(strata, PairMoments::merge, |pair| pair.first.n, &estimate)?;
    let cells = alone.iter().chain([&rest]).map(|(a, b)| {
        let (of_a, of_b) = (a.spread(first, second)?, b.spread(first, second)?);
        let (n_a, n_b) = (a.first.n as f64, b.first.n as f64);
        // Numerator and denominator of control, then of the variation, which do not vary together.
        let block = |s: Spread, n: f64| [[s.first / n, s.covariance / n], [s.covariance / n, s.second / n]];
        let (own_a, own_b) = (block(of_a, n_a), block(of_b, n_b));
        let mut covariance = [[0.0; 4]; 4];
        for i in 0..2 {
            for j in 0..2 {
                covariance[i][j] = own_a[i][j];
                covariance[i + 2][j + 2] = own_b[i][j];
            }
        }
        let mean = [a.first.mean(), a.second.mean(), b.first.mean(), b.second.mean()];
        Ok(Cell { n: n_a + n_b, mean, covariance })
    });
    let cells: Vec<Cell<4>> = cells.collect::<Result<_, NotEnoughData>>()?;
    let whole = together(&cells);
    let [num_a, den_a, num_b, den_b] = whole.mean;
    if den_a == 0.0 || den_b == 0.0 {
        return Err(NotEnoughData::NoVariance);
    }
    let (r_a, r_b) = (num_a / den_a, num_b / den_b);
    let control = [1.0 / den_a, -r_a / den_a, 0.0, 0.0];
    let difference = [-control[0], -control[1], 1.0 / den_b, -r_b / den_b];
    let product = |x: &[f64; 4], y: &[f64; 4]| {
        let rows = whole.covariance.iter().zip(x);
        rows.map(|(row, x)| x * row.iter().zip(y).map(|(c, y)| c * y).sum::<f64>()).sum::<f64>()
    };
    let to_control = product(&control, &difference);
    let pair = Cell {
        n: whole.n,
        mean: [r_a, r_b - r_a],
        covariance: [
            [product(&control, &control), to_control],
            [to_control, product(&difference, &difference)],
        ],
    };
    Ok(contrast(&pair, dof(&estimate(&total.0)?, &estimate(&total.1)?)))
}

/// The control mean and the difference as a contrast.
fn contrast(cell: &Cell<2>, dof: f64) -> Contrast {
    let [[of_control, together], [_, of_difference]] = cell.covariance;
    let [baseline, difference] = cell.mean;
    Contrast {
        difference,
        squared_error: of_difference,
        baseline,
        baseline_squared_error: of_control,
        covariance: together,
        slope: difference / baseline,
        dof,
        varies: of_difference > 0.0,
    }
}

fn dof(control: &Measured, variation: &Measured) -> f64 {
    welch::degrees_of_freedom(&control.sample, &variation.sample)
}

/// Strata, sorted by whether they can stand alone.
struct Grouped<T> {
    /// Those in which both variations vary, but for the largest.
    alone: Vec<Stratum<T>>,
    /// The largest, and the others.
    rest: Stratum<T>,
    /// Whether `rest` is more than the largest.
    rest_is_sum: bool,
    /// All of them together.
    total: Stratum<T>,
}

fn grouped<T: Copy + Default>(
    strata: &[Stratum<T>],
    merge: fn(T, T) -> T,
    n: fn(&T) -> i64,
    estimate: &impl Fn(&T) -> Result<Measured, NotEnoughData>,
) -> Result<Grouped<T>, NotEnoughData> {
    let both = |x: Stratum<T>, y: Stratum<T>| (merge(x.0, y.0), merge(x.1, y.1));
    let total = strata.iter().copied().fold((T::default(), T::default()), both);
    let size = |stratum: &Stratum<T>| n(&stratum.0).saturating_add(n(&stratum.1));
    let largest =
        strata.iter().enumerate().reduce(|best, next| if size(next.1) > size(best.1) { next } else { best });
    let Some((largest, _)) = largest else { return Err(NotEnoughData::TooFewVisitors) };
    let (mut alone, mut rest) = (Vec::new(), (T::default(), T::default()));
    for (at, stratum) in strata.iter().enumerate() {
        let varies = |moments: &T| Ok(estimate(moments)?.sample.variance > 0.0);
        if at == largest || !(varies(&stratum.0)? && varies(&stratum.1)?) {
            rest = both(rest, *stratum);
        } else {
            alone.push(*stratum);
        }
    }
    let rest_is_sum = alone.len() + 1 < strata.len();
    Ok(Grouped { alone, rest, rest_is_sum, total })
}

/// All strata as one, by their shares of the visitors; its covariance is that of the means, not per visitor.
fn together<const K: usize>(cells: &[Cell<K>]) -> Cell<K> {
    let n: f64 = cells.iter().map(|cell| cell.n).sum();
    let (mut mean, mut covariance) = ([0.0; K], [[0.0; K]; K]);
    for cell in cells {
        for (sum, value) in mean.iter_mut().zip(cell.mean) {
            *sum += cell.n / n * value;
        }
    }
    for cell in cells {
        let share = cell.n / n;
        // From the middle, where the shares' own part does not cancel.
        let apart: Vec<f64> = cell.mean.iter().zip(mean).map(|(value, mean)| value - mean).collect();
        for (i, row) in covariance.iter_mut().enumerate() {
            for (j, entry) in row.iter_mut().enumerate() {
                *entry += share * (apart[i] * apart[j] / n) + share * share * cell.covariance[i][j];
            }
        }
    }
    Cell { n, mean, covariance }
}

/// Least squares of the metric on 1, the variation and the covariate: the first two coefficients.
fn regression(control: &PairMoments, variation: &PairMoments) -> Result<Cell<2>, NotEnoughData> {
    let (n_a, n_b) = (control.first.n as f64, variation.first.n as f64);
    let within = |pair: &PairMoments| pair.spread(Kind::Mean, Kind::Mean);
    let (of_a, of_b) = (within(control)?, within(variation)?);
    let squares = |of: fn(&Spread) -> f64| (n_a - 1.0) * of(&of_a) + (n_b - 1.0) * of(&of_b);
    // Within the variations: sums of squares around their own means, which is what least squares leaves of both.
    let (yy, xx, xy) = (squares(|s| s.first), squares(|s| s.second), squares(|s| s.covariance));
    let slope = if xx > 0.0 { xy / xx } else { 0.0 };
    let residual = (yy - slope * xy) / (n_a + n_b - 3.0);
    let (x_a, x_b) = (control.second.mean(), variation.second.mean());
    // The average covariate of the stratum, seen from that of control.
    let apart = x_b - x_a;
    let middle = apart * n_b / (n_a + n_b);
    let baseline = control.first.mean() + slope * middle;
    let difference = (variation.first.mean() - control.first.mean()) - slope * apart;
    let per_slope = |x: f64, y: f64| if xx > 0.0 { x * y / xx } else { 0.0 };
    let together = -1.0 / n_a - per_slope(middle, apart);
    // The average covariate is an estimate as well: the variance of a product of two (Goodman 1960).
    let around = xx + apart * apart * n_a / (n_a + n_b) * n_b;
    let slope_squared = slope * slope + if xx > 0.0 { residual / xx } else { 0.0 };
    let of_middle = slope_squared * around / (n_a + n_b - 1.0) / (n_a + n_b);
    let covariance = [
        [residual * (1.0 / n_a + per_slope(middle, middle)) + of_middle, residual * together],
        [residual * together, residual * (1.0 / n_a + 1.0 / n_b + per_slope(apart, apart))],
    ];
    if residual.is_nan() || residual <= 0.0 {
        return Err(NotEnoughData::NoVariance);
    }
    Ok(Cell { n: n_a + n_b, mean: [baseline, difference], covariance })
}
