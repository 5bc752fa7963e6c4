//! Differences of means: one look, the lift's interval, and moments that were counted in parts.

use super::{Checks, read};
use serde_json::Value;
use splitlight_stats::{LiftInterval, Method, Moments, Sample, TestResult, compare, lift, special, welch};

pub(super) fn welch_test(checks: &mut Checks, case: &Value) {
    let Some((a, b)) = absolute_samples(case) else {
        return checks.fail("welch", "only absolute differences of proportions and means are covered");
    };
    check_test(checks, case, &welch::test(&a, &b, read::alpha(case)));
    checks.check("dof", welch::degrees_of_freedom(&a, &b), &case["expect"]["dof"]);
    check_entry_point(checks, case, Method::Welch);
}

/// Both samples of a two-sided test of the absolute difference that has a result.
pub(super) fn absolute_samples(case: &Value) -> Option<(Sample, Sample)> {
    let (input, expect) = (&case["input"], &case["expect"]);
    let two_sided = input["test"] == "two_sided" || input["test"] == "sequential_two_sided";
    let covered = two_sided && input["difference"] == "absolute" && expect["error"].is_null();
    covered.then(|| Some((read::sample(case, "control")?, read::sample(case, "treatment")?)))?
}

/// Difference, error, interval, p-value and its logarithm of one case.
pub(super) fn check_test(checks: &mut Checks, case: &Value, test: &TestResult) {
    let expect = &case["expect"];
    checks.check("difference", test.difference, &expect["estimate"]);
    checks.check("error", test.standard_error, &expect["se"]);
    checks.check("p-value", test.p_value, &expect["p_value"]);
    checks.check_interval("interval", test.interval(), &expect["ci"]);
    // A relative error of 1e-9 in p is an absolute one in ln p.
    let ln_expected = Value::from(read::ln(&expect["p_value"]));
    checks.check_within("ln p", test.ln_p_value, &ln_expected, 1e-9, 1e-9);
}

/// The same case through [`compare`], whose lift is undefined for a control mean of 0.
pub(super) fn check_entry_point(checks: &mut Checks, case: &Value, method: Method) {
    let (control, kind) = read::moments(&case["input"]["control"]);
    let (variation, _) = read::moments(&case["input"]["treatment"]);
    let result = compare(&control, &variation, kind, method, 1.0 - read::alpha(case)).expect("a result");
    checks.check("compare p-value", result.p_value, &case["expect"]["p_value"]);
    checks.check_interval("compare interval", result.difference_interval, &case["expect"]["ci"]);
    checks.holds("lift", result.lift.is_none() == (control.sum == 0));
    let undefined = result.lift_interval == LiftInterval::Undefined;
    checks.holds("lift interval", undefined == (control.sum == 0));
}

pub(super) fn fieller_interval(checks: &mut Checks, case: &Value) {
    let (Some(a), Some(b)) = (read::sample(case, "control"), read::sample(case, "treatment")) else {
        return checks.fail("fieller", "only proportions and means are covered");
    };
    // The vectors use the normal quantile, our tests their own; the inversion is the same.
    let alpha = read::alpha(case);
    let test =
        TestResult { multiplier: -special::normal_quantile(0.5 * alpha), ..welch::test(&a, &b, alpha) };
    let estimate = lift::estimate(a.mean, test.difference).expect("a control mean");
    checks.check_within("lift", estimate, &case["expect"]["estimate"], 1e-9, 0.0);
    match lift::fieller(&a, &test) {
        LiftInterval::Bounded(low, high) => {
            checks.check_interval("interval", (low, high), &case["expect"]["ci"]);
        }
        other => {
            let unbounded = other == LiftInterval::Unbounded && case["expect"]["bounded"] == false;
            checks.holds("unbounded", unbounded);
        }
    }
}

pub(super) fn merged_shards(checks: &mut Checks, case: &Value) {
    let shards = case["input"]["shards"].as_array().expect("shards");
    let covered = |arm: &Value| arm["type"] == "proportion" || arm["type"] == "mean";
    if !covered(&shards[0]["control"]) {
        return checks.fail("merged", "only proportions and means are covered");
    }
    for arm in ["control", "treatment"] {
        let parts = || shards.iter().map(|shard| read::moments(&shard[arm]).0);
        let forward = parts().fold(Moments::default(), Moments::merge);
        let backward = parts().rev().fold(Moments::default(), Moments::merge);
        checks.holds("merged", forward == read::moments(&case["expect"][arm]).0 && forward == backward);
    }
}
