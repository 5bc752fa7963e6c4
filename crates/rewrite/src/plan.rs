//! What to do to pages, worked out once per request.

use crate::key::Key;
use crate::page::Page;
use lol_html::Selector;
use splitlight_engine::{Change, Edit};
use splitlight_protocol::Map;
use splitlight_protocol::config::Position;
use std::rc::Rc;

/// Edits for one visitor, ready for a page.
#[derive(Clone, Debug)]
pub struct Rewrite {
    plan: Rc<Plan>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Plan {
    pub(crate) steps: Vec<Step>,
    /// Html for the start of the head.
    pub(crate) head: String,
    /// The style sheets of all changes, in order.
    pub(crate) css: String,
    /// The nonce that the page's policy asks of style elements.
    pub(crate) nonce: String,
}

/// An edit with the attributes filled in.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub(crate) selector: Selector,
    /// Whether the first match is the only one, as for `#id`.
    pub(crate) once: bool,
    /// What a tag has to have for it; `None` when that takes a parser to say.
    pub(crate) key: Option<Key>,
    pub(crate) act: Act,
}

#[derive(Clone, Debug)]
pub(crate) enum Act {
    /// Text, escaped.
    Text(String),
    Html(String),
    Attribute(String, Option<String>),
    Class(Vec<String>, Vec<String>),
    Insert(Position, String),
    Remove,
}

impl Rewrite {
    /// Fills the attributes into the changes. `head` is html for the start of the document's head; give an empty text
    /// for none. Changes that [`can_stream`] refuses are left out: they are the browser's.
    pub fn new<'c>(changes: impl IntoIterator<Item = &'c Change>, attributes: &Map, head: &str) -> Self {
        let mut rewrite = Self { plan: Rc::new(Plan { head: head.to_owned(), ..Plan::default() }) };
        for change in changes {
            rewrite.add(change, attributes);
        }
        rewrite
    }

    /// Adds a change, and says whether the edge can make it; if not, it is the browser's, as [`can_stream`] says.
    ///
    /// ```
    /// # use splitlight_protocol::Map;
    /// # use splitlight_rewrite::Rewrite;
    /// use splitlight_engine::{Change, Edit};
    /// let mut rewrite = Rewrite::new([], &Map::new(), "");
    /// assert!(rewrite.add(&Change { selector: "h1".into(), edit: Edit::Remove }, &Map::new()));
    /// assert!(!rewrite.add(&Change { selector: "h1 + p".into(), edit: Edit::Remove }, &Map::new()));
    /// ```
    pub fn add(&mut self, change: &Change, attributes: &Map) -> bool {
        let plan = Rc::make_mut(&mut self.plan);
        if let Edit::Css(css) = &change.edit {
            // The element ends where the text says so, and the text is not ours.
            plan.css.push_str(&css.replace("</", "<\\/"));
            plan.css.push('\n');
            return true;
        }
        if !can_stream(change) {
            return false;
        }
        let Ok(selector) = change.selector.parse() else { return false };
        if let Some(act) = act(&change.edit, attributes) {
            let (once, key) = (matches_once(&change.selector), Key::of(&change.selector));
            plan.steps.push(Step { selector, once, key, act });
        }
        true
    }

    /// The same with other html for the start of the head.
    #[must_use]
    pub fn head(mut self, html: &str) -> Self {
        html.clone_into(&mut Rc::make_mut(&mut self.plan).head);
        self
    }

    /// Everything that is written into pages, in order: what a digest of it has to tell apart.
    ///
    /// ```
    /// use splitlight_protocol::Map;
    /// use splitlight_rewrite::Rewrite;
    /// let written = |head| Rewrite::new([], &Map::new(), head).written();
    /// assert_eq!(written("a"), written("a"));
    /// assert_ne!(written("a"), written("b"));
    /// ```
    pub fn written(&self) -> String {
        let acts: Vec<&Act> = self.plan.steps.iter().map(|step| &step.act).collect();
        format!("{acts:?}\n{}\n{}", self.plan.css, self.plan.head)
    }

    /// Gives our style element the nonce that the page's content security policy asks for.
    ///
    /// ```
    /// # use splitlight_protocol::Map;
    /// # use splitlight_rewrite::Rewrite;
    /// use splitlight_engine::{Change, Edit};
    /// let css = Change { selector: String::new(), edit: Edit::Css("h1{color:red}".into()) };
    /// let (mut page, mut out) = (Rewrite::new([&css], &Map::new(), "").nonce("r4nd0m").start(), Vec::new());
    /// page.write(b"<head></head>", &mut out);
    /// let style = "<style data-splitlight nonce=\"r4nd0m\">h1{color:red}\n</style>";
    /// assert_eq!(String::from_utf8_lossy(&out), format!("<head>{style}</head>"));
    /// ```
    #[must_use]
    pub fn nonce(mut self, nonce: &str) -> Self {
        nonce.clone_into(&mut Rc::make_mut(&mut self.plan).nonce);
        self
    }

    /// Starts a page.
    pub fn start(&self) -> Page {
        Page::new(&self.plan)
    }
}

