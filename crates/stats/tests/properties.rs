//! Laws that hold for every input: merging, agreement of p-value and interval, and no NaN anywhere.

use proptest::prelude::*;
use splitlight_stats::proportion::newcombe;
use splitlight_stats::{
    Comparison, Conversions, Kind, LiftInterval, Method, Moments, NotEnoughData, Procedure, compare,
    fisher_ln_p, sample_ratio, special,
};

fn any_moments() -> impl Strategy<Value = Moments> {
    let count = prop_oneof![0_i64..5, 0_i64..100_000, 0_i64..1 << 53, any::<i64>()];
    let sum = prop_oneof![-3_i128..3, -1_000_000_i128..1_000_000, any::<i128>()];
    let squares = prop_oneof![0_i128..9, 0_i128..1_000_000_000_000, any::<i128>()];
    (count, sum, squares).prop_map(|(n, sum, squares)| Moments::new(n, sum, squares))
}

/// Moments of real values: a few visitors with the given amounts, the others with 0.
fn possible_means() -> impl Strategy<Value = Moments> {
    (2_i64..100_000, prop::collection::vec(-20_000_i64..200_000, 0..20)).prop_map(|(n, values)| {
        let n = n.max(i64::try_from(values.len()).expect("fits"));
        let sum = values.iter().map(|&v| i128::from(v)).sum();
        Moments::new(n, sum, values.iter().map(|&v| i128::from(v) * i128::from(v)).sum())
    })
}

fn possible_proportions() -> impl Strategy<Value = Moments> {
    let n = prop_oneof![1_i64..30, 1_i64..200_000, 1_i64..1_000_000_000];
    (n, prop_oneof![Just(0.0), Just(1.0), 0.0..0.05, 0.0..1.0]).prop_map(|(n, share)| {
        #[expect(clippy::cast_possible_truncation, reason = "a share of n is at most n")]
        let converted = (n as f64 * share) as i64;
        Moments::conversions(n, converted)
    })
}

fn any_method() -> impl Strategy<Value = Method<'static>> {
    prop_oneof![
        Just(Method::Welch),
        (2.0..1e7).prop_map(|planned_total| Method::AlwaysValid { planned_total }),
        any::<f64>().prop_map(|planned_total| Method::AlwaysValid { planned_total }),
    ]
}

fn any_confidence() -> impl Strategy<Value = f64> {
    prop_oneof![Just(0.95), 0.5..1.0, Just(1.0 - f64::EPSILON), any::<f64>()]
}

fn assert_finite(result: &Comparison) {
    let (low, high) = result.difference_interval;
    let (means, lift) = ([result.control_mean, result.variation_mean], result.lift.unwrap_or(0.0));
    let numbers = [result.ln_p_value, result.difference, low, high, lift, means[0], means[1]];
    assert!(numbers.iter().all(|x| x.is_finite()), "{result:?}");
    assert!((0.0..=1.0).contains(&result.p_value) && result.ln_p_value <= 0.0, "{result:?}");
    assert!(low <= high, "{result:?}");
    if let LiftInterval::Bounded(low, high) = result.lift_interval {
        assert!(low.is_finite() && low <= high && high.is_finite(), "{result:?}");
    }
}

fn excludes_zero((low, high): (f64, f64)) -> bool {
    low > 0.0 || high < 0.0
}

