//! Proportions: one, and the difference of two.

use super::{Checks, read};
use serde_json::Value;
use splitlight_stats::proportion::{self, Conversions};
use splitlight_stats::{fisher_ln_p, special};

/// An interval of one rate, and one of the difference of two.
type One = fn(&Conversions, f64) -> (f64, f64);
type Two = fn(&Conversions, &Conversions, f64) -> (f64, f64);

pub(super) fn proportion_interval(checks: &mut Checks, case: &Value) {
    let conversions = Conversions { converted: read::input(case, "successes"), n: read::input(case, "n") };
    let of: [(&str, One); 4] = [
        ("wilson", proportion::wilson),
        ("clopper_pearson", proportion::clopper_pearson),
        ("jeffreys", proportion::jeffreys),
        ("agresti_coull", proportion::agresti_coull),
    ];
    for (name, interval) in of {
        checks.check_interval(name, interval(&conversions, read::alpha(case)), &case["expect"][name]);
    }
}

pub(super) fn two_proportions(checks: &mut Checks, case: &Value) {
    let (of, expect, alpha) = (|key: &str| read::input(case, key), &case["expect"], read::alpha(case));
    let control = Conversions { converted: of("k_control"), n: of("n_control") };
    let variation = Conversions { converted: of("k_treatment"), n: of("n_treatment") };
    let intervals: [(&str, Two); 4] = [
        ("newcombe", proportion::newcombe),
        ("wald", proportion::wald),
        ("agresti_caffo", proportion::agresti_caffo),
        ("mn_score", proportion::miettinen_nurminen),
    ];
    for (name, interval) in intervals {
        if let Some(expected) = expect.get(name) {
            checks.check_interval(name, interval(&control, &variation, alpha), expected);
        }
    }
    let ratio = proportion::risk_ratio(&control, &variation, alpha);
    match (ratio, expect.get("risk_ratio_log")) {
        (Some(ratio), Some(expected)) => checks.check_interval("risk ratio", ratio, expected),
        (ratio, expected) => checks.holds("risk ratio", ratio.is_none() && expected.is_none()),
    }
    let (pooled, unpooled) = proportion::z_statistics(&control, &variation);
    for (z, name) in [(pooled, "pooled"), (unpooled, "unpooled")] {
        match (z, expect.get(format!("z_{name}"))) {
            (Some(z), Some(expected)) => {
                checks.check(&format!("z {name}"), z, expected);
                let p_value = 2.0 * special::normal_sf(z.abs());
                checks.check(&format!("p {name}"), p_value, &expect[format!("p_{name}")]);
            }
            (z, expected) => checks.holds(&format!("z {name}"), z.is_none() && expected.is_none()),
        }
    }
    if let Some(fisher) = expect.get("fisher_p") {
        checks.check("fisher", fisher_ln_p(&control, &variation).exp(), fisher);
    }
}
