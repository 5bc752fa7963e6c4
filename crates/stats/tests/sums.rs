//! What is counted can be added: in any order, to the same bits, and never to a wrong number.

use proptest::prelude::*;
use splitlight_stats::{
    Capped, Kind, Measured, Method, Moments, NotEnoughData, PairMoments, RatioMoments, Sketch, Theta, Total,
    compare,
};

fn any_total() -> impl Strategy<Value = Total> {
    prop_oneof![-9_i128..9, any::<i128>(), Just(i128::MAX), Just(i128::MIN)].prop_map(Total::from)
}

fn any_moments() -> impl Strategy<Value = Moments> {
    (any::<i64>(), any_total(), any_total()).prop_map(|(n, sum, sum_squares)| Moments { n, sum, sum_squares })
}

fn any_pair() -> impl Strategy<Value = PairMoments> {
    (any_moments(), any_moments(), any_total()).prop_map(|(first, second, product)| PairMoments {
        first,
        second,
        product,
    })
}

fn any_ratio() -> impl Strategy<Value = RatioMoments> {
    let products = (any_total(), any_total(), any_total(), any_total());
    (any_pair(), any_pair(), products).prop_map(|(after, before, products)| RatioMoments {
        after,
        before,
        numerators: products.0,
        denominators: products.1,
        numerator_denominator: products.2,
        denominator_numerator: products.3,
    })
}

fn any_sketch() -> impl Strategy<Value = Sketch> {
    let value = prop_oneof![-5_i64..5, -100_000_i64..100_000, any::<i64>()];
    prop::collection::vec((value, prop_oneof![1_i64..4, any::<i64>()]), 0..20).prop_map(|counts| {
        let mut sketch = Sketch::default();
        for (value, count) in counts {
            sketch.add(value, count);
        }
        sketch
    })
}

/// The sum of numbers as (times 2^64, rest), which cannot overflow for a few of them.
fn wide(numbers: &[i128]) -> (i128, i128) {
    let (high, low) =
        numbers.iter().fold((0, 0), |(high, low), n| (high + (n >> 64), low + (n & ((1 << 64) - 1))));
    (high + (low >> 64), low & ((1 << 64) - 1))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_sum_is_right_or_known_to_be_too_large(numbers in prop::collection::vec(any::<i128>(), 0..40)) {
        let sum = numbers.iter().fold(Total::default(), |sum, n| sum + Total::from(*n));
        let backward = numbers.iter().rev().fold(Total::default(), |sum, n| sum + Total::from(*n));
        prop_assert_eq!(sum, backward);
        let (high, low) = wide(&numbers);
        let fits = (i128::from(i64::MIN)..=i128::from(i64::MAX)).contains(&high);
        prop_assert_eq!(sum.value(), fits.then(|| (high << 64) + low));
        let exact = high as f64 * 2f64.powi(64) + low as f64;
        prop_assert!((sum.to_f64() - exact).abs() <= 1e-15 * exact.abs(), "{} {exact}", sum.to_f64());
        prop_assert_eq!(sum + -sum, Total::default());
        let json = serde_json::to_string(&sum).expect("written");
        prop_assert_eq!(serde_json::from_str::<Total>(&json).expect("read"), sum);
    }

    #[test]
    fn moments_merge_in_any_order(a in any_ratio(), b in any_ratio(), c in any_ratio()) {
        prop_assert_eq!(a.merge(b), b.merge(a));
        prop_assert_eq!(a.merge(b).merge(c), a.merge(b.merge(c)));
        prop_assert_eq!(a.merge(RatioMoments::default()), a);
    }

    #[test]
    fn sketches_merge_in_any_order(a in any_sketch(), b in any_sketch(), c in any_sketch()) {
        prop_assert_eq!(a.clone().merge(&b), b.clone().merge(&a));
        prop_assert_eq!(a.clone().merge(&b).merge(&c), a.clone().merge(&b.clone().merge(&c)));
        let bytes = a.to_bytes();
        prop_assert_eq!(Sketch::from_bytes(&bytes), Some(a.clone()));
        let json = serde_json::to_string(&a).expect("written");
        prop_assert_eq!(serde_json::from_str::<Sketch>(&json).expect("read"), a);
    }

    #[test]
    fn bytes_are_a_sketch_in_one_form_only(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
        if let Some(sketch) = Sketch::from_bytes(&bytes) {
            prop_assert_eq!(sketch.to_bytes(), bytes);
        }
    }

    #[test]
    fn quantiles_are_within_one_percent(
        values in prop::collection::vec(prop_oneof![-9_i64..9, 0_i64..100_000, any::<i64>()], 1..200),
        level in 0.0..=1.0,
    ) {
        let sketch: Sketch = values.iter().copied().collect();
        let mut sorted = values;
        sorted.sort_unstable();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rank of a short list")]
        let rank = f64::ceil(level * sorted.len() as f64).max(1.0) as usize;
        let (exact, read) = (sorted[rank - 1] as f64, sketch.quantile(level).expect("some values"));
        prop_assert!((read - exact).abs() <= 0.010_000_001 * exact.abs(), "{read} instead of {exact}");
        if let Ok(quantile) = sketch.order_statistics(level) {
            prop_assert!(quantile.lower <= quantile.value && quantile.value <= quantile.upper);
            prop_assert!(quantile.n_star <= quantile.n);
        }
    }

    #[test]
    fn increments_are_the_moments_of_the_totals(
        gains in prop::collection::vec((-1_000_i64..9_000, -3_i64..20), 0..12), cap in 0_i64..20_000,
    ) {
        let one = Moments { n: 1, ..Moments::default() };
        let (mut pair, mut capped) = (PairMoments { first: one, second: one, ..PairMoments::default() }, Capped::default());
        let (mut x, mut y) = (0, 0);
        for (dx, dy) in gains {
            pair = pair.merge(PairMoments::gain((x, y), (dx, dy)));
            capped = capped.merge(Capped::gain(x, dx, cap));
            (x, y) = (x + dx, y + dy);
        }
        let of = |value: i64| Moments::new(1, value.into(), i128::from(value) * i128::from(value));
        prop_assert_eq!(pair, PairMoments { first: of(x), second: of(y), product: (x * y).into() });
        prop_assert_eq!(capped.capped.merge(one), of(x.clamp(-cap, cap)));
        prop_assert_eq!(capped.uncapped.merge(one), of(x));
    }

    #[test]
    fn any_sums_give_finite_estimates_or_a_reason(a in any_ratio(), b in any_ratio(), proportion in any::<bool>()) {
        let kind = if proportion { Kind::Proportion } else { Kind::Mean };
        let measured = [
            Measured::ratio(&a.after, kind, Kind::Mean),
            Theta::of_means(&a.after, &b.after, kind, kind)
                .and_then(|theta| Measured::adjusted(&a.after, kind, kind, theta)),
            Theta::of_ratios(&a, &b, kind, Kind::Mean)
                .and_then(|theta| Measured::adjusted_ratio(&a, kind, Kind::Mean, theta)),
        ];
        for measured in measured.into_iter().flatten() {
            let numbers = [measured.sample.mean, measured.sample.variance, measured.mean, measured.covariance];
            prop_assert!(numbers.iter().all(|number| number.is_finite()), "{measured:?}");
        }
    }
}