fn assert_agrees(result: &Comparison) {
    assert_finite(result);
    let alpha = 1.0 - result.confidence;
    // At a tie of the p-value with alpha rounding decides, and either side is right.
    if (result.p_value / alpha - 1.0).abs() > 1e-9 {
        assert_eq!(result.p_value < alpha, excludes_zero(result.difference_interval), "{result:?}");
    }
    if matches!(result.lift_interval, LiftInterval::Bounded(..) | LiftInterval::Outside(..)) {
        let apart = excludes_zero(result.difference_interval);
        assert_eq!(result.lift_interval.excludes_zero(), apart, "{result:?}");
    }
    if let LiftInterval::Bounded(low, high) = result.lift_interval {
        let lift = result.lift.expect("a bounded interval has a lift");
        // An interval without width is met up to rounding.
        let slack = 1e-9 * (high - low) + 1e-14 * lift.abs();
        assert!(low - slack <= lift && lift <= high + slack, "{result:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn merging_is_commutative_and_associative(a in any_moments(), b in any_moments(), c in any_moments()) {
        prop_assert_eq!(a.merge(b), b.merge(a));
        prop_assert_eq!(a.merge(b).merge(c), a.merge(b.merge(c)));
        prop_assert_eq!(a.merge(Moments::default()), a);
    }

    #[test]
    fn any_input_gives_finite_numbers_or_a_reason(
        a in any_moments(), b in any_moments(), proportion in any::<bool>(),
        method in any_method(), confidence in any_confidence(),
    ) {
        let kind = if proportion { Kind::Proportion } else { Kind::Mean };
        if let Ok(result) = compare(&a, &b, kind, method, confidence) {
            assert_finite(&result);
        }
    }

    #[test]
    fn intervals_agree_with_p_values_for_means(
        a in possible_means(), b in possible_means(), method in any_method(), confidence in 0.5..0.9999,
    ) {
        match compare(&a, &b, Kind::Mean, method, confidence) {
            Ok(result) => assert_agrees(&result),
            Err(NotEnoughData::NoVariance) => prop_assert!(a.sum == 0 && b.sum == 0),
            Err(reason) => prop_assert_eq!(reason, NotEnoughData::InvalidSettings),
        }
    }

    #[test]
    fn intervals_agree_with_p_values_for_proportions(
        a in possible_proportions(), b in possible_proportions(), method in any_method(), confidence in 0.5..0.9999,
    ) {
        match compare(&a, &b, Kind::Proportion, method, confidence) {
            Ok(result) => assert_agrees(&result),
            Err(reason) => prop_assert!(method != Method::Welch, "{reason:?}"),
        }
    }

    #[test]
    fn swapping_the_variations_mirrors_the_difference(a in possible_means(), b in possible_means()) {
        let compare = |a, b| compare(a, b, Kind::Mean, Method::Welch, 0.95);
        if let (Ok(there), Ok(back)) = (compare(&a, &b), compare(&b, &a)) {
            prop_assert_eq!(there.difference.to_bits(), (0.0 - back.difference).to_bits());
            prop_assert!((there.p_value - back.p_value).abs() <= 1e-12 * there.p_value);
        }
    }

    #[test]
    fn quantile_inverts_the_tail(ln_tail in -600.0..-0.7, ln_dof in 0.0..43.0) {
        let (tail, dof) = (f64::exp(ln_tail), f64::exp(ln_dof));
        let t = special::student_t_upper_quantile(tail, dof);
        // The quantile stops at 1e150, which only a Cauchy-like tail reaches.
        prop_assume!(t < 1e150);
        prop_assert!((special::student_t_ln_sf(t, dof) - ln_tail).abs() < 1e-11 * ln_tail.abs().max(1.0));
    }

    #[test]
    fn sample_ratio_is_never_nan(
        observed in prop::collection::vec(any::<u64>(), 0..6), weights in prop::collection::vec(any::<f64>(), 0..6),
    ) {
        let result = sample_ratio(&observed, &weights);
        prop_assert!((0.0..=1.0).contains(&result.p_value), "{result:?}");
        prop_assert!(result.chi_square >= 0.0 && result.expected.iter().all(|n| n.is_finite()), "{result:?}");
        prop_assert_eq!(result.expected.len(), observed.len());
    }
}

#[test]
fn exact_p_values_and_intervals_agree_on_every_small_table() {
    let mut tables = 0;
    for n in 1..=60_i64 {
        for m in [1, 2, 5, 10, 25, 60, 250, 1_000, 20_000] {
            for converted in 0..=m.min(80) {
                for alpha in [0.01, 0.05, 0.1, 0.2] {
                    let (a, b) = (Moments::conversions(n, 0), Moments::conversions(m, converted));
                    let result = compare(&a, &b, Kind::Proportion, Method::Welch, 1.0 - alpha);
                    let result = result.expect("proportions always have a result");
                    assert_eq!(result.method, Procedure::Exact);
                    assert_agrees(&result);
                    tables += 1;
                }
            }
        }
    }
    println!("{tables} tables");
}

#[test]
fn the_exact_test_ends_for_a_billion_visitors() {
    let control = Conversions { converted: 3e8, n: 1e9 };
    let variation = Conversions { converted: 3.000_2e8, n: 1e9 };
    let ln_p = fisher_ln_p(&control, &variation);
    let z = 2e4 / 4.2e8_f64.sqrt();
    assert!((ln_p.exp() / (2.0 * special::normal_sf(z)) - 1.0).abs() < 0.01, "{ln_p}");
    assert!(newcombe(&control, &variation, 0.05).0.is_finite());
}

#[test]
fn a_dead_variation_is_noticed_while_peeking() {
    let control = Moments::conversions(5_000, 250);
    let dead = Moments::conversions(5_000, 0);
    let method = Method::AlwaysValid { planned_total: 20_000.0 };
    let result = compare(&control, &dead, Kind::Proportion, method, 0.95).expect("a result");
    assert!(result.p_value < 1e-6 && result.lift == Some(-1.0));
}

#[test]
fn reasons_name_what_is_missing() {
    let compare =
        |a, b, confidence| compare(&a, &b, Kind::Mean, Method::Welch, confidence).map(|r| r.difference);
    let moments = Moments::new;
    let (one, flat, fine) = (moments(1, 5, 25), moments(3, 6, 12), moments(3, 6, 14));
    assert_eq!(compare(one, fine, 0.95), Err(NotEnoughData::TooFewVisitors));
    assert_eq!(compare(flat, flat, 0.95), Err(NotEnoughData::NoVariance));
    assert_eq!(compare(moments(3, 6, 11), fine, 0.95), Err(NotEnoughData::ImpossibleMoments));
    assert_eq!(compare(fine, fine, 1.0), Err(NotEnoughData::InvalidSettings));
    assert_eq!(compare(fine, fine, 0.95), Ok(0.0));
}
