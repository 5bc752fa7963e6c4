//! The clock of the command line: the only place that reads it.

use splitlight_protocol::Timestamp;
use std::time::{SystemTime, UNIX_EPOCH};

/// Now, by the machine's clock; 1970 when the machine has an earlier one.
#[expect(clippy::disallowed_methods, reason = "this is the clock")]
pub(crate) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_ms(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