#[test]
fn increments_of_any_size_are_exact() {
    let one = Moments { n: 1, ..Moments::default() };
    let jump = Moments::gain(i64::MIN, i64::MAX).merge(Moments::gain(0, i64::MIN)).merge(one);
    // The visitor is at -1.
    assert_eq!(jump, Moments::new(1, -1, 1));
    let twice = Moments::gain(i64::MAX, i64::MAX).sum_squares;
    assert_eq!(twice.value(), None, "3 * 2^126 does not fit");
    let product = PairMoments::gain((i64::MAX, i64::MAX), (i64::MAX, i64::MAX)).product;
    assert_eq!(product, twice);
}

#[test]
fn a_sum_that_does_not_fit_has_a_reason() {
    let huge = Moments::new(1 << 40, 0, i128::MAX);
    let beyond = huge.merge(huge);
    let result = compare(&beyond, &huge, Kind::Mean, Method::Welch, 0.95);
    assert_eq!(result.map(|result| result.p_value), Err(NotEnoughData::TooLarge));
    // What is taken away again leaves no trace.
    assert_eq!(beyond.merge(huge.negated()), huge);
}

/// `SplitMix64` (Steele et al. 2014): the same visitors on every machine.
struct Random(u64);

impl Random {
    /// A number within 0 and 1, both excluded.
    fn unit(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (((z ^ (z >> 31)) >> 11) as f64 + 0.5) / 2f64.powi(53)
    }
}

#[test]
fn intervals_of_sketched_quantiles_hold_the_truth() {
    let mut random = Random(4);
    for (level, n) in [(0.5, 400), (0.5, 1_500), (0.9, 1_000), (0.99, 2_000)] {
        let truth = 100.0 * f64::exp(3.5 + 1.2 * splitlight_stats::special::normal_quantile(level));
        let mut held = 0;
        for _ in 0..400 {
            let orders = (0..n).map(|_| {
                let z = splitlight_stats::special::normal_quantile(random.unit());
                #[expect(clippy::cast_possible_truncation, reason = "cents of an order")]
                let cents = (100.0 * f64::exp(3.5 + 1.2 * z)) as i64;
                cents
            });
            let quantile = orders.collect::<Sketch>().order_statistics(level).expect("orders");
            let (low, high) = quantile.interval(0.05).expect("enough orders");
            held += u32::from(low <= truth && truth <= high);
        }
        let coverage = f64::from(held) / 400.0;
        println!("p{level} of {n}: {coverage}");
        // Four standard errors below 0.95, and the sketch may only make it wider.
        assert!(coverage > 0.906, "p{level} of {n}: {coverage}");
    }
}

#[test]
fn sixty_four_shards_keep_one_percent() {
    // Orders as skewed as real ones: e^(3.5 + 1.2 z) with a z that runs through its quantiles.
    let orders: Vec<i64> = (0..100_000_u32)
        .map(|k| {
            let z = splitlight_stats::special::normal_quantile((f64::from(k) + 0.5) / 1e5);
            #[expect(clippy::cast_possible_truncation, reason = "cents of an order")]
            let cents = (100.0 * f64::exp(3.5 + 1.2 * z)) as i64;
            cents
        })
        .collect();
    let mut shards = vec![Sketch::default(); 64];
    for (place, cents) in orders.iter().enumerate() {
        shards[place * 7 % 64].add(*cents, 1);
    }
    let all = shards.iter().fold(Sketch::default(), Sketch::merge);
    assert!(all.to_bytes().len() < 2_000, "{} bytes", all.to_bytes().len());
    for (level, rank) in [(0.5, 50_000), (0.9, 90_000), (0.99, 99_000), (0.999, 99_900)] {
        let (exact, read) = (orders[rank - 1] as f64, all.quantile(level).expect("orders"));
        println!("p{level}: {read:.0} instead of {exact}, {:+.2} %", 100.0 * (read / exact - 1.0));
        assert!((read / exact - 1.0).abs() <= 0.01);
        let quantile = all.order_statistics(level).expect("orders");
        assert!(
            quantile.estimate().is_ok() && quantile.lower < exact && exact < quantile.upper,
            "{quantile:?}"
        );
    }
}
