//! What is walked over comes out as if all of it had been parsed.

mod common;

use common::through;
use proptest::prelude::*;
use splitlight_engine::{Change, Edit, Template};
use splitlight_protocol::Map;
use splitlight_protocol::config::Position;
use splitlight_rewrite::Rewrite;

/// Markup that is read in more than one way, in any order.
fn page() -> impl Strategy<Value = String> {
    const PARTS: [&str; 71] = [
        "<div id=a>",
        "<DIV ID='a'>",
        "<p id=b class=\"y x\">",
        "<p class=x>",
        "<li id=c>",
        "<b id=d>",
        "<i ID=a id=b>",
        "<td id=e>",
        "<div>",
        "</div>",
        "</DIV >",
        "</div x='>'>",
        "<p>",
        "</p>",
        "<ul>",
        "</ul>",
        "<li>",
        "</li>",
        "<b>",
        "</b>",
        "<br>",
        "</br>",
        "<br/>",
        "<img alt='>' id=d>",
        "<input id=b/>",
        "<x-y id=a>",
        "</x-y>",
        "<p id = a >",
        "<p id=\"a\"id='b'>",
        "<p =id=a>",
        "<p id=>",
        "<p / id=a>",
        "<p a=b/>",
        "<p id=a",
        "<script>",
        "</script>",
        "<script id=a>if (a<b) '</p>'",
        "</scripty>",
        "</script x>",
        "<!--<script>",
        "<style>",
        "</style>",
        "<textarea id=b>",
        "</textarea>",
        "<title>",
        "</title/>",
        "<noscript>",
        "</noscript>",
        "<plaintext>",
        "<svg>",
        "</svg>",
        "<svg/>",
        "<path id=a/>",
        "<g id=c>",
        "</g>",
        "<svg><title>",
        "<math>",
        "<![CDATA[ <p id=a> ]]>",
        "<!-- <p id=a> -->",
        "<!-->",
        "<!--->",
        "<!-- --!>",
        "<!--!>",
        "<!x '>' >",
        "<?x>",
        "</>",
        "</ x>",
        "<",
        "< p id=a>",
        "text",
        "&amp;",
    ];
    const HEADS: [&str; 4] =
        ["", "<!doctype html><html><head><title>t</title></head><body>", "<html><body>", "<head><meta>"];
    (prop::sample::select(HEADS.to_vec()), prop::collection::vec(prop::sample::select(PARTS.to_vec()), 0..40))
        .prop_map(|(head, parts)| head.to_owned() + &parts.concat())
}

fn change() -> impl Strategy<Value = Change> {
    let selector = prop::sample::select(vec![
        "#a", "#b", "#c", "#d", "#e", ".x", ".y", "p", "li", "b", "g", "x-y", "body", "textarea",
    ]);
    let edit = prop::sample::select(vec![
        Edit::Text(Template::new("NEW")),
        Edit::Html(Template::new("<u id=a>NEW</u>")),
        Edit::Attribute("title".into(), Some(Template::new("NEW"))),
        Edit::Class(vec!["new".into()], vec!["x".into()]),
        Edit::Insert(Position::Before, Template::new("<u>NEW</u>")),
        Edit::Insert(Position::After, Template::new("<u>NEW</u>")),
        Edit::Insert(Position::Append, Template::new("<u>NEW</u>")),
        Edit::Remove,
        Edit::Css("h1{}".into()),
    ]);
    (selector, edit).prop_map(|(selector, edit)| Change { selector: selector.into(), edit })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn a_walk_changes_what_a_parser_would(
        page in page(),
        changes in prop::collection::vec(change(), 1..4),
        head in prop::sample::select(vec!["", "<!--HEAD-->"]),
        size in 1..40_usize,
    ) {
        // Two words, for which every byte is parsed.
        let absent = Change { selector: "absent absent".into(), edit: Edit::Remove };
        let walked = Rewrite::new(&changes, &Map::new(), head);
        let parsed = Rewrite::new(changes.iter().chain([&absent]), &Map::new(), head);
        let pieces: Vec<&[u8]> = page.as_bytes().chunks(size).collect();
        let (found, expected) = (through(&walked, &pieces), through(&parsed, &[page.as_bytes()]));
        prop_assert_eq!(String::from_utf8_lossy(&found), String::from_utf8_lossy(&expected));
    }
}
