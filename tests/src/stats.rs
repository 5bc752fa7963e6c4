//! Vectors about the statistics, with tolerances; the reference was computed with 60 digits.

use crate::Report;
use serde_json::Value;
use splitlight_stats::exact::{Conversions, fisher_ln_p, newcombe, wilson};
use splitlight_stats::{
    Kind, LiftInterval, Method, Moments, Sample, TestResult, always_valid, compare, lift, sample_ratio,
    special, welch,
};
use std::collections::BTreeMap;
use std::f64::consts::LN_10;

/// The checks of one file, and the worst relative error of each thing compared.
#[derive(Default)]
struct Checks {
    report: Report,
    worst: BTreeMap<String, (usize, f64)>,
}

impl Checks {
    /// Compares with the reference printed to 20 digits; `floor` is the absolute error always allowed.
    fn check(&mut self, name: &str, id: &str, actual: f64, expected: &Value, tolerance: f64, floor: f64) {
        let expected = number(expected);
        let error = (actual - expected).abs();
        let relative = if error <= floor { 0.0 } else { error / expected.abs() };
        let fits = relative <= tolerance;
        let failure = (!fits).then(|| format!("{actual} instead of {expected}, off by {relative:e}"));
        self.report.count(&format!("{name} {id}"), failure);
        let entry = self.worst.entry(name.to_owned()).or_default();
        *entry = (entry.0 + 1, entry.1.max(relative));
    }

    /// A lower and an upper end; ends near 0 may be off by 1e-15 of the interval's width.
    fn check_interval(&mut self, name: &str, id: &str, actual: (f64, f64), expected: &Value, tolerance: f64) {
        let floor = (actual.1 - actual.0).abs() * 1e-15;
        self.check(name, id, actual.0, &expected[0], tolerance, floor);
        self.check(name, id, actual.1, &expected[1], tolerance, floor);
    }

    /// Something that holds or does not.
    fn holds(&mut self, name: &str, id: &str, truth: bool) {
        self.report.count(&format!("{name} {id}"), (!truth).then(|| "does not hold".to_owned()));
    }
}

/// Runs a file of vectors by its name.
pub(crate) fn run(path: &str, text: &str) -> Result<Report, serde_json::Error> {
    let document: Value = serde_json::from_str(text)?;
    let cases: Vec<Value> = serde_json::from_value(document["cases"].clone())?;
    let mut checks = Checks::default();
    let one: fn(&mut Checks, &Value) = match path {
        "stats/special_functions.json" => special_function,
        "stats/freq_ttest.json" | "stats/absolute_zero_baseline.json" => welch_test,
        "stats/freq_sequential.json" => always_valid_test,
        "stats/sequential_bounds.json" => sequential_multiplier,
        "stats/fieller.json" => fieller_interval,
        "stats/srm_chi2.json" => sample_ratio_test,
        "stats/proportion_interval.json" => proportion_interval,
        "stats/proportion_two_sample.json" => two_proportions,
        "stats/shard_merge.json" => merged_shards,
        other => return Err(serde::de::Error::custom(format!("nothing runs {other}"))),
    };
    for case in &cases {
        one(&mut checks, case);
    }
    let note = |(name, (values, worst)): (&String, &(usize, f64))| {
        format!("{name}: {values} values, worst relative error {worst:.1e}")
    };
    checks.report.notes = checks.worst.iter().map(note).collect();
    Ok(checks.report)
}

fn number(value: &Value) -> f64 {
    match value {
        Value::String(text) => text.parse().expect("a number in a string"),
        other => other.as_f64().expect("a number"),
    }
}

/// ln of a printed number that may be too small for an `f64`.
fn ln(value: &Value) -> f64 {
    let text = value.as_str().expect("a printed number");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
    let [mantissa, exponent]: [f64; 2] = [mantissa, exponent].map(|part| part.parse().expect("a number"));
    mantissa.ln() + exponent * LN_10
}

fn integer(value: &Value) -> i64 {
    value.as_i64().expect("an integer")
}

fn moments(arm: &Value) -> (Moments, Kind) {
    let (n, sum) = (integer(&arm["n"]), integer(&arm["sum"]));
    if arm["type"] == "proportion" {
        return (Moments::conversions(n, sum), Kind::Proportion);
    }
    (Moments { n, sum: sum.into(), sum_squares: integer(&arm["sum_squares"]).into() }, Kind::Mean)
}

