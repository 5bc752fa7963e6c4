//! Non-inferiority: whether a variation is surely not worse than control by more than a margin.

use serde::{Deserialize, Serialize};

use crate::special::{student_t_ln_sf, student_t_sf, student_t_upper_quantile};
use crate::{Contrast, Effect, Estimate, NotEnoughData};

/// Which way a metric should go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// More is better.
    #[default]
    Increase,
    /// Less is better.
    Decrease,
}

/// What the test against a margin says.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NonInferiority {
    /// The margin in the unit of the metric.
    pub margin: f64,
    /// Student's t of the distance from the margin, above 0 on its good side.
    pub t: f64,
    /// Degrees of freedom of Student's t.
    pub dof: f64,
    /// Chance of as much distance from the margin, were the variation worse by just the margin; 0 to 1.
    pub p_value: f64,
    /// Its natural logarithm.
    pub ln_p_value: f64,
    /// The difference that is surely not undercut (or exceeded, where less is better) at the level asked for.
    pub bound: f64,
    /// The larger p-value of this and of "surely not better by more than the margin": two one-sided tests.
    pub equivalence_p_value: f64,
}

/// Tests that the variation is not worse than control by more than `margin`, a share of the control mean of at least 0,
/// with an error of `alpha` on one side.
///
/// Formula: `t = (d + M) / error` where more is better, `(M - d) / error` where less is, `M = margin |control mean|`
/// (as Spotify's guardrail metrics); two one-sided tests for equivalence (Schuirmann 1987).
///
/// # Errors
/// [`NotEnoughData::NoVariance`] where a variation does not vary, [`NotEnoughData::InvalidSettings`] where the margin or
/// `alpha` is out of range, [`NotEnoughData::ImpossibleMoments`] where a number is too large to be squared.
///
/// ```
/// use splitlight_stats::{Contrast, Direction, Sample, non_inferiority};
///
/// let control = Sample { n: 10_000.0, mean: 10.0, variance: 100.0 };
/// let variation = Sample { n: 10_000.0, mean: 9.95, variance: 100.0 };
/// let contrast = Contrast::between(&control.into(), &variation.into());
/// let test = non_inferiority(&contrast, 0.05, Direction::Increase, 0.05)?;
/// assert!(test.margin == 0.5 && test.p_value < 0.001 && test.bound > -0.5);
/// # Ok::<(), splitlight_stats::NotEnoughData>(())
/// ```
pub fn non_inferiority(
    contrast: &Contrast,
    margin: f64,
    direction: Direction,
    alpha: f64,
) -> Result<NonInferiority, NotEnoughData> {
    if !(margin >= 0.0 && margin.is_finite() && 0.0 < alpha && alpha < 1.0) {
        return Err(NotEnoughData::InvalidSettings);
    }
    let Effect { estimate: Estimate { value, standard_error }, dof } = contrast.absolute()?;
    let margin = margin * contrast.baseline.abs();
    let sign = if direction == Direction::Increase { 1.0 } else { -1.0 };
    let gain = sign * value;
    let distance = |value: f64| Estimate { value, standard_error }.z();
    let (Ok(t), Ok(beyond)) = (distance(gain + margin), distance(margin - gain)) else {
        return Err(NotEnoughData::ImpossibleMoments);
    };
    let p_value = student_t_sf(t, dof);
    let half = student_t_upper_quantile(alpha, dof) * standard_error;
    let bound = value - sign * half;
    if !bound.is_finite() {
        return Err(NotEnoughData::InvalidSettings);
    }
    Ok(NonInferiority {
        margin,
        t,
        dof,
        p_value,
        ln_p_value: student_t_ln_sf(t, dof),
        bound,
        equivalence_p_value: p_value.max(student_t_sf(beyond, dof)),
    })
}
