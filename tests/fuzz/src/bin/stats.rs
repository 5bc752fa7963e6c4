//! The public functions of the statistics with hostile numbers: each answers a number or a reason, soon.

#![no_main]

use libfuzzer_sys::fuzz_target;
use splitlight_fuzz::bounded_statistic;
use splitlight_fuzz::numbers::{Numbers, finite, interval, number, share};
use splitlight_stats::bayes::{BetaPosterior, NormalPosterior, NormalPrior};
use splitlight_stats::power::{Baseline, Design, Looks, Running};
use splitlight_stats::sample_ratio::{multiple_exposure, split_evidence};
use splitlight_stats::sequential::{
    Boundary, LinearModel, bernoulli_interval, mixture_ratio_test, statsig_test, stitched_bound,
};
use splitlight_stats::{
    Alternative, Direction, Estimate, Invalid, Sample, TestResult, always_valid, bayes, group_sequential,
    power, sample_ratio, special,
};

fuzz_target!(|input: &[u8]| {
    let Some((first, rest)) = input.split_first() else { return };
    let one = TARGETS[usize::from(*first) % TARGETS.len()];
    bounded_statistic(|| one(&mut Numbers::new(rest)));
});

/// The first byte says which of them.
const TARGETS: [fn(&mut Numbers); 10] = [
    special_functions,
    always_valid_test,
    boundaries,
    ratio_tests,
    planned_looks,
    splits,
    normal_beliefs,
    rates_and_bandits,
    sizes,
    running,
];

fn alternative(numbers: &mut Numbers) -> Alternative {
    [Alternative::TwoSided, Alternative::Greater, Alternative::Less][usize::from(numbers.byte() % 3)]
}

fn direction(numbers: &mut Numbers) -> Direction {
    if numbers.coin() { Direction::Increase } else { Direction::Decrease }
}

fn estimate(numbers: &mut Numbers) -> Estimate {
    Estimate { value: numbers.any(), standard_error: numbers.any() }
}

/// What holds for the answer of any test.
fn test(result: Result<TestResult, Invalid>) {
    let Ok(result) = result else { return };
    share(result.p_value);
    assert!(result.ln_p_value.is_finite() && result.ln_p_value <= 0.0, "{result:?}");
    interval(result.interval());
    finite(result.multiplier);
}

fn special_functions(numbers: &mut Numbers) {
    let (x, a, b) = (numbers.any(), numbers.any(), numbers.any());
    let answers = [
        special::normal_cdf(x),
        special::normal_sf(x),
        special::normal_ln_sf(x),
        special::normal_quantile(x),
        special::student_t_cdf(x, a),
        special::student_t_sf(x, a),
        special::student_t_ln_sf(x, a),
        special::student_t_quantile(x, a),
        special::student_t_upper_quantile(x, a),
        special::chi_square_sf(x, a),
        special::chi_square_ln_sf(x, a),
        special::gamma_upper_regularized(a, x),
        special::beta_regularized(a, b, x),
        special::beta_quantile(x, a, b),
        special::beta_upper_quantile(x, a, b),
        special::f_sf(x, a, b),
        special::f_ln_sf(x, a, b),
    ];
    // Of what is no number nothing else can be said.
    if !(x.is_nan() || a.is_nan() || b.is_nan()) {
        for (index, answer) in answers.into_iter().enumerate() {
            assert!(!answer.is_nan(), "function {index} of {x:e}, {a:e}, {b:e}");
        }
    }
}

fn always_valid_test(numbers: &mut Numbers) {
    let (alpha, planned, alternative) = (numbers.any(), numbers.any(), alternative(numbers));
    let (effect, total) = (estimate(numbers), numbers.any());
    let Ok(plan) = always_valid::Plan::new(alpha, planned, alternative) else { return };
    test(plan.test(&effect, total));
    if let Ok(multiplier) = plan.multiplier(total) {
        finite(multiplier);
    }
}

