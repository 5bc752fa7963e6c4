//! The clock of the browser: the only place that reads it.

use splitlight_protocol::Timestamp;

/// Now, by the visitor's clock.
#[expect(clippy::disallowed_methods, reason = "this is the clock")]
#[expect(clippy::cast_possible_truncation, reason = "milliseconds since 1970 are whole and far below 2^53")]
pub(crate) fn now() -> Timestamp {
    Timestamp::from_ms(js_sys::Date::now() as i64)
}
