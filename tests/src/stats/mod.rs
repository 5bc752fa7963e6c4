//! Vectors about the statistics, with tolerances; the reference was computed with 60 digits.
//!
//! A file names its `method`; [`METHODS`] says which function checks one case of it. Each method's functions are in
//! the file of their topic.

mod adjust;
mod bayes;
mod intervals;
mod means;
mod power;
mod read;
mod sequential;
mod special;

use crate::Report;
use serde_json::Value;
use std::collections::BTreeMap;

/// Checks one case.
type Runner = fn(&mut Checks, &Value);

/// Which function checks the cases of which method.
const METHODS: &[(&str, Runner)] = &[
    ("absolute_zero_baseline", means::welch_test),
    ("adjusted_intervals", adjust::interval),
    ("anytime_linear_model", sequential::linear_model),
    ("bandit_thompson", bayes::bandit),
    ("bayes_beta_binomial", bayes::beta_binomial),
    ("bayes_normal", bayes::normal),
    ("fieller", means::fieller_interval),
    ("freq_sequential", sequential::always_valid_test),
    ("freq_ttest", means::welch_test),
    ("group_sequential", sequential::planned_looks),
    ("mid_experiment_power", power::running),
    ("multiple_testing", adjust::p_values),
    ("non_inferiority", means::margin),
    ("post_stratification", means::post_stratification),
    ("power_sample_size", power::sizes),
    ("proportion_interval", intervals::proportion_interval),
    ("proportion_two_sample", intervals::two_proportions),
    ("sequential_bounds", sequential::bound),
    ("shard_merge", means::merged_shards),
    ("special_functions", special::function),
    ("srm_chi2", sequential::sample_ratio_test),
    ("srm_sequential", sequential::split_evidence_test),
];

/// What the cases of one file showed so far.
#[derive(Default)]
struct Checks {
    /// The case that is checked now.
    id: String,
    /// The relative error it allows, from the case or else from its file.
    tolerance: f64,
    /// What is wrong with it.
    failures: Vec<String>,
    /// How many values each thing compared had, its worst relative error, and in which case that was.
    worst: BTreeMap<String, (usize, f64, String)>,
}

impl Checks {
    /// Compares with a printed reference, within the tolerance of the case.
    ///
    /// Infinite is only infinite; of what is below 1e-300 only that is asked, since an `f64` has no digits left there.
    fn check(&mut self, name: &str, actual: f64, expected: &Value) {
        self.check_within(name, actual, expected, self.tolerance, 1e-300);
    }

    /// The same with a tolerance of its own; `floor` is the absolute error always allowed.
    fn check_within(&mut self, name: &str, actual: f64, expected: &Value, tolerance: f64, floor: f64) {
        let expected = read::number(expected);
        let error = (actual - expected).abs();
        let same = actual.to_bits() == expected.to_bits() || error <= floor;
        let relative = if same { 0.0 } else { error / expected.abs() };
        if relative.is_nan() || relative > tolerance {
            self.fail(name, &format!("{actual:e} instead of {expected:e}, off by {relative:e}"));
        }
        let entry = self.worst.entry(name.to_owned()).or_default();
        entry.0 += 1;
        if relative > entry.1 || relative.is_nan() {
            (entry.1, entry.2) = (relative, self.id.clone());
        }
    }

    /// A lower and an upper end; ends near 0 may be off by 1e-15 of the interval's width.
    fn check_interval(&mut self, name: &str, actual: (f64, f64), expected: &Value) {
        let width = (actual.1 - actual.0).abs();
        let floor = if width.is_finite() { width * 1e-15 } else { 0.0 };
        self.check_within(name, actual.0, &expected[0], self.tolerance, floor);
        self.check_within(name, actual.1, &expected[1], self.tolerance, floor);
    }

    /// Something that holds or does not.
    fn holds(&mut self, name: &str, truth: bool) {
        if !truth {
            self.fail(name, "does not hold");
        }
    }

    fn fail(&mut self, name: &str, why: &str) {
        self.failures.push(format!("{name}: {why}"));
    }
}

/// Runs a file of vectors by the method it names.
pub(crate) fn run(path: &str, text: &str) -> Result<Report, serde_json::Error> {
    let error = |words: String| <serde_json::Error as serde::de::Error>::custom(words);
    let document: Value = serde_json::from_str(text)?;
    let method = document["method"].as_str().ok_or_else(|| error(format!("{path} names no method")))?;
    let Some((_, runner)) = METHODS.iter().find(|(name, _)| *name == method) else {
        return Err(error(format!("nothing runs the method {method} of {path}")));
    };
    let cases: Vec<Value> = serde_json::from_value(document["cases"].clone())?;
    let default = document["tolerance"]["default_rel"].as_f64();
    let (mut checks, mut passed, mut failures) = (Checks::default(), 0, Vec::new());
    for case in &cases {
        checks.failures.clear();
        case["id"].as_str().unwrap_or("a case without an id").clone_into(&mut checks.id);
        checks.tolerance = case["rtol"].as_f64().or(default).unwrap_or(0.0);
        runner(&mut checks, case);
        match checks.failures.as_slice() {
            [] => passed += 1,
            reasons => failures.push(format!("{}: {}", checks.id, reasons.join("; "))),
        }
    }
    let worst = checks.worst.values().fold(0.0, |worst: f64, (_, error, _)| worst.max(*error));
    let mut notes =
        vec![format!("{method}: {passed}/{} passed, worst relative error {worst:.1e}", cases.len())];
    notes.extend(checks.worst.iter().map(|(name, (values, worst, id))| {
        format!("  {name}: {values} values, worst relative error {worst:.1e} {id}")
    }));
    Ok(Report { cases: cases.len(), failures, notes })
}
