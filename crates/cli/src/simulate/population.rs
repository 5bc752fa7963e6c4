//! Visitors who were recorded, or made up.

use crate::input;
use crate::output::Failure;
use crate::visitor::Event;
use serde::Deserialize;
use splitlight_engine::{
    Decision, Facts, History, Item, ItemKind, Program, SHOWN, Visitor, attributes, decide,
};
use splitlight_protocol::{Map, Timestamp, Value};

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
    /// Minutes by which their clock is ahead of UTC.
    #[serde(default)]
    pub(super) utc_offset: Option<i32>,
    /// What they did before.
    #[serde(default)]
    pub(super) events: Vec<Event>,
}

/// Reads a population.
pub(super) fn read(path: &str) -> Result<Vec<Person>, Failure> {
    input::json_lines(path)
}

impl Person {
    /// Decides on each page; what is shown there counts on the next one.
    pub(super) fn visit(
        &self,
        program: &Program,
        now: Timestamp,
        mut seen: impl FnMut(&[(&Item, Decision)]),
    ) {
        let mut history = History::default();
        for event in &self.events {
            event.record(&mut history, program);
        }
        let nowhere = [String::new()];
        let pages = if self.pages.is_empty() { &nowhere[..] } else { &self.pages };
        for url in pages {
            history.visit(program, url, "", now);
            let visitor = self.on(url, history.clone());
            let decisions = decide(program, &visitor, now);
            let answers: Vec<(&Item, Decision)> = decisions.iter(program).collect();
            seen(&answers);
            for (item, decision) in &answers {
                if item.kind() != ItemKind::Experiment && decision.reason.counts() {
                    let about = Map::from_iter([("item".to_owned(), Value::from(item.key()))]);
                    history.record(program, SHOWN, &about, None, now);
                }
            }
        }
    }

    fn on(&self, url: &str, history: History) -> Visitor {
        let mut all = attributes::from_page(url, "", "", "");
        for (name, value) in self.attributes.iter() {
            all.insert(name.to_owned(), value.clone());
        }
        Visitor::new(Facts {
            id: self.id.clone(),
            user: self.user.clone(),
            attributes: all,
            history: Some(history),
            url: url.to_owned(),
            utc_offset: self.utc_offset,
            ..Facts::default()
        })
    }
}
