//! Curves that a sum of bounded or light-tailed values rarely ever crosses.

use crate::Invalid;
use crate::invalid::{alpha_below, count, share, spread, value};
use crate::special::{gamma_ln_tails, ln_minus_linear, normal_ln_sf, stirling_error};

/// Bisections of a root; each halves the bracket, and an `f64` has no more bits.
const BISECTIONS: u32 = 64;

/// The zeta function at 1.4, the exponent of the stitching.
const ZETA_1_4: f64 = 3.105_547_277_977_580_5;

/// A mixture martingale, and the curve where it reaches `1 / alpha`: with a chance of at least `1 - alpha` the sum `S`
/// of centered values stays below `bound(V)` forever, where `V` is its variance process.
///
/// All are tightest near `variance_tuned`, the value of `V` they are made for (Howard, Ramdas, `McAuliffe` and Sekhon
/// 2021, section 3.5). `V` is the number of values times the variance of one, in squared units of the values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Boundary(Kind);

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Normal { rho: f64 },
    NormalOneSided { rho: f64 },
    GammaExponential { rho: f64, c: f64 },
    GammaPoisson { rho: f64, c: f64 },
    BetaBinomial { r: f64, low: f64, high: f64 },
}

/// The mixture parameter that makes a boundary tightest at `variance_tuned` (Howard et al. 2021, equation 3.8, without
/// the product logarithm).
fn tuned(variance_tuned: f64, alpha: f64) -> Result<f64, Invalid> {
    let bound = -2.0 * libm::log(alpha);
    Ok(spread(variance_tuned)? / (bound + libm::log1p(bound)))
}

impl Boundary {
    /// For values with normal tails, in both directions: proposition 4 of Howard et al. (2021).
    ///
    /// # Errors
    ///
    /// [`Invalid::Alpha`] when `alpha_tuned` is not in (0, 1), [`Invalid::Spread`] for `variance_tuned`; the others alike.
    ///
    /// ```
    /// use splitlight_stats::sequential::Boundary;
    ///
    /// let boundary = Boundary::normal(13.811, 0.05)?;
    /// assert!((boundary.bound(1209.4368, 0.05)? - 123.2244111432597).abs() < 1e-9);
    /// # Ok::<(), splitlight_stats::Invalid>(())
    /// ```
    pub fn normal(variance_tuned: f64, alpha_tuned: f64) -> Result<Self, Invalid> {
        Ok(Self(Kind::Normal { rho: tuned(variance_tuned, crate::invalid::alpha(alpha_tuned)?)? }))
    }

    /// For values with normal tails, upward only: proposition 5. `alpha_tuned` is below 0.5.
    ///
    /// # Errors
    ///
    /// As [`Boundary::normal`].
    ///
    /// ```
    /// use splitlight_stats::sequential::Boundary;
    ///
    /// let one_sided = Boundary::normal_one_sided(13.811, 0.05)?.bound(1209.4368, 0.05)?;
    /// assert!(one_sided < Boundary::normal(13.811, 0.05)?.bound(1209.4368, 0.05)?);
    /// # Ok::<(), splitlight_stats::Invalid>(())
    /// ```
    pub fn normal_one_sided(variance_tuned: f64, alpha_tuned: f64) -> Result<Self, Invalid> {
        Ok(Self(Kind::NormalOneSided { rho: tuned_one_sided(variance_tuned, alpha_tuned)? }))
    }

    /// For values with exponential tails of scale `c`, upward only: proposition 9.
    ///
    /// # Errors
    ///
    /// As [`Boundary::normal`], and [`Invalid::Spread`] when `c` is not positive.
    ///
    /// ```
    /// use splitlight_stats::sequential::Boundary;
    ///
    /// let bound = Boundary::gamma_exponential(100.0, 0.05, 1.0)?.bound(16.642, 0.05)?;
    /// assert!((bound - 15.213548720285281).abs() < 1e-6);
    /// # Ok::<(), splitlight_stats::Invalid>(())
    /// ```
    pub fn gamma_exponential(variance_tuned: f64, alpha_tuned: f64, c: f64) -> Result<Self, Invalid> {
        let rho = tuned_one_sided(variance_tuned, alpha_tuned)?;
        Ok(Self(Kind::GammaExponential { rho, c: spread(c)? }))
    }

