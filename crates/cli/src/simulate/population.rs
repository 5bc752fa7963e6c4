//! Visitors who were recorded, or made up.

use crate::input;
use crate::output::Failure;
use crate::visitor::Event;
use serde::Deserialize;
use splitlight_engine::{Facts, History, Program, Visitor, attributes};
use splitlight_protocol::Map;

/// One visitor and the pages they look at; a line of a population file is one.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Person {
    #[serde(default)]
    pub(super) id: Option<String>,
    #[serde(default)]
    pub(super) user: Option<String>,
    #[serde(default)]
    pub(super) attributes: Map,
    /// Addresses, in the order in which they are visited; none is one page without an address.
    #[serde(default)]
    pub(super) pages: Vec<String>,
    /// What they did before.
    #[serde(default)]
    pub(super) events: Vec<Event>,
}

/// Reads a population.
pub(super) fn read(path: &str) -> Result<Vec<Person>, Failure> {
    input::json_lines(path)
}

impl Person {
    /// The visitor on each page.
    pub(super) fn views(&self, program: &Program) -> Vec<Visitor> {
        let mut history = History::default();
        for event in &self.events {
            event.record(&mut history, program);
        }
        let nowhere = [String::new()];
        let pages = if self.pages.is_empty() { &nowhere[..] } else { &self.pages };
        let view = |url: &String| {
            let mut all = attributes::from_page(url, "", "", "");
            for (name, value) in self.attributes.iter() {
                all.insert(name.to_owned(), value.clone());
            }
            Visitor::new(Facts {
                id: self.id.clone(),
                user: self.user.clone(),
                attributes: all,
                history: Some(history.clone()),
                url: url.clone(),
                ..Facts::default()
            })
        };
        pages.iter().map(view).collect()
    }
}
