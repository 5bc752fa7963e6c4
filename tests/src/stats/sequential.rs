//! What may be looked at as often as wanted, and the split of the visitors.

use super::means::{absolute_samples, check_entry_point, check_test};
use super::{Checks, read};
use serde_json::Value;
use splitlight_stats::{Method, always_valid, sample_ratio};

pub(super) fn always_valid_test(checks: &mut Checks, case: &Value) {
    let Some((a, b)) = absolute_samples(case) else {
        return checks.fail("always valid", "only absolute differences of proportions and means are covered");
    };
    let planned_total = read::input(case, "n_tune");
    check_test(checks, case, &always_valid::test(&a, &b, read::alpha(case), planned_total));
    check_entry_point(checks, case, Method::AlwaysValid { planned_total });
}

pub(super) fn bound(checks: &mut Checks, case: &Value) {
    let expect = &case["expect"];
    let of = |name: &str| read::input(case, name);
    match case["input"]["kind"].as_str() {
        Some("eppo") => {
            let multiplier = always_valid::multiplier(of("n_total"), read::alpha(case), of("n_tune"));
            checks.check("eppo multiplier", multiplier, &expect["multiplier"]);
        }
        Some("normal_mixture") => {
            let v = of("v");
            let bound = v.sqrt() * always_valid::multiplier(v, read::alpha(case), of("v_opt"));
            checks.check("confseq bound", bound, &expect["bound_two_sided"]);
        }
        _ => checks.fail("bound", "this kind is not covered"),
    }
}

pub(super) fn sample_ratio_test(checks: &mut Checks, case: &Value) {
    let (input, expect) = (&case["input"], &case["expect"]);
    let users: Vec<u64> = serde_json::from_value(input["users"].clone()).expect("counts");
    let weights: Vec<f64> = serde_json::from_value(input["weights"].clone()).expect("weights");
    let result = sample_ratio(&users, &weights);
    let p_value = expect.get("p_value_better").unwrap_or(&expect["p_value"]);
    checks.check("p-value", result.p_value, p_value);
    checks.check_within("chi-square", result.chi_square, &expect["chi2"], checks.tolerance, 1e-15);
    let leak = users.iter().zip(&weights).any(|(&n, &weight)| n > 0 && weight <= 0.0);
    checks.holds("leak", result.leak == leak);
}
