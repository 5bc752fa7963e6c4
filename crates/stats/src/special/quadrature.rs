//! Integrals of smooth functions, exact to rounding: Gauss and Legendre's rule on panels.

/// Positive nodes on [-1, 1] and their weights, for 16 points (Abramowitz & Stegun table 25.4).
const NODES: [(f64, f64); 8] = [
    (0.095_012_509_837_637_44, 0.189_450_610_455_068_5),
    (0.281_603_550_779_258_9, 0.182_603_415_044_923_58),
    (0.458_016_777_657_227_37, 0.169_156_519_395_002_54),
    (0.617_876_244_402_643_8, 0.149_595_988_816_576_74),
    (0.755_404_408_355_003, 0.124_628_971_255_533_88),
    (0.865_631_202_387_831_8, 0.095_158_511_682_492_79),
    (0.944_575_023_073_232_6, 0.062_253_523_938_647_894),
    (0.989_400_934_991_649_9, 0.027_152_459_411_754_096),
];

/// Exponents further down cannot change a sum of which the largest has exponent 0.
const EXPONENT_MIN: f64 = -42.0;

/// Panels of the integrals of tails: each is at most 6 decay lengths long, for which 16 points are exact to 1e-20.
const TAIL_PANELS: u32 = 8;

/// Nodes and weights for the integral from `low` to `high`, cut into `panels` of equal length.
pub(crate) fn nodes(low: f64, high: f64, panels: u32) -> impl Iterator<Item = (f64, f64)> {
    let half = 0.5 * (high - low) / f64::from(panels);
    (0..panels).flat_map(move |panel| {
        let middle = low + half * f64::from(2 * panel + 1);
        let pair = move |(x, weight): (f64, f64)| {
            [(middle - half * x, half * weight), (middle + half * x, half * weight)]
        };
        NODES.into_iter().flat_map(pair)
    })
}

/// The integral of `f` from `low` to `high`, for an `f` that is smooth on each of the panels.
pub(crate) fn integrate(low: f64, high: f64, panels: u32, f: impl Fn(f64) -> f64) -> f64 {
    nodes(low, high, panels).map(|(x, weight)| weight * f(x)).sum()
}

/// The integral of `exp(h(u))` from 0 to `end`, for a concave `h` with `h(0) = 0` that falls from `scale` on at the latest.
pub(super) fn tail(scale: f64, end: f64, h: impl Fn(f64) -> f64) -> f64 {
    let mut far = scale.min(end);
    // At most 60 doublings, since a concave function that falls does so at least linearly.
    for _ in 0..60 {
        if far >= end || h(far) < EXPONENT_MIN {
            break;
        }
        far = (2.0 * far).min(end);
    }
    // The last doubling went up to four times too far down; what is sampled should be where the sum is.
    let mut near = 0.5 * far;
    for _ in 0..4 {
        let middle = 0.5 * (near + far);
        if h(middle) < EXPONENT_MIN {
            far = middle;
        } else {
            near = middle;
        }
    }
    integrate(0.0, far, TAIL_PANELS, |u| libm::exp(h(u)))
}
