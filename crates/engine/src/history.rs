//! What a visitor did, on their device: day buckets for the events that live rules ask about, and nothing else.

use crate::codec::{Wire, read_all, wire_enum, wire_struct};
use crate::program::{Program, Tracked};
use splitlight_protocol::limits::HISTORY_DAYS_MAX;
use splitlight_protocol::{Map, Timestamp};

/// What a visitor did.
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
    rings: Vec<Ring>,
}

/// The days on which one kind of event happened, oldest first.
#[derive(Clone, Debug, PartialEq)]
struct Ring {
    /// Which events, as in [`Tracked::key`]: it outlives the program that asked first.
    key: String,
    days: Vec<Day>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Day {
    on: i32,
    count: u32,
    sum: i64,
}

wire_struct!(History { rings });
wire_struct!(Ring { key, days });
wire_struct!(Day { on, count, sum });
wire_enum!(Measure { 0 => Count, 1 => Sum, 2 => DaysSince, 3 => DistinctDays });

/// What can be asked of a window of days.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Measure {
    Count,
    Sum,
    DaysSince,
    DistinctDays,
}

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

/// The first byte of a stored history; another one is a format this release does not read.
const FORMAT: u8 = 1;

impl History {
    /// Remembers an event if a rule of the program asks about it; says whether one did.
    pub fn record(
        &mut self,
        program: &Program,
        event: &str,
        properties: &Map,
        value: Option<i64>,
        now: Timestamp,
    ) -> bool {
        let mut recorded = false;
        for tracked in program.tracked.iter().filter(|tracked| tracked.asks_for(event, properties)) {
            self.ring(tracked).add(now.day(), value.unwrap_or(0), tracked.days);
            recorded = true;
        }
        recorded
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
            Some((&FORMAT, rest)) => read_all(rest).ok_or(HistoryError),
            _ => Err(HistoryError),
        }
    }

    /// One number about a window of days that ends today. Every question has an answer: 0, or infinitely many days
    /// since something that never happened.
    pub(crate) fn ask(&self, tracked: &Tracked, days: i32, measure: Measure, now: Timestamp) -> f64 {
        let today = now.day();
        let ring = self.rings.iter().find(|ring| ring.key == tracked.key);
        let window = || {
            let all = ring.map_or(&[][..], |ring| &ring.days);
            all.iter().filter(move |day| day.on > today.saturating_sub(days) && day.on <= today)
        };
        match measure {
            Measure::Count => window().map(|day| f64::from(day.count)).sum(),
            Measure::Sum => window().map(|day| day.sum as f64).sum(),
            Measure::DistinctDays => window().map(|_| 1.0).sum(),
            Measure::DaysSince => window().map(|day| f64::from(today - day.on)).fold(f64::INFINITY, f64::min),
        }
    }

    fn ring(&mut self, tracked: &Tracked) -> &mut Ring {
        let at = self.rings.iter().position(|ring| ring.key == tracked.key).unwrap_or_else(|| {
            self.rings.push(Ring { key: tracked.key.clone(), days: Vec::new() });
            self.rings.len() - 1
        });
        &mut self.rings[at]
    }
}

impl Ring {
    fn add(&mut self, today: i32, value: i64, keep_days: i32) {
        let at = self.days.partition_point(|day| day.on < today);
        match self.days.get_mut(at).filter(|day| day.on == today) {
            Some(day) => {
                day.count = day.count.saturating_add(1);
                day.sum = day.sum.saturating_add(value);
            }
            None => self.days.insert(at, Day { on: today, count: 1, sum: value }),
        }
        self.days.retain(|day| day.on > today.saturating_sub(keep_days));
        // A clock that jumps about can leave more days than a window has.
        let over = self.days.len().saturating_sub(HISTORY_DAYS_MAX);
        self.days.drain(..over);
    }
}
