//! Why a question has no answer.

use core::fmt;

/// What is wrong with an argument; the functions that answer it answer finite numbers to everything else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Invalid {
    /// The false positive rate is not between 0 and 1, or not below 0.5 where one direction is tested.
    Alpha,
    /// The wanted power is not between the false positive rate and 1.
    Power,
    /// A number of visitors, days or looks is not positive or beyond 2^53, where it is no longer exact as a float.
    Count,
    /// There are more conversions than visitors, or fewer than none.
    Conversions,
    /// A value is not finite, or its magnitude is beyond 1e150, where its square would no longer be.
    Value,
    /// A standard error, deviation or variance is not positive, or outside of 1e-150 to 1e150.
    Spread,
    /// A share, rate or fraction is not between 0 and 1.
    Share,
    /// There are too few or too many variations, looks or weights.
    Length,
    /// A weight is negative or not finite, or no weight is positive.
    Weight,
    /// The planned looks do not rise from above 0 to at most 1.
    Order,
    /// The prior is not a distribution: its parameters are not positive or not finite.
    Prior,
    /// No effect is large enough, or no number of visitors is, for what is asked.
    Unreachable,
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Alpha => "the false positive rate is out of range",
            Self::Power => "the power is not between the false positive rate and 1",
            Self::Count => "a count is not positive or too large to be exact",
            Self::Conversions => "more conversions than visitors, or fewer than none",
            Self::Value => "a value is not finite or too large to be squared",
            Self::Spread => "a standard error, deviation or variance is not positive",
            Self::Share => "a share is not between 0 and 1",
            Self::Length => "too few or too many variations, looks or weights",
            Self::Weight => "a weight is negative or not finite, or none is positive",
            Self::Order => "the looks do not rise from above 0 to at most 1",
            Self::Prior => "the prior is not a distribution",
            Self::Unreachable => "no effect and no number of visitors is enough",
        })
    }
}

impl core::error::Error for Invalid {}

/// Beyond this a square is no longer finite, or no longer above 0.
const MAGNITUDE_MAX: f64 = 1e150;

/// Counts beyond 2^53 are no longer exact as floats.
const COUNT_MAX: f64 = 9_007_199_254_740_992.0;

/// A value whose square is finite.
pub(crate) fn value(x: f64) -> Result<f64, Invalid> {
    if x.abs() <= MAGNITUDE_MAX { Ok(x) } else { Err(Invalid::Value) }
}

/// A positive number whose square is finite and positive.
pub(crate) fn spread(x: f64) -> Result<f64, Invalid> {
    if (1.0 / MAGNITUDE_MAX..=MAGNITUDE_MAX).contains(&x) { Ok(x) } else { Err(Invalid::Spread) }
}

/// A number of visitors, at least 1.
pub(crate) fn count(n: f64) -> Result<f64, Invalid> {
    if (1.0..=COUNT_MAX).contains(&n) { Ok(n) } else { Err(Invalid::Count) }
}

/// A false positive rate below `end`, which is 1, or 0.5 where one direction is tested.
pub(crate) fn alpha_below(alpha: f64, end: f64) -> Result<f64, Invalid> {
    if (f64::MIN_POSITIVE..end).contains(&alpha) { Ok(alpha) } else { Err(Invalid::Alpha) }
}

/// A false positive rate of both directions together.
pub(crate) fn alpha(alpha: f64) -> Result<f64, Invalid> {
    alpha_below(alpha, 1.0)
}

/// A rate between 0 and 1, both excluded.
pub(crate) fn share(x: f64) -> Result<f64, Invalid> {
    if 0.0 < x && x < 1.0 { Ok(x) } else { Err(Invalid::Share) }
}
