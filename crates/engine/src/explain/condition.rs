//! A condition as it is written, every part with whether it holds and the value it found.

use crate::compile::Compiler;
use crate::condition::{Context, Truth, find};
use splitlight_protocol::config::Config;
use splitlight_protocol::limits::CONDITION_DEPTH_MAX;
use splitlight_protocol::{Map, Value};

/// `true`, `false`, `"unknown"` for what is not known here, or `"unsupported"`.
pub(super) fn truth(truth: Truth) -> Value {
    match truth {
        Truth::True => true.into(),
        Truth::False => false.into(),
        Truth::Unknown => "unknown".into(),
        Truth::Unsupported => "unsupported".into(),
    }
}

/// Explains an object of paths and operators: `holds`, and `parts` in their order.
pub(super) fn explain(
    compiler: &mut Compiler<'_>,
    config: &Config,
    context: &Context<'_>,
    written: &Value,
    depth: usize,
) -> Value {
    let Value::Object(members) = written else { return Value::Null };
    if depth > CONDITION_DEPTH_MAX {
        return Value::Null;
    }
    let parts = members.iter().map(|(name, value)| part(compiler, config, context, (name, value), depth));
    let parts = parts.collect();
    node(holds(compiler, context, written), [("parts", Value::Array(parts))])
}

fn part(
    compiler: &mut Compiler<'_>,
    config: &Config,
    context: &Context<'_>,
    (name, value): (&str, &Value),
    depth: usize,
) -> Value {
    let alone = Value::Object(Map::from_iter([(name.to_owned(), value.clone())]));
    let holds = holds(compiler, context, &alone);
    let mut inner = |written: &Value| explain(compiler, config, context, written, depth + 1);
    match name {
        "$and" | "$or" | "$nor" => {
            let items = if let Value::Array(items) = value { &items[..] } else { &[] };
            let parts = items.iter().map(inner).collect();
            node(holds, [("operator", name.into()), ("parts", Value::Array(parts))])
        }
        "$not" => node(holds, [("operator", name.into()), ("part", inner(value))]),
        "$audience" => {
            let audience = config.audiences.iter().find(|audience| Some(&*audience.key) == value.as_str());
            let when = audience.and_then(|audience| audience.when.as_ref()).map_or(Value::Null, inner);
            let list = audience.and_then(|audience| audience.attribute.as_deref());
            let attribute = list.map_or(Value::Null, Value::from);
            node(holds, [("audience", value.clone()), ("when", when), ("attribute", attribute)])
        }
        _ if name.starts_with('$') => {
            let found = compiler.when("", Some(&alone)).found(context).unwrap_or_default();
            node(holds, [("operator", name.into()), ("wanted", value.clone()), ("value", found)])
        }
        _ => {
            let path: Vec<String> = name.split('.').map(str::to_owned).collect();
            let found = find(context.attributes, &path).cloned().unwrap_or_default();
            node(holds, [("attribute", name.into()), ("wanted", value.clone()), ("value", found)])
        }
    }
}

fn holds(compiler: &mut Compiler<'_>, context: &Context<'_>, written: &Value) -> Value {
    truth(compiler.when("", Some(written)).holds(context))
}

fn node<const N: usize>(holds: Value, members: [(&str, Value); N]) -> Value {
    let members = members.into_iter().map(|(name, value)| (name.to_owned(), value));
    Value::Object([("holds".to_owned(), holds)].into_iter().chain(members).collect())
}
