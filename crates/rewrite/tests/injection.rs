//! What attributes of a visitor say is text in pages, in every kind of change, whatever it is.

use lol_html::html_content::{Comment, TextChunk};
use lol_html::{Settings, comments, element, rewrite_str, text};
use proptest::prelude::*;
use splitlight_engine::{Change, Edit, Template};
use splitlight_protocol::config::Position;
use splitlight_protocol::{Map, Value};
use splitlight_rewrite::Rewrite;
use std::cell::RefCell;
use std::rc::Rc;

const PAGE: &str = r#"<!doctype html><html><head><title>t</title></head><body><h1>a</h1><h2>b</h2><p>c</p><a href="/">d</a><b>e</b><textarea>f</textarea><script>g</script></body></html>"#;

/// Every change that can say something of its visitor.
fn changes() -> Vec<Change> {
    let said = "{{ said | none }}";
    let html = || Template::new(&format!("<i title=\"{said}\" lang='{said}'>{said}</i>"));
    let change = |selector: &str, edit| Change { selector: selector.into(), edit };
    vec![
        change("h1", Edit::Text(Template::new(said))),
        change("textarea", Edit::Text(Template::new(said))),
        change("script", Edit::Text(Template::new(said))),
        change("h2", Edit::Html(html())),
        change("p", Edit::Attribute("title".into(), Some(Template::new(&format!("of {said}"))))),
        change("a", Edit::Attribute("href".into(), Some(Template::new(said)))),
        change("script", Edit::Attribute("src".into(), Some(Template::new(said)))),
        change("b", Edit::Insert(Position::Before, html())),
        change("b", Edit::Insert(Position::Prepend, html())),
        change("b", Edit::Insert(Position::Append, html())),
        change("b", Edit::Insert(Position::After, html())),
    ]
}

fn written(said: &str) -> String {
    let attributes = Map::from_iter([("said".to_owned(), Value::from(said))]);
    let (mut page, mut out) = (Rewrite::new(&changes(), &attributes, "").start(), Vec::new());
    page.write(PAGE.as_bytes(), &mut out);
    page.end(&mut out);
    String::from_utf8(out).expect("text")
}

/// What markup means, without what it says: tags with the names of their attributes, comments, and what scripts run.
fn shape(html: &str) -> Vec<String> {
    let found: Rc<RefCell<Vec<String>>> = Rc::default();
    let (tags, remarks, code) = (found.clone(), found.clone(), found.clone());
    let settings = Settings::new()
        .with_strict(false)
        .append_element_content_handler(element!("*", move |element| {
            let names: Vec<String> =
                element.attributes().iter().map(lol_html::html_content::Attribute::name).collect();
            tags.borrow_mut().push(format!("{} {names:?}", element.tag_name()));
            Ok(())
        }))
        .append_element_content_handler(comments!("*", move |comment: &mut Comment<'_>| {
            remarks.borrow_mut().push(comment.text());
            Ok(())
        }))
        .append_element_content_handler(text!("script", move |chunk: &mut TextChunk<'_>| {
            code.borrow_mut().push(chunk.as_str().to_owned());
            Ok(())
        }));
    rewrite_str(html, settings).expect("the parser reads every page");
    found.take()
}

/// Where the link leads, as a browser reads it.
fn address(html: &str) -> String {
    let href = html.split_once("<a href=\"").and_then(|(_, rest)| rest.split_once('"')).expect("a link").0;
    href.chars().filter(|c| *c > ' ').collect::<String>().to_ascii_lowercase()
}

/// Text made of what ends text, in any order.
fn said() -> impl Strategy<Value = String> {
    const PARTS: [&str; 30] = [
        "<",
        ">",
        "\"",
        "'",
        "&",
        "/",
        "=",
        "`",
        "\\",
        "\0",
        "\n",
        "\t",
        " ",
        "<!--",
        "-->",
        "]]>",
        "</",
        "<script>",
        "</script>",
        "</textarea>",
        "<img src=x onerror=alert(1)>",
        "onclick=",
        "javascript:",
        "data:text/html,",
        "&lt;",
        "&#60;",
        "&quot;",
        "{{ said }}",
        "\u{2028}",
        "\u{feff}",
    ];
    let part = prop_oneof![
        4 => prop::sample::select(PARTS.to_vec()).prop_map(str::to_owned),
        1 => "\\PC{0,3}",
    ];
    prop::collection::vec(part, 0..12).prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn what_a_visitor_says_stays_text(said in said()) {
        let html = written(&said);
        prop_assert_eq!(shape(&html), shape(&written("plain")), "{}", html);
        let address = address(&html);
        for code in ["javascript:", "vbscript:", "data:text"] {
            prop_assert!(!address.starts_with(code), "{}", address);
        }
    }
}

#[test]
fn a_shape_tells_what_was_let_in() {
    let plain = written("plain");
    assert!(plain.contains("<h1>plain</h1>") && plain.contains("title=\"of plain\""), "{plain}");
    for (from, to) in [
        ("<h1>plain", "<h1><i>"),
        ("title=\"of plain\"", "title=\"\" onclick=\"\""),
        ("<h1>plain", "<h1><!--x-->"),
        ("<script>g", "<script>alert(1)"),
    ] {
        assert_ne!(shape(&plain.replacen(from, to, 1)), shape(&plain), "{to}");
    }
}
