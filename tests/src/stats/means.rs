//! Differences of means: one look, the lift's interval, margins, strata, and moments that were counted in parts.

use super::{Checks, read};
use serde_json::Value;
use splitlight_stats::{
    Alternative, Contrast, Direction, Effect, LiftInterval, Method, NotEnoughData, Procedure, TestResult,
    compare, non_inferiority, special, strata,
};

pub(super) fn welch_test(checks: &mut Checks, case: &Value) {
    let expect = &case["expect"];
    let Some((arms, effect)) = arms_and_effect(checks, case) else {
        return without_variance(checks, case);
    };
    if let Some(theta) = expect.get("theta") {
        checks.check("theta", arms.theta.unwrap_or(0.0), theta);
    }
    for (estimate, name) in [(&arms.control, "control"), (&arms.variation, "treatment")] {
        // The reference prints the plain mean and the adjusted variance.
        if let (Some(mean), Some(variance)) =
            (expect.get(format!("{name}_mean")), expect.get(format!("{name}_variance")))
        {
            checks.check("mean", estimate.mean, mean);
            checks.check("variance", estimate.sample.variance, variance);
        }
    }
    checks.check("error", effect.estimate.standard_error, &expect["se"]);
    check_effect(checks, case, &effect);
    if case["input"]["difference"] == "absolute" && case["input"]["test"] == "two_sided" {
        check_entry_point(checks, case, Method::Welch);
    }
}

/// What a case compares and the effect that it asks for; `None` when it expects an error, which has been checked.
pub(super) fn arms_and_effect(checks: &mut Checks, case: &Value) -> Option<(read::Arms, Effect)> {
    let arms = read::arms(&case["input"]["control"], &case["input"]["treatment"]);
    let found = arms.and_then(|arms| effect(case, &arms.contrast()).map(|effect| (arms, effect)));
    if let Some(error) = case["expect"]["error"].as_str() {
        // A control mean of 0 is only in the way of a relative effect; see absolute_zero_baseline.
        let answers =
            error == "ZERO_NEGATIVE_BASELINE_VARIATION" && case["input"]["difference"] != "relative";
        checks.holds(error, found.is_ok() == answers);
        return None;
    }
    if let Err(reason) = &found {
        checks.fail("effect", &reason.to_string());
    }
    found.ok()
}

/// The effect that a case asks for.
pub(super) fn effect(case: &Value, contrast: &Contrast) -> Result<Effect, NotEnoughData> {
    match case["input"]["difference"].as_str() {
        Some("relative") => contrast.relative(),
        Some("scaled") => {
            let of = |name: &str| read::input(case, name);
            let (users, traffic) = (of("total_users"), of("traffic_fraction"));
            Ok(contrast.absolute()?.per_day(users, traffic, of("phase_length_days")))
        }
        _ => contrast.absolute(),
    }
}

/// Measured, degrees of freedom, p-value, its logarithm and the interval.
fn check_effect(checks: &mut Checks, case: &Value, effect: &Effect) {
    let expect = &case["expect"];
    let alternative = match case["input"]["test"].as_str() {
        Some("greater") => Alternative::Greater,
        Some("less") => Alternative::Less,
        _ => Alternative::TwoSided,
    };
    checks.check("estimate", effect.estimate.value, &expect["estimate"]);
    if let Some(dof) = expect.get("dof") {
        checks.check("dof", effect.dof, dof);
    }
    let test = match effect.test(alternative, read::alpha(case)) {
        Ok(test) => test,
        Err(reason) => return checks.fail("test", &reason.to_string()),
    };
    checks.check("p-value", test.p_value, &expect["p_value"]);
    checks.check_interval("interval", test.interval(), &expect["ci"]);
    // A relative error of 1e-9 in p is an absolute one in ln p.
    let ln_expected = Value::from(read::ln(&expect["p_value"]));
    checks.check_within("ln p", test.ln_p_value, &ln_expected, 1e-9, 1e-9);
}

/// Where the reference has no result, the entry point has one that is honest, or a reason.
fn without_variance(checks: &mut Checks, case: &Value) {
    let (control, variation) = (&case["input"]["control"], &case["input"]["treatment"]);
    if control["type"] != "proportion" {
        return;
    }
    let ((a, kind), (b, _)) = (read::moments(control), read::moments(variation));
    let impossible = [&a, &b].iter().any(|m| m.variance(kind).is_none());
    match compare(&a, &b, kind, Method::Welch, 1.0 - read::alpha(case)) {
        Ok(result) => checks.holds("exact", result.method == Procedure::Exact && !impossible),
        Err(NotEnoughData::TooFewVisitors) => checks.holds("nobody", a.n < 1 || b.n < 1),
        Err(reason) => checks.holds(&format!("{reason}"), impossible),
    }
}

/// Difference, error, interval, p-value and its logarithm of one case.
pub(super) fn check_test(checks: &mut Checks, case: &Value, test: &TestResult) {
    let expect = &case["expect"];
    checks.check("difference", test.difference, &expect["estimate"]);
    checks.check("error", test.standard_error, &expect["se"]);
    checks.check("p-value", test.p_value, &expect["p_value"]);
    checks.check_interval("interval", test.interval(), &expect["ci"]);
    let ln_expected = Value::from(read::ln(&expect["p_value"]));
    checks.check_within("ln p", test.ln_p_value, &ln_expected, 1e-9, 1e-9);
}

