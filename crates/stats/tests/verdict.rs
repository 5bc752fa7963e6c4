//! Verdicts: one for every situation, the same from the same record, and never against the numbers they are read from.

use proptest::prelude::*;
use splitlight_stats::verdict::{
    Badge, Decision, MarginBadge, Metric, Plan, PlannedMethod, Reason, Record, Role, Spending, Values,
    Variation, Verdict,
};
use splitlight_stats::{Capped, Direction, LiftInterval, Moments, PairMoments};

fn plan(method: PlannedMethod) -> Plan {
    Plan {
        confidence: 0.95,
        method,
        visitors: 20_000.0,
        days_min: 7.0,
        visitors_min: 1_000,
        split_p_value_min: 0.001,
    }
}

/// Conversions of every variation, of `n` visitors each.
fn metric(role: Role, n: i64, converted: &[i64]) -> Metric {
    let values = converted.iter().map(|converted| Moments::conversions(n, *converted)).collect();
    Metric {
        key: "bought".into(),
        role,
        direction: Direction::Increase,
        margin: None,
        values: Values::Proportion(values),
    }
}

fn record(method: PlannedMethod, n: u64, metrics: Vec<Metric>) -> Record {
    let variation = |key: &str| Variation { key: key.into(), weight: 1.0, visitors: n };
    Record {
        plan: plan(method),
        days: 10.0,
        looks: vec![],
        variations: vec![variation("control"), variation("bold")],
        metrics,
    }
}

fn said(record: &Record) -> (Verdict, Reason) {
    let decision = record.decide();
    (decision.verdict, decision.reason)
}

const SHIP: fn() -> Verdict = || Verdict::Ship { variation: "bold".into() };
const STOP: fn() -> Verdict = || Verdict::Stop { variation: Some("bold".into()) };

#[test]
fn every_situation_has_its_verdict() {
    let always = || PlannedMethod::AlwaysValid;
    let primary = |converted: &[i64]| metric(Role::Primary, 6_000, converted);
    let guard = |converted: &[i64]| metric(Role::Guardrail, 6_000, converted);
    let with_margin = |margin, converted: &[i64]| Metric { margin: Some(margin), ..guard(converted) };
    let of = |metrics| record(always(), 6_000, metrics);
    let cases = [
        (of(vec![]), Verdict::Continue, Reason::NothingToDecide),
        (of(vec![guard(&[300, 900])]), Verdict::Continue, Reason::NothingToDecide),
        (of(vec![primary(&[300, 310])]), Verdict::Continue, Reason::NotYet),
        (of(vec![primary(&[300, 450])]), SHIP(), Reason::Winner),
        (of(vec![primary(&[300, 200])]), STOP(), Reason::Harm),
        (of(vec![primary(&[300, 450]), guard(&[300, 200])]), STOP(), Reason::Harm),
        (of(vec![primary(&[300, 450]), guard(&[300, 280])]), SHIP(), Reason::Winner),
        (
            of(vec![primary(&[300, 450]), with_margin(0.05, &[300, 280])]),
            Verdict::Continue,
            Reason::Guardrail,
        ),
        (of(vec![primary(&[300, 450]), with_margin(0.6, &[300, 280])]), SHIP(), Reason::Winner),
        (of(vec![primary(&[300, 450]), with_margin(0.05, &[300, 100])]), STOP(), Reason::Harm),
        // Two shippable things at once: days are missing, or visitors.
        (Record { days: 3.0, ..of(vec![primary(&[300, 450])]) }, Verdict::Continue, Reason::TooEarly),
        (Record { days: 3.0, ..of(vec![primary(&[300, 200])]) }, STOP(), Reason::Harm),
        (
            record(always(), 500, vec![metric(Role::Primary, 500, &[20, 120])]),
            Verdict::Continue,
            Reason::TooEarly,
        ),
        // Everybody is in.
        (
            record(always(), 10_000, vec![metric(Role::Primary, 10_000, &[500, 510])]),
            Verdict::Inconclusive,
            Reason::NoDifference,
        ),
        (
            record(PlannedMethod::Welch, 6_000, vec![primary(&[300, 450])]),
            Verdict::Continue,
            Reason::TooEarly,
        ),
        (
            record(PlannedMethod::Welch, 10_000, vec![metric(Role::Primary, 10_000, &[500, 580])]),
            SHIP(),
            Reason::Winner,
        ),
    ];
    for (at, (record, verdict, reason)) in cases.into_iter().enumerate() {
        assert_eq!(said(&record), (verdict, reason), "case {at}");
    }
}

