//! Many comparisons at once: p-values, intervals and levels that keep their promise together.

use serde::{Deserialize, Serialize};

use crate::special::normal_quantile;

/// How p-values are adjusted for being many.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Adjustment {
    /// `m p` (Bonferroni 1936): no false finding among all of them, whatever their dependence.
    Bonferroni,
    /// Step down from the smallest with `(m - i + 1) p` (Holm 1979): the same promise, never less power.
    Holm,
    /// `1 - (1 - p)^m` (Sidak 1967): the same for independent ones.
    Sidak,
    /// Step down with `1 - (1 - p)^(m - i + 1)`.
    HolmSidak,
    /// Step up with `(m - i + 1) p` (Hochberg 1988): the same for independent or positively dependent ones.
    Hochberg,
    /// The closed test of Simes (Hommel 1988): as Hochberg, never less power.
    Hommel,
    /// Step up with `m p / i` (Benjamini and Hochberg 1995): the share of false ones among the findings.
    BenjaminiHochberg,
    /// The same times `1 + 1/2 + ... + 1/m` (Benjamini and Yekutieli 2001): under any dependence.
    BenjaminiYekutieli,
}

/// The adjusted p-values, in the order given: each is the smallest level of the whole family at which it is found.
///
/// A p-value outside of 0 and 1 counts as its nearer end, and one that is no number as 1.
///
/// ```
/// use splitlight_stats::{Adjustment, adjusted};
///
/// let p_values = [0.01, 0.04, 0.03];
/// assert_eq!(adjusted(&p_values, Adjustment::Holm), [0.03, 0.06, 0.06]);
/// assert_eq!(adjusted(&p_values, Adjustment::BenjaminiHochberg), [0.03, 0.04, 0.04]);
/// ```
pub fn adjusted(p_values: &[f64], adjustment: Adjustment) -> Vec<f64> {
    let m = p_values.len() as f64;
    let mut ranked: Vec<(usize, f64)> = p_values.iter().copied().map(probability).enumerate().collect();
    ranked.sort_by(|a, b| a.1.total_cmp(&b.1));
    let one_by_one = |of: &dyn Fn(f64, f64) -> f64| -> Vec<f64> {
        ranked.iter().enumerate().map(|(at, (_, p))| of(*p, at as f64)).collect()
    };
    let mut values = match adjustment {
        Adjustment::Bonferroni => one_by_one(&|p, _| m * p),
        Adjustment::Sidak => one_by_one(&|p, _| at_least_one(p, m)),
        Adjustment::Holm | Adjustment::Hochberg => one_by_one(&|p, at| (m - at) * p),
        Adjustment::HolmSidak => one_by_one(&|p, at| at_least_one(p, m - at)),
        Adjustment::BenjaminiHochberg => one_by_one(&|p, at| p * m / (at + 1.0)),
        Adjustment::BenjaminiYekutieli => {
            let harmonic: f64 = (1..=p_values.len()).rev().map(|i| 1.0 / i as f64).sum();
            one_by_one(&|p, at| p * m / (at + 1.0) * harmonic)
        }
        Adjustment::Hommel => hommel(&one_by_one(&|p, _| p)),
    };
    match adjustment {
        Adjustment::Holm | Adjustment::HolmSidak => raise(values.iter_mut()),
        Adjustment::Hochberg | Adjustment::BenjaminiHochberg | Adjustment::BenjaminiYekutieli => {
            lower(values.iter_mut().rev());
        }
        _ => {}
    }
    let mut in_order = vec![1.0; p_values.len()];
    for ((place, _), value) in ranked.iter().zip(values) {
        in_order[*place] = value.min(1.0);
    }
    in_order
}

/// A p-value, made one.
fn probability(p: f64) -> f64 {
    if p.is_nan() { 1.0 } else { p.clamp(0.0, 1.0) }
}

/// `1 - (1 - p)^m` without the cancellation.
fn at_least_one(p: f64, m: f64) -> f64 {
    -libm::expm1(m * libm::log1p(-p))
}

