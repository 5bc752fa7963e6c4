//! What mutated pages lose is what changes take away, and nothing else: ten thousand of them, from seeds of ours and of others.

mod common;

use common::through;
use lol_html::{EndTagHandler, Settings, element, rewrite_str};
use splitlight_engine::{Change, Edit, Template};
use splitlight_protocol::Map;
use splitlight_protocol::config::Position;
use splitlight_rewrite::Rewrite;
use std::cell::RefCell;
use std::ops::Range;
use std::path::PathBuf;
use std::rc::Rc;

/// Changes that take nothing away: of a page with them, what is left without them is the page.
fn additions() -> Vec<Change> {
    let html = || Template::new("<i>NEW</i>");
    let change = |selector: &str, edit| Change { selector: selector.into(), edit };
    vec![
        change("#a", Edit::Insert(Position::Before, html())),
        change("p", Edit::Insert(Position::After, html())),
        change("div > *", Edit::Insert(Position::Prepend, html())),
        change("li, td", Edit::Insert(Position::Append, html())),
        change("h1", Edit::Css("h1{color:red}".into())),
    ]
}

/// Changes of every kind by selectors of one word, for which most of a page is not parsed.
fn plain() -> Vec<Change> {
    let html = || Template::new("<i>NEW</i>");
    let change = |selector: &str, edit| Change { selector: selector.into(), edit };
    vec![
        change("#a", Edit::Text(Template::new("NEW"))),
        change("#b", Edit::Remove),
        change(".x", Edit::Class(vec!["new".into()], vec!["x".into()])),
        change("li", Edit::Insert(Position::Append, html())),
        change("p", Edit::Insert(Position::Before, html())),
        change("td", Edit::Html(html())),
        change("h1", Edit::Css("h1{color:red}".into())),
    ]
}

/// Numbers from a seed, the same on every run.
fn numbers(mut state: u64) -> impl FnMut(usize) -> usize {
    move |below| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap_or_default() % below.max(1)
    }
}

/// A page, and a mutation of it: bytes and tags taken out, doubled, swapped and put in where they do not belong.
fn mutated(page: &[u8], next: &mut impl FnMut(usize) -> usize) -> Vec<u8> {
    const MARKS: [&[u8]; 14] = [
        b"<",
        b">",
        b"\"",
        b"'",
        b"<!--",
        b"-->",
        b"</p>",
        b"<table>",
        b"<select>",
        b"<xmp>",
        b"\0",
        b"<svg>",
        b"</html>",
        b"<![CDATA[",
    ];
    let mut page = page.to_vec();
    for _ in 0..=next(6) {
        let (at, length) = (next(page.len()), next(40));
        let end = (at + length).min(page.len());
        match next(4) {
            0 => drop(page.drain(at..end)),
            1 => {
                let part = page[at..end].to_vec();
                let to = next(page.len());
                page.splice(to..to, part);
            }
            2 => drop(page.splice(at..at, MARKS[next(MARKS.len())].iter().copied())),
            _ if at < page.len() => page[at] = u8::try_from(next(256)).unwrap_or_default(),
            _ => {}
        }
    }
    page
}

/// Changes that take elements and contents away, with what they put there.
const TAKES: [(&str, bool); 4] = [("#a", false), ("p", true), ("li, td", false), ("div > b", true)];

fn takings() -> Vec<Change> {
    let change = |(selector, whole): (&str, bool)| {
        let edit = if whole { Edit::Remove } else { Edit::Text(Template::new("NEW")) };
        Change { selector: selector.to_owned(), edit }
    };
    TAKES.into_iter().map(change).collect()
}

/// Where the elements are that [`takings`] takes away, as the parser itself tells.
///
/// An element that nothing ends reaches to the end of the page.
fn taken(page: &str) -> Vec<Range<usize>> {
    let spans: Rc<RefCell<Vec<Range<usize>>>> = Rc::default();
    let handler = |selector: &str, whole: bool| {
        let spans = spans.clone();
        element!(selector, move |element| {
            let tag = element.source_location().bytes();
            let at = spans.borrow().len();
            let ends = element.can_have_content();
            let from = if whole { tag.start } else { tag.end };
            spans.borrow_mut().push(from..if ends { usize::MAX } else { tag.end });
            let name = element.tag_name();
            if let Some(handlers) = element.end_tag_handlers() {
                let spans = spans.clone();
                let end: EndTagHandler<'static> = Box::new(move |end| {
                    let tag = end.source_location().bytes();
                    // The tag of an element around it ends it as well, and stays.
                    let is_own = whole && end.name() == name;
                    spans.borrow_mut()[at].end = if is_own { tag.end } else { tag.start };
                    Ok(())
                });
                handlers.push(end);
            }
            Ok(())
        })
    };
    let settings = TAKES.iter().fold(Settings::new().with_strict(false), |settings, (selector, whole)| {
        settings.append_element_content_handler(handler(selector, *whole))
    });
    rewrite_str(page, settings).expect("the parser reads every page");
    spans.take().into_iter().map(|span| span.start.min(page.len())..span.end.min(page.len())).collect()
}

