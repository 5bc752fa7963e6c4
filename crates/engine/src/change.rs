//! An edit to the page, compiled.

use crate::codec::{Reader, Wire};
use crate::template::Template;
use splitlight_protocol::Map;
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
    /// Puts the element to a place relative to the first element that a selector matches.
    Move(Position, String),
    /// Removes the element.
    Remove,
    /// Adds a style sheet to the page.
    Css(String),
}

/// The kind of a move in a program, and the first [level](crate::codec::LEVEL) that knows it.
const MOVE: u8 = 10;
pub(crate) const MOVE_LEVEL: u8 = 1;

const POSITIONS: [Position; 4] = [Position::Before, Position::After, Position::Prepend, Position::Append];

/// The method of a browser's element that puts others at a position.
const fn method(position: Position) -> &'static str {
    match position {
        Position::Before => "before",
        Position::After => "after",
        Position::Prepend => "prepend",
        Position::Append => "append",
    }
}

impl Wire for Change {
    fn write(&self, out: &mut Vec<u8>) {
        let (kind, text, more) = match &self.edit {
            Edit::Text(text) => (0, Some(text.clone()), None),
            Edit::Html(html) => (1, Some(html.clone()), None),
            Edit::Attribute(name, value) => (2, value.clone(), Some(name.clone())),
            Edit::Class(add, remove) => (3, Some(Template::literal(&add.join(" "))), Some(remove.join(" "))),
            Edit::Insert(position, html) => (4 + *position as u8, Some(html.clone()), None),
            Edit::Remove => (8, None, None),
            Edit::Css(css) => (9, Some(Template::literal(css)), None),
            Edit::Move(position, target) => {
                (MOVE, Some(Template::literal(target)), Some(method(*position).to_owned()))
            }
        };
        let mut bytes = Vec::new();
        self.selector.write(&mut bytes);
        bytes.push(kind);
        text.write(&mut bytes);
        more.write(&mut bytes);
        (bytes.len() as u64).write(out);
        out.extend(bytes);
    }

    fn read(from: &mut Reader<'_>) -> Self {
        let mut part = from.part();
        let (selector, kind) = (String::read(&mut part), part.byte());
        let (text, more) = (Option::<Template>::read(&mut part), Option::<String>::read(&mut part));
        let plain =
            |text: &Option<Template>| text.as_ref().map_or_else(String::new, |it| it.text(&Map::new()));
        let names = |text: &str| text.split_whitespace().map(str::to_owned).collect();
        let edit = match (kind, text, more) {
            (0, Some(text), None) => Edit::Text(text),
            (1, Some(html), None) => Edit::Html(html),
            (2, value, Some(name)) => Edit::Attribute(name, value),
            (3, add @ Some(_), Some(remove)) => Edit::Class(names(&plain(&add)), names(&remove)),
            (4, Some(html), None) => Edit::Insert(Position::Before, html),
            (5, Some(html), None) => Edit::Insert(Position::After, html),
            (6, Some(html), None) => Edit::Insert(Position::Prepend, html),
            (7, Some(html), None) => Edit::Insert(Position::Append, html),
            (9, css @ Some(_), None) => Edit::Css(plain(&css)),
            (8, None, None) => Edit::Remove,
            (MOVE, target @ Some(_), Some(name)) => {
                let position = POSITIONS.into_iter().find(|it| method(*it) == name);
                if position.is_none() {
                    part.fail();
                }
                Edit::Move(position.unwrap_or(Position::Before), plain(&target))
            }
            _ => {
                part.fail();
                Edit::Remove
            }
        };
        if part.failed() || !part.is_empty() {
            from.fail();
        }
        Self { selector, edit }
    }
}

impl Change {
    /// The attributes that are filled in.
    pub(crate) fn paths(&self) -> Vec<Vec<String>> {
        match &self.edit {
            Edit::Text(template) | Edit::Html(template) | Edit::Insert(_, template) => template.paths(),
            Edit::Attribute(_, template) => template.as_ref().map(Template::paths).unwrap_or_default(),
            Edit::Class(..) | Edit::Move(..) | Edit::Remove | Edit::Css(_) => Vec::new(),
        }
    }

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
            Written::Class(class) => Edit::Class(names(&class.add), names(&class.remove)),
            Written::Insert(insert) => Edit::Insert(insert.position, Template::new(&insert.html)),
            Written::Move(place) => Edit::Move(place.position, place.target.clone()),
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

/// The names in a list, one by one, where several are written as one text.
fn names(written: &[String]) -> Vec<String> {
    written.iter().flat_map(|names| names.split_whitespace()).map(str::to_owned).collect()
}
