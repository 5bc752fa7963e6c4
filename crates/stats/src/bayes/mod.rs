//! What to believe after the data: chance to win and expected loss.
//!
//! Neither may stop an experiment. Looking at a chance to win a hundred times and stopping above 95 % finds a winner in
//! half of the experiments without one, so these answers say nothing about significance.

mod beta;
mod normal;
mod thompson;

pub use beta::{BetaPosterior, Comparison, compare};
pub use normal::{NormalPosterior, NormalPrior};
pub use thompson::{Allocation, UNITS_MIN, thompson};

pub use crate::Direction;
