//! Measures analyses natively: reads cases from the standard input and prints medians as JSON; see tests/bench/stats.py.

use serde::Deserialize;
use serde_json::json;
use splitlight_stats::{Adjustment, Kind, Method, Moments, adjusted, compare, sample_ratio};
use std::hint::black_box;
use std::io;
use std::time::Instant;

/// Rounds of an analysis, of which the median counts. A round analyzes every case once, which takes some 50 us: much more
/// than a step of the clock, and much less than a slice of the scheduler, so that other work disturbs few rounds.
const ROUNDS: usize = 2_001;

/// Rounds of the dashboard.
const ROUNDS_DASHBOARD: usize = 31;

/// The planned visitors of the always-valid test.
const PLANNED: f64 = 100_000.0;

#[derive(Deserialize)]
struct Sums {
    n: i64,
    sum: i64,
    sum_squares: i64,
}

fn main() -> io::Result<()> {
    let cases: Vec<[Sums; 2]> = serde_json::from_reader(io::stdin())?;
    let of = |sums: &Sums| Moments::new(sums.n, sums.sum.into(), sums.sum_squares.into());
    let cases: Vec<[Moments; 2]> = cases.iter().map(|[a, b]| [of(a), of(b)]).collect();
    let p_value = |case: &[Moments; 2]| {
        compare(&case[0], &case[1], Kind::Mean, Method::Welch, 0.95).map_or(f64::NAN, |result| result.p_value)
    };
    let each = |method: Method<'_>| {
        let all = || {
            for [a, b] in &cases {
                let _ = black_box(compare(black_box(a), black_box(b), Kind::Mean, method, 0.95));
            }
        };
        median_ms(ROUNDS, all) * 1e3 / cases.len() as f64
    };
    let found = json!({
        "welchUs": each(Method::Welch),
        "alwaysValidUs": each(Method::AlwaysValid { planned_total: PLANNED }),
        "dashboardMs": median_ms(ROUNDS_DASHBOARD, || dashboard(&cases)),
        "pValues": cases.iter().map(p_value).collect::<Vec<f64>>(),
    });
    println!("{found}");
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures time, and decides nothing by it")]
fn now() -> Instant {
    Instant::now()
}

/// 100 experiments, each with 10 metrics of 3 variations in 5 segments: the split, both methods, and Holm's adjustment.
fn dashboard(cases: &[[Moments; 2]]) {
    let mut case = cases.iter().cycle();
    let mut next = || case.next().map_or_else(Default::default, |case| *case);
    for _ in 0..100 * 5 {
        let [first, second] = next();
        let users = [first.n, second.n, second.n].map(|n| u64::try_from(n).unwrap_or(0));
        black_box(sample_ratio(&users, &[1.0, 1.0, 1.0]));
        let mut p_values = Vec::with_capacity(20);
        for _ in 0..10 * 2 {
            let [a, b] = next();
            let welch = compare(&a, &b, Kind::Mean, Method::Welch, 0.95);
            let always_valid = Method::AlwaysValid { planned_total: PLANNED };
            let _ = black_box(compare(&a, &b, Kind::Mean, always_valid, 0.95));
            p_values.extend(black_box(welch).map(|result| result.p_value));
        }
        black_box(adjusted(&p_values, Adjustment::Holm));
    }
}

fn median_ms(count: usize, run: impl Fn()) -> f64 {
    let mut rounds: Vec<f64> = (0..count)
        .map(|_| {
            let start = now();
            run();
            start.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    rounds.sort_by(f64::total_cmp);
    rounds[count / 2]
}
