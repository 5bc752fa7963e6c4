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

/// Panels of each end of a distribution's integral, where it falls by at most 42 in the exponent.
const END_PANELS: u32 = 3;

/// Golden sections that find a peak well enough, and those that find a steep one.
const PEAK_STEPS: u32 = 30;
const PEAK_STEPS_FAR: u32 = 75;

/// Logarithms below which an integral is far out, and below which it is zero.
const LN_SMALL: f64 = -300.0;
const LN_NOTHING: f64 = -750.0;

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

/// The integral of `exp(h(s))` over all real `s`, for a concave `h` whose bends are near the `breaks`.
///
/// The breaks are the centers and spreads of what `h` is made of: around each of them the panels are as narrow as the spread.
pub(crate) fn log_concave(breaks: &[(f64, f64)], h: impl Fn(f64) -> f64) -> f64 {
    const MULTIPLES: [f64; 11] = [-8.0, -6.0, -4.2, -2.8, -1.4, 0.0, 1.4, 2.8, 4.2, 6.0, 8.0];
    let mut edges: Vec<f64> =
        breaks.iter().flat_map(|(center, spread)| MULTIPLES.map(|k| center + k * spread)).collect();
    edges.sort_by(f64::total_cmp);
    edges.dedup();
    let Some((&first, &last)) = edges.first().zip(edges.last()) else { return 0.0 };
    let (mut peak, mut peak_at) = maximum(first, last, PEAK_STEPS, &h);
    if peak < LN_SMALL {
        // So far out a function may be very steep, and where its peak is must be known well.
        (peak, peak_at) = maximum(first, last, PEAK_STEPS_FAR, &h);
    }
    if peak < LN_NOTHING {
        return 0.0;
    }
    let relative = |s: f64| h(s) - peak;
    let (low, high) = (reach(peak_at, first, &relative), reach(peak_at, last, &relative));
    edges.retain(|edge| low < *edge && *edge < high);
    // The outermost panels are where an exponential tail may be long.
    let (inner_low, inner_high) = (edges.first().map_or(high, |e| *e), edges.last().map_or(low, |e| *e));
    let over = |from: f64, to: f64, panels: u32| integrate(from, to, panels, |s| libm::exp(relative(s)));
    let inside: f64 = edges.windows(2).map(|pair| over(pair[0], pair[1], 1)).sum();
    let ends = if edges.is_empty() {
        over(low, high, TAIL_PANELS)
    } else {
        over(low, inner_low, END_PANELS) + over(inner_high, high, END_PANELS)
    };
    libm::exp(peak) * (inside + ends)
}

/// The largest value of a concave function, and where it is, by golden sections.
fn maximum(low: f64, high: f64, steps: u32, h: &impl Fn(f64) -> f64) -> (f64, f64) {
    const GOLDEN: f64 = 0.618_033_988_749_894_9;
    let (mut low, mut high) = (low, high);
    let (mut a, mut b) = (high - GOLDEN * (high - low), low + GOLDEN * (high - low));
    let (mut at_a, mut at_b) = (h(a), h(b));
    for _ in 0..steps {
        if at_a < at_b {
            (low, a, at_a) = (a, b, at_b);
            b = low + GOLDEN * (high - low);
            at_b = h(b);
        } else {
            (high, b, at_b) = (b, a, at_a);
            a = high - GOLDEN * (high - low);
            at_a = h(a);
        }
    }
    if at_a > at_b { (at_a, a) } else { (at_b, b) }
}

/// How far from the peak a concave function matters, in the direction of `end`, which may be too near.
fn reach(peak_at: f64, end: f64, relative: &impl Fn(f64) -> f64) -> f64 {
    let (mut near, mut far) = (peak_at, end);
    for _ in 0..60 {
        if relative(far) < EXPONENT_MIN {
            break;
        }
        (near, far) = (far, far + 2.0 * (far - peak_at));
    }
    for _ in 0..8 {
        let middle = 0.5 * (near + far);
        if relative(middle) < EXPONENT_MIN {
            far = middle;
        } else {
            near = middle;
        }
    }
    far
}
