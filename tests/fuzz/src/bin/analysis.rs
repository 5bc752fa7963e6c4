//! What is counted of an experiment, with hostile sums: every comparison, interval and verdict is a number or a reason.

#![no_main]

use libfuzzer_sys::fuzz_target;
use splitlight_fuzz::bounded_statistic;
use splitlight_fuzz::numbers::{Numbers, finite, interval, number, share};
use splitlight_stats::verdict::{Metric, Plan, PlannedMethod, Record, Role, Spending, Values, Variation};
use splitlight_stats::{
    Adjustment, Alternative, Capped, Comparison, Contrast, Conversions, Direction, Kind, LiftInterval,
    Measured, Method, Moments, NotEnoughData, PairMoments, Quantile, RatioMoments, Sketch, Theta, adjusted,
    adjusted_interval, compare, compare_measured, fisher_ln_p, group_sequential, non_inferiority,
    preferential_levels, proportion, quantile_visitor, strata,
};

fuzz_target!(|input: &[u8]| {
    let Some((first, rest)) = input.split_first() else { return };
    let one = TARGETS[usize::from(*first) % TARGETS.len()];
    bounded_statistic(|| one(&mut Numbers::new(rest)));
});

/// The first byte says which of them.
const TARGETS: [fn(&mut Numbers); 6] = [comparisons, contrasts, proportions, p_values, sketches, verdicts];

fn kind(numbers: &mut Numbers) -> Kind {
    if numbers.coin() { Kind::Proportion } else { Kind::Mean }
}

fn moments(numbers: &mut Numbers) -> Moments {
    match numbers.byte() % 4 {
        0 => Moments::conversions(numbers.int(), numbers.int()),
        1 => Moments::gain(numbers.int(), numbers.int()),
        // Sums that visitors could have: some of them brought a value, the others nothing.
        2 => {
            let (n, some, value) = (numbers.byte(), numbers.byte(), i128::from(numbers.int()));
            let some = i128::from(some.min(n));
            let squares = value.checked_mul(value).and_then(|square| square.checked_mul(some));
            Moments::new(i64::from(n), some * value, squares.unwrap_or(i128::MAX))
        }
        _ => Moments::new(numbers.int(), numbers.sum(), numbers.sum()),
    }
}

fn pair(numbers: &mut Numbers) -> PairMoments {
    match numbers.byte() % 4 {
        0 => quantile_visitor(numbers.int(), numbers.int()),
        1 => PairMoments::gain((numbers.int(), numbers.int()), (numbers.int(), numbers.int())),
        _ => {
            let first = moments(numbers);
            let second = if numbers.coin() { first } else { moments(numbers) };
            PairMoments { first, second, product: numbers.sum().into() }
        }
    }
}

fn ratio(numbers: &mut Numbers) -> RatioMoments {
    RatioMoments {
        after: pair(numbers),
        before: pair(numbers),
        numerators: numbers.sum().into(),
        denominators: numbers.sum().into(),
        numerator_denominator: numbers.sum().into(),
        denominator_numerator: numbers.sum().into(),
    }
}

fn quantile(numbers: &mut Numbers) -> Quantile {
    Quantile {
        n: numbers.int(),
        n_star: numbers.int(),
        level: numbers.any(),
        value: numbers.any(),
        lower: numbers.any(),
        upper: numbers.any(),
    }
}

/// Something measured of any kind.
fn measured(numbers: &mut Numbers) -> Result<Measured, NotEnoughData> {
    let (first, second) = (kind(numbers), kind(numbers));
    let theta = Theta(numbers.any());
    match numbers.byte() % 6 {
        0 => Measured::plain(&moments(numbers), first),
        1 => Measured::ratio(&pair(numbers), first, second),
        2 => Measured::adjusted(&pair(numbers), first, second, theta),
        3 => Measured::adjusted_ratio(&ratio(numbers), first, second, theta),
        4 => quantile(numbers).estimate(),
        _ => quantile(numbers).clustered_estimate(&pair(numbers)),
    }
}

/// What holds for any comparison.
fn comparison(result: Result<Comparison, NotEnoughData>) {
    let Ok(result) = result else { return };
    share(result.p_value);
    let means = [result.control_mean, result.variation_mean, result.difference, result.ln_p_value];
    means.into_iter().chain(result.lift).for_each(finite);
    finite(result.difference_interval.0);
    finite(result.difference_interval.1);
    interval(result.difference_interval);
    lift(result.lift_interval);
}

fn lift(found: LiftInterval) {
    if let LiftInterval::Bounded(low, high) | LiftInterval::Outside(low, high) = found {
        finite(low);
        finite(high);
        interval((low, high));
    }
}

