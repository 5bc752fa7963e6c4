//! The standard normal distribution: both tails, the logarithm of a tail, and the quantile.

use core::f64::consts::{FRAC_1_SQRT_2, PI};

/// Beyond this `normal_sf` nears the smallest `f64`, and the asymptotic series is exact to 1e-14.
const FAR_TAIL: f64 = 30.0;

/// P(Z <= x) for a standard normal Z, any real `x`.
///
/// Formula: `erfc(-x / sqrt(2)) / 2` (Abramowitz & Stegun 7.1.22).
///
/// ```
/// assert_eq!(splitlight_stats::special::normal_cdf(0.0), 0.5);
/// ```
pub fn normal_cdf(x: f64) -> f64 {
    0.5 * libm::erfc(-x * FRAC_1_SQRT_2)
}

/// P(Z > x) for a standard normal Z, accurate where `1 - cdf` is zero.
///
/// Formula: `erfc(x / sqrt(2)) / 2` (Abramowitz & Stegun 7.1.22).
///
/// ```
/// assert!(splitlight_stats::special::normal_sf(20.0) > 2.7e-89);
/// ```
pub fn normal_sf(x: f64) -> f64 {
    normal_cdf(-x)
}

/// ln P(Z > x) for a standard normal Z; stays finite where the probability itself underflows.
///
/// Formula beyond 30: the asymptotic series of the Mills ratio (Abramowitz & Stegun 26.2.12).
///
/// ```
/// let ln_p = splitlight_stats::special::normal_ln_sf(100.0);
/// assert!((ln_p + 5005.524208694205).abs() < 1e-9);
/// ```
pub fn normal_ln_sf(x: f64) -> f64 {
    if x < 0.0 {
        return libm::log1p(-normal_cdf(x));
    }
    if x < FAR_TAIL {
        return libm::log(normal_sf(x));
    }
    let w = 1.0 / (x * x);
    let correction = -w * (1.0 - 3.0 * w * (1.0 - 5.0 * w * (1.0 - 7.0 * w * (1.0 - 9.0 * w))));
    -0.5 * x * x - libm::log(x) - 0.5 * libm::log(2.0 * PI) + libm::log1p(correction)
}

/// The `x` with P(Z <= x) = `p`, for 0 < `p` < 1; `-inf` at or below 0 and `inf` at or above 1.
///
/// Formula: algorithm AS 241, PPND16 (Wichura 1988), relative error about 1e-16. For a small upper tail
/// negate the quantile of the tail, which keeps the digits that `1 - tail` would drop.
///
/// ```
/// let z = splitlight_stats::special::normal_quantile(0.975);
/// assert!((z - 1.959963984540054).abs() < 1e-15);
/// ```
pub fn normal_quantile(p: f64) -> f64 {
    if p <= 0.0 {
        return f64::NEG_INFINITY;
    }
    if p >= 1.0 {
        return f64::INFINITY;
    }
    let q = p - 0.5;
    if q.abs() <= 0.425 {
        let r = 0.180_625 - q * q;
        return q * polynomial(&CENTER[0], r) / polynomial(&CENTER[1], r);
    }
    let r = libm::sqrt(-libm::log(if q < 0.0 { p } else { 1.0 - p }));
    let x = if r <= 5.0 {
        polynomial(&TAIL[0], r - 1.6) / polynomial(&TAIL[1], r - 1.6)
    } else {
        polynomial(&FAR[0], r - 5.0) / polynomial(&FAR[1], r - 5.0)
    };
    if q < 0.0 { -x } else { x }
}

/// Horner's rule, highest power first.
fn polynomial(coefficients: &[f64], x: f64) -> f64 {
    coefficients.iter().fold(0.0, |sum, c| sum * x + c)
}

/// AS 241, numerator and denominator for `|p - 0.5| <= 0.425`.
const CENTER: [[f64; 8]; 2] = [
    [
        2_509.080_928_730_122_7,
        33_430.575_583_588_13,
        67_265.770_927_008_7,
        45_921.953_931_549_87,
        13_731.693_765_509_46,
        1_971.590_950_306_551_3,
        133.141_667_891_784_38,
        3.387_132_872_796_366_5,
    ],
    [
        5_226.495_278_852_545,
        28_729.085_735_721_943,
        39_307.895_800_092_71,
        21_213.794_301_586_597,
        5_394.196_021_424_751,
        687.187_007_492_057_9,
        42.313_330_701_600_91,
        1.0,
    ],
];

/// AS 241, numerator and denominator for tails down to about 1e-11.
const TAIL: [[f64; 8]; 2] = [
    [
        7.745_450_142_783_414e-4,
        0.022_723_844_989_269_184,
        0.241_780_725_177_450_6,
        1.270_458_252_452_368_4,
        3.647_848_324_763_204_5,
        5.769_497_221_460_691,
        4.630_337_846_156_546,
        1.423_437_110_749_683_5,
    ],
    [
        1.050_750_071_644_416_9e-9,
        5.475_938_084_995_345e-4,
        0.015_198_666_563_616_457,
        0.148_103_976_427_480_08,
        0.689_767_334_985_1,
        1.676_384_830_183_803_8,
        2.053_191_626_637_759,
        1.0,
    ],
];

/// AS 241, numerator and denominator for tails down to 1e-316.
const FAR: [[f64; 8]; 2] = [
    [
        2.010_334_399_292_288_1e-7,
        2.711_555_568_743_487_6e-5,
        0.001_242_660_947_388_078_4,
        0.026_532_189_526_576_124,
        0.296_560_571_828_504_87,
        1.784_826_539_917_291_3,
        5.463_784_911_164_114,
        6.657_904_643_501_103,
    ],
    [
        2.044_263_103_389_939_8e-15,
        1.421_511_758_316_446e-7,
        1.846_318_317_510_054_8e-5,
        7.868_691_311_456_133e-4,
        0.014_875_361_290_850_615,
        0.136_929_880_922_735_8,
        0.599_832_206_555_887_9,
        1.0,
    ],
];
