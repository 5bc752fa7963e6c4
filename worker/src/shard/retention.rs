//! How long a shard keeps what it was sent.

use super::sql::integer;
use super::store::Store;
use worker::{Env, Result, SqlStorageValue};

/// Months that events are kept, as authorities allow for audience measurement.
const EVENT_MONTHS: u16 = 25;
/// Months that a visitor's id is kept after their last event: as long as their cookie lives.
const VISITOR_MONTHS: u16 = 13;
/// Rows that one statement reads at most, so that events do not wait long behind it.
const ROWS_MAX: i32 = 5000;

/// What the operator chose; sums over visitors have no end, as they name nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Retention {
    /// Days that events are kept, 0 to keep none.
    pub(super) event_days: i32,
    /// Days that a visitor's id is kept.
    pub(super) visitor_days: i32,
}

impl Retention {
    /// Reads `EVENT_MONTHS` and `VISITOR_MONTHS`.
    pub(super) fn read(env: &Env) -> Self {
        let months = |name: &str, usual| {
            let chosen = env.var(name).ok().and_then(|value| value.to_string().trim().parse::<u16>().ok());
            days(chosen.unwrap_or(usual))
        };
        let event_days = months("EVENT_MONTHS", EVENT_MONTHS);
        Self { event_days, visitor_days: months("VISITOR_MONTHS", VISITOR_MONTHS) }
    }
}

/// The mean length of the Gregorian calendar's months, 30.4369 days, without the part of a day.
fn days(months: u16) -> i32 {
    i32::try_from(i64::from(months) * 304_369 / 10_000).unwrap_or(i32::MAX)
}

/// Drops visitors who did not come for long, their ids from the events, and events that are too old.
pub(super) fn drop_old(store: &Store, today: i32) -> Result<()> {
    let Retention { event_days, visitor_days } = store.retention;
    let ids_before = today.saturating_sub(visitor_days);
    store.sql.exec("DELETE FROM visitors WHERE seen < ?", vec![ids_before.into()])?;
    // The log is in the order of arrival, so what is too old comes first and the rest need not be read.
    let old = "DELETE FROM log WHERE seq IN (SELECT seq FROM log ORDER BY seq LIMIT ?) AND day < ?";
    let before = today.saturating_sub(event_days);
    while store.sql.exec(old, vec![ROWS_MAX.into(), before.into()])?.rows_written() > 0 {}
    let nameless = "UPDATE log SET visitor = NULL WHERE seq IN (SELECT seq FROM log WHERE seq > ? ORDER BY seq \
        LIMIT ?) AND day < ? AND visitor IS NOT NULL RETURNING seq";
    let mut done = integer(store.meta("nameless")?.as_ref());
    loop {
        let bindings = vec![SqlStorageValue::Integer(done), ROWS_MAX.into(), ids_before.into()];
        let rows: Vec<Vec<SqlStorageValue>> =
            store.sql.exec(nameless, bindings)?.raw().collect::<Result<_>>()?;
        let Some(last) = rows.iter().map(|row| integer(row.first())).max() else { break };
        done = last;
    }
    store.set_meta("nameless", SqlStorageValue::Integer(done))
}

#[cfg(test)]
mod tests {
    use super::days;

    #[test]
    fn months_are_those_of_the_calendar_on_average() {
        assert_eq!([0, 1, 13, 25].map(days), [0, 30, 395, 760]);
    }
}
