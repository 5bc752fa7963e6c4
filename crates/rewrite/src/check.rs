//! Whether html that people wrote for a change is safe to put into pages.

use crate::plan::{is_code_address, is_code_attribute};

/// Stands for an attribute's value, whatever it will be. A private character, so that no html means anything by it.
const PLACE: char = '\u{F8FF}';

/// Checks html for a change, at publish: nothing in it may run code, reach out of its place or be read in two ways.
///
/// # Errors
/// Says what is wrong and what to do about it.
///
/// ```
/// use splitlight_rewrite::check_html;
/// assert!(check_html("<h2>Hello, {{ name | friend }}</h2><img src=\"/a.png\" alt=\"\">").is_ok());
/// assert!(check_html("<img src=x onerror=alert(1)>").is_err());
/// let error = check_html("<div><p>Hello</div>").unwrap_err();
/// assert_eq!(error, "`</div>` ends while `<p>` is open: write `</p>` before it");
/// ```
pub fn check_html(html: &str) -> Result<(), String> {
    let html = mark_places(html);
    let mut scanner = Scanner { rest: &html, open: Vec::new() };
    while !scanner.rest.is_empty() {
        scanner.step()?;
    }
    match scanner.open.pop() {
        Some(tag) => Err(format!("`<{tag}>` is not closed: write `</{tag}>`")),
        None => Ok(()),
    }
}

/// Replaces what the template replaces, so that what is checked has the form of what browsers will read.
fn mark_places(html: &str) -> String {
    let mut marked = String::with_capacity(html.len());
    let mut rest = html;
    while let Some((before, after)) = rest
        .split_once("{{")
        .and_then(|(before, inside)| inside.split_once("}}").map(|(_, after)| (before, after)))
    {
        marked.push_str(before);
        marked.push(PLACE);
        rest = after;
    }
    marked + rest
}

struct Scanner<'h> {
    rest: &'h str,
    open: Vec<String>,
}

impl Scanner<'_> {
    fn step(&mut self) -> Result<(), String> {
        let Some(at) = self.rest.find('<') else {
            self.rest = "";
            return Ok(());
        };
        let tag = &self.rest[at..];
        self.rest = &tag[1..];
        if let Some(comment) = tag.strip_prefix("<!--") {
            return self.comment(comment);
        }
        if let Some(end) = tag.strip_prefix("</") {
            return self.end_tag(end);
        }
        if tag[1..].starts_with(|c: char| c.is_ascii_alphabetic()) {
            return self.start_tag(&tag[1..]);
        }
        Err("a `<` that begins no tag: write `&lt;` for the character".to_owned())
    }

    /// Comments that browsers end where other readers do not are refused.
    fn comment(&mut self, comment: &str) -> Result<(), String> {
        let odd =
            "a comment is not closed, or in an odd way: write `<!-- text -->`, without `--` or `>` in it";
        let (text, rest) = comment.split_once("-->").ok_or(odd)?;
        if text.contains("--") || text.contains('>') || text.ends_with('-') {
            return Err(odd.to_owned());
        }
        self.rest = &self.rest[self.rest.len() - rest.len()..];
        Ok(())
    }

    fn end_tag(&mut self, text: &str) -> Result<(), String> {
        let (name, after) = name(text);
        let after = after.trim_start();
        if name.is_empty() || !after.starts_with('>') {
            return Err(format!("`</{name}` is not an end tag: write `</name>`"));
        }
        self.rest = &self.rest[self.rest.len() - after.len() + 1..];
        match self.open.pop() {
            Some(open) if open == name => Ok(()),
            Some(open) => {
                Err(format!("`</{name}>` ends while `<{open}>` is open: write `</{open}>` before it"))
            }
            None => Err(format!("`</{name}>` ends nothing: remove it, or write `<{name}>` before it")),
        }
    }

    fn start_tag(&mut self, text: &str) -> Result<(), String> {
        let (name, mut after) = name(text);
        if is_refused(&name) {
            return Err(format!("`<{name}>` can run code or change the whole page: remove it"));
        }
        loop {
            let trimmed = after.trim_start();
            if let Some(rest) = trimmed.strip_prefix('>').or_else(|| trimmed.strip_prefix("/>")) {
                self.rest = &self.rest[self.rest.len() - rest.len()..];
                return self.content(name, trimmed.starts_with('/'));
            }
            if trimmed.len() == after.len() {
                return Err(format!(
                    "`<{name}` has something odd in it: write attributes as `name=\"value\"`"
                ));
            }
            after = attribute(&name, trimmed)?;
        }
    }

    fn content(&mut self, name: String, self_closing: bool) -> Result<(), String> {
        if matches!(name.as_str(), "textarea" | "title") && !self_closing {
            let end = format!("</{name}>");
            let (text, rest) = self
                .rest
                .split_once(&end)
                .ok_or_else(|| format!("`<{name}>` is not closed: write `{end}`"))?;
            self.rest = rest;
            if text.contains('<') {
                return Err(format!("there is only text in `<{name}>`: write `&lt;` for `<`"));
            }
            return Ok(());
        }
        let foreign = self.open.iter().any(|open| open == "svg" || open == "math");
        let void = is_void(&name);
        if self_closing && !void && !foreign {
            return Err(format!("`<{name}/>` does not close itself: write `<{name}></{name}>`"));
        }
        if !void && !self_closing {
            self.open.push(name);
        }
        Ok(())
    }
}

