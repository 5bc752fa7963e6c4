//! What every metric says of every variation, with one answer to whether it differs.

use serde::Serialize;

use super::record::{Metric, PlannedMethod, Record, Role, Spending, Values};
use crate::bayes::{self, BetaPosterior};
use crate::{
    Alternative, Comparison, Direction, Kind, Measured, Method, Moments, NotEnoughData, Theta, compare,
    compare_measured, group_sequential,
};

/// What a metric says.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MetricReading {
    /// The metric's key.
    pub key: String,
    /// What it has to say.
    pub role: Role,
    /// The variations but control, in their order.
    pub variations: Vec<Reading>,
    /// The same without the cap, to see what it hides; empty for metrics without one. It has no say.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub uncapped: Vec<Reading>,
}

/// What a metric says of a variation.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Reading {
    /// The variation's key.
    pub variation: String,
    /// Whether it differs.
    pub badge: Badge,
    /// p-value of "no difference", times the number of comparisons; below 1 minus the confidence of the plan where and
    /// only where the interval excludes 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p_value: Option<f64>,
    /// The comparison with control, at the confidence that is left for each of several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comparison: Option<Comparison>,
    /// Why there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub missing: Option<NotEnoughData>,
    /// Whether the loss is below the margin, for guardrails that have one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub margin: Option<MarginBadge>,
    /// What to believe of conversion rates, also where nobody converted. It has no say: whoever looks often enough meets a
    /// high chance to win in half of the experiments that change nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub belief: Option<Belief>,
}

/// What to believe of two conversion rates, of which every value was as likely as any other before: Beta(1, 1).
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Belief {
    /// The chance that the variation is the better one.
    pub chance_to_win: f64,
    /// How much rate shipping the variation is expected to lose.
    pub loss_of_shipping: f64,
    /// The rate of control, with the confidence of the plan.
    pub control: (f64, f64),
    /// The rate of the variation, with the confidence of the plan.
    pub variation: (f64, f64),
}

/// Where the loss of a guardrail is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum MarginBadge {
    /// Surely below the margin.
    Within,
    /// On either side of it.
    Unsure,
    /// Surely above it.
    Beyond,
}

/// Whether a variation differs from control, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Badge {
    /// Surely for the better.
    Better,
    /// Surely for the worse.
    Worse,
    /// It cannot be told apart from chance.
    Unclear,
    /// The interval excludes 0, but the plan does not allow to look yet.
    TooEarly,
}

/// How the record's metrics are compared.
pub(super) struct Terms {
    confidence: f64,
    comparisons: f64,
    /// Whether the plan allows to read the result now.
    pub(super) open: bool,
    planned: PlannedMethod,
    visitors_planned: f64,
    looks: Option<group_sequential::Plan>,
    weights: Vec<f64>,
}

impl Terms {
    pub(super) fn new(record: &Record) -> Self {
        let plan = &record.plan;
        let visitors: f64 = record.variations.iter().map(|variation| variation.visitors as f64).sum();
        let comparisons = record.variations.len().saturating_sub(1).max(1) as f64;
        let complete = visitors >= plan.visitors;
        let looks = match &plan.method {
            PlannedMethod::GroupSequential(spending) => {
                let taken = if record.looks.is_empty() { &[visitors][..] } else { &record.looks };
                let information: Vec<f64> = taken.iter().map(|n| (n / plan.visitors).min(1.0)).collect();
                let alpha = 1.0 - confidence(plan.confidence, comparisons);
                group_sequential::Plan::new(alpha, own(*spending), &information, Alternative::TwoSided).ok()
            }
            _ => None,
        };
        let enough = record.variations.iter().all(|v| v.weight <= 0.0 || v.visitors >= plan.visitors_min);
        Self {
            confidence: plan.confidence,
            comparisons,
            open: enough && (complete || plan.method != PlannedMethod::Welch),
            planned: plan.method.clone(),
            visitors_planned: plan.visitors,
            looks,
            weights: record.variations.iter().map(|variation| variation.weight).collect(),
        }
    }

