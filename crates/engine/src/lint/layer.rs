//! Layers: experiments of one exclude each other only when their ranges and units say so.

use super::Running;
use splitlight_protocol::config::Layer;
use splitlight_protocol::{Code, Issue};
use std::collections::BTreeMap;

/// More experiments than this are only counted in a finding.
const NAMES_MAX: usize = 3;

type Member<'r, 'c> = (&'r Running<'c>, &'c Layer);

pub(super) fn layers(experiments: &[Running<'_>], issues: &mut Vec<Issue>) {
    let mut layers: BTreeMap<&str, Vec<Member<'_, '_>>> = BTreeMap::new();
    for running in experiments {
        if let Some(layer) = &running.experiment.layer {
            layers.entry(&layer.key).or_default().push((running, layer));
        }
    }
    for members in layers.values() {
        for (at, later) in members.iter().enumerate() {
            let mut earlier = members[..at].iter().filter(|member| member.0.window.meets(later.0.window));
            issues.extend(overlap(earlier.clone(), later));
            issues.extend(earlier.find_map(|earlier| other_unit(earlier, later)));
        }
        issues.extend(oversubscribed(members));
    }
}

/// An experiment that claims visitors of earlier ones at the same time.
fn overlap<'m>(
    earlier: impl Iterator<Item = &'m Member<'m, 'm>>,
    (late, layer): &Member<'_, '_>,
) -> Option<Issue> {
    let [from, to] = layer.range;
    let shared = earlier.filter(|(_, other)| other.range[0].max(from) < other.range[1].min(to));
    let names: Vec<String> = shared.map(|(other, _)| format!("`{}`", other.experiment.key)).collect();
    let more = names.len().saturating_sub(NAMES_MAX);
    let rest = if more == 0 { String::new() } else { format!(" and {more} more") };
    let first = names.get(..NAMES_MAX).unwrap_or(&names).join(", ");
    let reason = format!("shares visitors of layer `{}` with {first}{rest}", layer.key);
    let fix = "give each experiment of a layer a range of its own, or schedules that do not meet";
    let pointer = format!("{}/layer/range", late.base);
    let issue = Issue::warning(pointer, reason, fix).coded(Code::LayerOverlap);
    (!names.is_empty()).then_some(issue)
}

/// Two experiments that hash different ids: a visitor's place in the layer is another one for each.
fn other_unit((earlier, one): &Member<'_, '_>, (later, _): &Member<'_, '_>) -> Option<Issue> {
    let (before, after) = (&earlier.experiment.unit, &later.experiment.unit);
    if before == after {
        return None;
    }
    let reason = format!(
        "hashes `{after}` while `{}` of layer `{}` hashes `{before}`, so that a visitor can be in both",
        earlier.experiment.key, one.key
    );
    let fix = "give all experiments of a layer one unit";
    Some(Issue::warning(format!("{}/unit", later.base), reason, fix).coded(Code::LayerUnits))
}

/// The moment at which a layer claims most is the start of one of its experiments.
fn oversubscribed(members: &[Member<'_, '_>]) -> Option<Issue> {
    let claimed = members.iter().map(|(starting, _)| {
        let open = members.iter().filter(|(other, _)| {
            other.window.from <= starting.window.from && starting.window.from < other.window.until
        });
        open.map(|(_, layer)| layer.range[1] - layer.range[0]).sum::<f64>()
    });
    let most = claimed.fold(0.0, f64::max);
    let (last, layer) = members.last().filter(|_| most > 1.0)?;
    let reason =
        format!("the experiments of layer `{}` claim {} % of its visitors", layer.key, percent(most));
    let fix = "make the ranges of a layer add up to at most 1";
    let pointer = format!("{}/layer/range", last.base);
    Some(Issue::warning(pointer, reason, fix).coded(Code::LayerOversubscribed))
}

/// A share in percent, to a tenth.
fn percent(share: f64) -> f64 {
    (share * 1000.0).round() / 10.0
}
