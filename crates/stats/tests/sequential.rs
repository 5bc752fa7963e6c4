//! Laws of what may be looked at often, of beliefs and of plans: each is checked against something else that is known.

use proptest::prelude::*;
use splitlight_stats::bayes::{BetaPosterior, NormalPrior, compare, thompson};
use splitlight_stats::group_sequential::{Plan, Spending};
use splitlight_stats::power::{Baseline, Design, Looks, Running};
use splitlight_stats::sample_ratio::{CONCENTRATION, split_evidence};
use splitlight_stats::{Alternative, Direction, Estimate, Sample, TestResult, always_valid, special};

fn any_alternative() -> impl Strategy<Value = Alternative> {
    prop_oneof![Just(Alternative::TwoSided), Just(Alternative::Greater), Just(Alternative::Less)]
}

fn any_spending() -> impl Strategy<Value = Spending> {
    prop_oneof![
        Just(Spending::OBrienFleming),
        Just(Spending::Pocock),
        (0.5..4.0).prop_map(Spending::Power),
        (-6.0..6.0).prop_map(Spending::HwangShihDeCani),
    ]
}

fn any_looks() -> impl Strategy<Value = Vec<f64>> {
    prop::collection::vec(0.01..1.0, 1..8).prop_map(|parts| {
        let sum: f64 = parts.iter().sum();
        let mut so_far = 0.0;
        let mut look = |part: f64| {
            so_far += part / sum;
            f64::min(so_far, 1.0)
        };
        parts.into_iter().map(&mut look).collect()
    })
}

