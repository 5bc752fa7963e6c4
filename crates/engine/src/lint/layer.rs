//! Layers: experiments of one exclude each other only when their ranges and units say so.

use super::Running;
use splitlight_protocol::config::Layer;
use splitlight_protocol::{Code, Issue};
use std::collections::BTreeMap;

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
            issues.extend(earlier.clone().filter_map(|earlier| overlap(earlier, later)));
            issues.extend(earlier.find_map(|earlier| other_unit(earlier, later)));
        }
        issues.extend(oversubscribed(members));
    }
}

/// Two experiments that claim the same visitors at the same time.
fn overlap((earlier, one): &Member<'_, '_>, (later, other): &Member<'_, '_>) -> Option<Issue> {
    if one.range[0].max(other.range[0]) >= one.range[1].min(other.range[1]) {
        return None;
    }
    let reason = format!("shares visitors of layer `{}` with `{}`", one.key, earlier.experiment.key);
    let fix = "give each experiment of a layer a range of its own, or schedules that do not meet";
    let pointer = format!("{}/layer/range", later.base);
    Some(Issue::warning(pointer, reason, fix).coded(Code::LayerOverlap))
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
