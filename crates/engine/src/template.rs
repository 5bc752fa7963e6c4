//! Text with places for the visitor's attributes: `Hello, {{ firstName | friend }}`.

use crate::codec::{Reader, Wire};
use crate::condition::lookup;
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
pub struct Template(Vec<u8>);

impl Wire for Template {
    fn write(&self, out: &mut Vec<u8>) {
        (self.0.len() as u64).write(out);
        out.extend_from_slice(&self.0);
    }

    fn read(from: &mut Reader<'_>) -> Self {
        Self(from.part().rest().to_owned())
    }
}

impl Template {
    /// Reads a template; braces that do not close are literal text.
    pub fn new(source: &str) -> Self {
        let mut bytes = Vec::new();
        let mut rest = source;
        while let Some((before, inside, after)) = next_place(rest) {
            literal(before, &mut bytes);
            let (path, default) = inside.split_once('|').unwrap_or((inside, ""));
            let path: Vec<String> = path.trim().split('.').map(str::to_owned).collect();
            path.write(&mut bytes);
            default.trim().to_owned().write(&mut bytes);
            rest = after;
        }
        literal(rest, &mut bytes);
        Self(bytes)
    }

    /// A text without places.
    pub(crate) fn literal(text: &str) -> Self {
        let mut bytes = Vec::new();
        literal(text, &mut bytes);
        Self(bytes)
    }

    /// The paths of the attributes that are filled in.
    pub(crate) fn paths(&self) -> Vec<Vec<String>> {
        let mut from = Reader::new(&self.0);
        let mut paths = Vec::new();
        while !from.is_empty() {
            let path = Vec::read(&mut from);
            from.text();
            if !path.is_empty() {
                paths.push(path);
            }
        }
        paths
    }

    /// The template with attributes filled in, as plain text.
    pub fn text(&self, attributes: &Map) -> String {
        render(Reader::new(&self.0), attributes, false)
    }

    /// The template with attributes filled in and escaped for HTML content and quoted attribute values.
    ///
    /// Only what comes from attributes or defaults is escaped; the template itself is the author's HTML.
    pub fn html(&self, attributes: &Map) -> String {
        render(Reader::new(&self.0), attributes, true)
    }
}

/// Writes a literal part: a place of no attribute, whose default is the text.
fn literal(text: &str, out: &mut Vec<u8>) {
    if !text.is_empty() {
        out.push(0);
        text.to_owned().write(out);
    }
}

/// Fills in the template that is next.
pub(crate) fn fill(from: &mut Reader<'_>, attributes: &Map, is_html: bool) -> String {
    render(from.part(), attributes, is_html)
}

/// Fills in places, each of which is a path and what stands for it when nothing is there; no path is a literal.
fn render(mut from: Reader<'_>, attributes: &Map, is_html: bool) -> String {
    let mut out = String::new();
    while !from.is_empty() {
        let is_literal = from.rest().first() == Some(&0);
        let found = lookup(attributes, &mut from).found;
        let default = from.text();
        let number = if let Some(Value::Number(number)) = found { whole(*number) } else { None };
        let text = match found {
            Some(Value::String(text)) if !text.is_empty() => text,
            _ => number.as_deref().unwrap_or(default),
        };
        if is_html && !is_literal {
            escape(text, &mut out);
        } else {
            out.push_str(text);
        }
    }
    out
}

fn next_place(text: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = text.split_once("{{")?;
    let (inside, after) = rest.split_once("}}")?;
    Some((before, inside, after))
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