fn assert_agrees(test: &TestResult, alpha: f64) {
    let (low, high) = test.interval();
    if (test.p_value / alpha - 1.0).abs() > 1e-7 {
        assert_eq!(test.p_value < alpha, low > 0.0 || high < 0.0, "{test:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn always_valid_p_values_and_intervals_agree(
        z in -9.0..9.0, alpha in 0.001..0.4, planned in 10.0..1e7, total in 2.0..1e7, alternative in any_alternative(),
    ) {
        let plan = always_valid::Plan::new(alpha, planned, alternative).expect("a plan");
        let test = plan.test(&Estimate { value: z, standard_error: 1.0 }, total).expect("a test");
        assert_agrees(&test, alpha);
        let other = match alternative {
            Alternative::TwoSided => Alternative::TwoSided,
            Alternative::Greater => Alternative::Less,
            Alternative::Less => Alternative::Greater,
        };
        let plan = always_valid::Plan::new(alpha, planned, other).expect("a plan");
        let mirrored = plan.test(&Estimate { value: -z, standard_error: 1.0 }, total).expect("a test");
        prop_assert_eq!(mirrored.ln_p_value.to_bits(), test.ln_p_value.to_bits());
    }

    #[test]
    fn planned_looks_spend_alpha_and_agree_with_their_bounds(
        looks in any_looks(), spending in any_spending(), alpha in 0.005..0.2, alternative in any_alternative(),
        z in -6.0..6.0, which in any::<prop::sample::Index>(),
    ) {
        let Ok(plan) = Plan::new(alpha, spending, &looks, alternative) else { return Ok(()) };
        // Without an effect the bounds are crossed as often as was spent.
        let spent = plan.looks().last().map_or(0.0, |look| look.spent);
        let crossed = plan.outlook(0.0).expect("an outlook").power;
        prop_assert!((crossed / spent - 1.0).abs() < 1e-6, "{crossed} of {spent}");
        let look = which.index(looks.len());
        let test = plan.test(look, &Estimate { value: z, standard_error: 1.0 }).expect("a test");
        assert_agrees(&test, alpha);
    }

    #[test]
    fn chances_and_losses_of_rates_fit_together(a in 0_u32..60, n in 60_u32..200, b in 0_u32..60, m in 60_u32..200) {
        let posterior = |k: u32, n: u32| BetaPosterior::new(k.into(), n.into(), (1.0, 1.0)).expect("a posterior");
        let (control, variation) = (posterior(a, n), posterior(b, m));
        let (there, back) = (compare(&control, &variation), compare(&variation, &control));
        prop_assert!((there.chance_to_win + back.chance_to_win - 1.0).abs() < 1e-12);
        let gain = variation.mean() - control.mean();
        prop_assert!((there.loss_of_keeping - there.loss_of_shipping - gain).abs() < 1e-12);
        // Evan Miller's sum, over the counts of the variation.
        let (aa, ab) = (f64::from(a) + 1.0, f64::from(n - a) + 1.0);
        let (ba, bb) = (f64::from(b) + 1.0, f64::from(m - b) + 1.0);
        let ln_beta = |x: f64, y: f64| libm::lgamma(x) + libm::lgamma(y) - libm::lgamma(x + y);
        let sum: f64 = (0..=b)
            .map(f64::from)
            .map(|i| (ln_beta(aa + i, bb + ab) - (bb + i).ln() - ln_beta(1.0 + i, bb) - ln_beta(aa, ab)).exp())
            .sum();
        prop_assert!((sum - there.chance_to_win).abs() < 1e-10, "{sum}, {ba}, {there:?}");
    }

    #[test]
    fn sizes_and_powers_are_inverse(rate in 0.01..0.5, lift in 0.02..0.5, power in 0.3..0.95, any_time in any::<bool>()) {
        let looks = if any_time { Looks::AnyTime { planned_total: 20_000.0 } } else { Looks::Once };
        let (design, baseline) = (Design { alpha: 0.05, looks }, Baseline::proportion(rate).expect("a rate"));
        let n = design.visitors(&baseline, lift, power).expect("a size");
        prop_assert!((design.power(&baseline, n, lift).expect("a power") - power).abs() < 1e-9);
        let running =
            Running { visitors: 1_000.0, standard_error: 0.2, effect: lift, alpha: 0.05, looks, prior: None };
        let more = running.remaining(power).expect("visitors");
        prop_assert!(more == 0.0 || (running.power(more).expect("a power") - power).abs() < 1e-9);
    }

    #[test]
    fn the_best_of_two_is_a_normal_tail(mean in -3.0..3.0, a in 0.1..3.0, b in 0.1..3.0) {
        let sample = |mean: f64, variance: f64| Sample { n: 100.0, mean, variance };
        let flat = NormalPrior { mean: 0.0, standard_deviation: 1e9 };
        let arms = [sample(0.0, 100.0 * a), sample(mean, 100.0 * b)];
        let found = thompson(&arms, &flat, 0.0, Direction::Increase).expect("an allocation");
        let expected = special::normal_cdf(mean / f64::sqrt(a + b));
        prop_assert!((found.best[1] - expected).abs() < 1e-9, "{} {expected}", found.best[1]);
    }
}

#[test]
fn a_correct_split_is_hardly_ever_doubted() {
    let mut random = 88_172_645_463_325_252_u64;
    let mut doubted = 0;
    for _ in 0..1_000 {
        let (mut seen, mut ln_p_value) = ([0_u64; 2], 0.0);
        for _ in 0..100 {
            for _ in 0..64 {
                random ^= random << 13;
                random ^= random >> 7;
                random ^= random << 17;
                seen[usize::from(random & (1 << 40) == 0)] += 1;
            }
            let look = split_evidence(&seen, &[0.5, 0.5], CONCENTRATION, ln_p_value).expect("evidence");
            ln_p_value = look.ln_p_value;
        }
        doubted += u32::from(ln_p_value < f64::ln(0.01));
    }
    assert!(doubted <= 10, "{doubted} of 1,000");
}

#[test]
fn huge_shapes_keep_their_digits() {
    let close = |actual: f64, expected: f64, tolerance: f64| {
        assert!((actual / expected - 1.0).abs() < tolerance, "{actual:e} instead of {expected:e}");
    };
    // Integrated with 40 digits by mpmath.
    close(special::chi_square_sf(40_600.0, 4e4), 0.017_293_551_277_903_444, 1e-12);
    close(special::chi_square_sf(2_006_000.0, 2e6), 0.001_361_740_646_217_591_5, 1e-12);
    close(special::chi_square_sf(1.000_004e12, 1e12), 0.002_338_891_602_055_917, 1e-9);
    close(special::chi_square_ln_sf(1.000_05e12, 1e12), f64::ln(4.237_449_850_636_956_6e-274), 1e-9);
    close(special::beta_regularized(2e4, 3e4, 0.395), 0.011_162_446_832_130_866, 1e-11);
    close(special::beta_regularized(1e6, 2e6, 0.332), 4.740_331_798_150_904_6e-7, 1e-10);
    close(special::beta_regularized(1e9, 1e9, 0.499_97), 0.003_645_179_023_124_447, 1e-8);
    // One degree of freedom between the groups is a t-test.
    close(special::f_sf(9.0, 1.0, 1e12), 2.0 * special::student_t_sf(3.0, 1e12), 1e-11);
    close(special::f_sf(9.0, 1.0, 12.0), 2.0 * special::student_t_sf(3.0, 12.0), 1e-12);
}

#[test]
fn series_fraction_and_integral_meet() {
    // Shapes just below and above the one from which on densities are integrated.
    for (below, above) in [(9_999.99, 10_000.01)] {
        for z in [-5.0, -1.0, 0.5, 3.0, 12.0] {
            let at = |a: f64| special::gamma_upper_regularized(a, a + z * a.sqrt());
            assert!((at(below) / at(above) - 1.0).abs() < 1e-5, "gamma at {z}");
            let at = |a: f64| special::beta_regularized(a, a, 0.5 + z / (8.0 * a).sqrt());
            assert!((at(below) / at(above) - 1.0).abs() < 1e-5, "beta at {z}");
        }
    }
}