    /// For counts with jumps of size `c`, upward only: proposition 10.
    ///
    /// # Errors
    ///
    /// As [`Boundary::gamma_exponential`].
    ///
    /// ```
    /// use splitlight_stats::sequential::Boundary;
    ///
    /// let bound = Boundary::gamma_poisson(100.0, 0.05, 1.0)?.bound(16.642, 0.05)?;
    /// assert!((bound - 14.356096626939724).abs() < 1e-6);
    /// # Ok::<(), splitlight_stats::Invalid>(())
    /// ```
    pub fn gamma_poisson(variance_tuned: f64, alpha_tuned: f64, c: f64) -> Result<Self, Invalid> {
        let rho = tuned_one_sided(variance_tuned, alpha_tuned)?;
        Ok(Self(Kind::GammaPoisson { rho, c: spread(c)? }))
    }

    /// For values between `-low` and `high` around their mean, in both directions: proposition 7.
    ///
    /// # Errors
    ///
    /// As [`Boundary::normal`], and [`Invalid::Spread`] when `low` or `high` is not positive.
    ///
    /// ```
    /// use splitlight_stats::sequential::Boundary;
    ///
    /// let bound = Boundary::beta_binomial(100.0, 0.05, 0.3, 0.7)?.bound(16.642, 0.05)?;
    /// assert!((bound - 14.644171467967436).abs() < 1e-6);
    /// # Ok::<(), splitlight_stats::Invalid>(())
    /// ```
    pub fn beta_binomial(
        variance_tuned: f64,
        alpha_tuned: f64,
        low: f64,
        high: f64,
    ) -> Result<Self, Invalid> {
        let rho = tuned(variance_tuned, crate::invalid::alpha(alpha_tuned)?)?;
        let product = spread(spread(low)? * spread(high)?)?;
        Ok(Self(Kind::BetaBinomial { r: (rho - product).max(1e-3 * product), low, high }))
    }

    /// ln of the mixture at the sum `s` and the variance `v`: the evidence against a mean of 0.
    ///
    /// # Errors
    ///
    /// [`Invalid::Value`] for `s`, [`Invalid::Spread`] for `v`.
    ///
    /// ```
    /// use splitlight_stats::sequential::Boundary;
    ///
    /// let evidence = Boundary::normal(13.811, 0.05)?.ln_mixture(74.6034, 1209.4368)?;
    /// assert!((evidence + 0.9750282783473416).abs() < 1e-12);
    /// # Ok::<(), splitlight_stats::Invalid>(())
    /// ```
    pub fn ln_mixture(&self, s: f64, v: f64) -> Result<f64, Invalid> {
        let (s, v) = (value(s)?, spread(v)?);
        let ln = self.mixture(s, v);
        if ln.is_finite() { Ok(ln) } else { Err(Invalid::Value) }
    }

    /// The boundary of the sum at the variance `v`, for one minus the confidence `alpha`.
    ///
    /// # Errors
    ///
    /// [`Invalid::Alpha`] when `alpha` is not in (0, 1), [`Invalid::Spread`] for `v`, [`Invalid::Unreachable`] when no
    /// sum is surprising enough.
    ///
    /// ```
    /// use splitlight_stats::sequential::Boundary;
    ///
    /// let boundary = Boundary::normal(100.0, 0.05)?;
    /// assert!(boundary.bound(100.0, 0.01)? > boundary.bound(100.0, 0.05)?);
    /// # Ok::<(), splitlight_stats::Invalid>(())
    /// ```
    pub fn bound(&self, v: f64, alpha: f64) -> Result<f64, Invalid> {
        let (v, threshold) = (spread(v)?, -libm::log(crate::invalid::alpha(alpha)?));
        if let Kind::Normal { rho } = self.0 {
            return Ok(libm::sqrt((v + rho) * (libm::log1p(v / rho) + 2.0 * threshold)));
        }
        let crosses = |s: f64| self.mixture(s, v) > threshold;
        let far = if let Kind::BetaBinomial { low, .. } = self.0 {
            // A sum of bounded values cannot be larger; the boundary may lie beyond.
            v / low
        } else {
            let mut far = 2.0 * libm::sqrt(v);
            while !crosses(far) {
                far *= 2.0;
                if far.is_infinite() {
                    return Err(Invalid::Unreachable);
                }
            }
            far
        };
        if !crosses(far) {
            return Ok(far);
        }
        Ok(bisect(0.0, far, crosses))
    }

