//! Runs every vector of `tests/vectors/stats` and prints cases and the worst relative error per function.

use std::collections::BTreeMap;
use std::f64::consts::LN_10;

use serde_json::Value;
use splitlight_stats::exact::{Conversions, fisher_ln_p, newcombe, wilson};
use splitlight_stats::{
    Kind, LiftInterval, Method, Moments, Sample, TestResult, always_valid, compare, lift, sample_ratio,
    special, welch,
};

/// Cases and the worst relative error of each thing compared.
#[derive(Default)]
struct Report(BTreeMap<String, (usize, f64)>);

impl Report {
    /// Compares with the reference printed to 20 digits; `floor` is the absolute error always allowed.
    fn check(&mut self, name: &str, id: &str, actual: f64, expected: &Value, tolerance: f64, floor: f64) {
        let expected = number(expected);
        let error = (actual - expected).abs();
        let relative = if error <= floor { 0.0 } else { error / expected.abs() };
        assert!(relative <= tolerance, "{name} {id}: {actual} instead of {expected}, off by {relative:e}");
        let entry = self.0.entry(name.to_owned()).or_default();
        *entry = (entry.0 + 1, entry.1.max(relative));
    }

    /// A lower and an upper end; ends near 0 may be off by 1e-15 of the interval's width.
    fn check_interval(&mut self, name: &str, id: &str, actual: (f64, f64), expected: &Value, tolerance: f64) {
        let floor = (actual.1 - actual.0).abs() * 1e-15;
        self.check(name, id, actual.0, &expected[0], tolerance, floor);
        self.check(name, id, actual.1, &expected[1], tolerance, floor);
    }
}

impl Drop for Report {
    fn drop(&mut self) {
        for (name, (cases, worst)) in &self.0 {
            println!("{name}: {cases} values, worst relative error {worst:.1e}");
        }
    }
}