fn boundaries(numbers: &mut Numbers) {
    let (tuned, alpha, c, d) = (numbers.any(), numbers.any(), numbers.any(), numbers.any());
    let (s, v, rate) = (numbers.any(), numbers.any(), numbers.any());
    let all = [
        Boundary::normal(tuned, alpha),
        Boundary::normal_one_sided(tuned, alpha),
        Boundary::gamma_exponential(tuned, alpha, c),
        Boundary::gamma_poisson(tuned, alpha, c),
        Boundary::beta_binomial(tuned, alpha, c, d),
    ];
    for boundary in all.into_iter().flatten() {
        if let Ok(bound) = boundary.bound(v, rate) {
            finite(bound);
            assert!(bound >= 0.0, "{boundary:?} at {v:e}: {bound}");
        }
        if let Ok(ln) = boundary.ln_mixture(s, v) {
            finite(ln);
        }
    }
    if let Ok(bound) = stitched_bound(v, rate, tuned, c) {
        finite(bound);
    }
    if let Ok(found) = bernoulli_interval(s, v, rate, tuned) {
        interval(found);
        share(found.0);
        share(found.1);
    }
}

fn ratio_tests(numbers: &mut Numbers) {
    let (effect, alpha, mixing) = (estimate(numbers), numbers.any(), numbers.any());
    test(mixture_ratio_test(&effect, alpha, mixing));
    let (control, variation) = ((numbers.any(), numbers.any()), (numbers.any(), numbers.any()));
    test(statsig_test(effect.value, control, variation, alpha));
    let model = LinearModel {
        coefficient: effect,
        residual_dof: numbers.any(),
        information: numbers.any(),
        prior_information: mixing,
    };
    test(model.test(alpha));
    if let Ok(ln) = model.ln_bayes_factor() {
        finite(ln);
    }
}

fn planned_looks(numbers: &mut Numbers) {
    let (alpha, parameter, kind) = (numbers.any(), numbers.any(), numbers.byte());
    let spending = match kind % 4 {
        0 => group_sequential::Spending::OBrienFleming,
        1 => group_sequential::Spending::Pocock,
        2 => group_sequential::Spending::Power(parameter),
        _ => group_sequential::Spending::HwangShihDeCani(parameter),
    };
    let (alternative, effect, drift) = (alternative(numbers), estimate(numbers), numbers.any());
    // Mostly looks that rise, or nothing would come of them.
    let mut looks = numbers.list(8);
    if numbers.coin() {
        looks.retain(|part| 0.0 < *part && *part <= 1.0);
        looks.sort_by(f64::total_cmp);
    }
    let Ok(plan) = group_sequential::Plan::new(alpha, spending, &looks, alternative) else { return };
    for look in plan.looks() {
        share(look.spent);
        finite(look.bound);
    }
    test(plan.test(looks.len() - 1, &effect));
    test(plan.test(looks.len(), &effect));
    if let Ok(outlook) = plan.outlook(drift) {
        share(outlook.power);
        share(outlook.information);
    }
}

fn splits(numbers: &mut Numbers) {
    let weights = numbers.list(6);
    let observed: Vec<u64> = weights.iter().map(|_| numbers.count()).collect();
    let result = sample_ratio(&observed, &weights);
    share(result.p_value);
    number(result.chi_square);
    finite(result.ln_p_value);
    let (concentration, before) = (numbers.any(), numbers.any());
    if let Ok(look) = split_evidence(&observed, &weights, concentration, before) {
        share(look.p_value);
        finite(look.ln_evidence);
        finite(look.ln_p_value);
    }
    let exposure = multiple_exposure(numbers.count(), numbers.count());
    share(exposure.share);
    interval(exposure.interval);
}