    /// The method for a variation; `None` where the plan has none.
    fn method(&self, place: usize) -> Option<Method<'_>> {
        match &self.planned {
            PlannedMethod::Welch => Some(Method::Welch),
            PlannedMethod::AlwaysValid => {
                let all: f64 = self.weights.iter().sum();
                let of = |place: usize| self.weights.get(place).copied().unwrap_or(0.0);
                // The plan of a comparison is for its two variations.
                let share = if self.weights.len() > 2 && all > 0.0 { (of(0) + of(place)) / all } else { 1.0 };
                Some(Method::AlwaysValid { planned_total: (self.visitors_planned * share).max(2.0) })
            }
            PlannedMethod::GroupSequential(_) => {
                let plan = self.looks.as_ref()?;
                Some(Method::GroupSequential { plan, look: plan.looks().len() - 1 })
            }
        }
    }
}

fn confidence(of_all: f64, comparisons: f64) -> f64 {
    1.0 - (1.0 - of_all) / comparisons
}

fn own(spending: Spending) -> group_sequential::Spending {
    match spending {
        Spending::OBrienFleming => group_sequential::Spending::OBrienFleming,
        Spending::Pocock => group_sequential::Spending::Pocock,
        Spending::Power(phi) => group_sequential::Spending::Power(phi),
        Spending::HwangShihDeCani(gamma) => group_sequential::Spending::HwangShihDeCani(gamma),
    }
}

pub(super) fn metric(record: &Record, metric: &Metric, terms: &Terms) -> MetricReading {
    let readings = |values: &Values, margin: Option<f64>| -> Vec<Reading> {
        let variations = record.variations.iter().enumerate().skip(1);
        variations
            .map(|(place, variation)| {
                let found = compared(values, place, terms);
                let belief = belief(values, place, metric.direction, terms.confidence);
                Reading { belief, ..reading(&variation.key, found, metric.direction, margin, terms) }
            })
            .collect()
    };
    let uncapped = match &metric.values {
        Values::Capped(twins) => {
            readings(&Values::Mean(twins.iter().map(|twin| twin.uncapped).collect()), None)
        }
        _ => Vec::new(),
    };
    let margin = metric.margin.filter(|_| metric.role == Role::Guardrail);
    MetricReading {
        key: metric.key.clone(),
        role: metric.role,
        variations: readings(&metric.values, margin),
        uncapped,
    }
}

/// The comparison of the variation at a place with control.
fn compared(values: &Values, place: usize, terms: &Terms) -> Result<Comparison, NotEnoughData> {
    let method = terms.method(place).ok_or(NotEnoughData::InvalidSettings)?;
    let confidence = confidence(terms.confidence, terms.comparisons);
    let plain =
        |control: &Moments, variation: &Moments, kind| compare(control, variation, kind, method, confidence);
    let measured =
        |control: Measured, variation: Measured| compare_measured(&control, &variation, method, confidence);
    match values {
        Values::Proportion(all) => both(all, place).and_then(|(a, b)| plain(a, b, Kind::Proportion)),
        Values::Mean(all) => both(all, place).and_then(|(a, b)| plain(a, b, Kind::Mean)),
        Values::Capped(all) => both(all, place).and_then(|(a, b)| plain(&a.capped, &b.capped, Kind::Mean)),
        Values::Ratio(all) => {
            let (a, b) = both(all, place)?;
            let ratio = |pair| Measured::ratio(pair, Kind::Mean, Kind::Mean);
            measured(ratio(a)?, ratio(b)?)
        }
        Values::AdjustedProportion(all) => adjusted(both(all, place)?, Kind::Proportion, &measured),
        Values::AdjustedMean(all) => adjusted(both(all, place)?, Kind::Mean, &measured),
        Values::AdjustedRatio(all) => {
            let (a, b) = both(all, place)?;
            let theta = Theta::of_ratios(a, b, Kind::Mean, Kind::Mean)?;
            let ratio = |moments| Measured::adjusted_ratio(moments, Kind::Mean, Kind::Mean, theta);
            measured(ratio(a)?, ratio(b)?)
        }
        Values::Quantile(all) if terms.planned == PlannedMethod::Welch => {
            let (a, b) = both(all, place)?;
            measured(a.estimate()?, b.estimate()?)
        }
        // Quantiles have no boundary that holds while one looks.
        Values::Quantile(_) => Err(NotEnoughData::NotOffered),
    }
}

