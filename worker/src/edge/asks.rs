//! What a page that the edge rendered has to have before meeting a variation counts: the same for all variations.
//!
//! Control shows the page as it was, and another variation one that the edge has changed, where the browser might look in
//! vain for what was there. So neither waits for what the edge changes, and both wait for all that any variation leaves to
//! the browser. Where there is such, what takes elements away is left to it too: it looks before it changes anything.

use splitlight_engine::{Change, Edit, Item, Program};
use splitlight_rewrite::can_stream;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

/// By the key of an item, the selectors that the edge cannot follow; items without any are not in it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Asks(BTreeMap<String, Vec<String>>);

thread_local! {
    /// Those of the program that was asked last, with its hash: reading selectors costs as much as deciding.
    static LAST: RefCell<(String, Rc<Asks>)> = RefCell::default();
}

impl Asks {
    /// Those of a program; one with a hash is read once.
    pub(super) fn of_program(program: &Program, hash: Option<&str>) -> Rc<Self> {
        let Some(hash) = hash else { return Rc::new(Self::read(program)) };
        LAST.with_borrow_mut(|(known, asks)| {
            if known != hash {
                (*known, *asks) = (hash.to_owned(), Rc::new(Self::read(program)));
            }
            asks.clone()
        })
    }

    /// The selectors of an item.
    pub(super) fn of(&self, key: &str) -> Vec<String> {
        self.0.get(key).cloned().unwrap_or_default()
    }

    /// Whether the browser makes a change of an item, though the edge could follow it.
    pub(super) fn keeps(&self, key: &str, change: &Change) -> bool {
        takes_away(change) && self.0.contains_key(key)
    }

    fn read(program: &Program) -> Self {
        let left = program.items().iter().map(|item| (item.key().to_owned(), left(item)));
        Self(left.filter(|(_, selectors)| !selectors.is_empty()).collect())
    }
}

/// Each once, in the order of the variations.
fn left(item: &Item) -> Vec<String> {
    let changes = || item.variations().iter().flat_map(|variation| &variation.changes);
    let mut left: Vec<String> = Vec::new();
    if changes().all(can_stream) {
        return left;
    }
    for change in changes().filter(|change| takes_away(change) || !can_stream(change)) {
        if !left.contains(&change.selector) {
            left.push(change.selector.clone());
        }
    }
    left
}

/// Whether elements that another selector finds may be gone after a change.
fn takes_away(change: &Change) -> bool {
    matches!(change.edit, Edit::Remove | Edit::Text(_) | Edit::Html(_))
}

#[cfg(test)]
mod tests {
    use super::*;
    use splitlight_engine::compile;
    use splitlight_protocol::config;

    #[test]
    fn what_any_variation_leaves_is_asked_of_all() {
        let parsed = config::parse(
            r##"{ "version": 1, "project": "shop", "experiments": [
            { "key": "two", "variations": [{ "key": "a", "changes": [{ "selector": "h1 + p", "text": "x" }] },
              { "key": "b", "changes": [{ "selector": "h1", "text": "y" }, { "selector": "p:last-child", "remove": true },
                { "selector": "h1 + p", "text": "z" }] }] },
            { "key": "all", "variations": [{ "key": "a" }, { "key": "b", "changes": [{ "selector": "#h", "remove": true }] }] }] }"##,
        );
        let program = compile(&parsed.config).program;
        let asks = Asks::of_program(&program, Some("h"));
        assert_eq!(asks.of("two"), ["h1 + p", "h1", "p:last-child"]);
        assert!(asks.of("all").is_empty());
        assert_eq!(Asks::of_program(&program, Some("h")), asks);
        let other = compile(&config::parse(r#"{ "version": 1, "project": "shop" }"#).config).program;
        assert_eq!(*Asks::of_program(&other, Some("i")), Asks::default());
    }
}
