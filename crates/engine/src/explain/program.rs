//! Why, where only the program is known: in a page, which never gets the config.

use super::condition::truth;
use super::gates::{Looking, gate, object};
use crate::condition::{Condition, Context, find};
use crate::program::{Item, ItemKind, Program};
use crate::visitor::Visitor;
use splitlight_protocol::{Map, Timestamp, Value};

/// Explains every decision of a program about a visitor at a time, as one JSON value.
///
/// Members: `now`; `items`, each with `key`, `kind` (`experiment` or `personalization`), `variation`, `variations` (all
/// keys), `reason` as in [`Reason::name`](crate::Reason::name), `exposure` and `gates`; `features`, each with `key`,
/// `value`, `reason` and `item`. Gates are those of [`explain()`](super::explain()), in the same order. A condition is told
/// as it was compiled: every part has `holds`, and the `attribute` or `event` that was asked with the `value` it has.
///
/// ```
/// use splitlight_engine::{Facts, Visitor, compile, explain_program};
/// use splitlight_protocol::{Timestamp, Value, config};
/// let program = compile(&config::parse(r#"{ "version": 1, "project": "shop", "experiments": [
///   { "key": "hero", "when": { "plan": "pro" }, "variations": [{ "key": "a" }, { "key": "b" }] }] }"#).config).program;
/// let visitor = Visitor::new(Facts { id: Some("v-1".into()), ..Facts::default() });
/// let why = explain_program(&program, &visitor, Timestamp::from_ms(0));
/// let Some(Value::Array(items)) = why.at(&["items"]) else { panic!("{why:?}") };
/// assert_eq!(items[0].at(&["reason"]), Some(&Value::from("audience")));
/// ```
pub fn explain_program(program: &Program, visitor: &Visitor, now: Timestamp) -> Value {
    let decisions = crate::decide(program, visitor, now);
    let looking = Looking::new(program, visitor, now, &decisions);
    let values: Vec<&Value> = decisions.features(program).map(|(_, value, _)| value).collect();
    let items = looking.answers.iter().map(|(item, decision)| {
        let kind = match item.kind() {
            ItemKind::Experiment => "experiment",
            ItemKind::Personalization { .. } => "personalization",
        };
        let keys = item.variations().iter().map(|it| Value::from(&*it.key));
        let variation = item.variations().get(decision.variation).map_or(Value::Null, |it| (&*it.key).into());
        object([
            ("key", item.key().into()),
            ("kind", kind.into()),
            ("variation", variation),
            ("variations", Value::Array(keys.collect())),
            ("reason", decision.reason.name().into()),
            ("exposure", decision.reason.counts().into()),
            ("gates", Value::Array(gates(&looking, &values, item))),
        ])
    });
    let items = items.collect();
    let features = decisions.features(program).map(|(key, value, answer)| {
        let item = answer.item.and_then(|(at, _)| program.items().get(at));
        object([
            ("key", key.into()),
            ("value", value.clone()),
            ("reason", answer.reason.name().into()),
            ("item", item.map_or(Value::Null, |item| item.key().into())),
        ])
    });
    let features = Value::Array(features.collect());
    object([("now", Value::from(&*now.to_rfc3339())), ("items", Value::Array(items)), ("features", features)])
}

fn gates<'a>(looking: &Looking<'a>, values: &[&Value], item: &'a Item) -> Vec<Value> {
    let moment = |at: Option<Timestamp>| at.map_or(Value::Null, |at| Value::from(&*at.to_rfc3339()));
    let mut gates = looking.before_audience(item, [moment(item.start), moment(item.end)]);
    let context = looking.context();
    if item.when != Condition::everybody() {
        let holds = truth(item.when.holds(&context));
        gates.push(gate("audience", holds, [("when", condition(&item.when, looking, &context))]));
    }
    for prerequisite in &item.prerequisites {
        let at = prerequisite.feature as usize;
        let (Some(feature), Some(value)) = (looking.program.features.get(at), values.get(at)) else {
            continue;
        };
        let value = Value::clone(value);
        let attributes = Map::from_iter([("value".to_owned(), value.clone())]);
        let open = truth(prerequisite.when.holds(&context.about(&attributes)));
        gates.push(gate("prerequisite", open, [("feature", (&*feature.key).into()), ("value", value)]));
    }
    gates.extend(looking.after_audience(item));
    gates
}

/// A condition and its parts, each with whether it holds.
fn condition(condition: &Condition, looking: &Looking<'_>, context: &Context<'_>) -> Value {
    let holds = ("holds", truth(condition.holds(context)));
    let inner = |part: &Condition| self::condition(part, looking, context);
    let of = |operator: &str, parts: Vec<Value>| {
        object([holds.clone(), ("operator", operator.into()), ("parts", Value::Array(parts))])
    };
    let asked = |name: &'static str, what: Value| {
        let value = condition.found(context).unwrap_or_default();
        object([holds.clone(), (name, what), ("value", value)])
    };
    match condition {
        Condition::All(parts) if parts.len() == 1 => inner(&parts[0]),
        Condition::All(parts) => of("$and", parts.iter().map(inner).collect()),
        Condition::Any(parts) => of("$or", parts.iter().map(inner).collect()),
        Condition::Not(part) => of("$not", vec![inner(part)]),
        Condition::Audience(at) => {
            let audiences = *at as usize;
            let asked = looking.program.audiences.get(audiences).filter(|_| audiences < context.audiences);
            let part = asked.map(|it| self::condition(it, looking, &Context { audiences, ..*context }));
            of("$audience", part.into_iter().collect())
        }
        Condition::Attribute(path, _) => {
            let value = find(context.attributes, path).cloned().unwrap_or_default();
            object([holds, ("attribute", (&*path.join(".")).into()), ("value", value)])
        }
        Condition::History { tracked, .. } => {
            let event = context.code.tracked(*tracked as usize).map_or(Value::Null, |it| it.event.into());
            asked("event", event)
        }
        Condition::Score(at, ..) => asked("score", f64::from(*at).into()),
        Condition::Near(_) => of("$near", Vec::new()),
        Condition::Local(_) => of("$time", Vec::new()),
        Condition::Unsupported | Condition::Never => of("unknown", Vec::new()),
    }
}
