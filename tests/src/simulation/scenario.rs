//! The kinds of experiments that are simulated.

use super::LOOKS;
use crate::pairs::draw::Draw;
use splitlight_stats::{Kind, Moments, power, special};

/// A metric and a size.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scenario {
    /// How it is called in the figures.
    pub name: &'static str,
    /// The share of visitors who convert in the control.
    pub rate: f64,
    /// Whether a conversion has an amount, lognormal with these mean and deviation of the logarithm, in cents.
    pub amount: Option<(f64, f64)>,
    /// Visitors of each variation at the end, a multiple of the looks.
    pub visitors: i64,
}

/// The four that peeking is judged by.
pub const SCENARIOS: [Scenario; 4] = [
    Scenario { name: "10 % convert, 2 × 20,000", rate: 0.1, amount: None, visitors: 20_000 },
    Scenario { name: "2 % convert, 2 × 5,000", rate: 0.02, amount: None, visitors: 5_000 },
    Scenario { name: "0.5 % convert, 2 × 20,000", rate: 0.005, amount: None, visitors: 20_000 },
    Scenario {
        name: "Revenue, 5 % buy, 2 × 20,000", rate: 0.05, amount: Some((3.5, 1.2)), visitors: 20_000
    },
];

impl Scenario {
    /// What is measured.
    pub fn kind(&self) -> Kind {
        if self.amount.is_some() { Kind::Mean } else { Kind::Proportion }
    }

    /// Visitors of both variations at the end.
    pub fn planned_total(&self) -> f64 {
        (2 * self.visitors) as f64
    }

    /// The relative lift that a single look at the end would find in four of five experiments, if it changed no spread.
    ///
    /// # Panics
    /// Never: the false positive rate and the power are in their ranges.
    pub fn lift(&self) -> f64 {
        let (mean, square) = match self.amount {
            None => (self.rate, self.rate),
            Some((mu, sigma)) => {
                let mean = (mu + 0.5 * sigma * sigma).exp();
                (self.rate * mean, self.rate * mean * mean * (sigma * sigma).exp())
            }
        };
        let error = ((square - mean * mean) * 2.0 / self.visitors as f64).sqrt();
        power::detectable_effect(error, 0.05, 0.8).expect("a false positive rate and a power") / mean
    }

    /// Draws one experiment and shows what was counted at each look; a lift makes more visitors convert.
    pub(super) fn experiment(&self, lift: f64, number: u64, mut look: impl FnMut(usize, &Moments, &Moments)) {
        let seed = self.rate.to_bits() ^ lift.to_bits().rotate_left(17);
        let mut draw = Draw::new(seed, number);
        let (mut control, mut variation) = (Moments::default(), Moments::default());
        let each = self.visitors / i64::try_from(LOOKS).unwrap_or(1);
        for index in 0..LOOKS {
            control = control.merge(self.visits(&mut draw, each, self.rate));
            variation = variation.merge(self.visits(&mut draw, each, self.rate * (1.0 + lift)));
            look(index, &control, &variation);
        }
    }

    fn visits(&self, draw: &mut Draw, n: i64, rate: f64) -> Moments {
        let (mut converted, mut sum, mut squares) = (0, 0, 0);
        for _ in 0..n {
            if unit(draw) < rate {
                converted += 1;
                if let Some((mu, sigma)) = self.amount {
                    #[expect(clippy::cast_possible_truncation, reason = "cents of an order fit in an i64")]
                    let cents = (100.0 * (mu + sigma * special::normal_quantile(unit(draw))).exp()) as i64;
                    sum += i128::from(cents);
                    squares += i128::from(cents) * i128::from(cents);
                }
            }
        }
        match self.amount {
            None => Moments::conversions(n, converted),
            Some(_) => Moments::new(n, sum, squares),
        }
    }
}

/// A number between 0 and 1, both excluded.
fn unit(draw: &mut Draw) -> f64 {
    ((draw.next() >> 11) as f64 + 0.5) / 9_007_199_254_740_992.0
}