/// The sample of an arm; ratio metrics are not ours, so their mean and variance come from the expectation.
fn sample(case: &Value, arm: &str) -> Sample {
    let (input, expect) = (&case["input"][arm], &case["expect"]);
    if input["type"] == "ratio" {
        let of = |what: &str| number(&expect[format!("{arm}_{what}")]);
        return Sample { n: number(&input["n"]), mean: of("mean"), variance: of("variance") };
    }
    let (moments, kind) = moments(input);
    moments.sample(kind).expect("possible moments")
}

fn id(case: &Value) -> &str {
    case["id"].as_str().expect("an id")
}

fn alpha(case: &Value) -> f64 {
    number(&case["input"]["alpha"])
}

fn special_function(checks: &mut Checks, case: &Value) {
    let name = case["input"]["fn"].as_str().expect("a name");
    let args: Vec<f64> = case["input"]["args"].as_array().expect("arguments").iter().map(number).collect();
    let (actual, tolerance) = match name {
        "norm_cdf" => (special::normal_cdf(args[0]), 1e-12),
        "norm_ppf" => (special::normal_quantile(args[0]), 1e-12),
        "t_sf" => (special::student_t_sf(args[0], args[1]), 1e-12),
        "t_ppf" => (special::student_t_quantile(args[0], args[1]), 1e-11),
        "chi2_sf" => (special::chi_square_sf(args[0], args[1]), 1e-12),
        "betainc_regularized" => (special::beta_regularized(args[0], args[1], args[2]), 1e-12),
        "gammainc_upper_regularized" => (special::gamma_upper_regularized(args[0], args[1]), 1e-12),
        other => panic!("{other} is not covered"),
    };
    checks.check(name, id(case), actual, &case["expect"]["value"], tolerance, 1e-300);
    let ln_expected = Value::from(ln(&case["expect"]["value"]));
    if name == "t_sf" {
        let actual = special::student_t_ln_sf(args[0], args[1]);
        checks.check("ln t_sf", id(case), actual, &ln_expected, 1e-12, 0.0);
    }
    if name == "norm_cdf" {
        let actual = special::normal_ln_sf(-args[0]);
        checks.check("ln norm_cdf", id(case), actual, &ln_expected, 1e-12, 1e-16);
    }
}

/// Difference, error, interval, p-value and its logarithm of one case.
fn check_test(checks: &mut Checks, name: &str, case: &Value, test: &TestResult) {
    let expect = &case["expect"];
    checks.check(&format!("{name} difference"), id(case), test.difference, &expect["estimate"], 1e-9, 0.0);
    checks.check(&format!("{name} error"), id(case), test.standard_error, &expect["se"], 1e-9, 0.0);
    checks.check(&format!("{name} p-value"), id(case), test.p_value, &expect["p_value"], 1e-9, 1e-300);
    if expect.get("ci").is_some() {
        checks.check_interval(&format!("{name} interval"), id(case), test.interval(), &expect["ci"], 1e-9);
    }
    // A relative error of 1e-9 in p is an absolute one in ln p.
    let ln_expected = Value::from(ln(&expect["p_value"]));
    checks.check(&format!("{name} ln p"), id(case), test.ln_p_value, &ln_expected, 1e-9, 1e-9);
}

fn welch_test(checks: &mut Checks, case: &Value) {
    let file = "welch";
    let (a, b) = (sample(case, "control"), sample(case, "treatment"));
    check_test(checks, file, case, &welch::test(&a, &b, alpha(case)));
    let dof = welch::degrees_of_freedom(&a, &b);
    checks.check(&format!("{file} dof"), id(case), dof, &case["expect"]["dof"], 1e-9, 0.0);
    if case["input"]["control"]["type"] != "ratio" {
        check_entry_point(checks, file, case, Method::Welch);
    }
}

fn always_valid_test(checks: &mut Checks, case: &Value) {
    let (a, b) = (sample(case, "control"), sample(case, "treatment"));
    let planned_total = number(&case["input"]["n_tune"]);
    check_test(checks, "freq_sequential", case, &always_valid::test(&a, &b, alpha(case), planned_total));
    if case["input"]["control"]["type"] != "ratio" {
        check_entry_point(checks, "freq_sequential", case, Method::AlwaysValid { planned_total });
    }
}

