//! The clock: the one place of the Worker that reads the time.

use splitlight_protocol::Timestamp;

/// The present moment. Inside a request it stands still until the next input or output, as Workers have it.
#[expect(clippy::disallowed_methods, reason = "this is the clock")]
pub(crate) fn now() -> Timestamp {
    #[expect(clippy::cast_possible_truncation, reason = "whole milliseconds since 1970")]
    let ms = worker::js_sys::Date::now() as i64;
    Timestamp::from_ms(ms)
}