/// A tag's name in lower case, and what follows.
fn name(text: &str) -> (String, &str) {
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '-').unwrap_or(text.len());
    (text[..end].to_ascii_lowercase(), &text[end..])
}

/// Checks one attribute and gives what follows it.
fn attribute<'t>(tag: &str, text: &'t str) -> Result<&'t str, String> {
    let fine = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | ':' | '.' | '@');
    let end = text.find(|c: char| !fine(c)).unwrap_or(text.len());
    let name = text[..end].to_ascii_lowercase();
    let form = || format!("`<{tag}` has something odd in it: write attributes as `name=\"value\"`");
    if name.is_empty() {
        return Err(form());
    }
    if is_code_attribute(&name) {
        return Err(format!("`{name}` is code: remove it, and use a class or an event of the config"));
    }
    let Some(value) = text[end..].trim_start().strip_prefix('=').map(str::trim_start) else {
        return Ok(&text[end..]);
    };
    let (value, after) = if let Some(quote @ ('"' | '\'')) = value.chars().next() {
        value[1..].split_once(quote).ok_or_else(form)?
    } else {
        let odd = |c: char| matches!(c, '"' | '\'' | '<' | '=' | '`') || c == PLACE;
        let length = value.find(|c: char| c.is_ascii_whitespace() || c == '>').unwrap_or(value.len());
        let (value, after) = value.split_at(length);
        if value.is_empty() || value.contains(odd) {
            return Err(form());
        }
        (value, after)
    };
    check_value(&name, value)?;
    Ok(after)
}

fn check_value(name: &str, value: &str) -> Result<(), String> {
    let value = decode(value);
    if is_code_address(&value) {
        return Err(format!("`{name}` runs code: write an address with https:// or one that begins with /"));
    }
    let address =
        matches!(name, "href" | "src" | "action" | "formaction" | "xlink:href" | "ping" | "poster" | "data");
    if address && value.trim_start().starts_with(PLACE) {
        return Err(format!("a visitor's attribute must not begin `{name}`: write https:// or / before it"));
    }
    if name == "id" && value.starts_with("splitlight") {
        return Err("ids that begin with `splitlight` are taken: choose another".to_owned());
    }
    Ok(())
}

/// Resolves the character references that can hide an address's scheme.
fn decode(value: &str) -> String {
    let mut decoded = String::with_capacity(value.len());
    let mut rest = value;
    while let Some((before, after)) = rest.split_once('&') {
        decoded.push_str(before);
        let (c, after) = reference(after);
        decoded.push(c);
        rest = after;
    }
    decoded + rest
}

fn reference(text: &str) -> (char, &str) {
    for (name, c) in [("colon;", ':'), ("Tab;", '\t'), ("NewLine;", '\n'), ("sol;", '/'), ("lpar;", '(')] {
        if let Some(after) = text.strip_prefix(name) {
            return (c, after);
        }
    }
    let Some(number) = text.strip_prefix('#') else { return ('&', text) };
    let (radix, digits) = match number.strip_prefix(['x', 'X']) {
        Some(digits) => (16, digits),
        None => (10, number),
    };
    let end = digits.find(|c: char| !c.is_digit(radix)).unwrap_or(digits.len());
    let Ok(code) = u32::from_str_radix(&digits[..end], radix) else { return ('&', text) };
    let after = &digits[end..];
    (char::from_u32(code).unwrap_or('\u{FFFD}'), after.strip_prefix(';').unwrap_or(after))
}

fn is_refused(tag: &str) -> bool {
    matches!(
        tag,
        "script"
            | "iframe"
            | "object"
            | "embed"
            | "base"
            | "meta"
            | "link"
            | "style"
            | "frame"
            | "frameset"
            | "applet"
            | "noscript"
            | "template"
            | "plaintext"
            | "xmp"
            | "listing"
            | "noembed"
            | "noframes"
            | "html"
            | "head"
            | "body"
            | "animate"
            | "set"
            | "animatetransform"
            | "animatemotion"
            | "foreignobject"
            | "portal"
            | "fencedframe"
    )
}

fn is_void(tag: &str) -> bool {
    matches!(tag, "area" | "br" | "col" | "hr" | "img" | "input" | "source" | "track" | "wbr" | "param")
}
