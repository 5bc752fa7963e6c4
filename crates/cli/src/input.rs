//! Files, the standard input and moments, as arguments name them.

use crate::clock;
use crate::output::Failure;
use serde::de::DeserializeOwned;
use splitlight_protocol::Timestamp;
use std::io::Read as _;

/// The text of a file; `-` is the standard input.
pub(crate) fn text(path: &str) -> Result<String, Failure> {
    let read = if path == "-" {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).map(|_| text)
    } else {
        std::fs::read_to_string(path)
    };
    read.map_err(|error| Failure(format!("cannot read {}: {error}", named(path))))
}

/// A JSON document of a shape.
pub(crate) fn json<T: DeserializeOwned>(path: &str) -> Result<T, Failure> {
    serde_json::from_str(&text(path)?).map_err(|error| Failure(format!("{}: {error}", named(path))))
}

/// A JSON document a line; empty lines count for nothing.
pub(crate) fn json_lines<T: DeserializeOwned>(path: &str) -> Result<Vec<T>, Failure> {
    let text = text(path)?;
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let read = |(at, line): (usize, &str)| {
        serde_json::from_str(line)
            .map_err(|error| Failure(format!("{}, line {}: {error}", named(path), at + 1)))
    };
    lines.map(read).collect()
}

/// The moment that is written, or now.
pub(crate) fn moment(written: Option<&str>) -> Result<Timestamp, Failure> {
    let Some(text) = written else { return Ok(clock::now()) };
    let moment = text
        .parse::<jiff::Timestamp>()
        .map_err(|_| Failure(format!("--now: `{text}` is not a moment; write it as 2026-11-21T09:00:00Z")))?;
    Ok(Timestamp::from_ms(moment.as_millisecond()))
}

/// How messages call a file.
pub(crate) fn named(path: &str) -> &str {
    if path == "-" { "the standard input" } else { path }
}
