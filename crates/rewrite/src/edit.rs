//! Makes an edit to an element while the parser passes by.

use crate::plan::Act;
use crate::sink::{Shared, may_omit_end};
use lol_html::html_content::{ContentType, Element, EndTag};
use lol_html::{HandlerResult, LocalHandlerTypes};
use splitlight_protocol::config::Position;

type Tag<'r, 't> = Element<'r, 't, LocalHandlerTypes>;

/// Makes the edit, or leaves the element alone when it cannot be made there.
pub(crate) fn apply(act: &Act, element: &mut Tag<'_, '_>, sink: &Shared) {
    let tag = element.tag_name();
    match act {
        Act::Text(_) | Act::Html(_) | Act::Insert(Position::Prepend | Position::Append, _)
            if is_raw(&tag) || !element.can_have_content() => {}
        // Inside these there is only text.
        Act::Html(_) | Act::Insert(Position::Prepend | Position::Append, _)
            if matches!(tag.as_str(), "title" | "textarea") => {}
        // What is left out here would take the handover or the page's policy with it.
        Act::Text(_) | Act::Html(_) | Act::Remove if matches!(tag.as_str(), "html" | "head") => {}
        Act::Text(content) | Act::Html(content) => replace_content(element, &tag, content, sink),
        Act::Remove => remove(element, &tag, sink),
        Act::Insert(Position::Before, html) => element.before(html, ContentType::Html),
        Act::Insert(Position::Prepend, html) => element.prepend(html, ContentType::Html),
        Act::Insert(Position::Append, html) => append(element, &tag, html.clone(), sink),
        Act::Insert(Position::After, html) => after(element, &tag, html.clone(), sink),
        Act::Class(add, remove) => class(element, add, remove),
        Act::Attribute(name, value) => attribute(element, &tag, name, value.as_deref()),
    }
}

/// Elements whose content is code or is read as raw text.
fn is_raw(tag: &str) -> bool {
    matches!(
        tag,
        "script"
            | "style"
            | "template"
            | "noscript"
            | "iframe"
            | "xmp"
            | "noembed"
            | "noframes"
            | "plaintext"
    )
}

fn replace_content(element: &mut Tag<'_, '_>, tag: &str, content: &str, sink: &Shared) {
    let (id, mark) = sink.borrow_mut().announce(tag, false, content.to_owned());
    element.prepend(&mark, ContentType::Html);
    at_end(element, tag, sink, move |_, own, sink| {
        sink.borrow_mut().close(id, own);
    });
}

fn remove(element: &mut Tag<'_, '_>, tag: &str, sink: &Shared) {
    if !element.can_have_content() {
        element.remove();
        return;
    }
    let (id, mark) = sink.borrow_mut().announce(tag, true, String::new());
    element.before(&mark, ContentType::Html);
    at_end(element, tag, sink, move |end, own, sink| {
        if sink.borrow_mut().close(id, own) {
            end.remove();
        }
    });
}

fn append(element: &mut Tag<'_, '_>, tag: &str, html: String, sink: &Shared) {
    let may_omit_end = may_omit_end(tag);
    let id = ending(tag, &html, sink);
    at_end(element, tag, sink, move |end, own, sink| {
        sink.borrow_mut().endings.retain(|(other, _)| *other != id);
        if own || !may_omit_end {
            end.before(&html, ContentType::Html);
        }
    });
}

fn after(element: &mut Tag<'_, '_>, tag: &str, html: String, sink: &Shared) {
    if !element.can_have_content() {
        element.after(&html, ContentType::Html);
        return;
    }
    let may_omit_end = may_omit_end(tag);
    let closed = format!("</{tag}>{html}");
    let id = ending(tag, &closed, sink);
    at_end(element, tag, sink, move |end, own, sink| {
        sink.borrow_mut().endings.retain(|(other, _)| *other != id);
        if own {
            end.after(&html, ContentType::Html);
        } else if !may_omit_end {
            // The element is still open here, and what ends it is another element's tag.
            end.before(&closed, ContentType::Html);
        }
    });
}

/// Remembers html for the end of an element, in case the page ends first.
fn ending(tag: &str, html: &str, sink: &Shared) -> u32 {
    let mut sink = sink.borrow_mut();
    let id = sink.number();
    if !may_omit_end(tag) {
        sink.endings.push((id, html.to_owned()));
    }
    id
}

/// Runs at the tag that ends the element: its own end tag, or that of an element around it.
pub(crate) fn at_end(
    element: &mut Tag<'_, '_>,
    tag: &str,
    sink: &Shared,
    run: impl FnOnce(&mut EndTag<'_>, bool, &Shared) + 'static,
) {
    let tag = tag.to_owned();
    if let Some(handlers) = element.end_tag_handlers() {
        sink.borrow_mut().awaited += 1;
        let sink = sink.clone();
        handlers.push(Box::new(move |end: &mut EndTag<'_>| -> HandlerResult {
            sink.borrow_mut().awaited -= 1;
            let own = end.name() == tag;
            run(end, own, &sink);
            Ok(())
        }));
    }
}

fn class(element: &mut Tag<'_, '_>, add: &[String], remove: &[String]) {
    let written = element.get_attribute("class").unwrap_or_default();
    let mut classes: Vec<&str> = written.split_ascii_whitespace().collect();
    let before = classes.clone();
    for class in add {
        if !classes.contains(&class.as_str()) {
            classes.push(class);
        }
    }
    classes.retain(|class| !remove.iter().any(|removed| removed == class));
    if classes != before {
        set(element, "class", &classes.join(" "));
    }
}

fn attribute(element: &mut Tag<'_, '_>, tag: &str, name: &str, value: Option<&str>) {
    // Where a script or the base of all addresses comes from is not for a change to say.
    if matches!(tag, "script" | "base" | "object" | "embed") {
        return;
    }
    match value {
        Some(value) => set(element, name, value),
        None => element.remove_attribute(name),
    }
}

/// The parser refuses names that publishing refuses as well, and the element stays as it is.
fn set(element: &mut Tag<'_, '_>, name: &str, value: &str) {
    let _ = element.set_attribute(name, value);
}
