//! Visitors who met more than one variation.

use crate::proportion::{Conversions, wilson};

/// A share of visitors from which on results are in doubt (`GrowthBook` warns at the same share).
pub const MULTIPLE_EXPOSURE_MAX: f64 = 0.01;

/// Fewer visitors than this say nothing about a share of one in a hundred.
pub const VISITORS_MIN: u64 = 10;

/// How many visitors met more than one variation of an experiment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MultipleExposure {
    /// Their share of all visitors, 0 to 1.
    pub share: f64,
    /// Wilson's interval of the share, with a confidence of 0.95.
    pub interval: (f64, f64),
    /// The share is [`MULTIPLE_EXPOSURE_MAX`] or more of at least [`VISITORS_MIN`] visitors.
    pub flagged: bool,
}

/// The share of visitors who met more than one variation: `several` of `visitors`, whom both numbers count once.
///
/// More of them than visitors count as all. Formula of the interval: Wilson (1927).
///
/// ```
/// use splitlight_stats::sample_ratio::multiple_exposure;
///
/// assert!(multiple_exposure(30, 2_000).flagged);
/// assert!(!multiple_exposure(3, 2_000).flagged);
/// ```
pub fn multiple_exposure(several: u64, visitors: u64) -> MultipleExposure {
    if visitors == 0 {
        return MultipleExposure { share: 0.0, interval: (0.0, 1.0), flagged: false };
    }
    let (several, n) = (several.min(visitors) as f64, visitors as f64);
    let share = several / n;
    let interval = wilson(&Conversions { converted: several, n }, 0.05);
    MultipleExposure { share, interval, flagged: visitors >= VISITORS_MIN && share >= MULTIPLE_EXPOSURE_MAX }
}
