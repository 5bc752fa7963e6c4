//! What may be looked at as often as wanted, and the split of the visitors.

use super::means::{arms_and_effect, check_entry_point, check_test};
use super::{Checks, read};
use serde_json::Value;
use splitlight_stats::always_valid::Plan;
use splitlight_stats::group_sequential::{self, Spending};
use splitlight_stats::sample_ratio::split_evidence;
use splitlight_stats::sequential::{
    Boundary, LinearModel, bernoulli_interval, mixture_ratio_test, statsig_test, stitched_bound,
};
use splitlight_stats::{Alternative, Estimate, Invalid, Method, sample_ratio};

pub(super) fn always_valid_test(checks: &mut Checks, case: &Value) {
    let (input, expect) = (&case["input"], &case["expect"]);
    let Some((arms, effect)) = arms_and_effect(checks, case) else { return };
    let alternative = match input["test"].as_str() {
        Some("sequential_greater") => Alternative::Greater,
        Some("sequential_less") => Alternative::Less,
        _ => Alternative::TwoSided,
    };
    let planned_total = read::input(case, "n_tune");
    let total = arms.control.sample.n + arms.variation.sample.n;
    let test = Plan::new(read::alpha(case), planned_total, alternative)
        .and_then(|plan| plan.test(&effect.estimate, total));
    match test {
        Ok(test) => check_test(checks, case, &test),
        Err(reason) => checks.fail("always valid", &reason.to_string()),
    }
    if let Some(theta) = expect.get("theta") {
        checks.check("theta", arms.theta.unwrap_or(0.0), theta);
    }
    if let Some(dof) = expect.get("dof") {
        checks.check("dof", effect.dof, dof);
    }
    if input["difference"] == "absolute" && alternative == Alternative::TwoSided {
        check_entry_point(checks, case, Method::AlwaysValid { planned_total });
    }
}

pub(super) fn bound(checks: &mut Checks, case: &Value) {
    let checked = match case["input"]["kind"].as_str() {
        Some("normal_mixture") => normal_mixture(checks, case),
        Some("eppo") => eppo(checks, case),
        Some("statsig") => statsig(checks, case),
        Some("msprt") => mixture_ratio(checks, case),
        Some("bernoulli_cs") => bernoulli(checks, case),
        Some("confseq_misc") => other_boundaries(checks, case),
        kind => return checks.fail("bound", &format!("{kind:?} is not covered")),
    };
    if let Err(reason) = checked {
        checks.fail("bound", &reason.to_string());
    }
}

fn normal_mixture(checks: &mut Checks, case: &Value) -> Result<(), Invalid> {
    let of = |name: &str| read::input(case, name);
    let (s, v, expect) = (of("s"), of("v"), &case["expect"]);
    let both = Boundary::normal(of("v_opt"), of("alpha_opt"))?;
    let one = Boundary::normal_one_sided(of("v_opt"), of("alpha_opt"))?;
    checks.check("normal bound", both.bound(v, of("alpha"))?, &expect["bound_two_sided"]);
    checks.check("normal mixture", both.ln_mixture(s, v)?, &expect["log_mixture_two_sided"]);
    checks.check("one-sided normal bound", one.bound(v, of("alpha"))?, &expect["bound_one_sided"]);
    checks.check("one-sided normal mixture", one.ln_mixture(s, v)?, &expect["log_mixture_one_sided"]);
    Ok(())
}

fn eppo(checks: &mut Checks, case: &Value) -> Result<(), Invalid> {
    let of = |name: &str| read::input(case, name);
    let effect = Estimate { value: of("estimate"), standard_error: of("se") };
    let plan = Plan::new(of("alpha"), of("n_tune"), Alternative::TwoSided)?;
    let test = plan.test(&effect, of("n_total"))?;
    checks.check("eppo multiplier", test.multiplier, &case["expect"]["multiplier"]);
    checks.check_interval("eppo interval", test.interval(), &case["expect"]["ci"]);
    Ok(())
}

fn statsig(checks: &mut Checks, case: &Value) -> Result<(), Invalid> {
    let of = |name: &str| read::input(case, name);
    let control = (of("n_control"), of("var_control"));
    let variation = (of("n_treatment"), of("var_treatment"));
    let test = statsig_test(of("delta"), control, variation, of("alpha"))?;
    checks.check("statsig threshold", test.multiplier, &case["expect"]["z_star"]);
    checks.check("statsig p-value", test.p_value, &case["expect"]["p_value"]);
    checks.check_interval("statsig interval", test.interval(), &case["expect"]["ci"]);
    Ok(())
}

