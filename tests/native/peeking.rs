//! Peeking, in short: a few hundred experiments of each scenario, looked at a hundred times.

use splitlight_tests::simulation::{Method, Outcome, SCENARIOS};

/// Few enough for every run of the tests; `cargo xtask bench stats --simulate` makes twenty thousand.
const EXPERIMENTS: u64 = 300;

#[test]
fn looking_a_hundred_times_finds_nothing_where_nothing_is() {
    for scenario in &SCENARIOS {
        let null = Outcome::run(scenario, 0.0, 0, EXPERIMENTS);
        let shares = [
            ("always valid", null.ever(Method::AlwaysValid)),
            ("its lift interval", null.ever_by_lift()),
            ("planned looks", null.ever(Method::GroupSequential)),
        ];
        println!("{}: {shares:?}, t-test at every look {:.3}", scenario.name, null.ever(Method::FixedAlways));
        for (method, share) in shares {
            assert!(share <= 0.05 + null.slack(), "{}: {method} {share}", scenario.name);
        }
        assert!(null.coverage() >= 0.95, "{}: coverage {}", scenario.name, null.coverage());
        // The guard itself: the same experiments catch a method that may not be looked at.
        assert!(null.ever(Method::FixedAlways) > 0.2, "{}: peeking did no harm", scenario.name);
        assert!(null.ever(Method::ChanceToWin) > 0.4, "{}: stopping by belief did no harm", scenario.name);
    }
}

#[test]
fn effects_are_found_and_their_size_is_covered() {
    let scenario = &SCENARIOS[0];
    let found = Outcome::run(scenario, scenario.lift(), 0, EXPERIMENTS);
    let slack = 3.0 * (0.25 / EXPERIMENTS as f64).sqrt();
    println!(
        "always valid {:.3}, planned looks {:.3}, one look {:.3}, coverage {:.3}",
        found.ever(Method::AlwaysValid),
        found.ever(Method::GroupSequential),
        found.ever(Method::FixedOnce),
        found.coverage()
    );
    assert!(found.ever(Method::AlwaysValid) >= 0.50 - slack);
    assert!(found.ever(Method::GroupSequential) >= 0.76 - slack);
    assert!(found.coverage() >= 0.95);
}