#[test]
fn a_broken_split_outweighs_every_number() {
    let mut record =
        record(PlannedMethod::AlwaysValid, 6_000, vec![metric(Role::Primary, 6_000, &[300, 450])]);
    record.variations[1].visitors = 5_500;
    assert_eq!(said(&record), (Verdict::Stop { variation: None }, Reason::BrokenSplit));
    record.variations[1].visitors = 5_900;
    record.variations.push(Variation { key: "off".into(), weight: 0.0, visitors: 1 });
    assert_eq!(said(&record).1, Reason::BrokenSplit);
}

#[test]
fn planned_looks_need_more_early_than_late() {
    let look = |looks: &[f64], n: i64, converted: &[i64]| {
        let visitors = u64::try_from(n).expect("a count");
        let method = PlannedMethod::GroupSequential(Spending::OBrienFleming);
        let mut record = record(method, visitors, vec![metric(Role::Primary, n, converted)]);
        record.looks = looks.to_vec();
        said(&record)
    };
    // z is 2.6 at half of the visitors, where 2.96 is needed, and 2.03 at the end, where 1.97 is.
    assert_eq!(look(&[10_000.0], 5_000, &[250, 312]), (Verdict::Continue, Reason::NotYet));
    assert_eq!(look(&[10_000.0], 5_000, &[250, 350]), (SHIP(), Reason::Winner));
    assert_eq!(look(&[10_000.0, 20_000.0], 10_000, &[500, 565]), (SHIP(), Reason::Winner));
    assert_eq!(
        look(&[10_000.0, 20_000.0], 10_000, &[500, 540]),
        (Verdict::Inconclusive, Reason::NoDifference)
    );
}

#[test]
fn the_better_of_two_winners_is_shipped() {
    let mut record =
        record(PlannedMethod::AlwaysValid, 6_000, vec![metric(Role::Primary, 6_000, &[300, 450, 500])]);
    record.variations.push(Variation { key: "loud".into(), weight: 1.0, visitors: 6_000 });
    assert_eq!(said(&record).0, Verdict::Ship { variation: "loud".into() });
    record.metrics[0].direction = Direction::Decrease;
    assert_eq!(said(&record), (STOP(), Reason::Harm));
}

#[test]
fn a_cap_keeps_its_twin_beside_it() {
    let twin = |capped: i128, uncapped: i128| Capped {
        capped: Moments::new(6_000, capped, capped * 60),
        uncapped: Moments::new(6_000, uncapped, uncapped * 900),
    };
    let values = Values::Capped(vec![twin(90_000, 95_000), twin(99_000, 190_000)]);
    let metric = Metric { values, ..metric(Role::Primary, 6_000, &[]) };
    let decision = record(PlannedMethod::AlwaysValid, 6_000, vec![metric]).decide();
    let (capped, uncapped) = (&decision.metrics[0].variations[0], &decision.metrics[0].uncapped[0]);
    let lift = |reading: &splitlight_stats::verdict::Reading| {
        reading.comparison.expect("a result").lift.expect("a mean")
    };
    assert!((lift(capped) - 0.1).abs() < 1e-12 && (lift(uncapped) - 1.0).abs() < 1e-12);
}

