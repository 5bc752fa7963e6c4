//! An edit to the page, as it is written.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// An edit to the page: one selector and one edit, or CSS for the whole page.
///
/// ```
/// use splitlight_protocol::config::{Change, Edit};
/// let change: Change = serde_json::from_str(r##"{ "selector": "#hero h1", "text": "Hello" }"##)?;
/// assert_eq!(change.selector, "#hero h1");
/// assert_eq!(change.edit, Edit::Text("Hello".to_owned()));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "Wire", into = "Wire")]
#[schemars(transform = super::schema::one_edit)]
pub struct Change {
    /// A CSS selector; empty for [`Edit::Css`].
    pub selector: String,
    /// What happens to every element it matches.
    pub edit: Edit,
}

/// What a [`Change`] does. Text and html may hold `{{ path | default }}`, replaced by the visitor's attribute.
#[derive(Clone, Debug, PartialEq)]
pub enum Edit {
    /// Replaces the content by text.
    Text(String),
    /// Replaces the content by html.
    Html(String),
    /// Sets or removes an attribute.
    Attribute(AttributeChange),
    /// Adds and removes classes.
    Class(ClassChange),
    /// Sets style properties, as a rule of a style sheet.
    Style(BTreeMap<String, String>),
    /// Adds html beside or inside.
    Insert(InsertChange),
    /// Puts the element to another place of the page.
    Move(MoveChange),
    /// Removes the element.
    Remove,
    /// Adds a style sheet to the page.
    Css(String),
}

/// Sets an attribute to a value, or removes it when there is none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AttributeChange {
    /// The attribute's name; event handlers (`on*`) are refused.
    pub name: String,
    /// Its new value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}

/// Adds and removes classes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ClassChange {
    /// Classes to add.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub add: Vec<String>,
    /// Classes to remove.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remove: Vec<String>,
}

/// Adds html at a place relative to the element.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct InsertChange {
    /// Where.
    pub position: Position,
    /// What.
    pub html: String,
}

/// Puts the element to a place relative to another one, with everything in it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MoveChange {
    /// Where.
    pub position: Position,
    /// A CSS selector of the other element; the first one that it matches.
    pub target: String,
}

/// A place relative to an element.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Position {
    /// Before the element.
    Before,
    /// After the element.
    After,
    /// Inside it, first.
    Prepend,
    /// Inside it, last.
    Append,
}

/// The written form: every edit is an optional member, and [`Change`] is what has exactly one.
#[derive(Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Wire {
    /// A CSS selector; `css` has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    selector: Option<String>,
    /// Replaces the content by text, in which `{{ path | default }}` is the visitor's attribute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    /// Replaces the content by html, in which `{{ path | default }}` is the visitor's attribute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    html: Option<String>,
    /// Sets or removes an attribute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    attribute: Option<AttributeChange>,
    /// Adds and removes classes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    class: Option<ClassChange>,
    /// Sets style properties, as a rule of a style sheet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    style: Option<BTreeMap<String, String>>,
    /// Adds html beside or inside.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    insert: Option<InsertChange>,
    /// Puts the element beside or inside another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    r#move: Option<MoveChange>,
    /// Removes the element.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    remove: Option<bool>,
    /// Adds a style sheet to the page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    css: Option<String>,
}

impl TryFrom<Wire> for Change {
    type Error = &'static str;

    fn try_from(wire: Wire) -> Result<Self, Self::Error> {
        if wire.remove == Some(false) {
            return Err("`remove` can only be true; leave it out otherwise");
        }
        let edits = [
            wire.text.map(Edit::Text),
            wire.html.map(Edit::Html),
            wire.attribute.map(Edit::Attribute),
            wire.class.map(Edit::Class),
            wire.style.map(Edit::Style),
            wire.insert.map(Edit::Insert),
            wire.r#move.map(Edit::Move),
            wire.remove.map(|_| Edit::Remove),
            wire.css.map(Edit::Css),
        ];
        let mut written = edits.into_iter().flatten();
        let edit = written
            .next()
            .ok_or("a change needs one of text, html, attribute, class, style, insert, move, remove, css")?;
        if written.next().is_some() {
            return Err("a change has one edit; write a second change for the other");
        }
        match (wire.selector, &edit) {
            (None, Edit::Css(_)) => Ok(Self { selector: String::new(), edit }),
            (Some(_), Edit::Css(_)) => Err("`css` is for the whole page and takes no selector"),
            (None, _) => Err("a change needs a `selector`"),
            (Some(selector), _) if selector.trim().is_empty() => Err("the `selector` is empty"),
            (Some(selector), _) => Ok(Self { selector, edit }),
        }
    }
}

impl From<Change> for Wire {
    fn from(change: Change) -> Self {
        let mut wire =
            Self { selector: (!change.selector.is_empty()).then_some(change.selector), ..Self::default() };
        match change.edit {
            Edit::Text(text) => wire.text = Some(text),
            Edit::Html(html) => wire.html = Some(html),
            Edit::Attribute(attribute) => wire.attribute = Some(attribute),
            Edit::Class(class) => wire.class = Some(class),
            Edit::Style(style) => wire.style = Some(style),
            Edit::Insert(insert) => wire.insert = Some(insert),
            Edit::Move(place) => wire.r#move = Some(place),
            Edit::Remove => wire.remove = Some(true),
            Edit::Css(css) => wire.css = Some(css),
        }
        wire
    }
}
