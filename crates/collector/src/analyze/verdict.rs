//! The verdict: what to do, in the order in which reasons weigh.

use super::subject::Subject;
use splitlight_protocol::config::Direction;
use splitlight_protocol::results::{
    Analysis, MetricResults, Role, Srm, SrmStatus, VariationResults, Verdict, VerdictKind,
};

/// A broken split first, then a proven difference, then the end of the plan, and otherwise patience.
pub(super) fn verdict(subject: &Subject<'_>, users: &[u64], srm: &Srm, metrics: &[MetricResults]) -> Verdict {
    if srm.status == SrmStatus::Mismatch {
        return broken_split(users, subject, srm);
    }
    if subject.is_personalization && subject.variations.iter().any(|variation| variation.weight <= 0.0) {
        let reason = "Every visitor gets the same, so there is nothing to compare with. \
                      Set a `holdout` above 0 and below 1 to measure the lift.";
        return say(VerdictKind::Continue, None, reason.to_owned());
    }
    let Some(primary) = metrics.iter().find(|metric| metric.role == Role::Primary) else {
        let reason = "There is no primary metric to decide by. Name one in `metrics.primary`.";
        return say(VerdictKind::Continue, None, reason.to_owned());
    };
    let proven = winner(primary, metrics).or_else(|| harm(metrics));
    proven.unwrap_or_else(|| patience(subject, users.iter().sum(), primary))
}

fn say(kind: VerdictKind, variation: Option<&str>, reason: String) -> Verdict {
    Verdict { kind, variation: variation.map(str::to_owned), reason }
}

fn broken_split(users: &[u64], subject: &Subject<'_>, srm: &Srm) -> Verdict {
    let counts: Vec<String> = users.iter().map(u64::to_string).collect();
    let weights: Vec<String> = subject.variations.iter().map(|variation| percent(variation.weight)).collect();
    let reason = format!(
        "Do not trust these numbers: {} visitors do not fit the planned split of {} (p {}). \
         Find out why a variation loses visitors before you read anything else.",
        counts.join(" / "),
        weights.join(" / "),
        p_value(srm.p_value.unwrap_or(0.0)),
    );
    say(VerdictKind::Stop, None, reason)
}

/// Whether a variation differs from control for certain, and if so whether for the better.
fn proof(metric: &MetricResults, variation: &VariationResults) -> Option<bool> {
    let analysis = variation.analyses.first()?;
    let (low, high) = (analysis.difference_low?, analysis.difference_high?);
    match metric.direction {
        _ if low <= 0.0 && 0.0 <= high => None,
        Direction::Increase => Some(low > 0.0),
        Direction::Decrease => Some(high < 0.0),
    }
}

/// The best of the variations that are proven better and make no guardrail worse.
fn winner(primary: &MetricResults, metrics: &[MetricResults]) -> Option<Verdict> {
    let sign = if primary.direction == Direction::Decrease { -1.0 } else { 1.0 };
    let gain = |variation: &VariationResults| {
        sign * variation.analyses.first().and_then(|analysis| analysis.difference).unwrap_or(0.0)
    };
    let better = primary.variations.iter().filter(|variation| proof(primary, variation) == Some(true));
    let harmless = better.filter(|variation| {
        let same = |other: &&VariationResults| other.variation_id == variation.variation_id;
        let guards = metrics.iter().filter(|metric| metric.role == Role::Guardrail);
        guards
            .filter_map(|guard| Some((guard, guard.variations.iter().find(same)?)))
            .all(|(guard, variation)| proof(guard, variation) != Some(false))
    });
    let best = harmless.reduce(|best, next| if gain(next) > gain(best) { next } else { best })?;
    let reason = format!("{} is better than control: {}.", best.variation_name, finding(primary, best)?);
    Some(say(VerdictKind::Ship, Some(&best.variation_name), reason))
}

/// The first variation that makes the primary metric or a guardrail worse.
fn harm(metrics: &[MetricResults]) -> Option<Verdict> {
    let deciding = metrics.iter().filter(|metric| metric.role != Role::Secondary);
    let mut pairs =
        deciding.flat_map(|metric| metric.variations.iter().map(move |variation| (metric, variation)));
    let (metric, variation) = pairs.find(|(metric, variation)| proof(metric, variation) == Some(false))?;
    let finding = finding(metric, variation)?;
    let name = &variation.variation_name;
    Some(say(VerdictKind::Stop, Some(name), format!("{name} does harm: {finding}.")))
}

fn patience(subject: &Subject<'_>, total: u64, primary: &MetricResults) -> Verdict {
    let planned = subject.sample_size;
    let name = &primary.metric_name;
    let Some(missing) = planned.checked_sub(total).filter(|missing| *missing > 0) else {
        let reason = format!(
            "All {planned} planned visitors are in, and {name} shows no difference that chance would not explain."
        );
        return say(VerdictKind::Inconclusive, None, reason);
    };
    let visitors = if missing == 1 { "visitor is" } else { "visitors are" };
    let reason = format!(
        "{missing} of {planned} planned {visitors} missing, and {name} shows no difference yet \
         that chance would not explain."
    );
    say(VerdictKind::Continue, None, reason)
}

/// The lift where there is one, else the difference, with its interval and p-value.
fn finding(metric: &MetricResults, variation: &VariationResults) -> Option<String> {
    let analysis: &Analysis = variation.analyses.first()?;
    let (estimate, low, high) = match (analysis.percent_change, analysis.ci_low, analysis.ci_high) {
        (Some(lift), Some(low), Some(high)) => {
            (signed_percent(lift), signed_percent(low), signed_percent(high))
        }
        _ => (
            signed(analysis.difference?),
            signed(analysis.difference_low?),
            signed(analysis.difference_high?),
        ),
    };
    let p_value = p_value(analysis.p_value?);
    Some(format!("{} {estimate} ({low} to {high}, p {p_value})", metric.metric_name))
}

fn percent(share: f64) -> String {
    format!("{} %", (share * 1000.0).round() / 10.0)
}

fn signed_percent(share: f64) -> String {
    format!("{:+.1} %", share * 100.0)
}

fn signed(number: f64) -> String {
    format!("{number:+.4}")
}

fn p_value(p: f64) -> String {
    if p < 0.0001 { "< 0.0001".to_owned() } else { format!("= {p:.4}") }
}
