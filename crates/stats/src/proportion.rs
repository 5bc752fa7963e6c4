//! Proportions: intervals of one share and of the difference of two, for every count.
//!
//! What is out of the domain counts as its nearer end: no visitors as one, more conversions than visitors as all of them,
//! and a level of 0 as 1e-300.

use crate::Alternative;
use crate::special::{beta_quantile, beta_upper_quantile, normal_quantile};

/// Conversions of one variation: `converted` of `n`, with `0 <= converted <= n` and `n >= 1`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Conversions {
    /// Visitors who converted, a whole number.
    pub converted: f64,
    /// Visitors, a whole number.
    pub n: f64,
}

impl Conversions {
    /// The nearest counts that visitors can have; what is no number is none.
    #[expect(clippy::manual_clamp, reason = "clamp keeps what is no number")]
    pub(crate) fn possible(&self) -> Self {
        const VISITORS_MAX: f64 = 9_007_199_254_740_992.0;
        let n = self.n.max(1.0).min(VISITORS_MAX);
        Self { converted: self.converted.max(0.0).min(n), n }
    }

    /// The share that converted.
    pub(crate) fn rate(&self) -> f64 {
        self.converted / self.n
    }

    /// Those who did not.
    pub(crate) fn rest(&self) -> f64 {
        self.n - self.converted
    }

    /// The variance of one visitor.
    fn variance(&self) -> f64 {
        self.converted / self.n * (self.rest() / self.n)
    }
}

/// The quantile of the two-sided interval.
fn z(alpha: f64) -> f64 {
    normal_quantile(0.5 * level(alpha)).abs()
}

/// The nearest level that a test can have.
#[expect(clippy::manual_clamp, reason = "clamp keeps what is no number")]
fn level(alpha: f64) -> f64 {
    alpha.max(1e-300).min(1.0)
}

/// The Wilson score interval of one proportion; `alpha` is 1 minus the confidence.
///
/// Formula: the values `p` with `|k/n - p| <= z sqrt(p (1 - p) / n)` (Wilson 1927), always within 0 and 1.
///
/// ```
/// use splitlight_stats::{Conversions, proportion};
///
/// let (low, high) = proportion::wilson(&Conversions { converted: 0.0, n: 10.0 }, 0.05);
/// assert_eq!(low, 0.0);
/// assert!((high - 0.2775327998628892).abs() < 1e-14);
/// ```
pub fn wilson(conversions: &Conversions, alpha: f64) -> (f64, f64) {
    let (conversions, alpha) = (&conversions.possible(), level(alpha));
    let (k, n) = (conversions.converted, conversions.n);
    let z = z(alpha);
    let half = z * libm::sqrt(k * ((n - k) / n) + 0.25 * z * z);
    let high = ((k + 0.5 * z * z + half) / (n + z * z)).min(1.0);
    // From the product of both ends: the difference would lose every digit for rare conversions.
    let low = k / n * (k / (n + z * z)) / high;
    (low.min(high), high)
}

/// The exact interval of one proportion, which never covers less than it says; `alpha` is 1 minus the confidence.
///
/// Formula: quantiles of `Beta(k, n - k + 1)` and `Beta(k + 1, n - k)` (Clopper and Pearson 1934).
///
/// ```
/// use splitlight_stats::{Conversions, proportion};
///
/// let (low, high) = proportion::clopper_pearson(&Conversions { converted: 0.0, n: 10.0 }, 0.05);
/// assert!(low == 0.0 && (high - 0.3084971078187608).abs() < 1e-12);
/// ```
pub fn clopper_pearson(conversions: &Conversions, alpha: f64) -> (f64, f64) {
    let (conversions, alpha) = (&conversions.possible(), level(alpha));
    let (k, rest) = (conversions.converted, conversions.rest());
    let low = if k <= 0.0 { 0.0 } else { beta_quantile(0.5 * alpha, k, rest + 1.0) };
    // The upper tail from the other side, where alpha keeps its digits.
    let high = if rest <= 0.0 { 1.0 } else { beta_upper_quantile(0.5 * alpha, k + 1.0, rest) };
    (low, high.max(low))
}

/// The equal-tailed interval of the posterior `Beta(k + 1/2, n - k + 1/2)`; `alpha` is 1 minus the confidence.
///
/// Formula: Jeffreys' prior (Brown, Cai and `DasGupta` 2001). It has a width for 0 conversions as well.
///
/// ```
/// use splitlight_stats::{Conversions, proportion};
///
/// let (low, high) = proportion::jeffreys(&Conversions { converted: 0.0, n: 10.0 }, 0.05);
/// assert!(low > 0.0 && (high - 0.2171962675092106).abs() < 1e-12);
/// ```
pub fn jeffreys(conversions: &Conversions, alpha: f64) -> (f64, f64) {
    let (conversions, alpha) = (&conversions.possible(), level(alpha));
    let (a, b) = (conversions.converted + 0.5, conversions.rest() + 0.5);
    let low = beta_quantile(0.5 * alpha, a, b);
    (low, beta_upper_quantile(0.5 * alpha, a, b).max(low))
}

