//! Experiments made of chance, looked at a hundred times: how often a method is wrong, and how often it finds what is there.

mod chart;
mod figures;
mod methods;
mod scenario;

pub use figures::{Simulated, figures};
pub use methods::Method;
pub use scenario::{SCENARIOS, Scenario};

use methods::Look;
use splitlight_stats::LiftInterval;

/// How often each experiment is looked at.
pub const LOOKS: usize = 100;

/// What a number of experiments with the same true lift showed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome {
    /// How many there were.
    pub experiments: u64,
    /// Of each method, in the order of [`Method::ALL`], how many first said "significant" at each look.
    pub found: Vec<Vec<u64>>,
    /// How many had an interval of the lift, at some look, that misses the true lift.
    pub missed: u64,
    /// How many were called "significant" by a bounded or outer interval of the lift, at some look.
    pub lift_found: u64,
}

impl Outcome {
    /// Runs the experiments `from..to` of a scenario in which the true relative effect is `lift`.
    pub fn run(scenario: &Scenario, lift: f64, from: u64, to: u64) -> Self {
        let mut outcome = Self {
            experiments: to - from,
            found: vec![vec![0; LOOKS]; Method::ALL.len()],
            ..Self::default()
        };
        for number in from..to {
            outcome.experiment(scenario, lift, number);
        }
        outcome
    }

    fn experiment(&mut self, scenario: &Scenario, lift: f64, number: u64) {
        let (mut missed, mut lift_found) = (false, false);
        let mut found = [false; Method::ALL.len()];
        scenario.experiment(lift, number, |index, control, variation| {
            let look = Look::new(scenario, index, control, variation);
            for (place, method) in Method::ALL.iter().enumerate() {
                if !found[place] && method.finds(scenario, &look) {
                    found[place] = true;
                    self.found[place][index] += 1;
                }
            }
            let interval = look.always_valid.as_ref().map_or(LiftInterval::Unbounded, |r| r.lift_interval);
            lift_found |= interval.excludes_zero();
            missed |= match interval {
                LiftInterval::Bounded(low, high) => lift < low || high < lift,
                LiftInterval::Outside(low, high) => low < lift && lift < high,
                LiftInterval::Unbounded | LiftInterval::Undefined => false,
            };
        });
        self.missed += u64::from(missed);
        self.lift_found += u64::from(lift_found);
    }

    /// Adds other experiments of the same kind.
    #[must_use]
    pub fn and(mut self, other: &Self) -> Self {
        self.experiments += other.experiments;
        self.missed += other.missed;
        self.lift_found += other.lift_found;
        for (mine, theirs) in self.found.iter_mut().flatten().zip(other.found.iter().flatten()) {
            *mine += theirs;
        }
        self
    }

    /// Of a method, the share of experiments that it ever called "significant".
    pub fn ever(&self, method: Method) -> f64 {
        self.curve(method).last().copied().unwrap_or(0.0)
    }

    /// The same up to each look.
    pub fn curve(&self, method: Method) -> Vec<f64> {
        let place = Method::ALL.iter().position(|other| *other == method).unwrap_or(0);
        let mut sum = 0;
        let counts = self.found.get(place).into_iter().flatten();
        counts
            .map(|count| {
                sum += count;
                sum as f64 / self.experiments as f64
            })
            .collect()
    }

    /// The share of experiments whose lift interval holds the true lift at every look.
    pub fn coverage(&self) -> f64 {
        1.0 - self.missed as f64 / self.experiments as f64
    }

    /// The share of experiments whose lift interval ever excludes 0.
    pub fn ever_by_lift(&self) -> f64 {
        self.lift_found as f64 / self.experiments as f64
    }

    /// Three standard errors of a share around 0.05: what chance may add to it.
    pub fn slack(&self) -> f64 {
        3.0 * (0.05 * 0.95 / self.experiments as f64).sqrt()
    }
}