    fn mixture(&self, s: f64, v: f64) -> f64 {
        match self.0 {
            Kind::Normal { rho } => 0.5 * libm::log(rho / (v + rho)) + 0.5 * (s / (v + rho)) * s,
            Kind::NormalOneSided { rho } => {
                let z = s / libm::sqrt(v + rho);
                0.5 * libm::log(4.0 * (rho / (v + rho))) + 0.5 * z * z + normal_ln_sf(-z)
            }
            Kind::GammaExponential { rho, c } => gamma_exponential(s / c, v / c / c, rho / c / c),
            Kind::GammaPoisson { rho, c } => gamma_poisson(s / c, v / c / c, rho / c / c),
            Kind::BetaBinomial { r, low, high } => beta_binomial(s, v, r, low, high),
        }
    }
}

fn tuned_one_sided(variance_tuned: f64, alpha_tuned: f64) -> Result<f64, Invalid> {
    tuned(variance_tuned, 2.0 * alpha_below(alpha_tuned, 0.5)?)
}

/// The point between `low` and `high` from which on `holds` is true.
fn bisect(low: f64, high: f64, holds: impl Fn(f64) -> bool) -> f64 {
    let (mut low, mut high) = (low, high);
    for _ in 0..BISECTIONS {
        let middle = 0.5 * (low + high);
        if holds(middle) {
            high = middle;
        } else {
            low = middle;
        }
    }
    0.5 * (low + high)
}

/// Proposition 9 in units of `c`, with the Stirling parts of its gamma functions subtracted before they are large.
fn gamma_exponential(s: f64, v: f64, rho: f64) -> f64 {
    let (shape, x) = (v + rho, s + v + rho);
    if x <= 0.0 {
        return f64::NEG_INFINITY;
    }
    let (ln_lower, _) = gamma_ln_tails(shape, x);
    let (ln_lower_at_start, _) = gamma_ln_tails(rho, rho);
    0.5 * libm::log(rho / shape) + stirling_error(shape)
        - stirling_error(rho)
        - shape * ln_minus_linear(x / shape, s / shape)
        + ln_lower
        - ln_lower_at_start
}

/// Proposition 10 in units of `c`, alike.
fn gamma_poisson(s: f64, v: f64, rho: f64) -> f64 {
    let (x, shape) = (v + rho, s + v + rho);
    if shape <= 0.0 {
        return f64::NEG_INFINITY;
    }
    let (_, ln_upper) = gamma_ln_tails(shape, x);
    let (_, ln_upper_at_start) = gamma_ln_tails(rho, rho);
    0.5 * libm::log(rho / shape) + stirling_error(shape)
        - stirling_error(rho)
        - shape * ln_minus_linear(x / shape, -s / shape)
        + ln_upper
        - ln_upper_at_start
}

/// ln B(a, b) without its leading part: `ln B(a, b) = a ln(a/(a+b)) + b ln(b/(a+b)) + this`.
fn ln_beta_rest(a: f64, b: f64) -> f64 {
    let total = a + b;
    0.5 * libm::log(2.0 * core::f64::consts::PI * (total / a) / b) + stirling_error(a) + stirling_error(b)
        - stirling_error(total)
}

/// Proposition 7: a ratio of beta functions times powers of `low` and `high`, whose large parts cancel on paper.
fn beta_binomial(sum: f64, variance: f64, r: f64, low: f64, high: f64) -> f64 {
    let width = low + high;
    let start = (r / (low * width), r / (high * width));
    let (a, b) = ((r + variance - low * sum) / (low * width), (r + variance + high * sum) / (high * width));
    if a <= 0.0 || b <= 0.0 {
        return f64::INFINITY;
    }
    // Both shares of the total are known without the sum, which moves only the difference from them.
    let (total, excess) = (a + b, sum / width);
    let leading = -a * ln_minus_linear(total * (high / width) / a, excess / a)
        - b * ln_minus_linear(total * (low / width) / b, -excess / b);
    leading + ln_beta_rest(a, b) - ln_beta_rest(start.0, start.1)
}