fn normal_beliefs(numbers: &mut Numbers) {
    let (effect, wanted, alpha) = (estimate(numbers), direction(numbers), numbers.any());
    let prior = NormalPrior { mean: numbers.any(), standard_deviation: numbers.any() };
    let scaled = prior.of_difference(numbers.any());
    for prior in [None, Some(&prior), Some(&scaled)] {
        let Ok(posterior) = NormalPosterior::new(&effect, prior) else { continue };
        finite(posterior.mean);
        finite(posterior.standard_deviation);
        share(posterior.chance_to_win(wanted));
        for loss in [posterior.loss_of_shipping(wanted), posterior.loss_of_keeping(wanted)] {
            finite(loss);
            assert!(loss >= 0.0, "{posterior:?} loses {loss}");
        }
        if let Ok(found) = posterior.interval(alpha) {
            interval(found);
        }
    }
}

fn rates_and_bandits(numbers: &mut Numbers) {
    let prior = (numbers.any(), numbers.any());
    let posterior = |numbers: &mut Numbers| BetaPosterior::new(numbers.any(), numbers.any(), prior);
    if let (Ok(control), Ok(variation)) = (posterior(numbers), posterior(numbers)) {
        share(control.mean());
        let result = bayes::compare(&control, &variation);
        share(result.chance_to_win);
        share(result.loss_of_shipping);
        share(result.loss_of_keeping);
        if let Ok(found) = control.interval(numbers.any()) {
            interval(found);
        }
    }
    let prior = NormalPrior { mean: numbers.any(), standard_deviation: numbers.any() };
    let (least, wanted) = (numbers.any(), direction(numbers));
    let arms = numbers.byte() % 7;
    let samples: Vec<Sample> = (0..arms)
        .map(|_| Sample { n: numbers.any(), mean: numbers.any(), variance: numbers.any() })
        .collect();
    if let Ok(next) = bayes::thompson(&samples, &prior, least, wanted) {
        next.best.iter().for_each(|chance| share(*chance));
        let sum: f64 = next.best.iter().sum();
        assert!((sum - 1.0).abs() < 1e-9, "chances of {sum} in all");
        next.weights.iter().flatten().for_each(|weight| share(*weight));
    }
}

fn looks(numbers: &mut Numbers) -> Looks {
    if numbers.coin() { Looks::Once } else { Looks::AnyTime { planned_total: numbers.any() } }
}

fn sizes(numbers: &mut Numbers) {
    let design = Design { alpha: numbers.any(), looks: looks(numbers) };
    let baseline = Baseline { mean: numbers.any(), standard_deviation: numbers.any() };
    let (n, lift, target) = (numbers.any(), numbers.any(), numbers.any());
    if let Ok(found) = design.power(&baseline, n, lift) {
        share(found);
    }
    for answer in [design.detectable_lift(&baseline, n, target), design.visitors(&baseline, lift, target)] {
        answer.iter().for_each(|x| finite(*x));
    }
    let (rate, ratio) = (numbers.any(), numbers.any());
    if let Ok(sizes) = power::proportion_sizes(rate, lift, design.alpha, target, ratio) {
        [sizes.equal, sizes.control, sizes.cohen_h, sizes.control_by_h].into_iter().for_each(finite);
    }
    for answer in [
        power::normal_power(lift, design.alpha),
        power::student_power(lift, n, design.alpha),
        power::normal_noncentrality(design.alpha, target),
        power::detectable_effect(ratio, design.alpha, target),
        power::run_days(n, ratio),
        Baseline::proportion(rate).map(|baseline| baseline.standard_deviation),
    ] {
        answer.iter().for_each(|x| finite(*x));
    }
}

fn running(numbers: &mut Numbers) {
    let prior = NormalPrior { mean: numbers.any(), standard_deviation: numbers.any() };
    let running = Running {
        visitors: numbers.any(),
        standard_error: numbers.any(),
        effect: numbers.any(),
        alpha: numbers.any(),
        looks: looks(numbers),
        prior: numbers.coin().then_some(prior),
    };
    if let Ok(found) = running.power(numbers.any()) {
        share(found);
    }
    if let Ok(more) = running.remaining(numbers.any()) {
        finite(more);
    }
}