#[test]
fn a_variation_without_conversions_has_a_belief_that_decides_nothing() {
    let decision =
        record(PlannedMethod::AlwaysValid, 6_000, vec![metric(Role::Primary, 6_000, &[3, 0])]).decide();
    let reading = &decision.metrics[0].variations[0];
    let belief = reading.belief.expect("a conversion rate");
    // Rates so small are nearly gamma with the shapes 4 and 1, of which the second is larger once in 2^4.
    assert!((belief.chance_to_win - 0.0625).abs() < 1e-3, "{belief:?}");
    assert!(belief.variation.0 > 0.0 && belief.variation.1 < 0.001, "{belief:?}");
    assert_eq!((reading.badge, decision.verdict), (Badge::Unclear, Verdict::Continue));
    let mut less = record(PlannedMethod::AlwaysValid, 6_000, vec![metric(Role::Primary, 6_000, &[3, 0])]);
    less.metrics[0].direction = Direction::Decrease;
    let turned = less.decide().metrics[0].variations[0].belief.expect("a conversion rate");
    assert!((turned.chance_to_win + belief.chance_to_win - 1.0).abs() < 1e-12);
}

#[test]
fn a_record_tells_its_mistakes() {
    let text = serde_json::to_string(&record(PlannedMethod::Welch, 10, vec![])).expect("written");
    let wrong = text.replace("daysMin", "minDays");
    let error = serde_json::from_str::<Record>(&wrong).expect_err("no such member").to_string();
    assert!(error.contains("minDays") && error.contains("daysMin"), "{error}");
}

fn any_method() -> impl Strategy<Value = PlannedMethod> {
    prop_oneof![
        Just(PlannedMethod::Welch),
        Just(PlannedMethod::AlwaysValid),
        Just(PlannedMethod::GroupSequential(Spending::OBrienFleming)),
        Just(PlannedMethod::GroupSequential(Spending::Power(2.0))),
    ]
}

fn any_values(n: i64, variations: usize) -> impl Strategy<Value = Values> {
    let share = prop_oneof![Just(0.0), Just(1.0), 0.0..0.1, 0.0..1.0];
    let shares = prop::collection::vec(share, variations);
    (shares, 0..4_u8, 1_i64..2_000).prop_map(move |(shares, kind, value)| {
        #[expect(clippy::cast_possible_truncation, reason = "a share of n is at most n")]
        let converted: Vec<i64> = shares.iter().map(|share| (n as f64 * share) as i64).collect();
        let money = |buyers: &i64| {
            let (n, buyers, value) = (n, i128::from(*buyers), i128::from(value));
            Moments::new(n, buyers * value, buyers * value * value)
        };
        let rates = |buyers: &i64| Moments::conversions(n, *buyers);
        let pair = |buyers: &i64| PairMoments {
            first: money(buyers),
            second: Moments::new(n, i128::from(n) * 2, i128::from(n) * 5),
            product: (i128::from(*buyers) * i128::from(value) * 2).into(),
        };
        match kind {
            0 => Values::Proportion(converted.iter().map(rates).collect()),
            1 => Values::Mean(converted.iter().map(money).collect()),
            2 => Values::Ratio(converted.iter().map(pair).collect()),
            _ => Values::AdjustedMean(converted.iter().map(pair).collect()),
        }
    })
}

fn any_record() -> impl Strategy<Value = Record> {
    let size = (2_usize..5, prop_oneof![1_i64..50, 100_i64..20_000], any_method());
    size.prop_flat_map(|(variations, n, method)| {
        let role = prop_oneof![Just(Role::Primary), Just(Role::Secondary), Just(Role::Guardrail)];
        let direction = prop_oneof![Just(Direction::Increase), Just(Direction::Decrease)];
        let metric = (role, direction, prop::option::of(0.0..0.5), any_values(n, variations)).prop_map(
            |(role, direction, margin, values)| Metric { key: "m".into(), role, direction, margin, values },
        );
        let confidence = prop_oneof![Just(0.95), 0.5..0.999];
        let numbers = (confidence, 10.0..100_000.0, 0.0..30.0, 0_u64..5_000, 0..3_u64);
        (prop::collection::vec(metric, 1..4), numbers).prop_map(move |(metrics, numbers)| {
            let (confidence, visitors, days, visitors_min, missing) = numbers;
            let count = u64::try_from(n).expect("a count");
            let keys = ["control", "bold", "loud", "calm"].iter().take(variations);
            let variations = keys.map(|key| Variation {
                key: (*key).into(),
                weight: 1.0,
                visitors: count - missing.min(count),
            });
            let plan = Plan { confidence, visitors, visitors_min, ..plan(method.clone()) };
            Record { plan, days, looks: vec![], variations: variations.collect(), metrics }
        })
    })
}

