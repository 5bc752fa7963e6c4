//! Reads a visitor from the input.

use crate::bytes::Reader;
use splitlight_engine::{Consent, Facts, History, Sticky, Visitor};

const DENIED: u8 = 1;
const PENDING: u8 = 2;
const BOT: u8 = 4;
const HISTORY_KNOWN: u8 = 8;
const PARTIAL: u8 = 16;
const OFFSET_KNOWN: u8 = 32;
const MEASUREMENT: u8 = 64;
const PERSONALIZATION: u8 = 128;

/// The visitor that the bytes describe, unless they are cut or damaged.
pub(crate) fn read(bytes: &[u8]) -> Option<Visitor> {
    let mut from = Reader(bytes);
    let flags = from.byte()?;
    let is = |flag| flags & flag != 0;
    let (id, user, url, kept) = (from.text()?, from.text()?, from.text()?, from.text()?);
    let history = from.bytes()?;
    let attributes = from.object()?;
    let utc_offset = from.minutes()?;
    let mut forced = Vec::new();
    for _ in 0..from.number()? {
        forced.push((from.text()?, from.text()?));
    }
    Some(Visitor::new(Facts {
        id: Some(id),
        user: Some(user),
        attributes,
        segments: None,
        // As on every device, bytes that are no history are an empty one.
        history: is(HISTORY_KNOWN).then(|| History::from_bytes(history).unwrap_or_default()),
        url,
        consent: match flags & (DENIED | PENDING | MEASUREMENT | PERSONALIZATION) {
            0 => Consent::Granted,
            PENDING => Consent::Pending,
            MEASUREMENT => Consent::Measurement,
            PERSONALIZATION => Consent::Personalization,
            // Also where several say different things.
            _ => Consent::Denied,
        },
        bot: is(BOT),
        sticky: Sticky::parse(&kept),
        utc_offset: is(OFFSET_KNOWN).then_some(utc_offset),
        partial: is(PARTIAL),
        forced,
    }))
}
