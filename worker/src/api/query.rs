//! The parameters of a path: those it has, and no others.

use crate::problem::Problem;
use splitlight_protocol::openapi::{Parameter, Takes};
use std::str::FromStr;
use worker::Request;

/// A place after every entry: the greatest whole number that JavaScript, and so the storage, takes exactly.
pub(super) const LAST: i64 = 9_007_199_254_740_991;

/// The parameters of a request.
pub(super) struct Query(Vec<(String, String)>);

impl Query {
    /// Reads the parameters, each a word or a number that it takes; one that does nothing is a mistake of its writer.
    pub(super) fn read(request: &Request, known: &[Parameter]) -> Result<Self, Problem> {
        let pairs: Vec<(String, String)> = request.url().map_or_else(
            |_| Vec::new(),
            |url| url.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned())).collect(),
        );
        for (name, value) in &pairs {
            let Some(parameter) = known.iter().find(|parameter| parameter.name == name) else {
                let names: Vec<&str> = known.iter().map(|parameter| parameter.name).collect();
                let has = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
                let detail =
                    format!("This path has no query parameter `{name}`; it has {has}. Leave it out.");
                return Err(Problem::new(400, "Unknown query parameter", detail));
            };
            let wrong = match parameter.takes {
                Takes::Words(words) if !words.contains(&value.as_str()) => {
                    format!("none of {}", words.join(", "))
                }
                Takes::Number(from, to)
                    if !value.parse().is_ok_and(|number| (from..=to).contains(&number)) =>
                {
                    format!("not a whole number from {from} to {to}")
                }
                _ => continue,
            };
            let detail = format!("`{name}={value}` is {wrong}.");
            return Err(Problem::new(400, "Bad query parameter", detail));
        }
        Ok(Self(pairs))
    }

    /// A parameter as it was written.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// A parameter that takes whole numbers.
    pub(super) fn number<T: FromStr>(&self, name: &str) -> Option<T> {
        self.text(name)?.parse().ok()
    }

    /// How many entries at most.
    pub(super) fn limit(&self, usual: u32) -> u32 {
        self.number("limit").unwrap_or(usual)
    }

    /// The entry before which a page begins, newest first; the newest of all without a cursor.
    pub(super) fn before(&self) -> i64 {
        self.number("cursor").unwrap_or(LAST)
    }

    /// Whether a flag is set, with `1` or `true`.
    pub(super) fn is_set(&self, name: &str) -> bool {
        matches!(self.text(name), Some("1" | "true"))
    }
}
