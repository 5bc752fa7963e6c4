//! Reads a batch, or says what the first thing wrong with it is.

use super::{Batch, Event, Kind, is_id};
use crate::limits::{
    BATCH_EVENTS_MAX, BATCH_INFLATED_BYTES_MAX, EVENT_BYTES_MAX, EVENT_DEPTH_MAX, EVENT_PROPERTIES_MAX,
    ID_CHARS_MAX, KEY_CHARS_MAX, PATH_BYTES_MAX,
};
use crate::pointer;
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
        if body.len() > BATCH_INFLATED_BYTES_MAX {
            return Err(BatchError::new(
                "",
                format!("{} bytes, the limit is {BATCH_INFLATED_BYTES_MAX}", body.len()),
            ));
        }
        // To know the place of an error costs as much as reading, so it is looked for once there is one.
        let batch: Self = serde_json::from_slice(body).map_err(|error| located(body, &error))?;
        batch.check()?;
        Ok(batch)
    }

    fn check(&self) -> Result<(), BatchError> {
        self.check_header()?;
        if !(1..=BATCH_EVENTS_MAX).contains(&self.events.len()) {
            let reason = format!("{} events, expected 1 to {BATCH_EVENTS_MAX}", self.events.len());
            return Err(BatchError::new("/events", reason));
        }
        for (index, event) in self.events.iter().enumerate() {
            event.check(&format!("/events/{index}"))?;
        }
        Ok(())
    }

    /// Checks everything but the events.
    pub(super) fn check_header(&self) -> Result<(), BatchError> {
        check_id("/visitor", &self.visitor)?;
        if let Some(session) = &self.session {
            check_id("/session", session)?;
        }
        if self.consent.is_some_and(|consent| !consent.measures()) {
            let reason =
                "events are sent once the visitor agreed: send `granted` or `measurement`, or nothing at all";
            return Err(BatchError::new("/consent", reason));
        }
        Ok(())
    }
}

impl Event {
    /// Whether the names' own limits keep the event short: most events need not be written to be measured.
    fn is_surely_short(&self) -> bool {
        // Two names of 64 characters have at most 512 bytes; a character of a path takes at most 6 once written.
        let properties = matches!(&self.kind, Kind::Conversion { properties, .. } if !properties.is_empty());
        !properties && 1024 + 6 * self.page.as_ref().map_or(0, String::len) <= EVENT_BYTES_MAX
    }

    /// Checks an event that comes without a batch, and whose it is.
    pub(crate) fn check_alone(&self, visitor: &str) -> Result<(), BatchError> {
        check_id("visitor", visitor)?;
        self.check("")
    }

    pub(super) fn check(&self, at: &str) -> Result<(), BatchError> {
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
            Kind::Dropped { reason, .. } => check_name(&format!("{at}/name"), reason)?,
            Kind::PageView => {}
        }
        if self.is_surely_short() {
            return Ok(());
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

/// Reads a body once more, to say where it stops being a batch.
fn located(body: &[u8], error: &serde_json::Error) -> BatchError {
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    match serde_path_to_error::deserialize::<_, Batch>(&mut deserializer) {
        Err(error) => BatchError::new(pointer::below("", error.path()), error.into_inner().to_string()),
        // It is what follows the batch.
        Ok(_) => BatchError::new("", error.to_string()),
    }
}

fn check_id(pointer: &str, id: &str) -> Result<(), BatchError> {
    if !is_id(id) {
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
