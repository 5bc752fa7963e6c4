//! The mathematics of experiments, on additive moments.
//!
//! The collector adds [`Moments`] and calls [`compare()`] and [`sample_ratio()`]; the other modules are their parts,
//! public because they are documented and tested one by one. Values are `i64` minor units (cents, or 1 for a
//! conversion), so means, differences and their intervals are in minor units per visitor; lifts have no unit.
//!
//! There is one p-value per comparison, always from the difference of means, and the interval of the lift inverts
//! the same test, so a p-value and an interval never disagree.
//!
//! ```
//! use splitlight_stats::{Kind, LiftInterval, Method, Moments, compare};
//!
//! let control = Moments::conversions(2_000, 40);
//! let variation = Moments::conversions(2_000, 60);
//! let result = compare(&control, &variation, Kind::Proportion, Method::Welch, 0.95)?;
//! assert!(result.p_value < 0.05);
//! assert!(matches!(result.lift_interval, LiftInterval::Bounded(low, _) if low > 0.0));
//! # Ok::<(), splitlight_stats::NotEnoughData>(())
//! ```

pub mod always_valid;
pub mod bayes;
mod compare;
mod estimate;
pub mod exact;
mod invalid;
pub mod lift;
mod moments;
mod sample_ratio;
pub mod sequential;
pub mod special;
mod test_result;
pub mod welch;

pub use compare::{Comparison, Method, NotEnoughData, Procedure, compare};
pub use estimate::{Alternative, Estimate};
pub use invalid::Invalid;
pub use lift::LiftInterval;
pub use moments::{Kind, Moments, Sample};
pub use sample_ratio::{EXPECTED_MIN, MISMATCH_P_VALUE, SampleRatio, sample_ratio};
pub use test_result::TestResult;
