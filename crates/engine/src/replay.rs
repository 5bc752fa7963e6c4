//! Makes decisions again from the record of what they were made from.

use crate::decide::{Decisions, decide};
use crate::history::{History, HistoryError};
use crate::program::Program;
use crate::sticky::Sticky;
use crate::visitor::{Facts, Visitor};
use splitlight_protocol::Timestamp;
use splitlight_protocol::record::Record;

/// Makes the decisions of a record again, bit for bit, with the program of the config version that the record names.
///
/// # Errors
/// When the record's history is damaged.
///
/// ```
/// use splitlight_engine::{Facts, Program, Visitor, decide, replay};
/// use splitlight_protocol::Timestamp;
/// let (program, now) = (Program::default(), Timestamp::from_ms(7));
/// let facts = Facts { id: Some("v-1".into()), ..Facts::default() };
/// let record = facts.record("3f2a", now);
/// assert_eq!(replay(&program, &record)?, decide(&program, &Visitor::new(facts), now));
/// # Ok::<(), splitlight_engine::HistoryError>(())
/// ```
pub fn replay(program: &Program, record: &Record) -> Result<Decisions, HistoryError> {
    Ok(decide(program, &Visitor::new(Facts::from_record(record)?), record.now))
}

impl Facts {
    /// The record of a decision that is made from these facts, with the hash of the config version that makes it.
    pub fn record(&self, config: &str, now: Timestamp) -> Record {
        Record {
            config: config.to_owned(),
            now,
            id: self.id.clone(),
            user: self.user.clone(),
            attributes: self.attributes.clone(),
            history: self.history.as_ref().map(|history| hex(&history.to_bytes())),
            segments: self.segments.clone(),
            url: self.url.clone(),
            consent: self.consent,
            bot: self.bot,
            sticky: self.sticky.to_text(),
            utc_offset: self.utc_offset,
            partial: self.partial,
            forced: self.forced.clone(),
        }
    }

    /// The facts that a record holds.
    ///
    /// # Errors
    /// When the record's history is damaged.
    pub fn from_record(record: &Record) -> Result<Self, HistoryError> {
        let history = record.history.as_deref().map(|text| {
            let bytes = unhex(text).ok_or(HistoryError)?;
            History::from_bytes(&bytes)
        });
        Ok(Self {
            id: record.id.clone(),
            user: record.user.clone(),
            attributes: record.attributes.clone(),
            history: history.transpose()?,
            segments: record.segments.clone(),
            url: record.url.clone(),
            consent: record.consent,
            bot: record.bot,
            sticky: Sticky::parse(&record.sticky),
            utc_offset: record.utc_offset,
            partial: record.partial,
            forced: record.forced.clone(),
        })
    }
}

fn hex(bytes: &[u8]) -> String {
    let digit = |half: u8| char::from(b"0123456789abcdef"[usize::from(half)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let pairs = text.as_bytes().chunks(2);
    pairs.map(|pair| Some(digit(*pair.first()?)? << 4 | digit(*pair.get(1)?)?)).collect()
}
