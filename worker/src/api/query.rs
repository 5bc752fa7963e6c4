//! The parameters of a path: those it has, and no others.

use crate::problem::Problem;
use splitlight_protocol::openapi::{Parameter, Takes};
use worker::Request;

/// A place after every entry: the greatest whole number that JavaScript, and so the storage, takes exactly.
pub(super) const LAST: i64 = 9_007_199_254_740_991;

/// The parameters of a request.
pub(super) struct Query(Vec<(String, String)>);

impl Query {
    /// Reads the parameters, each one of the words it takes; one that does nothing is a mistake of its writer.
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
            if let Takes::Words(words) = parameter.takes
                && !words.contains(&value.as_str())
            {
                let detail = format!("`{name}={value}` is none of {}.", words.join(", "));
                return Err(Problem::new(400, "Bad query parameter", detail));
            }
        }
        Ok(Self(pairs))
    }

    /// A parameter as it was written.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// A whole number of 0 or more.
    pub(super) fn number(&self, name: &str) -> Result<Option<u64>, Problem> {
        let wrong = |text: &str| {
            let detail = format!("`{name}={text}` is not a whole number of 0 or more.");
            Problem::new(400, "Bad query parameter", detail)
        };
        self.text(name).map(|text| text.parse().map_err(|_| wrong(text))).transpose()
    }

    /// How many entries at most, from 1 to `most`.
    pub(super) fn limit(&self, usual: u32, most: u32) -> Result<u32, Problem> {
        let limit = self.number("limit")?.unwrap_or(usual.into());
        let fits = u32::try_from(limit).ok().filter(|limit| (1..=most).contains(limit));
        fits.ok_or_else(|| {
            let detail = format!("`limit={limit}` is not from 1 to {most}.");
            Problem::new(400, "Bad query parameter", detail)
        })
    }

    /// Where a page begins.
    pub(super) fn cursor(&self) -> Result<Option<i64>, Problem> {
        let Some(cursor) = self.number("cursor")? else { return Ok(None) };
        i64::try_from(cursor).ok().filter(|cursor| *cursor <= LAST).map(Some).ok_or_else(|| {
            let detail = format!("`cursor={cursor}` is none that a page before has given.");
            Problem::new(400, "Bad query parameter", detail)
        })
    }

    /// The entry before which a page begins, newest first; the newest of all without a cursor.
    pub(super) fn before(&self) -> Result<i64, Problem> {
        Ok(self.cursor()?.unwrap_or(LAST))
    }

    /// Whether a flag is set, with `1` or `true`.
    pub(super) fn is_set(&self, name: &str) -> Result<bool, Problem> {
        match self.text(name) {
            None | Some("0" | "false") => Ok(false),
            Some("1" | "true") => Ok(true),
            Some(text) => {
                let detail = format!("`{name}={text}` is not 1 or 0.");
                Err(Problem::new(400, "Bad query parameter", detail))
            }
        }
    }
}
