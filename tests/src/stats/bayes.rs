//! Beliefs: normal effects, conversion rates, and the best of several variations.

use super::{Checks, read};
use serde_json::Value;
use splitlight_stats::bayes::{BetaPosterior, Direction, NormalPrior, compare, thompson};
use splitlight_stats::{Invalid, Sample};

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