/// Each at least the one before.
fn raise<'v>(values: impl Iterator<Item = &'v mut f64>) {
    values.fold(0.0_f64, |before, value| {
        *value = value.max(before);
        *value
    });
}

/// Each at most the one before.
fn lower<'v>(values: impl Iterator<Item = &'v mut f64>) {
    values.fold(1.0_f64, |before, value| {
        *value = value.min(before);
        *value
    });
}

/// Hommel's adjustment of sorted p-values by the algorithm of Wright (1992).
fn hommel(sorted: &[f64]) -> Vec<f64> {
    let n = sorted.len();
    let simes = |p: &[f64], m: usize| {
        p.iter().enumerate().map(|(at, p)| m as f64 * p / (at + 1) as f64).fold(1.0, f64::min)
    };
    let mut adjusted = vec![simes(sorted, n); n];
    let mut bounds = adjusted.clone();
    for m in (2..n).rev() {
        let (low, high) = sorted.split_at(n - m + 1);
        // The m - 1 largest stand at the ranks 2 to m of their subset.
        let tail =
            high.iter().enumerate().map(|(at, p)| m as f64 * p / (at + 2) as f64).fold(f64::MAX, f64::min);
        for (bound, p) in bounds.iter_mut().zip(low) {
            *bound = tail.min(m as f64 * p);
        }
        let last = bounds[n - m];
        bounds[n - m + 1..].fill(last);
        for (value, bound) in adjusted.iter_mut().zip(&bounds) {
            *value = value.max(*bound);
        }
    }
    for (value, p) in adjusted.iter_mut().zip(sorted) {
        *value = value.max(*p);
    }
    adjusted
}

/// The interval that goes with an adjusted p-value: as wide as a normal test with that p-value would have it, and never
/// narrower than the unadjusted one; `alpha` is 1 minus the confidence.
///
/// Formula: half the width is `z(alpha/2) |estimate| / z(p/2)`; without limits for a p-value of 1 (`GrowthBook`
/// `getAdjustedCI`). With an estimate of 0 there is nothing to scale, and the interval stays, as
/// it does for what is out of range.
///
/// ```
/// use splitlight_stats::adjusted_interval;
///
/// let (low, high) = adjusted_interval(0.1709, (0.0542, 0.2876), 0.02055, 0.05);
/// assert!((low - 0.02628).abs() < 1e-5 && (high - 0.31552).abs() < 1e-5);
/// ```
pub fn adjusted_interval(estimate: f64, interval: (f64, f64), p_adjusted: f64, alpha: f64) -> (f64, f64) {
    const CERTAIN: f64 = 0.999_999;
    if !(estimate.is_finite() && 0.0 < alpha && alpha < 1.0 && p_adjusted >= 0.0) {
        return interval;
    }
    if p_adjusted > CERTAIN {
        return (f64::NEG_INFINITY, f64::INFINITY);
    }
    let half = normal_quantile(0.5 * alpha) * (estimate / normal_quantile(0.5 * p_adjusted)).abs();
    let (low, high) = (estimate - half.abs(), estimate + half.abs());
    if estimate != 0.0 && low < interval.0 && high > interval.1 { (low, high) } else { interval }
}

/// Levels for the primary metric and for each other one that together spend `alpha`, a share of it preferred.
///
/// Formula: `gamma alpha / k` and `(1 - gamma) alpha / (k (m - 1))` with `k` variations beside control and `m` metrics
/// (Eppo's preferential Bonferroni); the second is 0 where there is only one metric. Shares out of 0 and 1 count as their
/// nearer end.
///
/// ```
/// let (primary, other) = splitlight_stats::preferential_levels(0.05, 0.5, 2, 9);
/// assert_eq!((primary, other), (0.0125, 0.0015625));
/// ```
pub fn preferential_levels(alpha: f64, gamma: f64, variations: u32, metrics: u32) -> (f64, f64) {
    let (alpha, gamma) = (probability(alpha), probability(gamma));
    let k = f64::from(variations.max(1));
    let others = f64::from(metrics.saturating_sub(1));
    let other = if others > 0.0 { (1.0 - gamma) * alpha / (k * others) } else { 0.0 };
    (gamma * alpha / k, other)
}