fn mixture_ratio(checks: &mut Checks, case: &Value) -> Result<(), Invalid> {
    let of = |name: &str| read::input(case, name);
    let effect = Estimate { value: of("delta"), standard_error: of("variance_of_delta").sqrt() };
    let test = mixture_ratio_test(&effect, of("alpha"), of("tau2"))?;
    checks.check("ratio test p-value", test.p_value, &case["expect"]["p_value"]);
    checks.check_interval("ratio test interval", test.interval(), &case["expect"]["ci"]);
    Ok(())
}

fn bernoulli(checks: &mut Checks, case: &Value) -> Result<(), Invalid> {
    let of = |name: &str| read::input(case, name);
    let interval = bernoulli_interval(of("successes"), of("n"), of("alpha"), of("t_opt"))?;
    checks.check_interval("bernoulli interval", interval, &case["expect"]["ci"]);
    Ok(())
}

fn other_boundaries(checks: &mut Checks, case: &Value) -> Result<(), Invalid> {
    let (of, expect) = (|name: &str| read::input(case, name), &case["expect"]);
    let (v, alpha, tuned, c) = (of("v"), of("alpha"), of("v_opt"), of("c"));
    let exponential = Boundary::gamma_exponential(tuned, 0.05, c)?.bound(v, alpha)?;
    let poisson = Boundary::gamma_poisson(tuned, 0.05, c)?.bound(v, alpha)?;
    let bounded = Boundary::beta_binomial(tuned, 0.05, of("g"), of("h"))?.bound(v, alpha)?;
    checks.check("stitched", stitched_bound(v, alpha, of("v_min"), c)?, &expect["poly_stitching_bound"]);
    checks.check("gamma-exponential", exponential, &expect["gamma_exponential_mixture_bound"]);
    checks.check("gamma-poisson", poisson, &expect["gamma_poisson_mixture_bound"]);
    checks.check("beta-binomial", bounded, &expect["beta_binomial_mixture_bound_two_sided"]);
    Ok(())
}

pub(super) fn linear_model(checks: &mut Checks, case: &Value) {
    let of = |name: &str| read::input(case, name);
    let model = LinearModel {
        coefficient: Estimate { value: of("estimate"), standard_error: of("se") },
        residual_dof: of("nu"),
        information: of("z2"),
        prior_information: of("phi"),
    };
    let expect = &case["expect"];
    match (model.ln_bayes_factor(), model.test(of("alpha"))) {
        (Ok(evidence), Ok(test)) => {
            checks.check("evidence", evidence, &expect["log_bayes_factor"]);
            checks.check("p-value", test.p_value, &expect["p_value"]);
            let radius = test.multiplier * test.standard_error;
            checks.check("radius", radius, &expect["radius"]);
        }
        (_, reason) => checks.holds("radius is infinite", reason.is_err() && expect["radius"] == "inf"),
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

pub(super) fn split_evidence_test(checks: &mut Checks, case: &Value) {
    let (input, expect) = (&case["input"], &case["expect"]);
    let batches: Vec<Vec<u64>> = serde_json::from_value(input["batches"].clone()).expect("counts");
    let weights = read::numbers(&input["weights"]);
    let mut observed = vec![0; weights.len()];
    let mut ln_p_value = 0.0;
    for (batch, expected) in batches.iter().zip(expect["log_evalue_and_running_p"].as_array().expect("looks"))
    {
        observed.iter_mut().zip(batch).for_each(|(sum, n)| *sum += n);
        let look = split_evidence(&observed, &weights, read::input(case, "concentration"), ln_p_value);
        let look = look.expect("evidence");
        checks.check("evidence", look.ln_evidence, &expected[0]);
        checks.check("running p-value", look.p_value, &expected[1]);
        ln_p_value = look.ln_p_value;
    }
    checks.check("p-value", ln_p_value.exp(), &expect["p_value"]);
}

pub(super) fn planned_looks(checks: &mut Checks, case: &Value) {
    let (input, expect) = (&case["input"], &case["expect"]);
    let parameter = || read::input(case, "parameter");
    let spending = match input["spending"].as_str() {
        Some("obf") => Spending::OBrienFleming,
        Some("pocock") => Spending::Pocock,
        Some("power") => Spending::Power(parameter()),
        Some("hsd") => Spending::HwangShihDeCani(parameter()),
        other => return checks.fail("spending", &format!("{other:?} is not covered")),
    };
    let information = read::numbers(&input["information"]);
    let alternative = if input["two_sided"] == true { Alternative::TwoSided } else { Alternative::Greater };
    match group_sequential::Plan::new(read::alpha(case), spending, &information, alternative) {
        Ok(plan) => {
            for (index, look) in plan.looks().iter().enumerate() {
                checks.check("spent", look.spent, &expect["cumulative_alpha"][index]);
                checks.check("bound", look.bound, &expect["z"][index]);
            }
        }
        Err(reason) => checks.fail("plan", &reason.to_string()),
    }
}
