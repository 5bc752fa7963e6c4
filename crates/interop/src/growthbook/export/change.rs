//! Changes of the page, as DOM mutations and style sheets.

use super::Part;
use serde_json::{Map as JsonMap, Value as Json, json};
use splitlight_protocol::config::{Change, Edit, InsertChange, MoveChange, Position, Variation};

/// What a variation changes.
pub(super) fn variation(variation: &Variation) -> Part<Json> {
    let (mut mutations, mut css) = (Vec::new(), String::new());
    for change in &variation.changes {
        mutation(change, &mut mutations, &mut css)?;
    }
    let mut written = JsonMap::new();
    super::put(&mut written, "domMutations", mutations);
    super::put(&mut written, "css", Some(css).filter(|css| !css.is_empty()));
    super::put(&mut written, "urlRedirect", variation.redirect.as_ref().map(|redirect| &redirect.to));
    Ok(Json::Object(written))
}

fn mutation(change: &Change, mutations: &mut Vec<Json>, css: &mut String) -> Part<()> {
    let mut add = |attribute: &str, action: &str, value: &str| {
        mutations.push(json!({
            "selector": change.selector, "attribute": attribute, "action": action, "value": value,
        }));
    };
    match &change.edit {
        Edit::Text(text) => add("html", "set", &escaped(plain(text)?)),
        Edit::Html(html) => add("html", "set", plain(html)?),
        Edit::Insert(InsertChange { position: Position::Append, html }) => {
            add("html", "append", plain(html)?);
        }
        Edit::Attribute(attribute) => match &attribute.value {
            Some(value) => add(&attribute.name, "set", plain(value)?),
            None => add(&attribute.name, "remove", ""),
        },
        Edit::Class(classes) => {
            classes.add.iter().for_each(|class| add("class", "append", class));
            classes.remove.iter().for_each(|class| add("class", "remove", class));
        }
        Edit::Style(style) => {
            css.extend([&*change.selector, "{"]);
            for (name, value) in style {
                css.extend([name, ":", value, "!important;"]);
            }
            css.push('}');
        }
        Edit::Css(sheet) => css.push_str(sheet),
        Edit::Insert(_) => return Err("GrowthBook inserts html only at the end of an element".to_owned()),
        Edit::Move(MoveChange { position: Position::Append, target }) => mutations.push(json!({
            "selector": change.selector, "attribute": "position", "action": "set", "parentSelector": target,
        })),
        Edit::Move(_) => return Err("GrowthBook moves elements only to the end of another".to_owned()),
        Edit::Remove => return Err("GrowthBook removes no elements".to_owned()),
    }
    Ok(())
}

/// Text without places for attributes, which GrowthBook would show as they are written.
fn plain(text: &str) -> Part<&str> {
    if text.contains("{{") { Err("GrowthBook fills in no attributes".to_owned()) } else { Ok(text) }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