/// The belief about the rates of control and of the variation at a place; `None` for what is no conversion rate.
fn belief(values: &Values, place: usize, direction: Direction, confidence: f64) -> Option<Belief> {
    let Values::Proportion(all) = values else { return None };
    let (a, b) = both(all, place).ok()?;
    let posterior =
        |moments: &Moments| BetaPosterior::new(moments.sum.to_f64(), moments.n as f64, (1.0, 1.0)).ok();
    let (control, variation) = (posterior(a)?, posterior(b)?);
    let (worse, better) =
        if direction == Direction::Increase { (control, variation) } else { (variation, control) };
    let found = bayes::compare(&worse, &better);
    let alpha = 1.0 - confidence;
    Some(Belief {
        chance_to_win: found.chance_to_win,
        loss_of_shipping: found.loss_of_shipping,
        control: control.interval(alpha).ok()?,
        variation: variation.interval(alpha).ok()?,
    })
}

fn adjusted(
    (control, variation): (&crate::PairMoments, &crate::PairMoments),
    kind: Kind,
    measured: &impl Fn(Measured, Measured) -> Result<Comparison, NotEnoughData>,
) -> Result<Comparison, NotEnoughData> {
    let theta = Theta::of_means(control, variation, kind, kind)?;
    let of = |pair| Measured::adjusted(pair, kind, kind, theta);
    measured(of(control)?, of(variation)?)
}

/// Control and the variation at a place.
fn both<T>(all: &[T], place: usize) -> Result<(&T, &T), NotEnoughData> {
    all.first().zip(all.get(place)).ok_or(NotEnoughData::TooFewVisitors)
}

fn reading(
    variation: &str,
    found: Result<Comparison, NotEnoughData>,
    direction: Direction,
    margin: Option<f64>,
    terms: &Terms,
) -> Reading {
    let variation = variation.to_owned();
    let comparison = match found {
        Ok(comparison) => comparison,
        Err(reason) => {
            let (badge, missing) = (Badge::Unclear, Some(reason));
            let margin = margin.map(|_| MarginBadge::Unsure);
            let belief = None;
            return Reading { variation, badge, p_value: None, comparison: None, missing, margin, belief };
        }
    };
    let (low, high) = comparison.difference_interval;
    let better = if direction == Direction::Increase { low > 0.0 } else { high < 0.0 };
    let apart = low > 0.0 || high < 0.0;
    let badge = match (apart, terms.open, better) {
        (false, ..) => Badge::Unclear,
        (true, false, _) => Badge::TooEarly,
        (true, true, true) => Badge::Better,
        (true, true, false) => Badge::Worse,
    };
    let alpha = 1.0 - terms.confidence;
    let p_value = (comparison.p_value * terms.comparisons).min(1.0);
    // Rounding in the last place must not make a p-value say what its interval does not.
    let p_value = if apart { p_value.min(alpha.next_down()) } else { p_value.max(alpha) };
    let loss_max = margin.map(|margin| margin * comparison.control_mean.abs());
    let margin = loss_max.map(|loss_max| {
        let (least, most) = if direction == Direction::Increase { (-high, -low) } else { (low, high) };
        match () {
            () if terms.open && most < loss_max => MarginBadge::Within,
            () if terms.open && least > loss_max => MarginBadge::Beyond,
            () => MarginBadge::Unsure,
        }
    });
    let (p_value, comparison) = (Some(p_value), Some(comparison));
    Reading { variation, badge, p_value, comparison, missing: None, margin, belief: None }
}
