//! Fisher's exact test, which a proportion without a variance gets.

use crate::Conversions;
use crate::special::power_of_counts;

/// Two tables whose probabilities differ by less than this relatively count as equally likely, because rounding
/// must not decide whether a mirror-image table belongs to the tail.
const EQUALLY_LIKELY: f64 = 1e-7;

/// Most tables summed per tail; about 40 standard deviations are needed, so this covers totals up to 1e9.
const TABLES_MAX: u32 = 1_000_000;

/// Relative size below which a further table cannot change the sum.
const NEGLIGIBLE: f64 = 1e-17;

/// ln of the two-sided p-value of Fisher's exact test: all tables not more likely than the observed one.
///
/// Formula: the hypergeometric distribution of the variation's conversions given both totals (Fisher 1935).
/// Counts are whole numbers up to 2^53; others count as the nearest ones that visitors can have.
///
/// ```
/// use splitlight_stats::{Conversions, fisher_ln_p};
///
/// let control = Conversions { converted: 0.0, n: 100.0 };
/// let variation = Conversions { converted: 5.0, n: 110.0 };
/// assert!((fisher_ln_p(&control, &variation).exp() - 0.060936203384715971).abs() < 1e-12);
/// ```
pub fn fisher_ln_p(control: &Conversions, variation: &Conversions) -> f64 {
    let whole = |c: &Conversions| {
        let Conversions { converted, n } = c.possible();
        Conversions { converted: libm::floor(converted), n: libm::floor(n) }
    };
    let (control, variation) = (&whole(control), &whole(variation));
    let tables = Tables::new(control, variation);
    // Everybody or nobody converted: only one table exists.
    if tables.lowest >= tables.highest {
        return 0.0;
    }
    let observed = variation.converted;
    let ln_observed = tables.ln_probability(observed);
    let upward = observed >= tables.mode;
    let same_side = tables.tail(observed, upward);
    let opposite = tables.opposite(observed, ln_observed, upward).map_or(0.0, |start| {
        libm::exp(tables.ln_probability(start) - ln_observed) * tables.tail(start, !upward)
    });
    (ln_observed + libm::log(same_side + opposite)).min(0.0)
}

/// The tables with the observed totals, named by the variation's conversions.
struct Tables {
    control: f64,
    variation: f64,
    converted: f64,
    lowest: f64,
    highest: f64,
    mode: f64,
}

impl Tables {
    fn new(control: &Conversions, variation: &Conversions) -> Self {
        let converted = control.converted + variation.converted;
        let lowest = (converted - control.n).max(0.0);
        let highest = converted.min(variation.n);
        let share = (converted + 1.0) / (control.n + variation.n + 2.0);
        // Totals beyond 2^53 round, and then there may be no table at all.
        let mode = libm::floor((variation.n + 1.0) * share).max(lowest).min(highest);
        Self { control: control.n, variation: variation.n, converted, lowest, highest, mode }
    }

    /// ln probability of the table, as three binomials so that no huge factorials cancel (Loader 2000).
    fn ln_probability(&self, x: f64) -> f64 {
        let total = self.control + self.variation;
        let (p, q) = (self.converted / total, (total - self.converted) / total);
        power_of_counts(x, self.variation, p, q) + power_of_counts(self.converted - x, self.control, p, q)
            - power_of_counts(self.converted, total, p, q)
    }

    /// Probability of the next table divided by that of `x`.
    fn ratio(&self, x: f64, upward: bool) -> f64 {
        let up = |x: f64| {
            let rest = self.converted - x;
            ((self.variation - x) / (x + 1.0)) * (rest / (self.control - rest + 1.0))
        };
        if upward { up(x) } else { 1.0 / up(x - 1.0) }
    }

    /// Probability of `start` and all tables beyond it, divided by that of `start`.
    fn tail(&self, start: f64, upward: bool) -> f64 {
        let (step, end) = if upward { (1.0, self.highest) } else { (-1.0, self.lowest) };
        let (mut x, mut term, mut sum) = (start, 1.0, 1.0);
        for _ in 0..TABLES_MAX {
            if (end - x) * step <= 0.0 {
                break;
            }
            term *= self.ratio(x, upward);
            sum += term;
            x += step;
            // Ratios only shrink away from the mode, but before it the terms still grow.
            if term < NEGLIGIBLE * sum && (x - self.mode) * step > 0.0 {
                break;
            }
        }
        sum
    }

    /// The table nearest to the mode, on the other side of it, that is not more likely than the observed one.
    fn opposite(&self, observed: f64, ln_observed: f64, upward: bool) -> Option<f64> {
        let fits = |x: f64| self.ln_probability(x) <= ln_observed + EQUALLY_LIKELY;
        let step = if upward { -1.0 } else { 1.0 };
        let end = if upward { self.lowest } else { self.highest };
        let nearest = if (self.mode - observed) * step > 0.0 { self.mode } else { observed + step };
        if (end - nearest) * step < 0.0 || !fits(end) {
            return None;
        }
        // Bisection between a table that may be too likely and one that is not.
        let (mut near, mut far) = (0.0, (end - nearest).abs());
        while near < far {
            let middle = libm::floor(0.5 * (near + far));
            if fits(nearest + step * middle) {
                far = middle;
            } else {
                near = middle + 1.0;
            }
        }
        Some(nearest + step * far)
    }
}