/// The cases of one file.
fn cases(file: &str) -> Vec<Value> {
    let path = format!("{}/../../tests/vectors/stats/{file}.json", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).expect("the vectors are in the repository");
    let mut document: Value = serde_json::from_str(&text).expect("vectors are JSON");
    match document["cases"].take() {
        Value::Array(cases) => cases,
        other => panic!("{file} has no cases: {other}"),
    }
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

#[test]
fn special_functions() {
    let mut report = Report::default();
    for case in cases("special_functions") {
        let name = case["input"]["fn"].as_str().expect("a name");
        let args: Vec<f64> =
            case["input"]["args"].as_array().expect("arguments").iter().map(number).collect();
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
        report.check(name, id(&case), actual, &case["expect"]["value"], tolerance, 1e-300);
        let ln_expected = Value::from(ln(&case["expect"]["value"]));
        if name == "t_sf" {
            let actual = special::student_t_ln_sf(args[0], args[1]);
            report.check("ln t_sf", id(&case), actual, &ln_expected, 1e-12, 0.0);
        }
        if name == "norm_cdf" {
            let actual = special::normal_ln_sf(-args[0]);
            report.check("ln norm_cdf", id(&case), actual, &ln_expected, 1e-12, 1e-16);
        }
    }
}

/// Difference, error, interval, p-value and its logarithm of one case.
fn check_test(report: &mut Report, name: &str, case: &Value, test: &TestResult) {
    let expect = &case["expect"];
    report.check(&format!("{name} difference"), id(case), test.difference, &expect["estimate"], 1e-9, 0.0);
    report.check(&format!("{name} error"), id(case), test.standard_error, &expect["se"], 1e-9, 0.0);
    report.check(&format!("{name} p-value"), id(case), test.p_value, &expect["p_value"], 1e-9, 1e-300);
    if expect.get("ci").is_some() {
        report.check_interval(&format!("{name} interval"), id(case), test.interval(), &expect["ci"], 1e-9);
    }
    // A relative error of 1e-9 in p is an absolute one in ln p.
    let ln_expected = Value::from(ln(&expect["p_value"]));
    report.check(&format!("{name} ln p"), id(case), test.ln_p_value, &ln_expected, 1e-9, 1e-9);
}

#[test]
fn welch_tests() {
    let mut report = Report::default();
    for file in ["freq_ttest", "absolute_zero_baseline"] {
        for case in cases(file) {
            let (a, b) = (sample(&case, "control"), sample(&case, "treatment"));
            check_test(&mut report, file, &case, &welch::test(&a, &b, alpha(&case)));
            let dof = welch::degrees_of_freedom(&a, &b);
            report.check(&format!("{file} dof"), id(&case), dof, &case["expect"]["dof"], 1e-9, 0.0);
            if case["input"]["control"]["type"] != "ratio" {
                check_entry_point(&mut report, file, &case, Method::Welch);
            }
        }
    }
}

#[test]
fn always_valid_tests() {
    let mut report = Report::default();
    for case in cases("freq_sequential") {
        let (a, b) = (sample(&case, "control"), sample(&case, "treatment"));
        let planned_total = number(&case["input"]["n_tune"]);
        check_test(
            &mut report,
            "freq_sequential",
            &case,
            &always_valid::test(&a, &b, alpha(&case), planned_total),
        );
        if case["input"]["control"]["type"] != "ratio" {
            check_entry_point(&mut report, "freq_sequential", &case, Method::AlwaysValid { planned_total });
        }
    }
}

/// The same case through [`compare`], whose lift is undefined for a control mean of 0.
fn check_entry_point(report: &mut Report, file: &str, case: &Value, method: Method) {
    let (control, kind) = moments(&case["input"]["control"]);
    let (variation, _) = moments(&case["input"]["treatment"]);
    let result = compare(&control, &variation, kind, method, 1.0 - alpha(case)).expect("a result");
    let name = format!("{file} compare");
    report.check(&name, id(case), result.p_value, &case["expect"]["p_value"], 1e-9, 1e-300);
    report.check_interval(&name, id(case), result.difference_interval, &case["expect"]["ci"], 1e-9);
    assert_eq!(result.lift.is_none(), control.sum == 0);
    assert_eq!(result.lift_interval == LiftInterval::Undefined, control.sum == 0);
}

#[test]
fn sequential_multipliers() {
    let mut report = Report::default();
    for case in cases("sequential_bounds") {
        let (input, expect) = (&case["input"], &case["expect"]);
        if input["kind"] == "eppo" {
            let total = number(&input["n_total"]);
            let multiplier = always_valid::multiplier(total, alpha(&case), number(&input["n_tune"]));
            report.check("eppo multiplier", id(&case), multiplier, &expect["multiplier"], 1e-9, 0.0);
        } else {
            let v = number(&input["v"]);
            let bound = v.sqrt() * always_valid::multiplier(v, alpha(&case), number(&input["v_opt"]));
            report.check("confseq bound", id(&case), bound, &expect["bound_two_sided"], 1e-9, 0.0);
        }
    }
}

#[test]
fn fieller_intervals() {
    let mut report = Report::default();
    for case in cases("fieller") {
        let (a, b) = (sample(&case, "control"), sample(&case, "treatment"));
        // The vectors use the normal quantile, our tests their own; the inversion is the same.
        let test = TestResult {
            multiplier: -special::normal_quantile(0.5 * alpha(&case)),
            ..welch::test(&a, &b, alpha(&case))
        };
        let estimate = lift::estimate(a.mean, test.difference).expect("a control mean");
        report.check("fieller lift", id(&case), estimate, &case["expect"]["estimate"], 1e-9, 0.0);
        match lift::fieller(&a, &test) {
            LiftInterval::Bounded(low, high) => {
                report.check_interval(
                    "fieller interval",
                    id(&case),
                    (low, high),
                    &case["expect"]["ci"],
                    1e-7,
                );
            }
            other => {
                assert_eq!(other, LiftInterval::Unbounded);
                assert_eq!(case["expect"]["bounded"], false, "{case}");
                report.check("fieller unbounded", id(&case), 1.0, &Value::from(1.0), 0.0, 0.0);
            }
        }
    }
}

#[test]
fn sample_ratios() {
    let mut report = Report::default();
    for case in cases("srm_chi2") {
        let (input, expect) = (&case["input"], &case["expect"]);
        let users: Vec<u64> = serde_json::from_value(input["users"].clone()).expect("counts");
        let weights: Vec<f64> = serde_json::from_value(input["weights"].clone()).expect("weights");
        let result = sample_ratio(&users, &weights);
        let p_value = expect.get("p_value_better").unwrap_or(&expect["p_value"]);
        report.check("srm p-value", id(&case), result.p_value, p_value, 1e-9, 1e-300);
        report.check("srm chi-square", id(&case), result.chi_square, &expect["chi2"], 1e-9, 1e-15);
        assert_eq!(result.leak, expect.get("p_value_better").is_some() && users.last() > Some(&0));
    }
}

#[test]
fn proportions() {
    let mut report = Report::default();
    for case in cases("proportion_interval") {
        let of = |key: &str| number(&case["input"][key]);
        let interval = wilson(&Conversions { converted: of("successes"), n: of("n") }, alpha(&case));
        report.check_interval("wilson", id(&case), interval, &case["expect"]["wilson"], 1e-9);
    }
    for case in cases("proportion_two_sample") {
        let of = |key: &str| number(&case["input"][key]);
        let control = Conversions { converted: of("k_control"), n: of("n_control") };
        let variation = Conversions { converted: of("k_treatment"), n: of("n_treatment") };
        let interval = newcombe(&control, &variation, alpha(&case));
        report.check_interval("newcombe", id(&case), interval, &case["expect"]["newcombe"], 1e-9);
        if let Some(fisher) = case["expect"].get("fisher_p") {
            report.check("fisher", id(&case), fisher_ln_p(&control, &variation).exp(), fisher, 1e-9, 0.0);
        }
    }
}

#[test]
fn merged_shards() {
    let all = cases("shard_merge");
    for case in &all {
        let shards = case["input"]["shards"].as_array().expect("shards");
        for arm in ["control", "treatment"] {
            let parts = || shards.iter().map(|shard| moments(&shard[arm]).0);
            let forward = parts().fold(Moments::default(), Moments::merge);
            assert_eq!(forward, moments(&case["expect"][arm]).0, "{}", id(case));
            assert_eq!(forward, parts().rev().fold(Moments::default(), Moments::merge));
        }
    }
    println!("shard_merge: {} cases, exact", all.len());
}
