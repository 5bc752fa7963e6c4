//! Beliefs: normal effects, conversion rates, and the best of several variations.

use super::means::arms_and_effect;
use super::{Checks, read};
use serde_json::Value;
use splitlight_stats::bayes::{BetaPosterior, Direction, NormalPosterior, NormalPrior, compare, thompson};
use splitlight_stats::{Invalid, Sample};

pub(super) fn normal(checks: &mut Checks, case: &Value) {
    let (input, expect) = (&case["input"], &case["expect"]);
    let Some((arms, effect)) = arms_and_effect(checks, case) else { return };
    let of_prior = |name: &str| read::number(&input["prior"][name]);
    let lift = NormalPrior { mean: of_prior("mean"), standard_deviation: of_prior("variance").sqrt() };
    let absolute = input["difference"] == "absolute";
    let prior = if absolute { lift.of_difference(arms.control.mean) } else { lift };
    let prior = (input["prior"]["proper"] == true).then_some(&prior);
    let wanted = if input["inverse"] == true { Direction::Decrease } else { Direction::Increase };
    let posterior = match NormalPosterior::new(&effect.estimate, prior) {
        Ok(posterior) => posterior,
        Err(reason) => return checks.fail("normal", &reason.to_string()),
    };
    checks.check("mean", posterior.mean, &expect["expected"]);
    checks.check("deviation", posterior.standard_deviation, &expect["posterior_sd"]);
    checks.check("chance to win", posterior.chance_to_win(wanted), &expect["chance_to_win"]);
    checks.check_interval(
        "interval",
        posterior.interval(read::alpha(case)).expect("an interval"),
        &expect["ci"],
    );
    // The first one is what keeping the control loses, also where less is better.
    checks.check("loss of keeping", posterior.loss_of_keeping(wanted), &expect["risk"][0]);
    checks.check("loss of shipping", posterior.loss_of_shipping(wanted), &expect["risk"][1]);
}

pub(super) fn beta_binomial(checks: &mut Checks, case: &Value) {
    let of = |name: &str| read::input(case, name);
    let prior = (of("prior_alpha"), of("prior_beta"));
    let posterior = |arm: &str| BetaPosterior::new(of(&format!("k_{arm}")), of(&format!("n_{arm}")), prior);
    let (control, variation) =
        (posterior("control").expect("a posterior"), posterior("treatment").expect("a posterior"));
    let (result, expect) = (compare(&control, &variation), &case["expect"]);
    checks.check("chance to win", result.chance_to_win, &expect["prob_treatment_better"]);
    checks.check("loss of shipping", result.loss_of_shipping, &expect["expected_loss_choose_treatment"]);
    checks.check("loss of keeping", result.loss_of_keeping, &expect["expected_loss_choose_control"]);
    checks.check("mean", control.mean(), &expect["posterior_mean_control"]);
    checks.check("mean", variation.mean(), &expect["posterior_mean_treatment"]);
    if let Some(interval) = case.get("tool_credible_interval_treatment_95") {
        checks.check_interval("credible interval", variation.interval(0.05).expect("an interval"), interval);
    }
}

pub(super) fn bandit(checks: &mut Checks, case: &Value) {
    if let Err(reason) = allocation(checks, case) {
        checks.fail("allocation", &reason.to_string());
    }
}

fn allocation(checks: &mut Checks, case: &Value) -> Result<(), Invalid> {
    let (input, expect) = (&case["input"], &case["expect"]);
    let of = |name: &str| read::numbers(&input[name]);
    let (n, mean, variance) = (of("n"), of("mean"), of("variance"));
    let samples: Vec<Sample> =
        (0..n.len()).map(|i| Sample { n: n[i], mean: mean[i], variance: variance[i] }).collect();
    let prior = NormalPrior {
        mean: read::number(&input["prior"]["mean"]),
        standard_deviation: read::number(&input["prior"]["variance"]).sqrt(),
    };
    let wanted = if input["inverse"] == true { Direction::Decrease } else { Direction::Increase };
    let found = thompson(&samples, &prior, read::input(case, "min_weight"), wanted)?;
    checks.holds("enough units", input["enough_units"] == found.weights.is_some());
    for i in 0..n.len() {
        checks.check("mean", found.mean[i], &expect["posterior_mean"][i]);
        checks.check("deviation", found.standard_deviation[i], &expect["posterior_sd"][i]);
        let tolerance = checks.tolerance;
        checks.check_within("best", found.best[i], &expect["best_arm_probability"][i], tolerance, 1e-12);
        if let Some(weights) = &found.weights {
            checks.check_within("weight", weights[i], &expect["weights"][i], tolerance, 1e-12);
        }
    }
    Ok(())
}
