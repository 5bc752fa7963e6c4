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

mod adjust;
pub mod always_valid;
pub mod bayes;
mod compare;
mod effect;
mod estimate;
mod exact;
pub mod group_sequential;
mod invalid;
mod joint;
pub mod lift;
mod margin;
mod measured;
mod metric;
mod moments;
pub mod power;
pub mod proportion;
mod quantile;
pub mod sample_ratio;
pub mod sequential;
mod sketch;
pub mod special;
pub mod strata;
mod test_result;
mod total;
pub mod verdict;
mod welch;
mod wide;

pub use adjust::{Adjustment, adjusted, adjusted_interval, preferential_levels};
pub use compare::{Comparison, Method, NotEnoughData, Procedure, compare, compare_measured};
pub use effect::{Contrast, Effect};
pub use estimate::{Alternative, Estimate};
pub use exact::fisher_ln_p;
pub use invalid::Invalid;
pub use joint::{PairMoments, RatioMoments};
pub use lift::LiftInterval;
pub use margin::{Direction, NonInferiority, non_inferiority};
pub use measured::{Measured, Theta};
pub use metric::{Capped, funnel_steps, retained};
pub use moments::{Kind, Moments, Sample};
pub use proportion::Conversions;
pub use quantile::{Quantile, quantile_visitor};
pub use sample_ratio::{EXPECTED_MIN, MISMATCH_P_VALUE, SampleRatio, sample_ratio};
pub use sketch::{SKETCH_ERROR, Sketch};
pub use test_result::TestResult;
pub use total::Total;
