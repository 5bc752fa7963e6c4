//! Reads a batch of which some events are none: those are left out and listed, the others stay.

use super::{Batch, BatchError, Event, EventId};
use crate::limits::BATCH_EVENTS_MAX;
use serde_json::Value;

/// An event that is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Its place in the batch as it was sent.
    pub index: usize,
    /// Its id, when that much of it could be read.
    pub id: Option<EventId>,
    /// What is wrong with it.
    pub error: BatchError,
}

impl Batch {
    /// Reads a batch from a request's body, without those of its events that are none.
    ///
    /// ```
    /// use splitlight_protocol::event::Batch;
    /// let id = "019a2b3c-4d5e-7f60-8123-456789abcde";
    /// let body = format!(r#"{{ "key": "k", "visitor": "v-1", "sentAt": 0, "events": [
    ///   {{ "id": "{id}0", "kind": "page_view", "time": 0, "page": "/a?b" }},
    ///   {{ "id": "{id}1", "kind": "page_view", "time": 0 }}] }}"#);
    /// let (batch, refused) = Batch::sift(body.as_bytes())?;
    /// assert_eq!((batch.events.len(), refused[0].index), (1, 0));
    /// assert_eq!(refused[0].error.pointer, "/events/0/page");
    /// # Ok::<(), splitlight_protocol::event::BatchError>(())
    /// ```
    ///
    /// # Errors
    /// The first offence, when it is the batch that is none, or none of its events is one.
    pub fn sift(body: &[u8]) -> Result<(Self, Vec<Refused>), BatchError> {
        let first = match Self::parse(body) {
            Ok(batch) => return Ok((batch, Vec::new())),
            Err(first) => first,
        };
        // Whatever else is wrong is wrong with the batch.
        if !first.pointer.starts_with("/events/") {
            return Err(first);
        }
        sifted(body).filter(|(batch, _)| !batch.events.is_empty()).ok_or(first)
    }
}

fn sifted(body: &[u8]) -> Option<(Batch, Vec<Refused>)> {
    let mut document: Value = serde_json::from_slice(body).ok()?;
    let Value::Array(events) = document.get_mut("events")?.take() else { return None };
    if events.len() > BATCH_EVENTS_MAX {
        return None;
    }
    document["events"] = Value::Array(Vec::new());
    let mut batch: Batch = serde_json::from_value(document).ok()?;
    batch.check_header().ok()?;
    let mut refused = Vec::new();
    for (index, value) in events.into_iter().enumerate() {
        let id = value.get("id").and_then(Value::as_str).and_then(EventId::parse);
        match event(value, index) {
            Ok(event) => batch.events.push(event),
            Err(error) => refused.push(Refused { index, id, error }),
        }
    }
    Some((batch, refused))
}

fn event(value: Value, index: usize) -> Result<Event, BatchError> {
    let at = format!("/events/{index}");
    let event: Event = serde_path_to_error::deserialize(value).map_err(|error| BatchError {
        pointer: crate::pointer::below(&at, error.path()),
        reason: error.into_inner().to_string(),
    })?;
    event.check(&at)?;
    Ok(event)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(events: &str) -> String {
        format!(r#"{{ "key": "k", "visitor": "v", "sentAt": 0, "events": [{events}] }}"#)
    }

    const GOOD: &str = r#"{ "id": "019a2b3c-4d5e-7f60-8123-456789abcde1", "kind": "page_view", "time": 0 }"#;
    const BAD: &str = r#"{ "id": "019a2b3c-4d5e-7f60-8123-456789abcde2", "kind": "conversion", "time": 0 }"#;

    #[test]
    fn the_events_that_are_none_are_named() {
        let (batch, refused) =
            Batch::sift(body(&[BAD, GOOD, "1"].join(",")).as_bytes()).expect("one is good");
        assert_eq!(batch.events.len(), 1);
        let named: Vec<_> = refused.iter().map(|one| (one.index, one.id.is_some())).collect();
        assert_eq!(named, [(0, true), (2, false)]);
        assert!(refused[0].error.reason.contains("a conversion has a `name`"), "{}", refused[0].error);
    }

    #[test]
    fn a_batch_that_is_none_is_refused_as_a_whole() {
        for (text, pointer) in [
            (body(BAD), "/events/0"),
            (body(GOOD).replace("\"v\"", "\"\""), "/visitor"),
            (body(&[GOOD, BAD].join(",")).replace("\"v\"", "1"), "/visitor"),
            (body(&[GOOD, BAD].join(",")).replace("\"v\"", "\"v\", \"visitor\": \"w\""), "/visitor"),
            (body(&[GOOD; 101].join(",")), "/events"),
        ] {
            let found = Batch::sift(text.as_bytes()).expect_err(&text);
            assert!(
                found.pointer.starts_with(pointer) || found.reason.contains("visitor"),
                "{found}: {text}"
            );
        }
    }
}
