//! Audiences in an order in which each refers only to earlier ones.

use super::condition::Scope;
use crate::condition::{Condition, Test};
use splitlight_protocol::config::Audience;
use splitlight_protocol::{Code, Issue, Value};

/// The audiences of a config, compiled when something first refers to them.
pub(super) struct Audiences<'c> {
    written: &'c [Audience],
    places: Vec<Place>,
    compiled: Vec<Condition>,
}

#[derive(Clone, Copy)]
enum Place {
    Unseen,
    /// Being compiled: a reference to it is a cycle.
    Open,
    At(u32),
}

impl<'c> Audiences<'c> {
    pub(super) fn new(written: &'c [Audience]) -> Self {
        Self { written, places: vec![Place::Unseen; written.len()], compiled: Vec::new() }
    }

    pub(super) fn compiled(&self) -> &[Condition] {
        &self.compiled
    }

    pub(super) fn keys(&self) -> Vec<&'c str> {
        self.written.iter().map(|audience| audience.key.as_str()).collect()
    }

    pub(super) fn position(&self, key: &str) -> Option<usize> {
        self.written.iter().position(|audience| audience.key == key)
    }

    /// Whether an audience is neither a condition nor a list, as imported ones of a later kind are.
    pub(super) fn is_strange(&self, at: usize) -> bool {
        self.written.get(at).is_none_or(|audience| audience.when.is_none() && audience.values.is_none())
    }

    /// Whether an audience is a condition that names another attribute than this one.
    pub(super) fn is_about_another(&self, at: usize, path: &str) -> bool {
        let audience = self.written.get(at);
        audience.and_then(|audience| audience.attribute.as_deref()).is_some_and(|own| own != path)
    }

    /// The values of an audience that is a list.
    pub(super) fn list(&self, at: usize) -> Option<&'c [Value]> {
        self.written.get(at)?.values.as_deref()
    }
}

impl Scope<'_, '_> {
    /// A reference to an audience, which is compiled first when it was not yet.
    pub(super) fn audience_at(&mut self, pointer: &str, at: usize) -> Condition {
        match self.audiences.places[at] {
            Place::At(place) => return Condition::Audience(place),
            Place::Open => {
                let reason = format!("the audience `{}` refers to itself", self.audiences.written[at].key);
                let issue = Issue::error(pointer, reason, "remove one of the references");
                self.issues.push(issue.coded(Code::Cycle));
                return Condition::Never;
            }
            Place::Unseen => self.audiences.places[at] = Place::Open,
        }
        let audience = &self.audiences.written[at];
        let condition = match (&audience.when, &audience.attribute, &audience.values) {
            (Some(when), ..) => self.condition(&format!("/audiences/{at}/when"), when),
            (None, Some(path), Some(values)) => {
                let test = Test::In(super::condition::scalars(values));
                Condition::Attribute(path.split('.').map(str::to_owned).collect(), test)
            }
            // A list that only `$inGroup` can use, or a kind that this release does not know.
            _ => Condition::Unsupported,
        };
        self.audiences.compiled.push(condition);
        let place = super::index(self.audiences.compiled.len() - 1);
        self.audiences.places[at] = Place::At(place);
        Condition::Audience(place)
    }
}
