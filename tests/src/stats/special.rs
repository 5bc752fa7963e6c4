//! The special functions.

use super::{Checks, read};
use serde_json::Value;
use splitlight_stats::special;

pub(super) fn function(checks: &mut Checks, case: &Value) {
    let name = case["input"]["fn"].as_str().expect("a name");
    let args = read::numbers(&case["input"]["args"]);
    let actual = match name {
        "norm_cdf" => special::normal_cdf(args[0]),
        "norm_ppf" => special::normal_quantile(args[0]),
        "t_sf" => special::student_t_sf(args[0], args[1]),
        "t_ppf" => special::student_t_quantile(args[0], args[1]),
        "chi2_sf" => special::chi_square_sf(args[0], args[1]),
        "betainc_regularized" => special::beta_regularized(args[0], args[1], args[2]),
        "gammainc_upper_regularized" => special::gamma_upper_regularized(args[0], args[1]),
        "ln_gamma" => libm::lgamma(args[0]),
        other => return checks.fail(other, "is not covered"),
    };
    let expected = &case["expect"]["value"];
    let tolerance = if name == "t_ppf" { 1e-11 } else { checks.tolerance };
    checks.check_within(name, actual, expected, tolerance, 1e-300);
    if name == "t_sf" {
        let actual = special::student_t_ln_sf(args[0], args[1]);
        checks.check_within("ln t_sf", actual, &Value::from(read::ln(expected)), 1e-12, 0.0);
    }
    if name == "norm_cdf" {
        let actual = special::normal_ln_sf(-args[0]);
        checks.check_within("ln norm_cdf", actual, &Value::from(read::ln(expected)), 1e-12, 1e-16);
    }
}
