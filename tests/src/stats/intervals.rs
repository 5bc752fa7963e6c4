//! Intervals of proportions.

use super::{Checks, read};
use serde_json::Value;
use splitlight_stats::exact::{Conversions, fisher_ln_p, newcombe, wilson};

pub(super) fn proportion_interval(checks: &mut Checks, case: &Value) {
    let conversions = Conversions { converted: read::input(case, "successes"), n: read::input(case, "n") };
    checks.check_interval("wilson", wilson(&conversions, read::alpha(case)), &case["expect"]["wilson"]);
}

pub(super) fn two_proportions(checks: &mut Checks, case: &Value) {
    let of = |key: &str| read::input(case, key);
    let control = Conversions { converted: of("k_control"), n: of("n_control") };
    let variation = Conversions { converted: of("k_treatment"), n: of("n_treatment") };
    let interval = newcombe(&control, &variation, read::alpha(case));
    checks.check_interval("newcombe", interval, &case["expect"]["newcombe"]);
    if let Some(fisher) = case["expect"].get("fisher_p") {
        checks.check("fisher", fisher_ln_p(&control, &variation).exp(), fisher);
    }
}
