//! What a visitor did, on their device: counts by day and minute for the events that live rules ask about, and no more.

mod export;
mod meter;
mod ring;
mod session;

use crate::code::{Code, Tracked};
use crate::codec::{Wire, read_all, wire_enum, wire_struct};
use ring::{MINUTES_A_DAY, Ring, minute};
use session::Session;
use splitlight_protocol::limits::HISTORY_COARSE_MINUTES;
use splitlight_protocol::{Map, Timestamp};

pub(crate) use meter::Meter;

/// What a visitor did.
///
/// It holds counts and sums per UTC day, and per minute of the last day where a rule has a window of minutes or hours.
/// The last [`HISTORY_FINE_MINUTES`](splitlight_protocol::limits::HISTORY_FINE_MINUTES) minutes are exact; what is
/// older counts from the start of its ten minutes, so that an event leaves a longer window up to nine minutes early.
/// Days are exact.
///
/// A clock that goes backwards erases nothing. A clock that is far ahead erases what is too old by it only once it has
/// been ahead on two different days.
///
/// ```
/// use splitlight_engine::{History, compile};
/// use splitlight_protocol::{Map, Timestamp, Value, config};
/// let parsed = config::parse(r##"{ "version": 1, "project": "shop", "personalizations": [{
///   "key": "fans", "when": { "$history": { "event": "view", "where": { "category": "Electronics" }, "within": "30d",
///   "count": { "$gte": 3 } } }, "changes": [{ "selector": "h1", "text": "Hi" }] }] }"##);
/// let program = compile(&parsed.config).program;
/// let mut history = History::default();
/// let seen = Map::from_iter([("category".to_owned(), Value::from("Electronics"))]);
/// assert!(history.record(&program, "view", &seen, None, Timestamp::from_ms(0)));
/// assert!(!history.record(&program, "view", &Map::new(), None, Timestamp::from_ms(0)), "no rule asks for it");
/// assert_eq!(History::from_bytes(&history.to_bytes())?, history);
/// # Ok::<(), splitlight_engine::HistoryError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct History {
    /// The day of the last event, and the last other day before that.
    seen: i32,
    before: i32,
    rings: Vec<Ring>,
    session: Option<Session>,
}

wire_struct!(History { seen, before, rings, session });
wire_enum!(Measure { 0 => Count, 1 => Sum, 2 => DaysSince, 3 => DistinctDays });

/// What can be asked of a window of days.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Measure {
    Count,
    Sum,
    DaysSince,
    DistinctDays,
}

/// How far back a question goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Window {
    /// Whole UTC days, the last of which is today.
    Days(i32),
    /// Minutes, the last of which is the present one.
    Minutes(i32),
    /// Since the session began.
    Session,
}

wire_enum!(Window { 0 => Days(days), 1 => Minutes(minutes), 2 => Session });

/// Stored bytes that are not a history.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct HistoryError;

impl core::fmt::Display for HistoryError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("the stored bytes are not a history")
    }
}

impl core::error::Error for HistoryError {}

/// The event that a shell records when a personalization is met, with its key as the property `item`: caps count it.
pub const SHOWN: &str = "$shown";

/// The first byte of a stored history; another one is a format this release does not read.
const FORMAT: u8 = 3;

impl History {
    /// Remembers an event if a rule of the program asks about it; says whether the history is another one now.
    ///
    /// Forgets what no rule of the program asks about any more.
    pub fn record(
        &mut self,
        program: &Code,
        event: &str,
        properties: &Map,
        value: Option<i64>,
        now: Timestamp,
    ) -> bool {
        let kept = self.rings.len();
        self.rings.retain(|ring| program.kind_called(&ring.key).is_some());
        let mut changed = self.rings.len() < kept;
        let today = now.day();
        let mut session = 0;
        if program.asks_rare() {
            if program.asks_sessions {
                self.go_on(now);
                changed = true;
            }
            session = self.session_number(now);
        }
        for tracked in program.kinds().filter(|tracked| tracked.asks_for(program, event, properties, now)) {
            let ring = self.ring(&tracked);
            ring.add(now, value.unwrap_or(0), &tracked);
            if program.asks_rare() {
                tracked.meter.add(ring, properties, now, session);
            }
            if self.seen != today {
                self.before = core::mem::replace(&mut self.seen, today);
            }
            changed = true;
        }
        if changed {
            // What is too old is measured by the day before this one, because today's clock may be wrong.
            let reference = self.before.min(today);
            for ring in &mut self.rings {
                let asked = program.kind_called(&ring.key);
                ring.prune(reference, asked.map_or(0, |tracked| tracked.days), now);
            }
        }
        changed
    }

