//! Prints a digest for every thousand of so many random pairs, and fails when a reason never occurs: the native half of
//! the proof that every runtime decides the same.

use splitlight_engine::Reason;
use splitlight_tests::pairs::{Thousand, thousand};
use std::num::NonZero;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};

fn main() -> ExitCode {
    let numbers: Vec<u64> = std::env::args().skip(1).filter_map(|argument| argument.parse().ok()).collect();
    let [seed, thousands] = numbers.as_slice() else {
        eprintln!("error: write a seed and how many thousands of pairs: pairs 1 100");
        return ExitCode::from(2);
    };
    let all = all(*seed, *thousands);
    let mut reasons = vec![0; Reason::ALL.len()];
    for found in &all {
        println!("{:016x}", found.digest);
        reasons.iter_mut().zip(&found.reasons).for_each(|(all, some)| *all += some);
    }
    let tally = Reason::ALL.iter().zip(&reasons);
    let shown: Vec<String> =
        tally.clone().map(|(reason, count)| format!("{} {count}", reason.name())).collect();
    eprintln!("reasons: {}", shown.join(", "));
    let missing: Vec<&str> = tally.filter(|(_, count)| **count == 0).map(|(it, _)| it.name()).collect();
    if missing.is_empty() {
        return ExitCode::SUCCESS;
    }
    eprintln!("error: no pair was decided for these reasons, so they are not proved: {}", missing.join(", "));
    ExitCode::FAILURE
}

/// All thousands, in order, on as many threads as there are processors.
fn all(seed: u64, thousands: u64) -> Vec<Thousand> {
    let threads = std::thread::available_parallelism().map_or(1, NonZero::get);
    let mut all: Vec<Thousand> = (0..thousands).map(|_| Thousand::default()).collect();
    let next = AtomicU64::new(0);
    let found: Vec<Vec<(u64, Thousand)>> = std::thread::scope(|scope| {
        let work = || {
            let numbers = std::iter::repeat_with(|| next.fetch_add(1, Ordering::Relaxed));
            numbers
                .take_while(|which| *which < thousands)
                .map(|which| (which, thousand(seed, which)))
                .collect()
        };
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        threads.into_iter().map(|thread| thread.join().expect("no pair panics")).collect()
    });
    for (which, one) in found.into_iter().flatten() {
        if let Some(place) = all.get_mut(usize::try_from(which).unwrap_or(usize::MAX)) {
            *place = one;
        }
    }
    all
}