/// Whether the edge can make a change while the page streams. If not, the browser has to: the selector may ask what
/// comes later in the page, and so does what is moved.
///
/// ```
/// use splitlight_engine::{Change, Edit};
/// let remove = |selector: &str| Change { selector: selector.to_owned(), edit: Edit::Remove };
/// assert!(splitlight_rewrite::can_stream(&remove("main > .offer[data-old]")));
/// assert!(!splitlight_rewrite::can_stream(&remove("section:has(.offer)")));
/// assert!(!splitlight_rewrite::can_stream(&remove("h1 + p")));
/// ```
pub fn can_stream(change: &Change) -> bool {
    match change.edit {
        Edit::Css(_) => true,
        Edit::Move(..) => false,
        _ => is_streamable(&change.selector),
    }
}

/// Whether a selector asks nothing about what comes later in the page.
pub(crate) fn is_streamable(selector: &str) -> bool {
    selector.parse::<Selector>().is_ok()
}

impl Plan {
    /// Our style element, when there is a style sheet.
    pub(crate) fn style(&self) -> String {
        if self.css.is_empty() {
            return String::new();
        }
        let nonce = if self.nonce.is_empty() {
            String::new()
        } else {
            format!(" nonce=\"{}\"", self.nonce.replace('&', "&amp;").replace('"', "&quot;"))
        };
        format!("<style data-splitlight{nonce}>{}</style>", self.css)
    }
}

/// An id is unique; when it is not, the first element has it, as for `getElementById`.
fn matches_once(selector: &str) -> bool {
    let selector = selector.trim();
    let name = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_' || !c.is_ascii();
    matches!(selector, "html" | "head" | "body")
        || selector.strip_prefix('#').is_some_and(|id| !id.is_empty() && id.chars().all(name))
}

/// An edit with the attributes filled in; `None` when what comes out is code.
fn act(edit: &Edit, attributes: &Map) -> Option<Act> {
    Some(match edit {
        Edit::Text(template) => Act::Text(escape(&template.text(attributes))),
        Edit::Html(template) => Act::Html(template.html(attributes)),
        Edit::Attribute(name, value) => {
            let value = value.as_ref().map(|value| value.text(attributes));
            let code = is_code_attribute(name) || value.as_deref().is_some_and(is_code_address);
            if code {
                return None;
            }
            // The other characters are escaped where it is written.
            Act::Attribute(name.to_ascii_lowercase(), value.map(|value| value.replace('&', "&amp;")))
        }
        Edit::Class(add, remove) => Act::Class(add.clone(), remove.clone()),
        Edit::Insert(position, template) => Act::Insert(*position, template.html(attributes)),
        Edit::Remove => Act::Remove,
        Edit::Css(_) | Edit::Move(..) => return None,
    })
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// Whether an attribute's value is code, whatever it says.
pub(crate) fn is_code_attribute(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name.starts_with("on") || matches!(name.as_str(), "srcdoc" | "style")
}

/// Whether a browser that follows an address runs code of the page. Browsers skip white space and control characters.
pub(crate) fn is_code_address(text: &str) -> bool {
    let start: String = text
        .chars()
        .filter(|c| *c > ' ' && *c != '\u{7f}')
        .take("data:application/xhtml".len())
        .map(|c| c.to_ascii_lowercase())
        .collect();
    ["javascript:", "vbscript:", "data:text", "data:image/svg", "data:application/x"]
        .iter()
        .any(|scheme| start.starts_with(scheme))
}
