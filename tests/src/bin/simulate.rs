//! Simulates peeking in full and writes the figures: `simulate <folder>`; fails when a bar is not held.

use splitlight_tests::simulation::{Method, Outcome, SCENARIOS, Scenario, Simulated, figures};
use std::path::Path;
use std::process::ExitCode;
use std::{env, fs, io, thread};

/// Experiments of a scenario of proportions, and of revenue, which takes longer to draw.
const EXPERIMENTS: u64 = 20_000;
const EXPERIMENTS_REVENUE: u64 = 10_000;

/// True lifts that the interval must hold; the first one is none.
const LIFTS: [f64; 4] = [0.0, -0.1, 0.1, 0.3];

/// The share of true lifts that the interval must hold at all looks.
const COVERAGE_MIN: f64 = 0.95;

/// The power in the first scenario: always valid, and with planned looks.
const POWER_MIN: (f64, f64) = (0.50, 0.76);

fn main() -> io::Result<ExitCode> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [folder] = arguments.as_slice() else {
        return Err(io::Error::other("write the folder for the figures"));
    };
    let mut broken = Vec::new();
    let simulated: Vec<Simulated> =
        SCENARIOS.iter().map(|scenario| simulate(scenario, &mut broken)).collect();
    if let Some(first) = simulated.first() {
        let (any, planned) =
            (first.effect.ever(Method::AlwaysValid), first.effect.ever(Method::GroupSequential));
        if any < POWER_MIN.0 || planned < POWER_MIN.1 {
            broken.push(format!("power in {}: {any:.3} and {planned:.3}", first.scenario.name));
        }
    }
    let folder = Path::new(folder);
    fs::create_dir_all(folder)?;
    for (name, drawing) in figures(&simulated) {
        fs::write(folder.join(name), drawing)?;
        println!("wrote {}", folder.join(name).display());
    }
    for reason in &broken {
        eprintln!("error: {reason}");
    }
    Ok(ExitCode::from(u8::from(!broken.is_empty())))
}

/// All experiments of a scenario, with what they say on the way and what breaks a bar.
fn simulate(scenario: &Scenario, broken: &mut Vec<String>) -> Simulated {
    let experiments = if scenario.amount.is_some() { EXPERIMENTS_REVENUE } else { EXPERIMENTS };
    let lift = scenario.lift();
    println!("{}, {experiments} experiments, effect {:.1} %", scenario.name, 100.0 * lift);
    let (null, effect) = (parallel(scenario, 0.0, experiments), parallel(scenario, lift, experiments));
    println!("  {:<32} {:>9} {:>9}", "", "no effect", "effect");
    for method in Method::ALL {
        println!(
            "  {:<32} {:>8.2}% {:>8.2}%",
            method.name(),
            100.0 * null.ever(method),
            100.0 * effect.ever(method)
        );
    }
    println!("  {:<32} {:>8.2}%", "lift interval (ours)", 100.0 * null.ever_by_lift());
    let limit = 0.05 + null.slack();
    for share in [null.ever(Method::AlwaysValid), null.ever(Method::GroupSequential), null.ever_by_lift()] {
        if share > limit {
            broken.push(format!("{}: {share:.4} false positives, more than {limit:.4}", scenario.name));
        }
    }
    let mut covered = Vec::new();
    for lift in LIFTS {
        let outcome = if lift == 0.0 { null.clone() } else { parallel(scenario, lift, experiments) };
        println!(
            "  true lift {:+.0} %: held at all looks in {:.2} %",
            100.0 * lift,
            100.0 * outcome.coverage()
        );
        if outcome.coverage() < COVERAGE_MIN {
            broken.push(format!("{}: coverage {:.4} at lift {lift}", scenario.name, outcome.coverage()));
        }
        covered.push((lift, outcome));
    }
    Simulated { scenario: *scenario, null, effect, covered }
}

/// The same experiments on all processors; how many there are changes nothing.
fn parallel(scenario: &Scenario, lift: f64, experiments: u64) -> Outcome {
    let threads = thread::available_parallelism().map_or(1, |n| n.get() as u64);
    thread::scope(|scope| {
        let parts: Vec<_> = (0..threads)
            .map(|part| {
                let (from, to) = (experiments * part / threads, experiments * (part + 1) / threads);
                scope.spawn(move || Outcome::run(scenario, lift, from, to))
            })
            .collect();
        let mut parts = parts.into_iter().map(|part| part.join().unwrap_or_default());
        let first = parts.next().unwrap_or_default();
        parts.fold(first, |sum, part| sum.and(&part))
    })
}