/// The same case through [`compare`], whose lift is undefined for a control mean of 0.
fn check_entry_point(checks: &mut Checks, file: &str, case: &Value, method: Method) {
    let (control, kind) = moments(&case["input"]["control"]);
    let (variation, _) = moments(&case["input"]["treatment"]);
    let result = compare(&control, &variation, kind, method, 1.0 - alpha(case)).expect("a result");
    let name = format!("{file} compare");
    checks.check(&name, id(case), result.p_value, &case["expect"]["p_value"], 1e-9, 1e-300);
    checks.check_interval(&name, id(case), result.difference_interval, &case["expect"]["ci"], 1e-9);
    checks.holds("lift", id(case), result.lift.is_none() == (control.sum == 0));
    let undefined = result.lift_interval == LiftInterval::Undefined;
    checks.holds("lift interval", id(case), undefined == (control.sum == 0));
}

fn sequential_multiplier(checks: &mut Checks, case: &Value) {
    let (input, expect) = (&case["input"], &case["expect"]);
    if input["kind"] == "eppo" {
        let total = number(&input["n_total"]);
        let multiplier = always_valid::multiplier(total, alpha(case), number(&input["n_tune"]));
        checks.check("eppo multiplier", id(case), multiplier, &expect["multiplier"], 1e-9, 0.0);
    } else {
        let v = number(&input["v"]);
        let bound = v.sqrt() * always_valid::multiplier(v, alpha(case), number(&input["v_opt"]));
        checks.check("confseq bound", id(case), bound, &expect["bound_two_sided"], 1e-9, 0.0);
    }
}

fn fieller_interval(checks: &mut Checks, case: &Value) {
    let (a, b) = (sample(case, "control"), sample(case, "treatment"));
    // The vectors use the normal quantile, our tests their own; the inversion is the same.
    let test = TestResult {
        multiplier: -special::normal_quantile(0.5 * alpha(case)),
        ..welch::test(&a, &b, alpha(case))
    };
    let estimate = lift::estimate(a.mean, test.difference).expect("a control mean");
    checks.check("fieller lift", id(case), estimate, &case["expect"]["estimate"], 1e-9, 0.0);
    match lift::fieller(&a, &test) {
        LiftInterval::Bounded(low, high) => {
            checks.check_interval("fieller interval", id(case), (low, high), &case["expect"]["ci"], 1e-7);
        }
        other => {
            let unbounded = other == LiftInterval::Unbounded && case["expect"]["bounded"] == false;
            checks.holds("fieller unbounded", id(case), unbounded);
        }
    }
}

fn sample_ratio_test(checks: &mut Checks, case: &Value) {
    let (input, expect) = (&case["input"], &case["expect"]);
    let users: Vec<u64> = serde_json::from_value(input["users"].clone()).expect("counts");
    let weights: Vec<f64> = serde_json::from_value(input["weights"].clone()).expect("weights");
    let result = sample_ratio(&users, &weights);
    let p_value = expect.get("p_value_better").unwrap_or(&expect["p_value"]);
    checks.check("srm p-value", id(case), result.p_value, p_value, 1e-9, 1e-300);
    checks.check("srm chi-square", id(case), result.chi_square, &expect["chi2"], 1e-9, 1e-15);
    let leak = expect.get("p_value_better").is_some() && users.last() > Some(&0);
    checks.holds("srm leak", id(case), result.leak == leak);
}

fn proportion_interval(checks: &mut Checks, case: &Value) {
    let of = |key: &str| number(&case["input"][key]);
    let interval = wilson(&Conversions { converted: of("successes"), n: of("n") }, alpha(case));
    checks.check_interval("wilson", id(case), interval, &case["expect"]["wilson"], 1e-9);
}

fn two_proportions(checks: &mut Checks, case: &Value) {
    let of = |key: &str| number(&case["input"][key]);
    let control = Conversions { converted: of("k_control"), n: of("n_control") };
    let variation = Conversions { converted: of("k_treatment"), n: of("n_treatment") };
    let interval = newcombe(&control, &variation, alpha(case));
    checks.check_interval("newcombe", id(case), interval, &case["expect"]["newcombe"], 1e-9);
    if let Some(fisher) = case["expect"].get("fisher_p") {
        checks.check("fisher", id(case), fisher_ln_p(&control, &variation).exp(), fisher, 1e-9, 0.0);
    }
}

fn merged_shards(checks: &mut Checks, case: &Value) {
    let shards = case["input"]["shards"].as_array().expect("shards");
    for arm in ["control", "treatment"] {
        let parts = || shards.iter().map(|shard| moments(&shard[arm]).0);
        let forward = parts().fold(Moments::default(), Moments::merge);
        let backward = parts().rev().fold(Moments::default(), Moments::merge);
        checks.holds("merged", id(case), forward == moments(&case["expect"][arm]).0 && forward == backward);
    }
}