/// The interval of a proportion with `z^2 / 2` conversions and as many others added, within 0 and 1.
///
/// Formula: `p -+ z sqrt(p (1 - p) / m)` with `p = (k + z^2/2) / m` and `m = n + z^2` (Agresti and Coull 1998).
///
/// ```
/// use splitlight_stats::{Conversions, proportion};
///
/// let (low, high) = proportion::agresti_coull(&Conversions { converted: 0.0, n: 10.0 }, 0.05);
/// assert!(low == 0.0 && (high - 0.3208873057505458).abs() < 1e-12);
/// ```
pub fn agresti_coull(conversions: &Conversions, alpha: f64) -> (f64, f64) {
    let (conversions, alpha) = (&conversions.possible(), level(alpha));
    let added = z(alpha) * z(alpha);
    let more = Conversions { converted: conversions.converted + 0.5 * added, n: conversions.n + added };
    let half = z(alpha) * libm::sqrt(more.variance() / more.n);
    ((more.rate() - half).max(0.0), (more.rate() + half).min(1.0))
}

/// Newcombe's hybrid score interval of the difference, variation minus control, within -1 and 1.
///
/// Formula: method 10 of Newcombe (1998), the Wilson intervals of both combined by their squares.
///
/// ```
/// use splitlight_stats::{Conversions, proportion};
///
/// let control = Conversions { converted: 48.0, n: 80.0 };
/// let variation = Conversions { converted: 56.0, n: 70.0 };
/// let (low, high) = proportion::newcombe(&control, &variation, 0.05);
/// assert!((low - 0.0524).abs() < 1e-4 && (high - 0.3339).abs() < 1e-4);
/// ```
pub fn newcombe(control: &Conversions, variation: &Conversions, alpha: f64) -> (f64, f64) {
    let (control, variation) = (&control.possible(), &variation.possible());
    let (a, b) = (control.rate(), variation.rate());
    let (around_a, around_b) = (wilson(control, alpha), wilson(variation, alpha));
    let difference = b - a;
    let below = libm::hypot(b - around_b.0, around_a.1 - a);
    let above = libm::hypot(around_b.1 - b, a - around_a.0);
    ((difference - below).max(-1.0), (difference + above).min(1.0))
}

/// The textbook interval of the difference, variation minus control, without a correction.
///
/// Formula: `d -+ z sqrt(pa qa / na + pb qb / nb)` (Wald). It has no width where nobody or everybody converted.
///
/// ```
/// use splitlight_stats::{Conversions, proportion};
///
/// let (control, variation) = (Conversions { converted: 10.0, n: 20.0 }, Conversions { converted: 11.0, n: 20.0 });
/// assert!((proportion::wald(&control, &variation, 0.05).0 + 0.2591218).abs() < 1e-7);
/// ```
pub fn wald(control: &Conversions, variation: &Conversions, alpha: f64) -> (f64, f64) {
    let (control, variation) = (&control.possible(), &variation.possible());
    let difference = difference(control, variation);
    let half = z(alpha) * libm::sqrt(unpooled(control, variation));
    (difference - half, difference + half)
}

/// The textbook interval after one conversion and one other visitor were added to both, within -1 and 1.
///
/// Formula: [`wald`] of `(k + 1) / (n + 2)` (Agresti and Caffo 2000).
///
/// ```
/// use splitlight_stats::{Conversions, proportion};
///
/// let (control, variation) = (Conversions { converted: 0.0, n: 100.0 }, Conversions { converted: 5.0, n: 110.0 });
/// assert!((proportion::agresti_caffo(&control, &variation, 0.05).1 - 0.0896436).abs() < 1e-7);
/// ```
pub fn agresti_caffo(control: &Conversions, variation: &Conversions, alpha: f64) -> (f64, f64) {
    let (control, variation) = (&control.possible(), &variation.possible());
    let more = |c: &Conversions| Conversions { converted: c.converted + 1.0, n: c.n + 2.0 };
    let (low, high) = wald(&more(control), &more(variation), alpha);
    (low.max(-1.0), high.min(1.0))
}

/// The interval of the risk ratio, variation over control; `None` where one of them has no conversions, or the
/// ends are no numbers.
///
/// Formula: `exp(ln r -+ z sqrt(1/ka - 1/na + 1/kb - 1/nb))` (Katz et al. 1978).
///
/// ```
/// use splitlight_stats::{Conversions, proportion};
///
/// let (control, variation) = (Conversions { converted: 10.0, n: 20.0 }, Conversions { converted: 11.0, n: 20.0 });
/// let (low, high) = proportion::risk_ratio(&control, &variation, 0.05).ok_or("no conversions")?;
/// assert!((low - 0.6091802).abs() < 1e-7 && (high - 1.9862761).abs() < 1e-7);
/// # Ok::<(), &str>(())
/// ```
pub fn risk_ratio(control: &Conversions, variation: &Conversions, alpha: f64) -> Option<(f64, f64)> {
    let (control, variation) = (&control.possible(), &variation.possible());
    let part = |c: &Conversions| c.rest() / c.converted / c.n;
    let ratio = libm::log(variation.rate() / control.rate());
    let half = z(alpha) * libm::sqrt(part(control) + part(variation));
    let known = control.converted > 0.0 && variation.converted > 0.0;
    let ends = (libm::exp(ratio - half), libm::exp(ratio + half));
    (known && ends.0.is_finite() && ends.1.is_finite()).then_some(ends)
}

