//! Reading what the files of vectors say.

use serde_json::Value;
use splitlight_stats::{
    Comparison, Contrast, Kind, Measured, Method, Moments, NotEnoughData, PairMoments, Quantile,
    RatioMoments, Theta, compare_measured,
};
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

/// Whether it is a proportion or a mean.
pub(super) fn is_plain(arm: &Value) -> bool {
    arm["type"] == "proportion" || arm["type"] == "mean"
}

pub(super) fn kind(arm: &Value) -> Kind {
    if arm["type"] == "proportion" { Kind::Proportion } else { Kind::Mean }
}

/// The moments of a ratio, or of a mean and its covariate.
pub(super) fn pair(arm: &Value) -> PairMoments {
    let (first, second, product) =
        if arm["type"] == "ratio" { ("num", "den", "sum_num_den") } else { ("post", "pre", "sum_post_pre") };
    PairMoments {
        first: moments(&arm[first]).0,
        second: moments(&arm[second]).0,
        product: integer(&arm[product]).into(),
    }
}

fn ratio_moments(arm: &Value) -> RatioMoments {
    let total = |name: &str| integer(&arm[name]).into();
    let pair = |first: &str, second: &str, product: &str| PairMoments {
        first: moments(&arm[first]).0,
        second: moments(&arm[second]).0,
        product: total(product),
    };
    RatioMoments {
        after: pair("m_post", "d_post", "sum_m_post_d_post"),
        before: pair("m_pre", "d_pre", "sum_m_pre_d_pre"),
        numerators: total("sum_m_post_m_pre"),
        denominators: total("sum_d_post_d_pre"),
        numerator_denominator: total("sum_m_post_d_pre"),
        denominator_numerator: total("sum_m_pre_d_post"),
    }
}

/// What was counted of an arm, whatever its type.
#[derive(Clone, Copy, Debug, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "there are a few of them, in a test")]
pub(super) enum Counted {
    Plain(Moments),
    Pair(PairMoments),
    Ratio(RatioMoments),
}

impl Counted {
    pub(super) fn merge(self, other: Self) -> Self {
        match (self, other) {
            (Self::Plain(a), Self::Plain(b)) => Self::Plain(a.merge(b)),
            (Self::Pair(a), Self::Pair(b)) => Self::Pair(a.merge(b)),
            (Self::Ratio(a), Self::Ratio(b)) => Self::Ratio(a.merge(b)),
            _ => panic!("shards of different types"),
        }
    }
}

pub(super) fn counted(arm: &Value) -> Counted {
    match arm["type"].as_str() {
        Some("proportion" | "mean") => Counted::Plain(moments(arm).0),
        Some("ratio" | "mean_cuped") => Counted::Pair(pair(arm)),
        Some("ratio_cuped") => Counted::Ratio(ratio_moments(arm)),
        other => panic!("{other:?} has no sums"),
    }
}

/// Control and variation, ready to be compared.
pub(super) struct Arms {
    pub(super) control: Measured,
    pub(super) variation: Measured,
    /// The coefficient of the covariate.
    pub(super) theta: Option<f64>,
    /// Exact where sums are.
    difference: Option<f64>,
}

impl Arms {
    pub(super) fn contrast(&self) -> Contrast {
        let mut contrast = Contrast::between(&self.control, &self.variation);
        contrast.difference = self.difference.unwrap_or(contrast.difference);
        contrast
    }

    pub(super) fn compare(&self, method: Method<'_>, confidence: f64) -> Result<Comparison, NotEnoughData> {
        compare_measured(&self.control, &self.variation, method, confidence)
    }
}

/// Both arms of any type.
pub(super) fn arms(control: &Value, variation: &Value) -> Result<Arms, NotEnoughData> {
    let plain = |control, variation| Arms { control, variation, theta: None, difference: None };
    let adjusted =
        |control, variation, Theta(theta)| Arms { theta: Some(theta), ..plain(control, variation) };
    let arms = match control["type"].as_str() {
        Some("ratio") => {
            let kinds = (kind(&control["num"]), kind(&control["den"]));
            let ratio = |arm| Measured::ratio(&pair(arm), kinds.0, kinds.1);
            plain(ratio(control)?, ratio(variation)?)
        }
        Some("mean_cuped") => {
            let kinds = (kind(&control["post"]), kind(&control["pre"]));
            let (a, b) = (pair(control), pair(variation));
            let theta = Theta::of_means(&a, &b, kinds.0, kinds.1)?;
            let mean = |pair| Measured::adjusted(pair, kinds.0, kinds.1, theta);
            adjusted(mean(&a)?, mean(&b)?, theta)
        }
        Some("ratio_cuped") => {
            let kinds = (kind(&control["m_post"]), kind(&control["d_post"]));
            let (a, b) = (ratio_moments(control), ratio_moments(variation));
            let theta = Theta::of_ratios(&a, &b, kinds.0, kinds.1)?;
            let ratio = |moments| Measured::adjusted_ratio(moments, kinds.0, kinds.1, theta);
            adjusted(ratio(&a)?, ratio(&b)?, theta)
        }
        Some("quantile" | "quantile_clustered") => plain(quantile(control)?, quantile(variation)?),
        _ => {
            let ((a, kind), (b, _)) = (moments(control), moments(variation));
            let difference = a.difference(&b);
            Arms { difference, ..plain(Measured::plain(&a, kind)?, Measured::plain(&b, kind)?) }
        }
    };
    Ok(arms)
}

fn quantile(arm: &Value) -> Result<Measured, NotEnoughData> {
    let quantile = Quantile {
        n: integer(&arm["n"]),
        n_star: integer(&arm["n_star"]),
        level: number(&arm["nu"]),
        value: number(&arm["q_hat"]),
        lower: number(&arm["q_lower"]),
        upper: number(&arm["q_upper"]),
    };
    if arm["type"] == "quantile" {
        return quantile.estimate();
    }
    let visitors = integer(&arm["n_clusters"]);
    let sum = |name: &str| i128::from(integer(&arm[name]));
    let moments = PairMoments {
        first: Moments::new(visitors, sum("num_sum"), sum("num_sum_squares")),
        second: Moments::new(visitors, sum("den_sum"), sum("den_sum_squares")),
        product: sum("sum_num_den").into(),
    };
    quantile.clustered_estimate(&moments)
}

/// The strata of a case, each read by `read`.
pub(super) fn strata<T>(strata: &[Value], read: impl Fn(&Value) -> T) -> Vec<(T, T)> {
    strata.iter().map(|stratum| (read(&stratum["control"]), read(&stratum["treatment"]))).collect()
}
