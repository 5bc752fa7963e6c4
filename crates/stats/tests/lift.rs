//! The interval of the lift is the set of lifts that the test does not reject, tried one by one.

use proptest::prelude::*;
use splitlight_stats::always_valid::Plan;
use splitlight_stats::{
    Alternative, Contrast, Kind, LiftInterval, Measured, Moments, PairMoments, Sample, Theta,
};

fn any_sample() -> impl Strategy<Value = Measured> {
    let mean = prop_oneof![-5.0..5.0, -0.1..0.1, 0.5..2.0];
    (2.0..50_000.0, mean, 0.01..400.0)
        .prop_map(|(n, mean, variance): (f64, f64, f64)| Sample { n: n.floor(), mean, variance }.into())
}

/// Spending before and after, which go together more or less.
fn any_adjusted() -> impl Strategy<Value = (Measured, Measured)> {
    let visitors = prop::collection::vec((0_i64..2_000, 0_i64..500), 8..40);
    (visitors.clone(), visitors, 1_i64..4).prop_map(|(a, b, follow)| {
        let pair = |visitors: &[(i64, i64)]| {
            let one = Moments { n: 1, ..Moments::default() };
            let visitor = PairMoments { first: one, second: one, ..PairMoments::default() };
            visitors.iter().fold(PairMoments::default(), |sum, (before, more)| {
                sum.merge(visitor).merge(PairMoments::gain((0, 0), (before * follow + more, *before)))
            })
        };
        let (a, b) = (pair(&a), pair(&b));
        let theta = Theta::of_means(&a, &b, Kind::Mean, Kind::Mean).expect("possible sums");
        let of = |pair| Measured::adjusted(pair, Kind::Mean, Kind::Mean, theta).expect("possible sums");
        (of(&a), of(&b))
    })
}

/// How many standard errors "the difference is `lift` times the control mean" is off, from the definition of both.
fn distance(control: &Measured, variation: &Measured, lift: f64) -> f64 {
    let signed = if control.mean < 0.0 { -lift } else { lift };
    let (a, b) = (control.sample, variation.sample);
    let off = b.mean - a.mean - signed * control.mean;
    // b - a - L m, where a is the adjusted and m the plain mean of the same visitors.
    let of_control = a.variance + 2.0 * signed * control.covariance + signed * signed * control.variance;
    off.abs() / (b.variance / b.n + of_control / a.n).sqrt()
}

fn assert_inverts(control: &Measured, variation: &Measured, multiplier: f64) {
    let contrast = Contrast::between(control, variation);
    let interval = contrast.lift_interval(multiplier);
    for step in -4_000_i32..4_000 {
        let lift = f64::from(step) / 200.0;
        let (off, within) = (
            distance(control, variation, lift),
            match interval {
                LiftInterval::Bounded(low, high) => low <= lift && lift <= high,
                LiftInterval::Outside(low, high) => lift <= low || high <= lift,
                LiftInterval::Unbounded => true,
                LiftInterval::Undefined => return,
            },
        );
        // At the very end rounding decides.
        if (off / multiplier - 1.0).abs() > 1e-6 {
            assert_eq!(within, off < multiplier, "{lift} is {off} off: {interval:?} of {contrast:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn of_means(a in any_sample(), b in any_sample(), multiplier in 0.5..6.0) {
        assert_inverts(&a, &b, multiplier);
    }

    #[test]
    fn of_means_that_a_covariate_adjusts((a, b) in any_adjusted(), multiplier in 0.5..6.0) {
        assert_inverts(&a, &b, multiplier);
    }

    #[test]
    fn of_a_test_at_any_time(a in any_sample(), b in any_sample(), planned in 100.0..100_000.0) {
        let plan = Plan::new(0.05, planned, Alternative::TwoSided).expect("a plan");
        let multiplier = plan.multiplier(a.sample.n + b.sample.n).expect("visitors");
        assert_inverts(&a, &b, multiplier);
    }
}

#[test]
fn a_control_near_zero_has_an_interval_with_a_hole() {
    let control = Sample { n: 100.0, mean: 0.1, variance: 1.0 }.into();
    let variation = Sample { n: 100.0, mean: 1.0, variance: 1.0 }.into();
    let contrast = Contrast::between(&control, &variation);
    // The difference is far from 0, so a lift of 0 is excluded, though no lift is too large.
    assert!(contrast.difference - 1.96 * contrast.squared_error.sqrt() > 0.0);
    let LiftInterval::Outside(low, high) = contrast.lift_interval(1.96) else { panic!("{contrast:?}") };
    assert!(low < 0.0 && high > 1.0, "{low} to {high}");
    let nothing = Sample { n: 100.0, mean: 0.0, variance: 1.0 }.into();
    assert_eq!(Contrast::between(&nothing, &variation).lift_interval(1.96), LiftInterval::Undefined);
}
