//! Text with places for the visitor's attributes: `Hello, {{ firstName | friend }}`.

use crate::codec::{Reader, Wire, wire_enum};
use splitlight_protocol::{Map, Value};

/// Text with places for attributes.
///
/// ```
/// use splitlight_engine::Template;
/// use splitlight_protocol::{Map, Value};
/// let template = Template::new("Hello, {{ user.name | friend }}!");
/// let named = Map::from_iter([("user".into(), Value::Object(Map::from_iter([("name".into(), Value::from("<Ana>"))])))]);
/// assert_eq!(template.text(&Map::new()), "Hello, friend!");
/// assert_eq!(template.html(&named), "Hello, &lt;Ana&gt;!");
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Template(Vec<Part>);

#[derive(Clone, Debug, PartialEq)]
enum Part {
    Literal(String),
    Attribute { path: Vec<String>, default: String },
}

wire_enum!(Part {
    0 => Literal(text),
    1 => Attribute { path, default },
});

impl Wire for Template {
    fn write(&self, out: &mut Vec<u8>) {
        self.0.write(out);
    }

    fn read(from: &mut Reader<'_>) -> Self {
        Self(Wire::read(from))
    }
}

impl Template {
    /// Reads a template; braces that do not close are literal text.
    pub fn new(source: &str) -> Self {
        let mut parts = Vec::new();
        let mut rest = source;
        while let Some((before, inside, after)) = next_place(rest) {
            if !before.is_empty() {
                parts.push(Part::Literal(before.to_owned()));
            }
            let (path, default) = inside.split_once('|').unwrap_or((inside, ""));
            parts.push(Part::Attribute {
                path: path.trim().split('.').map(str::to_owned).collect(),
                default: default.trim().to_owned(),
            });
            rest = after;
        }
        if !rest.is_empty() || parts.is_empty() {
            parts.push(Part::Literal(rest.to_owned()));
        }
        Self(parts)
    }

    /// The paths of the attributes that are filled in.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &[String]> {
        self.0.iter().filter_map(|part| match part {
            Part::Attribute { path, .. } => Some(path.as_slice()),
            Part::Literal(_) => None,
        })
    }

    /// The template with attributes filled in, as plain text.
    pub fn text(&self, attributes: &Map) -> String {
        self.render(attributes, &|value, out| out.push_str(value))
    }

    /// The template with attributes filled in and escaped for HTML content and quoted attribute values.
    ///
    /// Only what comes from attributes or defaults is escaped; the template itself is the author's HTML.
    pub fn html(&self, attributes: &Map) -> String {
        self.render(attributes, &escape)
    }

    fn render(&self, attributes: &Map, fill: &dyn Fn(&str, &mut String)) -> String {
        let mut out = String::new();
        for part in &self.0 {
            match part {
                Part::Literal(text) => out.push_str(text),
                Part::Attribute { path, default } => match lookup(attributes, path) {
                    Some(Value::String(text)) if !text.is_empty() => fill(text, &mut out),
                    Some(Value::Number(number)) => match whole(*number) {
                        Some(text) => fill(&text, &mut out),
                        None => fill(default, &mut out),
                    },
                    _ => fill(default, &mut out),
                },
            }
        }
        out
    }
}

fn next_place(text: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = text.split_once("{{")?;
    let (inside, after) = rest.split_once("}}")?;
    Some((before, inside, after))
}

pub(crate) fn lookup<'a>(attributes: &'a Map, path: &[String]) -> Option<&'a Value> {
    let (first, rest) = path.split_first()?;
    attributes.get(first)?.at(rest)
}

/// A whole number's digits; fractions are not written, because every runtime would have to write them alike.
#[expect(clippy::cast_possible_truncation, reason = "guarded by the range that doubles hold exactly")]
pub(crate) fn whole(number: f64) -> Option<String> {
    if number.abs() >= 9_007_199_254_740_992.0 || number % 1.0 != 0.0 {
        return None;
    }
    // By hand, because the general formatting of numbers is 2 KB more to download.
    let mut rest = (number as i64).unsigned_abs();
    let mut text = String::new();
    while rest > 0 || text.is_empty() {
        text.insert(0, char::from(b'0' + (rest % 10) as u8));
        rest /= 10;
    }
    if number < 0.0 {
        text.insert(0, '-');
    }
    Some(text)
}

fn escape(text: &str, out: &mut String) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            _ => out.push(c),
        }
    }
}
