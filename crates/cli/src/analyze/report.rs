//! What an analysis says.

use crate::table;
use serde::Serialize;
use splitlight_stats::verdict::{
    Badge, Decision, MarginBadge, MetricReading, Reading, Reason, Record, Role, Values, Verdict,
};
use splitlight_stats::{Comparison, LiftInterval};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Report<'a> {
    #[serde(flatten)]
    decision: Decision,
    /// Visitors left out because they met several variations; only known of events.
    #[serde(skip_serializing_if = "Option::is_none")]
    multiple_exposures: Option<u64>,
    /// Gives the same verdict again.
    record: &'a Record,
}

impl<'a> Report<'a> {
    pub(super) fn new(record: &'a Record, decision: Decision, multiple_exposures: Option<u64>) -> Self {
        Self { decision, multiple_exposures, record }
    }

    pub(super) fn text(&self) -> String {
        let counts: Vec<String> =
            self.record.variations.iter().map(|variation| variation.visitors.to_string()).collect();
        let Decision { split, visitors_missing, .. } = &self.decision;
        let missing =
            if *visitors_missing > 0.0 { format!(", {visitors_missing} missing") } else { String::new() };
        let broken = if split.broken { ": broken, do not trust what follows" } else { "" };
        let mut text = format!(
            "{}\nvisitors {}{missing}, split p = {}{broken}\n",
            verdict(&self.decision),
            counts.join(" / "),
            p_value(split.p_value)
        );
        if let Some(several) = self.multiple_exposures.filter(|several| *several > 0) {
            text.push_str(&[&several.to_string(), " met several variations and are left out\n"].concat());
        }
        for (metric, declared) in self.decision.metrics.iter().zip(&self.record.metrics) {
            let shares = matches!(declared.values, Values::Proportion(_) | Values::AdjustedProportion(_));
            text.push_str(&self.metric(metric, shares));
        }
        text
    }

    fn metric(&self, metric: &MetricReading, shares: bool) -> String {
        let number =
            |value: f64| if shares { format!("{:.3} %", value * 100.0) } else { format!("{value:.4}") };
        let role = match metric.role {
            Role::Primary => "primary",
            Role::Secondary => "secondary",
            Role::Guardrail => "guardrail",
        };
        let mut rows = Vec::new();
        let first = metric.variations.iter().find_map(|reading| reading.comparison);
        if let (Some(comparison), Some(control)) = (first, self.record.variations.first()) {
            let mean = number(comparison.control_mean);
            rows.push([format!("  {}", control.key), mean, String::new(), String::new(), String::new()]);
        }
        for (readings, note) in [(&metric.variations, ""), (&metric.uncapped, ", without the cap")] {
            for reading in readings {
                let name = format!("  {}{note}", reading.variation);
                let row = reading.comparison.map(|comparison| {
                    let p_value = p_value(reading.p_value.unwrap_or(comparison.p_value));
                    let mean = number(comparison.variation_mean);
                    [mean, effect(&comparison, number), format!("p = {p_value}"), badge(reading)]
                });
                let missing = || reading.missing.map(|reason| reason.to_string()).unwrap_or_default();
                let [mean, effect, p_value, badge] =
                    row.unwrap_or_else(|| [missing(), String::new(), String::new(), String::new()]);
                rows.push([name, mean, effect, p_value, badge]);
            }
        }
        format!("\n{} ({role})\n", metric.key) + &table::columns(&rows)
    }
}

/// The lift where it has limits, else the difference, with its interval.
fn effect(comparison: &Comparison, number: impl Fn(f64) -> String) -> String {
    let (low, high) = comparison.difference_interval;
    let signed = |value: f64| if value > 0.0 { format!("+{}", number(value)) } else { number(value) };
    let difference = format!("{} ({} to {})", signed(comparison.difference), signed(low), signed(high));
    match (comparison.lift, comparison.lift_interval) {
        (Some(lift), LiftInterval::Bounded(low, high)) => {
            format!("{} ({} to {})", percent(lift), percent(low), percent(high))
        }
        (Some(_), LiftInterval::Outside(low, high)) => {
            format!("{difference}, a lift not within {} to {}", percent(low), percent(high))
        }
        _ => difference,
    }
}

fn badge(reading: &Reading) -> String {
    let badge = match reading.badge {
        Badge::Better => "better",
        Badge::Worse => "worse",
        Badge::Unclear => "unclear",
        Badge::TooEarly => "too early to say",
    };
    let margin = match reading.margin {
        Some(MarginBadge::Within) => ", within the margin",
        Some(MarginBadge::Unsure) => ", not surely within the margin",
        Some(MarginBadge::Beyond) => ", beyond the margin",
        None => "",
    };
    let belief = reading.belief.map(|belief| [", chance to win ", &chance(belief.chance_to_win)].concat());
    [badge, margin, &belief.unwrap_or_default()].concat()
}

fn verdict(decision: &Decision) -> String {
    let reason = match decision.reason {
        Reason::BrokenSplit => "the visitors did not fall on the variations as the weights say",
        Reason::Winner => "the primary metric is better, and no guardrail is worse",
        Reason::Harm => "it makes the primary metric or a guardrail worse",
        Reason::NothingToDecide => "there is no primary metric to decide by",
        Reason::TooEarly => "the plan wants more days or visitors before anything is decided",
        Reason::Guardrail => "the primary metric is better, but a guardrail is worse or in doubt",
        Reason::NotYet => "nothing is proven yet",
        Reason::NoDifference => "all planned visitors are in, and nothing is proven",
    };
    let what = match &decision.verdict {
        Verdict::Continue => "continue".to_owned(),
        Verdict::Ship { variation } => format!("ship {variation}"),
        Verdict::Stop { variation: Some(variation) } => format!("stop {variation}"),
        Verdict::Stop { variation: None } => "stop".to_owned(),
        Verdict::Inconclusive => "inconclusive".to_owned(),
    };
    format!("{what}: {reason}")
}

/// Never certain, whatever rounding says.
fn chance(share: f64) -> String {
    const NEARLY: f64 = 0.9995;
    match share {
        _ if share > NEARLY => "> 99.9 %".to_owned(),
        _ if share < 1.0 - NEARLY => "< 0.1 %".to_owned(),
        _ => format!("{:.1} %", share * 100.0),
    }
}

fn percent(share: f64) -> String {
    format!("{:+.1} %", share * 100.0)
}

fn p_value(p: f64) -> String {
    if p < 0.0001 { format!("{p:.1e}") } else { format!("{p:.4}") }
}