/// Whether the bytes are in another text in this order, with others between them.
fn is_within(mut bytes: impl Iterator<Item = u8>, found: &[u8]) -> bool {
    let mut rest = found.iter();
    bytes.all(|byte| rest.any(|other| *other == byte))
}

/// Pages of our vectors, and what `html5lib` tries tokenizers with where its tests are at hand.
fn seeds() -> Vec<String> {
    let vectors: serde_json::Value =
        serde_json::from_str(include_str!("../../../tests/vectors/rewrite/edits.json")).expect("vectors");
    let strings = |list: &serde_json::Value, name: &str| -> Vec<String> {
        let cases = list.as_array().into_iter().flatten();
        cases.filter_map(|case| case[name].as_str().map(str::to_owned)).collect()
    };
    let mut seeds = strings(&vectors["cases"], "html");
    let lists = std::env::var_os("SPLITLIGHT_ATTACKS").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data/attack")),
        PathBuf::from,
    );
    let files = std::fs::read_dir(lists.join("html5lib-tests/tokenizer")).into_iter().flatten().flatten();
    let mut files: Vec<PathBuf> = files.map(|file| file.path()).collect();
    files.sort();
    for file in files.iter().filter(|file| file.extension().is_some_and(|it| it == "test")) {
        let text = std::fs::read_to_string(file).expect("a readable file");
        let Ok(list) = serde_json::from_str::<serde_json::Value>(&text) else { continue };
        // In a page around it, so that there is something to change behind what is tried.
        let around = |input: String| format!("<div id=a>x</div>{input}<ul><li>y<p>z</p></ul>");
        seeds.extend(strings(&list["tests"], "input").into_iter().map(around));
    }
    seeds
}

#[test]
fn ten_thousand_mutated_pages_are_whole() {
    let seeds = seeds();
    let mut next = numbers(7);
    let additions = Rewrite::new(&additions(), &Map::new(), "<!--HEAD-->");
    let takings = Rewrite::new(&takings(), &Map::new(), "");
    let absent = Change { selector: "absent".into(), edit: Edit::Remove };
    let nothing = Rewrite::new([&absent], &Map::new(), "");
    let plain = plain();
    let walked = Rewrite::new(&plain, &Map::new(), "<!--HEAD-->");
    // Two words, for which every byte is parsed.
    let absent = Change { selector: "absent absent".into(), edit: Edit::Remove };
    let parsed = Rewrite::new(plain.iter().chain([&absent]), &Map::new(), "<!--HEAD-->");
    let (mut longer, mut shorter) = (0, 0);
    for at in 0..10_000 {
        let page = mutated(seeds[at % seeds.len()].as_bytes(), &mut next);
        let length = 1 + next(page.len());
        let pieces: Vec<&[u8]> = page.chunks(length).collect();
        let text = String::from_utf8_lossy(&page);

        let found = through(&additions, &pieces);
        longer += usize::from(found.len() > page.len() + "<!--HEAD-->".len());
        assert!(is_within(page.iter().copied(), &found), "{text}");
        assert_eq!(found, through(&additions, &[&page]), "{text}");
        assert_eq!(through(&nothing, &pieces), page);
        assert_eq!(through(&walked, &pieces), through(&parsed, &[&page]), "{text}");

        // Places are counted in bytes, so that the page has to be text.
        let pieces: Vec<&[u8]> = text.as_bytes().chunks(length).collect();
        let found = through(&takings, &pieces);
        let taken = taken(&text);
        let is_taken = |at: usize| taken.iter().any(|span| span.contains(&at));
        let left = text.bytes().enumerate().filter(|(at, _)| !is_taken(*at)).map(|(_, byte)| byte);
        shorter += usize::from(found.len() < text.len());
        assert!(is_within(left, &found), "{text}\n became\n{}", String::from_utf8_lossy(&found));
    }
    assert!(longer > 8_000, "only {longer} pages had something added");
    assert!(shorter > 2_000, "only {shorter} pages had something taken away");
}
