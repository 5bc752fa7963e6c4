//! Thompson sampling without samples: how likely each variation is the best, and how much traffic it gets.

use super::normal::weighed;
use super::{Direction, NormalPrior};
use crate::invalid::{count, spread, value};
use crate::special::normal_ln_sf;
use crate::special::quadrature::nodes;
use crate::{Invalid, Sample};

/// Visitors that each variation needs before weights follow the results (`GrowthBook` uses the same number).
pub const UNITS_MIN: f64 = 100.0;

/// Most variations that are weighed; the integral takes time with the square of their number.
const VARIATIONS_MAX: usize = 32;

/// Where panels end, in standard deviations around each variation's mean; beyond 9 nothing is left of a chance.
const MULTIPLES: [f64; 13] = [-9.0, -6.0, -4.5, -3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0, 4.5, 6.0, 9.0];

/// How the next visitors are split.
#[derive(Clone, Debug, PartialEq)]
pub struct Allocation {
    /// The expected mean of each variation, in the unit of the samples.
    pub mean: Vec<f64>,
    /// Its standard deviation.
    pub standard_deviation: Vec<f64>,
    /// The chance that the variation is the best one; they add up to 1.
    pub best: Vec<f64>,
    /// The weights of the next visitors, which add up to 1; `None` while a variation has less than [`UNITS_MIN`].
    pub weights: Option<Vec<f64>>,
}

/// Weighs variations by their chance of being the best, each at least with `weight_min`.
///
/// `samples` are 2 to 32 variations, the control among them; binary metrics are treated as means, since weights change
/// while visitors return. Formula: normal posteriors with precision `1 / s0^2 + n / var`, the chance of the best arm as
/// the exact integral of `f_i(x) prod F_j(x)` (`GrowthBook` draws 10,000 times instead), and weights
/// `weight_min + (1 - k weight_min) best`, uniform when `k weight_min >= 1`.
///
/// # Errors
///
/// [`Invalid::Length`] for less than 2 or more than 32 variations, [`Invalid::Weight`] when `weight_min` is not in
/// [0, 1], [`Invalid::Count`], [`Invalid::Value`] and [`Invalid::Spread`] for a sample, [`Invalid::Prior`].
///
/// ```
/// use splitlight_stats::{Sample, bayes::{Direction, NormalPrior, thompson}};
///
/// let sample = |mean| Sample { n: 1_000.0, mean, variance: 0.25 };
/// let prior = NormalPrior { mean: 0.0, standard_deviation: 100.0 };
/// let next = thompson(&[sample(0.5), sample(0.52)], &prior, 0.05, Direction::Increase)?;
/// assert!((next.best[1] - 0.8144533).abs() < 1e-5);
/// assert!(next.weights.is_some_and(|weights| weights[0] > 0.05));
/// # Ok::<(), splitlight_stats::Invalid>(())
/// ```
pub fn thompson(
    samples: &[Sample],
    prior: &NormalPrior,
    weight_min: f64,
    wanted: Direction,
) -> Result<Allocation, Invalid> {
    if !(2..=VARIATIONS_MAX).contains(&samples.len()) {
        return Err(Invalid::Length);
    }
    if !(0.0..=1.0).contains(&weight_min) {
        return Err(Invalid::Weight);
    }
    let arms = samples.iter().map(|sample| posterior(sample, prior)).collect::<Result<Vec<_>, _>>()?;
    let best = best_arm(&arms, wanted);
    let k = samples.len() as f64;
    let weight = |chance: &f64| {
        if k * weight_min >= 1.0 { 1.0 / k } else { weight_min + (1.0 - k * weight_min) * chance }
    };
    let enough = samples.iter().all(|sample| sample.n >= UNITS_MIN);
    let weights = enough.then(|| best.iter().map(weight).collect());
    let (mean, standard_deviation) = arms.into_iter().unzip();
    Ok(Allocation { mean, standard_deviation, best, weights })
}

/// Mean and standard deviation of a variation's mean.
fn posterior(sample: &Sample, prior: &NormalPrior) -> Result<(f64, f64), Invalid> {
    let mean = value(sample.mean)?;
    let error = spread(libm::sqrt(spread(sample.variance)? / count(sample.n)?))?;
    weighed(mean, error, prior)
}

/// The chance of each to be the largest, or the smallest.
fn best_arm(arms: &[(f64, f64)], wanted: Direction) -> Vec<f64> {
    let sign = if wanted == Direction::Increase { 1.0 } else { -1.0 };
    let highest = arms.iter().map(|(mean, _)| sign * mean).fold(f64::NEG_INFINITY, f64::max);
    let widest = arms.iter().map(|(_, s)| *s).fold(0.0, f64::max);
    // Distances from the highest mean, so that small spreads of large means are seen; what is narrower by far than the
    // widest one is a point to it.
    let arms: Vec<(f64, f64)> =
        arms.iter().map(|(mean, s)| (sign * mean - highest, s.max(1e-8 * widest))).collect();
    let far =
        |sign: f64| arms.iter().map(|(mean, s)| mean + sign * 9.0 * s).fold(f64::NEG_INFINITY, f64::max);
    // The best one is surely above what every other one is surely above.
    let (low, high) = (far(-1.0), far(1.0));
    let mut edges: Vec<f64> = arms
        .iter()
        .flat_map(|(mean, s)| MULTIPLES.map(|k| mean + k * s))
        .filter(|edge| low < *edge && *edge < high)
        .collect();
    edges.extend([low, high]);
    edges.sort_by(f64::total_cmp);
    edges.dedup();
    let (mut best, mut ln_below) = (vec![0.0; arms.len()], vec![0.0; arms.len()]);
    for pair in edges.windows(2) {
        for (x, width) in nodes(pair[0], pair[1], 1) {
            for ((mean, s), ln_below) in arms.iter().zip(&mut ln_below) {
                *ln_below = normal_ln_sf((mean - x) / s);
            }
            let ln_all_below: f64 = ln_below.iter().sum();
            for (((mean, s), ln_below), best) in arms.iter().zip(&ln_below).zip(&mut best) {
                let z = (x - mean) / s;
                *best += width / s * libm::exp(ln_all_below - ln_below - 0.5 * z * z);
            }
        }
    }
    // What is left of a chance of 1 is rounding.
    let sum: f64 = best.iter().sum();
    if sum > 0.0 {
        for chance in &mut best {
            *chance /= sum;
        }
    }
    best
}