/// p-value, interval, lift interval and badge of every reading say the same.
fn assert_readings_agree(record: &Record, decision: &Decision) {
    let alpha = 1.0 - record.plan.confidence;
    for (metric, declared) in decision.metrics.iter().zip(&record.metrics) {
        for reading in &metric.variations {
            let Some(comparison) = &reading.comparison else {
                assert!(reading.missing.is_some() && reading.badge == Badge::Unclear, "{reading:?}");
                continue;
            };
            let (low, high) = comparison.difference_interval;
            let apart = low > 0.0 || high < 0.0;
            assert_eq!(reading.p_value.expect("a p-value") < alpha, apart, "{reading:?}");
            // What was clamped was a tie up to rounding, not a disagreement.
            let comparisons = (record.variations.len() - 1) as f64;
            let raw = (comparison.p_value * comparisons).min(1.0);
            let moved = (reading.p_value.expect("a p-value") - raw).abs();
            assert!(moved <= 1e-6 * alpha, "moved by {moved}: {reading:?}");
            assert_eq!(apart, reading.badge != Badge::Unclear, "{reading:?}");
            if !matches!(comparison.lift_interval, LiftInterval::Undefined | LiftInterval::Unbounded) {
                assert_eq!(comparison.lift_interval.excludes_zero(), apart, "{reading:?}");
            }
            let good = if declared.direction == Direction::Increase { low > 0.0 } else { high < 0.0 };
            assert!(reading.badge != Badge::Better || good, "{reading:?}");
            assert!(reading.badge != Badge::Worse || !good, "{reading:?}");
        }
    }
}

/// The verdict says what the badges say.
fn assert_verdict_agrees(record: &Record, decision: &Decision) {
    let of = |role: Role| decision.metrics.iter().filter(move |metric| metric.role == role);
    let primary = of(Role::Primary).next();
    let reading = |metric: &splitlight_stats::verdict::MetricReading, key: &str| {
        metric.variations.iter().find(|reading| reading.variation == key).map(|r| (r.badge, r.margin))
    };
    match &decision.verdict {
        Verdict::Ship { variation } => {
            let badge = reading(primary.expect("a primary metric"), variation);
            assert_eq!(badge.map(|(badge, _)| badge), Some(Badge::Better));
            assert!(record.days >= record.plan.days_min && !decision.split.broken);
            for guard in of(Role::Guardrail) {
                let (badge, margin) = reading(guard, variation).expect("a reading");
                let fine = margin.map_or(badge != Badge::Worse, |margin| margin == MarginBadge::Within);
                assert!(fine, "{decision:?}");
            }
        }
        Verdict::Stop { variation: Some(variation) } => {
            let mut deciding = of(Role::Primary).chain(of(Role::Guardrail));
            let worse =
                deciding.any(|metric| reading(metric, variation).is_some_and(|(b, _)| b == Badge::Worse));
            assert!(worse, "{decision:?}");
        }
        Verdict::Stop { variation: None } => assert!(decision.split.broken),
        Verdict::Inconclusive => {
            assert!(decision.visitors_missing <= 0.0, "{decision:?}");
            let shown = primary.expect("a primary metric").variations.iter();
            let better = shown.filter(|reading| reading.badge == Badge::Better).count();
            assert_eq!(better > 0, decision.reason == Reason::Guardrail, "{decision:?}");
        }
        Verdict::Continue => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_contradicts_anything(record in any_record()) {
        let decision = record.decide();
        assert_readings_agree(&record, &decision);
        assert_verdict_agrees(&record, &decision);
    }

    #[test]
    fn a_record_gives_its_verdict_again(record in any_record()) {
        let decision = record.decide();
        let text = serde_json::to_string(&record).expect("written");
        let again: Record = serde_json::from_str(&text).expect("read");
        prop_assert_eq!(&again, &record);
        prop_assert_eq!(again.decide(), decision.clone());
        let written = serde_json::to_string(&decision).expect("written");
        prop_assert!(!written.contains("null"), "{}", written);
    }
}
