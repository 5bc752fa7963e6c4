//! Many comparisons at once.

use super::{Checks, read};
use serde_json::Value;
use splitlight_stats::{Adjustment, adjusted, adjusted_interval, preferential_levels};

pub(super) fn p_values(checks: &mut Checks, case: &Value) {
    let adjustment = match case["input"]["method"].as_str() {
        Some("bonferroni") => Adjustment::Bonferroni,
        Some("holm") => Adjustment::Holm,
        Some("sidak") => Adjustment::Sidak,
        Some("holm-sidak") => Adjustment::HolmSidak,
        Some("simes-hochberg") => Adjustment::Hochberg,
        Some("hommel") => Adjustment::Hommel,
        Some("fdr_bh") => Adjustment::BenjaminiHochberg,
        Some("fdr_by") => Adjustment::BenjaminiYekutieli,
        other => return checks.fail("adjustment", &format!("nothing adjusts by {other:?}")),
    };
    let found = adjusted(&read::numbers(&case["input"]["p_values"]), adjustment);
    let expected = case["expect"]["adjusted"].as_array().expect("a list");
    checks.holds("as many", found.len() == expected.len());
    for (found, expected) in found.into_iter().zip(expected) {
        checks.check("adjusted", found, expected);
    }
}

pub(super) fn interval(checks: &mut Checks, case: &Value) {
    let (input, expect) = (&case["input"], &case["expect"]);
    let of = |name: &str| read::input(case, name);
    if input.get("gamma").is_some() {
        let count = |name: &str| u32::try_from(read::integer(&input[name])).expect("a small count");
        let (primary, other) =
            preferential_levels(of("alpha"), of("gamma"), count("treatments"), count("metrics"));
        checks.check("primary level", primary, &expect["alpha_primary"]);
        return checks.check("other level", other, &expect["alpha_other"]);
    }
    let given = (read::number(&input["ci"][0]), read::number(&input["ci"][1]));
    let interval = adjusted_interval(of("lift"), given, of("p_adjusted"), of("alpha"));
    checks.check_interval("interval", interval, &expect["ci"]);
}
