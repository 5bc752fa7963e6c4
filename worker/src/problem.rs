//! Errors as RFC 9457 problem documents: what is wrong, where, and what to do.

use crate::shard::Refusal;
use serde::Serialize;
use splitlight_protocol::Issue;
use worker::{Headers, Response, Result};

/// An error that a person reads and a program can act on.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Problem {
    #[serde(rename = "type")]
    kind: &'static str,
    title: &'static str,
    status: u16,
    detail: Box<str>,
    /// Where in the request's body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pointer: Option<Box<str>>,
    /// What is wrong with a config.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    issues: Vec<Issue>,
    /// Headers that say the same to a program.
    #[serde(skip)]
    headers: Vec<(&'static str, String)>,
}

/// A status, a text and headers.
type Parts<'p> = (u16, String, Vec<(&'static str, &'p str)>);

impl Problem {
    /// A problem; `detail` is a sentence that ends with what to do.
    pub(crate) fn new(status: u16, title: &'static str, detail: impl Into<String>) -> Self {
        let (pointer, issues, headers) = (None, Vec::new(), Vec::new());
        Self { kind: "about:blank", title, status, detail: detail.into().into(), pointer, issues, headers }
    }

    /// The storage or an object cannot be reached; what was sent may be sent again.
    pub(crate) fn unavailable(error: &worker::Error) -> Self {
        Self::not_stored(&error.to_string())
    }

    /// The storage did not take what was sent.
    pub(crate) fn not_stored(reason: &str) -> Self {
        crate::log::report("storage-silent", reason);
        if reason.contains("SQLITE_FULL") {
            let detail =
                "The storage is full. Free some, or shorten the retention, and send the same again later.";
            return Self::new(503, "Storage full", detail).header("retry-after", "60");
        }
        let detail = "Splitlight cannot reach its storage at the moment. Send the same request again later.";
        Self::new(503, "Storage unavailable", detail).header("retry-after", "5")
    }

    /// A method that the path does not have.
    pub(crate) fn method(allowed: &str) -> Self {
        Self::new(405, "Method not allowed", format!("This path takes {allowed}.")).header("allow", allowed)
    }

    /// The sender has to wait.
    pub(crate) fn over_quota(whose: &str, wait_ms: i64) -> Self {
        let seconds = wait_ms.div_euclid(1000) + 1;
        let detail = format!("{whose} has sent too many events. Send the same again in {seconds} s.");
        Self::new(429, "Too many events", detail).header("retry-after", seconds.to_string())
    }

    /// There is no config to count by.
    pub(crate) fn nothing_published() -> Self {
        let detail = "No config is published, so nothing can be counted. Publish one with PUT /v1/config.";
        Self::new(503, "Nothing is published", detail).header("retry-after", "30")
    }

    /// The problem's status.
    pub(crate) fn status(&self) -> u16 {
        self.status
    }

    /// What is wrong, and what to do.
    pub(crate) fn detail(&self) -> &str {
        &self.detail
    }

    /// Adds a header.
    pub(crate) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Says where in the request's body it is.
    pub(crate) fn at(mut self, pointer: impl Into<String>) -> Self {
        self.pointer = Some(pointer.into().into());
        self
    }

    /// Adds what is wrong with a config.
    pub(crate) fn issues(mut self, issues: Vec<Issue>) -> Self {
        self.issues = issues;
        self
    }

    /// The problem as its status, its text and its headers.
    pub(crate) fn parts(&self) -> Result<Parts<'_>> {
        let mut headers = vec![
            ("content-type", "application/problem+json"),
            ("cache-control", "no-store"),
            ("x-content-type-options", "nosniff"),
        ];
        headers.extend(self.headers.iter().map(|(name, value)| (*name, value.as_str())));
        Ok((self.status, serde_json::to_string(self)?, headers))
    }

    /// The problem as a response.
    pub(crate) fn respond(&self) -> Result<Response> {
        let (status, text, named) = self.parts()?;
        let headers = Headers::new();
        for (name, value) in named {
            headers.set(name, value)?;
        }
        Ok(Response::from_bytes(text.into_bytes())?.with_status(status).with_headers(headers))
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::OverQuota(wait_ms) => Self::over_quota("This visitor", wait_ms),
            Refusal::Elsewhere(shard) => Self::not_stored(&format!("the visitor is in shard {shard}")),
            Refusal::Failed(reason) => Self::not_stored(&reason),
        }
    }
}

/// The answer to a path that is ours and means nothing.
pub(crate) fn not_found() -> Result<Response> {
    let detail = "There is nothing at this path. See the API's paths in the documentation.";
    Problem::new(404, "Not found", detail).respond()
}
