//! Which saved groups a reduced payload still needs, and which of them may be reduced.

use splitlight_protocol::{Map, Value};
use std::collections::BTreeSet;

/// A reference to a group, and whether it asks about the visitor.
///
/// Inside `$elemMatch` a group is asked about an element, under `parentConditions` about a feature's value; there the
/// visitor's attributes say nothing, so such groups stay as they are written.
type Reference = (String, bool);

/// The groups that something refers to, reduced where `prune` leaves something of their condition.
///
/// A group is referred to by its id anywhere as a text, so that operators of later SDKs count too.
pub(super) fn kept_groups(
    roots: &[&Value],
    groups: &Map,
    mut prune: impl FnMut(&str) -> Option<Value>,
) -> Value {
    let mut wanted = Vec::new();
    for root in roots {
        references(root, groups, true, &mut wanted);
    }
    let about_others = about_others(wanted.clone(), groups);
    let mut kept = Map::new();
    while let Some((id, _)) = wanted.pop() {
        let Some(group) = groups.get(&id).filter(|_| kept.get(&id).is_none()) else { continue };
        // What a group on a cycle says depends on where the cycle was entered, so it cannot be reduced alone.
        let fixed = about_others.contains(&id) || is_cyclic(&id, groups);
        let group = match (group, if fixed { None } else { prune(&id) }) {
            (Value::Object(group), Some(condition)) => {
                let mut group = group.clone();
                group.insert("condition".to_owned(), condition);
                Value::Object(group)
            }
            (group, _) => group.clone(),
        };
        wanted.extend(references_of(&group, groups));
        kept.insert(id, group);
    }
    Value::Object(kept)
}

/// The groups that a condition refers to, directly or through other groups.
pub(super) fn needed(condition: &Value, groups: &Map) -> BTreeSet<String> {
    let (mut waiting, mut seen) = (Vec::new(), BTreeSet::new());
    references(condition, groups, true, &mut waiting);
    while let Some((id, _)) = waiting.pop() {
        let inner = groups.get(&id).map(|group| references_of(group, groups)).unwrap_or_default();
        if seen.insert(id) {
            waiting.extend(inner);
        }
    }
    seen
}

/// The groups that are asked about something else than the visitor, directly or through other groups.
fn about_others(mut waiting: Vec<Reference>, groups: &Map) -> BTreeSet<String> {
    let mut seen = BTreeSet::new();
    while let Some((id, visitor)) = waiting.pop() {
        if seen.insert((id.clone(), visitor)) {
            let inner = groups.get(&id).map(|group| references_of(group, groups)).unwrap_or_default();
            waiting.extend(inner.into_iter().map(|(id, inner)| (id, visitor && inner)));
        }
    }
    seen.into_iter().filter(|(_, visitor)| !visitor).map(|(id, _)| id).collect()
}

fn is_cyclic(id: &str, groups: &Map) -> bool {
    let inner = |id: &str| groups.get(id).map(|group| references_of(group, groups)).unwrap_or_default();
    let (mut waiting, mut seen) = (inner(id), BTreeSet::new());
    while let Some((other, _)) = waiting.pop() {
        if other == id {
            return true;
        }
        if seen.insert(other.clone()) {
            waiting.extend(inner(&other));
        }
    }
    false
}

/// The groups a group refers to; a list's values are no ids of groups.
fn references_of(group: &Value, groups: &Map) -> Vec<Reference> {
    let mut found = Vec::new();
    if matches!(group, Value::Object(_)) && group.at(&["type"]) != Some(&Value::from("list")) {
        references(group, groups, true, &mut found);
    }
    found
}

fn references(value: &Value, groups: &Map, visitor: bool, found: &mut Vec<Reference>) {
    match value {
        Value::String(id) if groups.get(id).is_some() => found.push((id.clone(), visitor)),
        Value::Array(items) => items.iter().for_each(|item| references(item, groups, visitor, found)),
        Value::Object(members) => {
            for (name, value) in members.iter() {
                let visitor = visitor && name != "$elemMatch" && name != "parentConditions";
                references(value, groups, visitor, found);
            }
        }
        _ => {}
    }
}