/// One of the methods, whose plan the caller keeps.
fn method<'p>(numbers: &mut Numbers, plan: &'p group_sequential::Plan) -> Method<'p> {
    match numbers.byte() % 3 {
        0 => Method::Welch,
        1 => Method::AlwaysValid { planned_total: numbers.any() },
        _ => Method::GroupSequential { plan, look: usize::from(numbers.byte() % 3) },
    }
}

fn plan() -> group_sequential::Plan {
    let spending = group_sequential::Spending::OBrienFleming;
    group_sequential::Plan::new(0.05, spending, &[0.5, 1.0], Alternative::TwoSided).expect("a plan")
}

fn comparisons(numbers: &mut Numbers) {
    let plan = plan();
    let (confidence, kind, method) = (numbers.any(), kind(numbers), method(numbers, &plan));
    let (a, b) = (moments(numbers), moments(numbers));
    assert_eq!(a.merge(b), b.merge(a), "the order of adding matters");
    comparison(compare(&a, &b, kind, method, confidence));
    number(a.mean());
    a.variance(kind).into_iter().chain(a.difference(&b)).for_each(number);
    if let (Ok(a), Ok(b)) = (measured(numbers), measured(numbers)) {
        comparison(compare_measured(&a, &b, method, confidence));
    }
}

fn contrast(found: &Contrast, numbers: &mut Numbers) {
    let (alpha, margin, multiplier) = (numbers.any(), numbers.any(), numbers.any());
    for effect in [found.absolute(), found.relative()].into_iter().flatten() {
        finite(effect.estimate.value);
        finite(effect.estimate.standard_error);
        number(effect.dof);
        if let Ok(test) = effect.test(Alternative::TwoSided, alpha) {
            share(test.p_value);
            interval(test.interval());
        }
    }
    if multiplier > 0.0 {
        lift(found.lift_interval(multiplier));
    }
    if let Ok(test) = non_inferiority(found, margin, Direction::Increase, alpha) {
        share(test.p_value);
        share(test.equivalence_p_value);
        [test.margin, test.t, test.bound, test.ln_p_value].into_iter().for_each(number);
    }
}

fn contrasts(numbers: &mut Numbers) {
    if let (Ok(a), Ok(b)) = (measured(numbers), measured(numbers)) {
        contrast(&Contrast::between(&a, &b), numbers);
    }
    let (first, second) = (kind(numbers), kind(numbers));
    let cells = numbers.byte() % 4;
    let plain: Vec<_> = (0..cells).map(|_| (moments(numbers), moments(numbers))).collect();
    let pairs: Vec<_> = (0..cells).map(|_| (pair(numbers), pair(numbers))).collect();
    let all = [
        strata::plain(&plain, first),
        strata::adjusted(&pairs, first, second),
        strata::ratio(&pairs, first, second),
    ];
    for found in all.iter().flatten() {
        contrast(found, numbers);
    }
    let (a, b) = (pair(numbers), pair(numbers));
    assert_eq!(a.merge(b), b.merge(a), "the order of adding matters");
    if let Ok(Theta(theta)) = Theta::of_means(&a, &b, first, second) {
        finite(theta);
    }
    if let Ok(Theta(theta)) = Theta::of_ratios(&ratio(numbers), &ratio(numbers), first, second) {
        finite(theta);
    }
}

fn proportions(numbers: &mut Numbers) {
    let alpha = numbers.any();
    let conversions = |numbers: &mut Numbers| match numbers.coin() {
        true => Conversions { converted: numbers.any(), n: numbers.any() },
        false => {
            let n = numbers.count() >> (11 + numbers.byte() % 50);
            let converted = numbers.count() % (n + 1);
            Conversions { converted: converted as f64, n: n as f64 }
        }
    };
    let (a, b) = (conversions(numbers), conversions(numbers));
    for found in [
        proportion::wilson(&a, alpha),
        proportion::clopper_pearson(&a, alpha),
        proportion::jeffreys(&a, alpha),
        proportion::agresti_coull(&a, alpha),
        proportion::newcombe(&a, &b, alpha),
        proportion::wald(&a, &b, alpha),
        proportion::agresti_caffo(&a, &b, alpha),
        proportion::miettinen_nurminen(&a, &b, alpha),
    ] {
        interval(found);
    }
    proportion::risk_ratio(&a, &b, alpha).into_iter().for_each(interval);
    let (pooled, unpooled) = proportion::z_statistics(&a, &b);
    pooled.into_iter().chain(unpooled).for_each(number);
    let ln_p = fisher_ln_p(&a, &b);
    assert!(ln_p <= 0.0 && ln_p.is_finite(), "{ln_p}");
}

