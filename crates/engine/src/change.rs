//! An edit to the page, compiled.

use crate::codec::{Reader, Wire, wire_enum, wire_struct};
use crate::template::Template;
use splitlight_protocol::config::{self, Position};

/// An edit to the page: what happens to every element a selector matches.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// A CSS selector; empty for [`Edit::Css`].
    pub selector: String,
    /// What happens.
    pub edit: Edit,
}

/// What a [`Change`] does.
#[derive(Clone, Debug, PartialEq)]
pub enum Edit {
    /// Replaces the content by text.
    Text(Template),
    /// Replaces the content by html.
    Html(Template),
    /// Sets an attribute, or removes it when there is no value.
    Attribute(String, Option<Template>),
    /// Adds the first classes and removes the second.
    Class(Vec<String>, Vec<String>),
    /// Adds html at a place.
    Insert(Position, Template),
    /// Removes the element.
    Remove,
    /// Adds a style sheet to the page.
    Css(String),
}

wire_struct!(Change { selector, edit });

wire_enum!(Edit {
    0 => Text(text),
    1 => Html(html),
    2 => Attribute(name, value),
    3 => Class(add, remove),
    4 => Insert(position, html),
    5 => Remove,
    6 => Css(css),
});

impl Wire for Position {
    fn write(&self, out: &mut Vec<u8>) {
        out.push(match self {
            Self::Before => 0,
            Self::After => 1,
            Self::Prepend => 2,
            Self::Append => 3,
        });
    }

    fn read(from: &mut Reader<'_>) -> Self {
        match from.byte() {
            0 => Self::Before,
            1 => Self::After,
            2 => Self::Prepend,
            3 => Self::Append,
            _ => {
                from.fail();
                Self::Before
            }
        }
    }
}

impl Change {
    /// Compiles a change. Style properties become a rule of a style sheet, because a rule survives re-renders and
    /// needs no write to the document.
    pub(crate) fn new(change: &config::Change) -> Self {
        use config::Edit as Written;
        let edit = match &change.edit {
            Written::Text(text) => Edit::Text(Template::new(text)),
            Written::Html(html) => Edit::Html(Template::new(html)),
            Written::Attribute(attribute) => {
                Edit::Attribute(attribute.name.clone(), attribute.value.as_deref().map(Template::new))
            }
            Written::Class(class) => Edit::Class(class.add.clone(), class.remove.clone()),
            Written::Insert(insert) => Edit::Insert(insert.position, Template::new(&insert.html)),
            Written::Remove => Edit::Remove,
            Written::Css(css) => Edit::Css(css.clone()),
            Written::Style(rules) => {
                let mut css = format!("{}{{", change.selector);
                for (property, value) in rules {
                    css.extend([property, ":", value, "!important;"]);
                }
                css.push('}');
                return Self { selector: String::new(), edit: Edit::Css(css) };
            }
        };
        Self { selector: change.selector.clone(), edit }
    }
}
