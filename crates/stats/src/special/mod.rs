//! Special functions with full relative accuracy in both tails, because no crate has them for large samples.
//!
//! `statrs` 0.18 hangs on Student's t above 1e8 degrees of freedom and `puruspe` 0.4 is 11 % off at 1e9;
//! an experiment on a busy site gets there within weeks. Everything here is a bounded loop over `libm`,
//! so the same bits come out on every target. NaN is answered with NaN, everything else with a number.

mod beta;
mod gamma;
mod normal;
pub(crate) mod quadrature;
mod student;

pub(crate) use beta::{beta_ln_tails, ln_logit_density, power_of_counts, shares};
pub(crate) use gamma::{gamma_ln_tails, ln_minus_linear, stirling_error};

pub use beta::{beta_quantile, beta_regularized, beta_upper_quantile, f_ln_sf, f_sf};
pub use gamma::{chi_square_ln_sf, chi_square_sf, gamma_upper_regularized};
pub use normal::{normal_cdf, normal_ln_sf, normal_quantile, normal_sf};
pub use student::{
    student_t_cdf, student_t_ln_sf, student_t_quantile, student_t_sf, student_t_upper_quantile,
};

/// Shapes from here on are integrated: the 130 points cost less than the `8 sqrt(a)` steps of a series or fraction.
const SHAPE_LARGE: f64 = 10_000.0;

/// Largest shape: far beyond this the spread around the mean is no longer seen in the argument.
const SHAPE_MAX: f64 = 1e16;

/// Most steps a series or fraction takes.
const STEPS_MAX: u32 = 10_000;

/// Relative size below which a further step cannot change an `f64`.
const NEGLIGIBLE: f64 = 1e-16;

/// Replaces a zero denominator in a continued fraction (Lentz 1976), small but with a finite inverse.
const TINY: f64 = 1e-290;

/// Evaluates `b0 + a1/(b1 + a2/(b2 + ...))` by the modified Lentz method.
fn continued_fraction(first: f64, step: impl Fn(f64) -> (f64, f64)) -> f64 {
    let non_zero = |x: f64| if x == 0.0 { TINY } else { x };
    let mut value = non_zero(first);
    let (mut c, mut d) = (value, 0.0);
    for m in 1..STEPS_MAX {
        let (numerator, denominator) = step(f64::from(m));
        d = 1.0 / non_zero(denominator + numerator * d);
        c = non_zero(denominator + numerator / c);
        let change = c * d;
        value *= change;
        if (change - 1.0).abs() <= 2.0 * NEGLIGIBLE {
            break;
        }
    }
    value
}