    /// Forgets everything.
    pub fn forget(&mut self) {
        *self = Self::default();
    }

    /// The history in bytes, for the device's storage.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = vec![FORMAT];
        self.write(&mut out);
        out
    }

    /// Reads [`Self::to_bytes`].
    ///
    /// # Errors
    /// When the bytes were cut, damaged or written by another format.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, HistoryError> {
        match bytes.split_first() {
            Some((&FORMAT, rest)) => {
                let history: Self = read_all(rest).ok_or(HistoryError)?;
                // What is no number would make every later sum none.
                let sound = |ring: &Ring| ring.values.iter().all(|(_, value)| value.is_finite());
                if history.rings.iter().all(sound) { Ok(history) } else { Err(HistoryError) }
            }
            _ => Err(HistoryError),
        }
    }

    /// One number about a window that ends now. Every question has an answer: 0, or infinitely many days since
    /// something that never happened.
    pub(crate) fn ask(&self, tracked: &Tracked<'_>, window: Window, measure: Measure, now: Timestamp) -> f64 {
        let (mut count, mut sum, mut distinct, mut since) = (0.0, 0.0, 0.0, f64::INFINITY);
        if let Some(ring) = self.rings.iter().find(|ring| ring.key == tracked.key) {
            let (buckets, span, until, day) = match window {
                Window::Days(days) => (&ring.days, days, now.day(), 1),
                Window::Minutes(minutes) => (&ring.minutes, minutes, minute(now), MINUTES_A_DAY),
                Window::Session => {
                    // Older minutes count from the start of their bucket; a session before ended half an hour earlier.
                    let began = self.session_began(now);
                    let began = began.saturating_sub(began.rem_euclid(HISTORY_COARSE_MINUTES));
                    let span = minute(now).saturating_sub(began).saturating_add(1);
                    (&ring.minutes, span, minute(now), MINUTES_A_DAY)
                }
            };
            for bucket in buckets.iter().filter(|bucket| bucket.at > until.saturating_sub(span)) {
                if bucket.at > until {
                    break;
                }
                let ago = f64::from(until.div_euclid(day) - bucket.at.div_euclid(day));
                count += f64::from(bucket.count);
                sum += bucket.sum as f64;
                if ago < since {
                    distinct += 1.0;
                    since = ago;
                }
            }
        }
        match measure {
            Measure::Count => count,
            Measure::Sum => sum,
            Measure::DistinctDays => distinct,
            Measure::DaysSince => since,
        }
    }

    /// What a meter showed last, names and their values, and the part of it that is left now.
    pub(crate) fn values(&self, tracked: &Tracked<'_>, now: Timestamp) -> (&[(String, f64)], f64) {
        let ring = self.rings.iter().find(|ring| ring.key == tracked.key);
        let Some(ring) = ring else { return (&[], 1.0) };
        let left = tracked.meter.left(ring, now, self.session_number(now));
        (&ring.values, left.map_or(1.0, |(left, _)| left))
    }

    fn ring(&mut self, tracked: &Tracked<'_>) -> &mut Ring {
        let at = self.rings.iter().position(|ring| ring.key == tracked.key).unwrap_or_else(|| {
            self.rings.push(Ring { key: tracked.key.to_owned(), ..Ring::default() });
            self.rings.len() - 1
        });
        &mut self.rings[at]
    }
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "counts and sums of small whole numbers are exact")]
mod tests;