/// The stitched boundary of a sum with variance `v`, valid from any variance on and tight from `variance_min` on.
///
/// Formula: Howard et al. (2021), theorem 1, equation 2.7, with `h(k) = (k + 1)^1.4 zeta(1.4)` and epochs doubling;
/// `c >= 0` is the scale of the values' exponential tail, 0 for normal tails.
///
/// # Errors
///
/// [`Invalid::Alpha`], [`Invalid::Spread`] for `v` or `variance_min`, [`Invalid::Value`] for `c`.
///
/// ```
/// let bound = splitlight_stats::sequential::stitched_bound(16.642, 0.05, 10.0, 1.0)?;
/// assert!((bound - 20.164014523547664).abs() < 1e-9);
/// # Ok::<(), splitlight_stats::Invalid>(())
/// ```
pub fn stitched_bound(v: f64, alpha: f64, variance_min: f64, c: f64) -> Result<f64, Invalid> {
    const EXPONENT: f64 = 1.4;
    const EPOCH: f64 = 2.0;
    let (v, variance_min) = (spread(v)?.max(spread(variance_min)?), variance_min);
    let c = if c >= 0.0 { value(c)? } else { return Err(Invalid::Value) };
    let alpha = crate::invalid::alpha(alpha)?;
    let root = libm::sqrt(libm::sqrt(EPOCH));
    let (k1, k2) = ((root + 1.0 / root) / libm::sqrt(2.0), 0.5 * (libm::sqrt(EPOCH) + 1.0));
    let ln_epoch = libm::log(EPOCH);
    let epochs = libm::log(EPOCH * (v / variance_min));
    let level = EXPONENT * libm::log(epochs / ln_epoch) + libm::log(ZETA_1_4) - libm::log(alpha);
    let linear = k2 * c * level;
    Ok(libm::hypot(k1 * libm::sqrt(v * level), linear) + linear)
}

/// An interval of a conversion rate that holds at any number of looks: all rates that the beta-binomial mixture of
/// their own spread does not refuse.
///
/// `converted` of `n` visitors; tightest at `n_tuned` visitors. Formula: proposition 7 of Howard et al. (2021), inverted;
/// the mixture is tuned for a confidence of 0.95.
///
/// # Errors
///
/// [`Invalid::Count`], [`Invalid::Conversions`], [`Invalid::Alpha`].
///
/// ```
/// let (low, high) = splitlight_stats::sequential::bernoulli_interval(27.0, 59.0, 0.05, 500.0)?;
/// assert!((low - 0.23982135828739537).abs() < 1e-6 && (high - 0.6887773406179819).abs() < 1e-6);
/// # Ok::<(), splitlight_stats::Invalid>(())
/// ```
pub fn bernoulli_interval(converted: f64, n: f64, alpha: f64, n_tuned: f64) -> Result<(f64, f64), Invalid> {
    const ALPHA_TUNED: f64 = 0.05;
    let (n, n_tuned) = (count(n)?, count(n_tuned)?);
    if !(0.0..=n).contains(&converted) {
        return Err(Invalid::Conversions);
    }
    let threshold = -libm::log(crate::invalid::alpha(alpha)?);
    let rate = converted / n;
    let refused = |p: f64| {
        let (p, q) = (p.max(f64::MIN_POSITIVE), 1.0 - p);
        let variance = p * q;
        // A rate that rounds to 0 or 1 explains only what never or always happens.
        let Ok(boundary) = share(p)
            .and_then(|p| spread(n_tuned * variance).map(|_| p))
            .and_then(|p| Boundary::beta_binomial(n_tuned * variance, ALPHA_TUNED, p, q))
        else {
            return true;
        };
        boundary.mixture((rate - p) * n, n * variance) > threshold
    };
    let low = if rate > 0.0 { bisect(rate, 0.0, refused) } else { 0.0 };
    let high = if rate < 1.0 { bisect(rate, 1.0, refused) } else { 1.0 };
    Ok((low, high))
}
