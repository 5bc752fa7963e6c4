//! Reads a batch, or says what the first thing wrong with it is.

use super::{Batch, Event, Kind};
use crate::limits::{
    BATCH_BYTES_MAX, BATCH_EVENTS_MAX, EVENT_BYTES_MAX, EVENT_DEPTH_MAX, EVENT_PROPERTIES_MAX, ID_CHARS_MAX,
    KEY_CHARS_MAX, PATH_BYTES_MAX,
};
use crate::pointer;
use crate::record::Agreed;
use core::fmt;

/// Why a batch is refused: nothing of it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchError {
    /// JSON pointer to the first offence.
    pub pointer: String,
    /// What is wrong and what was expected, as a lower-case fragment.
    pub reason: String,
}

impl BatchError {
    fn new(pointer: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), reason: reason.into() }
    }
}

impl fmt::Display for BatchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.pointer, self.reason)
    }
}

impl core::error::Error for BatchError {}

impl Batch {
    /// Reads a batch from a request's body.
    ///
    /// # Errors
    /// The first offence, when the body is not a batch within the [limits](crate::limits).
    pub fn parse(body: &[u8]) -> Result<Self, BatchError> {
        if body.len() > BATCH_BYTES_MAX {
            return Err(BatchError::new("", format!("{} bytes, the limit is {BATCH_BYTES_MAX}", body.len())));
        }
        let mut deserializer = serde_json::Deserializer::from_slice(body);
        let batch: Self = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
            let pointer = pointer::below("", error.path());
            BatchError::new(pointer, error.into_inner().to_string())
        })?;
        deserializer.end().map_err(|error| BatchError::new("", error.to_string()))?;
        batch.check()?;
        Ok(batch)
    }

    fn check(&self) -> Result<(), BatchError> {
        check_id("/visitor", &self.visitor)?;
        if let Some(session) = &self.session {
            check_id("/session", session)?;
        }
        if self.consent.is_some_and(|consent| consent != Agreed::Granted) {
            let reason = "events are sent once the visitor agreed: send `granted`, or nothing at all";
            return Err(BatchError::new("/consent", reason));
        }
        if self.dropped.len() > 16 {
            return Err(BatchError::new("/dropped", "more than 16 reasons"));
        }
        if !(1..=BATCH_EVENTS_MAX).contains(&self.events.len()) {
            let reason = format!("{} events, expected 1 to {BATCH_EVENTS_MAX}", self.events.len());
            return Err(BatchError::new("/events", reason));
        }
        for (index, event) in self.events.iter().enumerate() {
            event.check(&format!("/events/{index}"))?;
        }
        Ok(())
    }
}

impl Event {
    fn check(&self, at: &str) -> Result<(), BatchError> {
        if self.page.as_deref().is_some_and(|page| !is_path(page)) {
            let reason = format!("a page is a path without query, of at most {PATH_BYTES_MAX} bytes");
            return Err(BatchError::new(format!("{at}/page"), reason));
        }
        match &self.kind {
            Kind::Exposure { experiment, variation } => {
                check_name(&format!("{at}/experiment"), experiment)?;
                check_name(&format!("{at}/variation"), variation)?;
            }
            Kind::Conversion { name, properties, .. } => {
                check_name(&format!("{at}/name"), name)?;
                let here = format!("{at}/properties");
                if properties.len() > EVENT_PROPERTIES_MAX {
                    return Err(BatchError::new(
                        here,
                        format!("more than {EVENT_PROPERTIES_MAX} properties"),
                    ));
                }
                if properties.iter().any(|(_, value)| value.depth() > EVENT_DEPTH_MAX) {
                    return Err(BatchError::new(here, format!("nested deeper than {EVENT_DEPTH_MAX}")));
                }
            }
            Kind::PageView => {}
        }
        let bytes = serde_json::to_vec(self).map_or(usize::MAX, |json| json.len());
        if bytes > EVENT_BYTES_MAX {
            return Err(BatchError::new(
                at,
                format!("{bytes} bytes, the limit for an event is {EVENT_BYTES_MAX}"),
            ));
        }
        Ok(())
    }
}

fn check_id(pointer: &str, id: &str) -> Result<(), BatchError> {
    if id.is_empty() || id.chars().count() > ID_CHARS_MAX || id.chars().any(char::is_control) {
        let reason = format!("an id has 1 to {ID_CHARS_MAX} characters and no control characters");
        return Err(BatchError::new(pointer, reason));
    }
    Ok(())
}

fn check_name(pointer: &str, name: &str) -> Result<(), BatchError> {
    if name.is_empty() || name.chars().count() > KEY_CHARS_MAX || name.chars().any(char::is_control) {
        let reason = format!("a name has 1 to {KEY_CHARS_MAX} characters and no control characters");
        return Err(BatchError::new(pointer, reason));
    }
    Ok(())
}

fn is_path(page: &str) -> bool {
    page.starts_with('/') && !page.contains(['?', '#']) && page.len() <= PATH_BYTES_MAX
}
