//! Power and sample sizes.

use super::{Checks, read};
use serde_json::Value;
use splitlight_stats::Invalid;
use splitlight_stats::bayes::NormalPrior;
use splitlight_stats::power::{
    Baseline, Design, Looks, Running, detectable_effect, normal_power, proportion_sizes, student_power,
};

pub(super) fn sizes(checks: &mut Checks, case: &Value) {
    let checked = match case["input"]["kind"].as_str() {
        Some("sample_size_proportion") => proportions(checks, case),
        Some("power_mean") => means(checks, case),
        Some("growthbook_power") => growthbook(checks, case),
        other => return checks.fail("power", &format!("{other:?} is not covered")),
    };
    if let Err(reason) = checked {
        checks.fail("power", &reason.to_string());
    }
}

fn proportions(checks: &mut Checks, case: &Value) -> Result<(), Invalid> {
    let (of, expect) = (|name: &str| read::input(case, name), &case["expect"]);
    let sizes = proportion_sizes(of("baseline"), of("relative_lift"), of("alpha"), of("power"), of("ratio"))?;
    checks.check("pooled", sizes.equal, &expect["n_evan_miller_equal_arms"]);
    checks.check("unpooled", sizes.control, &expect["n_control_unpooled"]);
    checks.check("cohen h", sizes.cohen_h, &expect["cohen_h"]);
    checks.check("by cohen h", sizes.control_by_h, &expect["n_cohen_h"]);
    Ok(())
}

fn means(checks: &mut Checks, case: &Value) -> Result<(), Invalid> {
    let (of, expect) = (|name: &str| read::input(case, name), &case["expect"]);
    let (n, alpha) = (of("n_control"), of("alpha"));
    let error = of("sd") * (1.0 / n + 1.0 / (n * of("ratio"))).sqrt();
    let delta = of("delta") / error;
    checks.check("normal power", normal_power(delta, alpha)?, &expect["power_z"]);
    let dof = n + n * of("ratio") - 2.0;
    checks.check("t power", student_power(delta, dof, alpha)?, &expect["power_t"]);
    checks.check("difference", detectable_effect(error, alpha, 0.8)?, &expect["mde_80_absolute"]);
    Ok(())
}

fn growthbook(checks: &mut Checks, case: &Value) -> Result<(), Invalid> {
    let (of, input, expect) = (|name: &str| read::input(case, name), &case["input"], &case["expect"]);
    let of_metric = |name: &str| read::number(&input["metric"][name]);
    let baseline = if input["metric"]["type"] == "binomial" {
        Baseline::proportion(of_metric("conversion_rate"))?
    } else {
        Baseline { mean: of_metric("mean"), standard_deviation: of_metric("sd") }
    };
    let looks = match &input["sequential_n_tune"] {
        Value::Null => Looks::Once,
        planned => Looks::AnyTime { planned_total: read::number(planned) },
    };
    let design = Design { alpha: of("alpha"), looks };
    let n = of("n_total") / of("variations");
    checks.check("power", design.power(&baseline, n, of("relative_effect"))?, &expect["power"]);
    let mde = design.detectable_lift(&baseline, n, of("target_power"));
    if expect["mde"].is_null() {
        checks.holds("no lift is found", mde == Err(Invalid::Unreachable));
    } else {
        checks.check("lift", mde?, &expect["mde"]);
    }
    Ok(())
}

pub(super) fn running(checks: &mut Checks, case: &Value) {
    let (of, input, expect) = (|name: &str| read::input(case, name), &case["input"], &case["expect"]);
    let is = |name: &str| input[name] == true;
    let goals = of("goal_metrics");
    let tests = if is("p_value_corrected") { goals * (of("variations") - 1.0) } else { 1.0 };
    let planned_total = of("n_tune");
    let prior = input["prior"].as_object().map(|prior| NormalPrior {
        mean: read::number(&prior["mean"]),
        standard_deviation: read::number(&prior["variance"]).sqrt(),
    });
    let running = Running {
        visitors: of("pairwise_n"),
        standard_error: of("se"),
        effect: of("target_mde"),
        alpha: of("alpha") / tests,
        looks: if is("sequential") { Looks::AnyTime { planned_total } } else { Looks::Once },
        prior,
    };
    let power = |more: f64| running.power(more).expect("a power");
    checks.check("power now", power(0.0), &expect["power_now"]);
    checks.check("power at 2x", power(1.0), &expect["power_at_2x"]);
    checks.check("power at 10x", power(9.0), &expect["power_at_10x"]);
    let target = of("target_power").powf(1.0 / goals);
    match running.remaining(target) {
        Ok(more) => checks.check("more visitors", more, &expect["scaling_factor"]),
        Err(reason) => {
            checks.holds("unreachable", reason == Invalid::Unreachable && expect["scaling_factor"].is_null());
        }
    }
}
