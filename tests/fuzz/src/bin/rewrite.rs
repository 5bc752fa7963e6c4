//! Pages to rewrite: a byte that chooses the edits, one for the length of the chunks, and the page.

#![no_main]

use libfuzzer_sys::fuzz_target;
use splitlight_engine::{Change, Edit, Template};
use splitlight_fuzz::{bounded, text};
use splitlight_protocol::Map;
use splitlight_protocol::config::Position;
use splitlight_rewrite::{Rewrite, check_html};

fuzz_target!(|input: &[u8]| {
    let [kinds, length, page @ ..] = input else { return };
    bounded(|| {
        let _ = check_html(&text(page));
        let changes: Vec<Change> = all_changes()
            .into_iter()
            .enumerate()
            .filter(|(at, _)| kinds >> at & 1 == 1)
            .map(|(_, it)| it)
            .collect();
        let rewrite = Rewrite::new(&changes, &Map::new(), "<!--HEAD-->");
        let whole = through(&rewrite, page, page.len());
        let pieces = through(&rewrite, page, usize::from(*length));
        assert_eq!(whole, pieces, "where chunks end changes something");
        if *kinds & 0b1110_0000 == 0 {
            let mut rest = whole.iter();
            assert!(page.iter().all(|byte| rest.any(|other| other == byte)), "a byte of the page is lost");
        }
        let absent = Change { selector: "absent > nowhere".into(), edit: Edit::Remove };
        assert_eq!(through(&Rewrite::new([&absent], &Map::new(), ""), page, usize::from(*length)), page);
    });
});

/// The first five only add, the others take away.
fn all_changes() -> [Change; 8] {
    let change = |selector: &str, edit| Change { selector: selector.into(), edit };
    let html = || Template::new("<i>NEW</i>");
    [
        change("#a", Edit::Insert(Position::Before, html())),
        change("p", Edit::Insert(Position::After, html())),
        change("div > *", Edit::Insert(Position::Prepend, html())),
        change("li", Edit::Insert(Position::Append, html())),
        change("h1", Edit::Css("h1{color:red}".into())),
        change("td, #b", Edit::Text(Template::new("NEW<"))),
        change(".x", Edit::Attribute("class".into(), None)),
        change("body *", Edit::Remove),
    ]
}

fn through(rewrite: &Rewrite, page: &[u8], length: usize) -> Vec<u8> {
    let (mut stream, mut out) = (rewrite.start(), Vec::new());
    for chunk in page.chunks(length.max(1)) {
        stream.write(chunk, &mut out);
    }
    stream.end(&mut out);
    out
}