/// The z statistics of the difference with the variance of both together and with that of each; `None` without one.
///
/// Formula: `d / sqrt(p q (1/na + 1/nb))` with `p` of both together, and `d / sqrt(pa qa / na + pb qb / nb)`.
///
/// ```
/// use splitlight_stats::{Conversions, proportion};
///
/// let (control, variation) = (Conversions { converted: 0.0, n: 100.0 }, Conversions { converted: 5.0, n: 110.0 });
/// let (pooled, unpooled) = proportion::z_statistics(&control, &variation);
/// assert!((pooled.unwrap_or(0.0) - 2.1578506).abs() < 1e-7 && (unpooled.unwrap_or(0.0) - 2.2886885).abs() < 1e-7);
/// ```
pub fn z_statistics(control: &Conversions, variation: &Conversions) -> (Option<f64>, Option<f64>) {
    let (control, variation) = (&control.possible(), &variation.possible());
    let both = Conversions { converted: control.converted + variation.converted, n: control.n + variation.n };
    let pooled = both.variance() * (1.0 / control.n + 1.0 / variation.n);
    let over =
        |variance: f64| (variance > 0.0).then(|| difference(control, variation) / libm::sqrt(variance));
    (over(pooled), over(unpooled(control, variation)))
}

/// Variation rate minus control rate, from one fraction so that close rates keep their digits.
fn difference(control: &Conversions, variation: &Conversions) -> f64 {
    let cross = variation.converted * control.n - control.converted * variation.n;
    // Beyond 2^53 the products round, and the rates are as good.
    if cross.abs() < 9e15 && variation.n * control.n < 9e15 {
        cross / (variation.n * control.n)
    } else {
        variation.rate() - control.rate()
    }
}

fn unpooled(control: &Conversions, variation: &Conversions) -> f64 {
    control.variance() / control.n + variation.variance() / variation.n
}

/// Halvings of an interval of length 2: what is left of it no longer matters beside a rate of one in 2^53.
const HALVINGS: u32 = 120;

/// The score interval of the difference, variation minus control.
///
/// Formula: the differences that the score test with the variance under that difference, times `N / (N - 1)`, does not
/// reject (Miettinen and Nurminen 1985); the rates under a difference are those of largest likelihood, found by
/// bisection of its derivative.
///
/// ```
/// use splitlight_stats::{Conversions, proportion};
///
/// let control = Conversions { converted: 48.0, n: 80.0 };
/// let variation = Conversions { converted: 56.0, n: 70.0 };
/// let (low, high) = proportion::miettinen_nurminen(&control, &variation, 0.05);
/// assert!((low - 0.0528).abs() < 1e-4 && (high - 0.3382).abs() < 1e-4);
/// ```
pub fn miettinen_nurminen(control: &Conversions, variation: &Conversions, alpha: f64) -> (f64, f64) {
    let (control, variation) = (&control.possible(), &variation.possible());
    let (z, estimate) = (z(alpha), difference(control, variation));
    let end = |far: f64, direction: Alternative| {
        // The farthest difference that is not rejected; the estimate never is.
        let (mut near, mut far) = (estimate, far);
        for _ in 0..HALVINGS {
            let middle = near + 0.5 * (far - near);
            let distance = direction.toward(middle - estimate);
            if distance <= z * libm::sqrt(restricted_variance(control, variation, middle)) {
                near = middle;
            } else {
                far = middle;
            }
        }
        near
    };
    (end(-1.0, Alternative::Less), end(1.0, Alternative::Greater))
}

/// Variance of the difference of rates if it were `delta`, between -1 and 1, with Miettinen and Nurminen's factor.
fn restricted_variance(control: &Conversions, variation: &Conversions, delta: f64) -> f64 {
    // The likelihood of the control rate is concave between these, so its derivative falls.
    let (mut low, mut high) = ((-delta).max(0.0), (1.0 - delta).min(1.0));
    let slope = |p: f64| {
        let part = |c: &Conversions, p: f64| {
            let gain = if c.converted > 0.0 { c.converted / p } else { 0.0 };
            gain - if c.rest() > 0.0 { c.rest() / (1.0 - p) } else { 0.0 }
        };
        part(control, p) + part(variation, p + delta)
    };
    for _ in 0..HALVINGS {
        let middle = low + 0.5 * (high - low);
        if middle <= low || middle >= high {
            break;
        }
        if slope(middle) > 0.0 {
            low = middle;
        } else {
            high = middle;
        }
    }
    let (a, b) = (low, (low + delta).clamp(0.0, 1.0));
    let total = control.n + variation.n;
    (a * (1.0 - a) / control.n + b * (1.0 - b) / variation.n) * (total / (total - 1.0))
}
