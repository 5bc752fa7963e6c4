//! What holds for every page: nothing is lost, whatever the bytes and wherever the chunks end.

mod common;

use common::through;
use proptest::prelude::*;
use splitlight_engine::{Change, Edit, Template};
use splitlight_protocol::Map;
use splitlight_protocol::config::Position;
use splitlight_rewrite::{Rewrite, check_html};

fn cut<'p>(page: &'p [u8], cuts: &[prop::sample::Index]) -> Vec<&'p [u8]> {
    let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(page.len() + 1)).collect();
    at.extend([0, page.len()]);
    at.sort_unstable();
    at.windows(2).map(|pair| &page[pair[0]..pair[1]]).collect()
}

/// Bytes that are made of what pages are made of, in any order.
fn page() -> impl Strategy<Value = Vec<u8>> {
    const PARTS: [&str; 48] = [
        "<!doctype html>",
        "<html>",
        "</html>",
        "<head>",
        "</head>",
        "<body>",
        "</body>",
        "<div id=a>",
        "<div>",
        "</div>",
        "<p id=b class='x y'>",
        "<p>",
        "</p>",
        "<ul>",
        "<li id=c>",
        "<li>",
        "</li>",
        "</ul>",
        "<script>",
        "</script>",
        "<style>",
        "</style>",
        "<textarea>",
        "</textarea>",
        "<title>",
        "</title>",
        "<!--",
        "-->",
        "<select><xmp>",
        "</xmp>",
        "<svg>",
        "<path id=a/>",
        "</svg>",
        "<![CDATA[",
        "]]>",
        "<plaintext>",
        "<img id=d",
        " src=\"",
        "'",
        ">",
        "/>",
        "<",
        "text",
        "\u{e9}\u{20ac}",
        "\0",
        "&amp;",
        "<table><tr><td id=e>",
        "</table>",
    ];
    let part = prop_oneof![
        8 => prop::sample::select(PARTS.to_vec()).prop_map(|part| part.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..6),
        1 => Just(vec![b'z'; 5000]),
    ];
    prop::collection::vec(part, 0..60).prop_map(|parts| parts.concat())
}

fn change() -> impl Strategy<Value = Change> {
    let selector =
        prop::sample::select(vec!["#a", "#b", "#c", "#d", "p", "li", "div > p", ".x", "body", "td", "*"]);
    let edit = prop::sample::select(vec![
        Edit::Text(Template::new("NEW<")),
        Edit::Html(Template::new("<b>NEW</b>")),
        Edit::Attribute("title".into(), Some(Template::new("NEW\""))),
        Edit::Attribute("class".into(), None),
        Edit::Class(vec!["new".into()], vec!["x".into()]),
        Edit::Insert(Position::Before, Template::new("<i>NEW</i>")),
        Edit::Insert(Position::After, Template::new("<i>NEW</i>")),
        Edit::Insert(Position::Prepend, Template::new("<i>NEW</i>")),
        Edit::Insert(Position::Append, Template::new("<i>NEW</i>")),
        Edit::Remove,
        Edit::Css("h1{}".into()),
    ]);
    (selector, edit).prop_map(|(selector, edit)| Change { selector: selector.into(), edit })
}

/// Selectors that match nothing: by one word a page is walked over to its end, by two it is parsed.
fn absent() -> [Change; 2] {
    ["absent", "absent absent"].map(|selector| Change { selector: selector.into(), edit: Edit::Remove })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn without_an_edit_every_byte_comes_out(page in page(), cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8)) {
        for absent in absent() {
            let found = through(&Rewrite::new([&absent], &Map::new(), ""), &cut(&page, &cuts));
            prop_assert_eq!(&found, &page);
        }
    }

    #[test]
    fn any_bytes_come_out(page in prop::collection::vec(any::<u8>(), 0..4000), cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8)) {
        for absent in absent() {
            let found = through(&Rewrite::new([&absent], &Map::new(), ""), &cut(&page, &cuts));
            prop_assert_eq!(&found, &page);
        }
    }

    #[test]
    fn where_chunks_end_changes_nothing(
        page in page(),
        changes in prop::collection::vec(change(), 0..5),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
    ) {
        let rewrite = Rewrite::new(&changes, &Map::new(), "<!--HEAD-->");
        prop_assert_eq!(through(&rewrite, &cut(&page, &cuts)), through(&rewrite, &[&page]));
    }

    #[test]
    fn an_early_end_of_the_parser_changes_nothing(page in page(), changes in prop::collection::vec(change(), 0..5)) {
        let absent = Change { selector: "absent:first-child".into(), edit: Edit::Remove };
        let early = Rewrite::new(&changes, &Map::new(), "<!--HEAD-->");
        let late = Rewrite::new(changes.iter().chain([&absent]), &Map::new(), "<!--HEAD-->");
        // Byte by byte, so that it ends as early as it can.
        let bytes: Vec<&[u8]> = page.chunks(1).collect();
        prop_assert_eq!(through(&early, &bytes), through(&late, &[&page]));
    }

    #[test]
    fn what_is_added_only_adds(page in page(), position in prop::sample::select(vec![
        Position::Before, Position::After, Position::Prepend, Position::Append,
    ])) {
        let insert = Change { selector: "#a".into(), edit: Edit::Insert(position, Template::new("\u{1}")) };
        let found = through(&Rewrite::new([&insert], &Map::new(), "\u{1}"), &[&page]);
        let mut rest = found.iter();
        // Every byte of the page, in order, with nothing but additions in between.
        prop_assert!(page.iter().all(|byte| rest.any(|other| other == byte)));
    }

    #[test]
    fn checking_ends(html in "\\PC{0,80}") {
        let _ = check_html(&html);
    }
}
