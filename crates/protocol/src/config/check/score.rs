//! The rules for scores.

use super::super::{Engagement, Model, ModelFeature, Score, Tree};
use super::{At, check_key};
use crate::limits::{MODEL_FEATURES_MAX, MODEL_NODES_MAX};
use crate::time::parse_span;

pub(super) fn check_score(score: &Score, at: &mut At) {
    let given = [score.affinity.is_some(), score.engagement.is_some(), score.model.is_some()];
    if given.into_iter().filter(|given| *given).count() != 1 {
        at.error(
            "",
            "a score is either an affinity, an engagement or a model",
            "write `affinity`, `engagement` or `model`",
        );
    }
    if let Some(affinity) = &score.affinity {
        check_key("/affinity/event", &affinity.event, at);
        check_key("/affinity/property", &affinity.property, at);
    }
    if let Some(engagement) = &score.engagement {
        check_engagement(engagement, at);
    }
    match &score.model {
        Some(Model::Logistic(model)) => {
            check_features(&model.features, at);
            if model.weights.len() != model.features.len() {
                let reason = format!("{} weights for {} features", model.weights.len(), model.features.len());
                at.error("/model/weights", reason, "write a weight per feature");
            }
        }
        Some(Model::Gbt(model)) => {
            check_features(&model.features, at);
            let nodes: usize = model.trees.iter().map(|tree| tree.f.len()).sum();
            if nodes > MODEL_NODES_MAX {
                let reason = format!("the trees have {nodes} nodes, the limit is {MODEL_NODES_MAX}");
                at.error("/model/trees", reason, "train fewer or smaller trees");
            }
            for (index, tree) in model.trees.iter().enumerate() {
                check_tree(&format!("/model/trees/{index}"), tree, model.features.len(), at);
            }
        }
        None => {}
    }
}

fn check_engagement(engagement: &Engagement, at: &mut At) {
    if engagement.events.is_empty() && engagement.fit.is_empty() {
        at.error("/engagement", "nothing gives points", "add `events` or `fit`");
    }
    for (index, event) in engagement.events.iter().enumerate() {
        let here = format!("/engagement/events/{index}");
        check_key(&format!("{here}/event"), &event.event, at);
        if parse_span(&event.half_life).is_none() {
            let reason = format!("`{}` is not a span", event.half_life);
            at.error(&format!("{here}/halfLife"), reason, "write a span such as 14d, 12h or 30m");
        }
    }
    // A score that nobody asks for is not compiled, so this is where its conditions are looked at.
    for (index, fit) in engagement.fit.iter().enumerate() {
        if !matches!(fit.when, crate::Value::Object(_)) {
            let fix = "a condition is an object such as { \"geo.city\": \"Madrid\" }";
            at.error(&format!("/engagement/fit/{index}/when"), "this is not an object", fix);
        }
    }
    if engagement.scale <= 0.0 {
        at.error("/engagement/scale", "the scale is not above 0", "leave it out, or write 50");
    }
    let tiers = engagement.tiers;
    if !(tiers.hot > tiers.warm && tiers.warm > tiers.cold) {
        at.error("/engagement/tiers", "the tiers are not in order", "write hot above warm above cold");
    }
}

fn check_features(features: &[ModelFeature], at: &mut At) {
    if features.len() > MODEL_FEATURES_MAX {
        let reason = format!("{} features, the limit is {MODEL_FEATURES_MAX}", features.len());
        at.error("/model/features", reason, "train the model on fewer");
    }
}

/// Every node leads to later nodes, so that a walk through the tree has an end.
fn check_tree(here: &str, tree: &Tree, features: usize, at: &mut At) {
    let nodes = tree.f.len();
    if nodes == 0 || [tree.t.len(), tree.l.len(), tree.r.len(), tree.v.len()] != [nodes; 4] {
        at.error(
            here,
            "the lists have different lengths, or none",
            "write f, t, l, r and v with an entry per node",
        );
        return;
    }
    for (node, (feature, (left, right))) in tree.f.iter().zip(tree.l.iter().zip(&tree.r)).enumerate() {
        if *feature < 0 {
            continue;
        }
        let known = usize::try_from(*feature).is_ok_and(|feature| feature < features);
        let later = |next: &i32| usize::try_from(*next).is_ok_and(|next| node < next && next < nodes);
        if !known || !later(left) || !later(right) {
            at.error(
                &format!("{here}/f/{node}"),
                format!("node {node} names a feature or a node that is not there, or one before it"),
                "write the nodes in the order of a walk from the root",
            );
        }
    }
}