fn p_values(numbers: &mut Numbers) {
    let values = numbers.list(20);
    for adjustment in [Adjustment::Holm, Adjustment::BenjaminiHochberg, Adjustment::Hommel] {
        let found = adjusted(&values, adjustment);
        assert_eq!(found.len(), values.len());
        found.into_iter().for_each(share);
    }
    let (estimate, low, high) = (numbers.any(), numbers.any(), numbers.any());
    if low <= estimate && estimate <= high {
        interval(adjusted_interval(estimate, (low, high), numbers.any(), numbers.any()));
    }
    let levels = preferential_levels(0.05, 0.5, numbers.byte().into(), numbers.byte().into());
    number(levels.0);
    number(levels.1);
}

fn sketches(numbers: &mut Numbers) {
    let bytes: Vec<u8> = (0..40).map(|_| numbers.byte()).collect();
    if let Some(sketch) = Sketch::from_bytes(&bytes) {
        let again = Sketch::from_bytes(&sketch.to_bytes());
        assert!(again.as_ref() == Some(&sketch), "a sketch does not survive its bytes");
        read(&sketch, numbers);
    }
    let mut one = Sketch::default();
    for _ in 0..numbers.byte() % 20 {
        one.add(numbers.int(), numbers.int());
    }
    let other: Sketch = (0..5).map(|_| numbers.int()).collect();
    assert!(one.clone().merge(&other) == other.clone().merge(&one), "the order of adding matters");
    read(&one, numbers);
}

fn read(sketch: &Sketch, numbers: &mut Numbers) {
    let level = numbers.any();
    if let Some(value) = sketch.quantile(level) {
        finite(value);
    }
    if let Ok(quantile) = sketch.order_statistics(level) {
        interval((quantile.lower, quantile.upper));
    }
    if let Some(sample) = sketch.capped(numbers.any()) {
        [sample.n, sample.mean, sample.variance].into_iter().for_each(finite);
    }
}

fn verdicts(numbers: &mut Numbers) {
    let method = match numbers.byte() % 4 {
        0 => PlannedMethod::Welch,
        1 => PlannedMethod::AlwaysValid,
        2 => PlannedMethod::GroupSequential(Spending::OBrienFleming),
        _ => PlannedMethod::GroupSequential(Spending::Power(numbers.any())),
    };
    let usual = |numbers: &mut Numbers, value: f64| if numbers.coin() { value } else { numbers.any() };
    let plan = Plan {
        confidence: usual(numbers, 0.95),
        method,
        visitors: usual(numbers, 10_000.0),
        days_min: usual(numbers, 7.0),
        visitors_min: numbers.byte().into(),
        split_p_value_min: usual(numbers, 0.001),
    };
    let many = numbers.byte() % 4;
    let variations = (0..many)
        .map(|i| Variation { key: i.to_string(), weight: usual(numbers, 1.0), visitors: numbers.count() })
        .collect();
    let metrics = (0..numbers.byte() % 3)
        .map(|i| Metric {
            key: i.to_string(),
            role: [Role::Primary, Role::Guardrail, Role::Secondary][usize::from(numbers.byte() % 3)],
            direction: if numbers.coin() { Direction::Increase } else { Direction::Decrease },
            margin: numbers.coin().then(|| numbers.any()),
            values: values(numbers, many),
        })
        .collect();
    let looks = numbers.list(3);
    let record = Record { plan, days: numbers.any(), looks, variations, metrics };
    let decision = record.decide();
    share(decision.split.p_value);
    number(decision.visitors_missing);
    for reading in decision.metrics.iter().flat_map(|metric| &metric.variations) {
        if let Some(result) = &reading.comparison {
            comparison(Ok(result.clone()));
        }
        reading.p_value.into_iter().for_each(share);
    }
}

fn values(numbers: &mut Numbers, many: u8) -> Values {
    let many = if numbers.byte() < 10 { many + 1 } else { many };
    match numbers.byte() % 8 {
        0 => Values::Proportion((0..many).map(|_| moments(numbers)).collect()),
        1 => Values::Mean((0..many).map(|_| moments(numbers)).collect()),
        2 => Values::Capped(
            (0..many).map(|_| Capped { capped: moments(numbers), uncapped: moments(numbers) }).collect(),
        ),
        3 => Values::Ratio((0..many).map(|_| pair(numbers)).collect()),
        4 => Values::AdjustedProportion((0..many).map(|_| pair(numbers)).collect()),
        5 => Values::AdjustedMean((0..many).map(|_| pair(numbers)).collect()),
        6 => Values::AdjustedRatio((0..many).map(|_| ratio(numbers)).collect()),
        _ => Values::Quantile((0..many).map(|_| quantile(numbers)).collect()),
    }
}
