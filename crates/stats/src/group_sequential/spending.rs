//! How the false positive rate is spread over the looks.

use crate::Invalid;
use crate::special::{normal_quantile, normal_sf};

/// The part of the false positive rate that may be spent up to each part of the information.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Spending {
    /// Next to nothing early, nearly everything at the end: per side `2 (1 - Phi(z / sqrt(t)))` with the normal quantile
    /// `z` of a quarter of the two-sided rate (Lan and `DeMets` 1983, after O'Brien and Fleming 1979).
    OBrienFleming,
    /// About the same at every look: `alpha ln(1 + (e - 1) t)` (Lan and `DeMets` 1983, after Pocock 1977).
    Pocock,
    /// `alpha t^phi`, for `phi` in [0.1, 20] (Kim and `DeMets` 1987); Spotify uses 2.
    Power(f64),
    /// `alpha (1 - e^(-gamma t)) / (1 - e^(-gamma))`, for `gamma` in [-50, 50] (Hwang, Shih and De Cani 1990); -4 is close
    /// to O'Brien and Fleming, 1 to Pocock.
    HwangShihDeCani(f64),
}

impl Spending {
    /// Whether the parameter is in its range.
    pub(super) fn check(self) -> Result<(), Invalid> {
        let fits = match self {
            Self::OBrienFleming | Self::Pocock => true,
            Self::Power(phi) => (0.1..=20.0).contains(&phi),
            Self::HwangShihDeCani(gamma) => (-50.0..=50.0).contains(&gamma),
        };
        if fits { Ok(()) } else { Err(Invalid::Value) }
    }

    /// The rate that is spent at the part `t` of the information, 0 to `alpha`.
    pub(super) fn spent(self, alpha: f64, t: f64, two_sided: bool) -> f64 {
        let sides = if two_sided { 2.0 } else { 1.0 };
        let spent = match self {
            Self::OBrienFleming => {
                let z = -normal_quantile(0.5 * alpha / sides);
                sides * 2.0 * normal_sf(z / libm::sqrt(t))
            }
            Self::Pocock => alpha * libm::log1p((core::f64::consts::E - 1.0) * t),
            Self::Power(phi) => alpha * libm::pow(t, phi),
            Self::HwangShihDeCani(gamma) if gamma.abs() < 1e-9 => alpha * t,
            Self::HwangShihDeCani(gamma) => alpha * (libm::expm1(-gamma * t) / libm::expm1(-gamma)),
        };
        if t >= 1.0 { alpha } else { spent.clamp(0.0, alpha) }
    }
}
