//! An estimated effect, and the direction that is asked about.

use crate::Invalid;
use crate::invalid::{spread, value};

/// An estimate that is normal to a good approximation: a difference, a lift, or anything else with a standard error.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// The estimated effect, in any unit; its magnitude is at most 1e150.
    pub value: f64,
    /// Its standard error, in the same unit, 1e-150 to 1e150.
    pub standard_error: f64,
}

impl Estimate {
    /// The estimate in standard errors.
    ///
    /// # Errors
    ///
    /// [`Invalid::Value`] and [`Invalid::Spread`] when a number is out of its range.
    ///
    /// ```
    /// use splitlight_stats::{Estimate, Invalid};
    ///
    /// assert_eq!(Estimate { value: 3.0, standard_error: 2.0 }.z(), Ok(1.5));
    /// assert_eq!(Estimate { value: 3.0, standard_error: 0.0 }.z(), Err(Invalid::Spread));
    /// ```
    pub fn z(&self) -> Result<f64, Invalid> {
        // A larger one says the same, and its square stays finite.
        Ok((value(self.value)? / spread(self.standard_error)?).clamp(-1e150, 1e150))
    }
}

/// Which effects speak against "no effect".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Alternative {
    /// Any effect.
    #[default]
    TwoSided,
    /// Only one above 0; intervals have no upper end.
    Greater,
    /// Only one below 0; intervals have no lower end.
    Less,
}

impl Alternative {
    /// An interval of which only the ends that the alternative has are kept; the others are infinite.
    pub(crate) fn interval(self, value: f64, half: f64) -> (f64, f64) {
        match self {
            Self::TwoSided => (value - half, value + half),
            Self::Greater => (value - half, f64::INFINITY),
            Self::Less => (f64::NEG_INFINITY, value + half),
        }
    }

    /// A statistic turned so that large values speak against "no effect".
    pub(crate) fn toward(self, z: f64) -> f64 {
        match self {
            Self::TwoSided => z.abs(),
            Self::Greater => z,
            Self::Less => -z,
        }
    }
}
