//! A/A experiments looked at a hundred times: the always-valid test must rarely ever reject.

use splitlight_stats::{Kind, LiftInterval, Method, Moments, compare, special};

const LOOKS: u32 = 100;
const EXPERIMENTS: u32 = 600;

/// `SplitMix64` (Steele et al. 2014): the same experiments on every machine.
struct Random(u64);

impl Random {
    /// A number within 0 and 1, both excluded.
    fn unit(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (((z ^ (z >> 31)) >> 11) as f64 + 0.5) / 2f64.powi(53)
    }

    /// Moments of `n` visitors of whom a share `rate` brings `value`.
    fn visitors(&mut self, n: i64, rate: f64, value: fn(&mut Self) -> i64) -> Moments {
        let mut moments = Moments { n, ..Moments::default() };
        for _ in 0..n {
            if self.unit() < rate {
                let value = i128::from(value(self));
                moments.sum += value;
                moments.sum_squares += value * value;
            }
        }
        moments
    }
}

/// Shares of experiments in which the p-value, and the interval of the lift, ever saw an effect.
fn ever_rejected(kind: Kind, rate: f64, per_look: i64, value: fn(&mut Random) -> i64) -> (f64, f64) {
    let planned_total = (2 * per_look * i64::from(LOOKS)) as f64;
    let mut random = Random(rate.to_bits());
    let (mut by_p_value, mut by_lift) = (0, 0);
    for _ in 0..EXPERIMENTS {
        let (mut a, mut b) = (Moments::default(), Moments::default());
        let (mut p_value, mut lift) = (false, false);
        for _ in 0..LOOKS {
            a = a.merge(random.visitors(per_look, rate, value));
            b = b.merge(random.visitors(per_look, rate, value));
            if let Ok(result) = compare(&a, &b, kind, Method::AlwaysValid { planned_total }, 0.95) {
                p_value |= result.p_value < 0.05;
                lift |= matches!(result.lift_interval, LiftInterval::Bounded(low, high) if low > 0.0 || high < 0.0);
            }
        }
        by_p_value += u32::from(p_value);
        by_lift += u32::from(lift);
    }
    (f64::from(by_p_value) / f64::from(EXPERIMENTS), f64::from(by_lift) / f64::from(EXPERIMENTS))
}

fn check(name: &str, rejected: (f64, f64)) {
    println!("{name}: p-value {:.2} %, lift {:.2} %", 100.0 * rejected.0, 100.0 * rejected.1);
    let limit = 0.05 + 3.0 * (0.05 * 0.95 / f64::from(EXPERIMENTS)).sqrt();
    assert!(rejected.0 <= limit && rejected.1 <= limit, "{name}: {rejected:?}");
}

#[test]
fn proportions_may_be_peeked_at() {
    let one: fn(&mut Random) -> i64 = |_| 1;
    check("10 % of 5,000", ever_rejected(Kind::Proportion, 0.1, 50, one));
    check("2 % of 5,000", ever_rejected(Kind::Proportion, 0.02, 50, one));
    check("0.5 % of 20,000", ever_rejected(Kind::Proportion, 0.005, 200, one));
}

#[test]
fn skewed_revenue_may_be_peeked_at() {
    #[expect(clippy::cast_possible_truncation, reason = "cents of an order fit in an i64")]
    let order: fn(&mut Random) -> i64 =
        |random| (100.0 * (3.5 + 1.2 * special::normal_quantile(random.unit())).exp()) as i64;
    check("5 % buyers of 10,000", ever_rejected(Kind::Mean, 0.05, 100, order));
}