/// The same case through [`compare`], whose lift is undefined for a control mean of 0.
pub(super) fn check_entry_point(checks: &mut Checks, case: &Value, method: Method<'_>) {
    let (control, variation) = (&case["input"]["control"], &case["input"]["treatment"]);
    let alpha = read::alpha(case);
    let result = if read::is_plain(control) {
        let ((control, kind), (variation, _)) = (read::moments(control), read::moments(variation));
        compare(&control, &variation, kind, method, 1.0 - alpha)
    } else {
        read::arms(control, variation).and_then(|arms| arms.compare(method, 1.0 - alpha))
    };
    let result = match result {
        Ok(result) => result,
        Err(reason) => return checks.fail("compare", &format!("{reason}")),
    };
    checks.check("compare p-value", result.p_value, &case["expect"]["p_value"]);
    checks.check_interval("compare interval", result.difference_interval, &case["expect"]["ci"]);
    let without_mean = result.control_mean == 0.0;
    checks.holds("lift", result.lift.is_none() == without_mean);
    checks.holds("lift interval", (result.lift_interval == LiftInterval::Undefined) == without_mean);
    let (low, high) = result.difference_interval;
    let apart = low > 0.0 || high < 0.0;
    let says = !matches!(result.lift_interval, LiftInterval::Undefined | LiftInterval::Unbounded);
    checks.holds("lift interval agrees", !says || result.lift_interval.excludes_zero() == apart);
}

pub(super) fn fieller_interval(checks: &mut Checks, case: &Value) {
    let (input, expect) = (&case["input"], &case["expect"]);
    let arms = match read::arms(&input["control"], &input["treatment"]) {
        Ok(arms) => arms,
        Err(reason) => return checks.fail("fieller", &format!("{reason}")),
    };
    let contrast = arms.contrast();
    // The vectors use the normal quantile, our tests their own; the inversion is the same.
    let multiplier = -special::normal_quantile(0.5 * read::alpha(case));
    checks.check_within("lift", contrast.lift().unwrap_or(f64::NAN), &expect["estimate"], 1e-9, 0.0);
    match contrast.lift_interval(multiplier) {
        LiftInterval::Bounded(low, high) => checks.check_interval("interval", (low, high), &expect["ci"]),
        LiftInterval::Undefined => checks.fail("fieller", "undefined"),
        LiftInterval::Unbounded | LiftInterval::Outside(..) => {
            checks.holds("unbounded", expect["bounded"] == false);
        }
    }
    if let (Some(delta), Ok(effect)) = (expect.get("delta_ci"), contrast.relative()) {
        let half = multiplier * effect.estimate.standard_error;
        checks.check_interval(
            "delta interval",
            (effect.estimate.value - half, effect.estimate.value + half),
            delta,
        );
    }
}

pub(super) fn margin(checks: &mut Checks, case: &Value) {
    let (input, expect) = (&case["input"], &case["expect"]);
    let direction = if input["preferred"] == "decrease" { Direction::Decrease } else { Direction::Increase };
    let margin = read::input(case, "margin_relative");
    let test = read::arms(&input["control"], &input["treatment"])
        .and_then(|arms| non_inferiority(&arms.contrast(), margin, direction, read::alpha(case)));
    let test = match test {
        Ok(test) => test,
        Err(reason) => return checks.fail("margin", &format!("{reason}")),
    };
    checks.check("margin", test.margin, &expect["margin_absolute"]);
    checks.check("t", test.t, &expect["t"]);
    checks.check("dof", test.dof, &expect["dof"]);
    checks.check("p-value", test.p_value, &expect["p_value"]);
    checks.check("bound", test.bound, &expect["one_sided_bound"]);
    checks.check("equivalence p-value", test.equivalence_p_value, &expect["equivalence_p"]);
}

pub(super) fn post_stratification(checks: &mut Checks, case: &Value) {
    let given = case["input"]["strata"].as_array().expect("strata");
    let contrast = match given[0]["control"]["type"].as_str() {
        Some("ratio") => {
            let kinds = (read::kind(&given[0]["control"]["num"]), read::kind(&given[0]["control"]["den"]));
            strata::ratio(&read::strata(given, read::pair), kinds.0, kinds.1)
        }
        Some("mean_cuped") => {
            let kind = read::kind(&given[0]["control"]["post"]);
            strata::adjusted(&read::strata(given, read::pair), kind, kind)
        }
        _ => {
            strata::plain(&read::strata(given, |arm| read::moments(arm).0), read::kind(&given[0]["control"]))
        }
    };
    let result = contrast.and_then(|contrast| effect(case, &contrast));
    match result {
        Ok(effect) if case["expect"]["error"].is_null() => {
            checks.check("error", effect.estimate.standard_error, &case["expect"]["se"]);
            check_effect(checks, case, &effect);
        }
        Ok(_) => checks.fail("strata", "there is no result"),
        Err(reason) => checks.holds(&format!("{reason}"), !case["expect"]["error"].is_null()),
    }
}

pub(super) fn merged_shards(checks: &mut Checks, case: &Value) {
    let shards = case["input"]["shards"].as_array().expect("shards");
    let (control, variation) = (&case["expect"]["control"], &case["expect"]["treatment"]);
    for (name, whole) in [("control", control), ("treatment", variation)] {
        let parts: Vec<read::Counted> = shards.iter().map(|shard| read::counted(&shard[name])).collect();
        let forward = parts.iter().copied().reduce(read::Counted::merge);
        let backward = parts.iter().rev().copied().reduce(read::Counted::merge);
        let whole = Some(read::counted(whole));
        checks.holds("merged", forward == whole && backward == whole);
    }
    let merged = read::arms(control, variation).and_then(|arms| effect(case, &arms.contrast()));
    match merged {
        Ok(effect) => {
            checks.check("error", effect.estimate.standard_error, &case["expect"]["se"]);
            check_effect(checks, case, &effect);
        }
        Err(reason) => checks.fail("merged", &format!("{reason}")),
    }
}
