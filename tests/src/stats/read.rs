//! Reading what the files of vectors say.

use serde_json::Value;
use splitlight_stats::{Kind, Moments, Sample};
use std::f64::consts::LN_10;

/// A number, or one printed with more digits than JSON's readers keep; infinity is the word `inf`.
pub(super) fn number(value: &Value) -> f64 {
    match value {
        Value::String(text) => text.parse().expect("a number in a string"),
        other => other.as_f64().expect("a number"),
    }
}

/// The number of a member of the case's input.
pub(super) fn input(case: &Value, name: &str) -> f64 {
    number(&case["input"][name])
}

/// The numbers of a list.
pub(super) fn numbers(list: &Value) -> Vec<f64> {
    list.as_array().expect("a list").iter().map(number).collect()
}

/// ln of a printed number that may be too small for an `f64`.
pub(super) fn ln(value: &Value) -> f64 {
    let text = value.as_str().expect("a printed number");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
    let [mantissa, exponent]: [f64; 2] = [mantissa, exponent].map(|part| part.parse().expect("a number"));
    mantissa.ln() + exponent * LN_10
}

pub(super) fn integer(value: &Value) -> i64 {
    value.as_i64().expect("an integer")
}

pub(super) fn alpha(case: &Value) -> f64 {
    input(case, "alpha")
}

pub(super) fn moments(arm: &Value) -> (Moments, Kind) {
    let (n, sum) = (integer(&arm["n"]), integer(&arm["sum"]));
    if arm["type"] == "proportion" {
        return (Moments::conversions(n, sum), Kind::Proportion);
    }
    (Moments { n, sum: sum.into(), sum_squares: integer(&arm["sum_squares"]).into() }, Kind::Mean)
}

/// The sample of a proportion or a mean; `None` for other types.
pub(super) fn sample(case: &Value, arm: &str) -> Option<Sample> {
    let arm = &case["input"][arm];
    if arm["type"] != "proportion" && arm["type"] != "mean" {
        return None;
    }
    let (moments, kind) = moments(arm);
    moments.sample(kind)
}
