//! Time as the documents carry it: milliseconds since 1970 in UTC, and the spans people write.

use serde::{Deserialize, Serialize};

/// Milliseconds in a day.
pub const DAY_MS: i64 = 86_400_000;

/// A moment: milliseconds since 1970-01-01T00:00:00Z, without leap seconds, as JavaScript's `Date.now()` gives it.
///
/// ```
/// use splitlight_protocol::Timestamp;
/// assert_eq!(Timestamp::from_ms(1_795_219_200_000).to_rfc3339(), "2026-11-21T00:00:00.000Z");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The moment `ms` milliseconds after 1970.
    pub const fn from_ms(ms: i64) -> Self {
        Self(ms)
    }

    /// Milliseconds after 1970.
    pub const fn ms(self) -> i64 {
        self.0
    }

    /// Whole days after 1970 in UTC, which is what day buckets and daily series count in.
    ///
    /// ```
    /// # use splitlight_protocol::Timestamp;
    /// assert_eq!(Timestamp::from_ms(86_400_000).day(), 1);
    /// assert_eq!(Timestamp::from_ms(-1).day(), -1);
    /// ```
    #[expect(
        clippy::cast_possible_truncation,
        reason = "i64 milliseconds hold fewer days than i32 counts, once clamped"
    )]
    pub const fn day(self) -> i32 {
        let day = self.0.div_euclid(DAY_MS);
        if day > i32::MAX as i64 {
            i32::MAX
        } else if day < i32::MIN as i64 {
            i32::MIN
        } else {
            day as i32
        }
    }

    /// This moment plus a span of milliseconds, at the end of time if it would not fit.
    #[must_use]
    pub const fn plus_ms(self, ms: i64) -> Self {
        Self(self.0.saturating_add(ms))
    }

    /// The moment as RFC 3339 text in UTC with milliseconds (civil date by Howard Hinnant's `civil_from_days`).
    pub fn to_rfc3339(self) -> String {
        let (days, ms) = (self.0.div_euclid(DAY_MS), self.0.rem_euclid(DAY_MS));
        let shifted = days + 719_468;
        let era = shifted.div_euclid(146_097);
        let day_of_era = shifted.rem_euclid(146_097);
        let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_index = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * month_index + 2) / 5 + 1;
        let month = if month_index < 10 { month_index + 3 } else { month_index - 9 };
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        let (hour, minute, second) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60);
        format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{:03}Z", ms % 1000)
    }
}

/// Parses a span such as `30d`, `12h` or `45m` into milliseconds.
///
/// # Errors
/// `None` when the text is not a positive whole number followed by `d`, `h` or `m`, or is longer than 1,000 days.
///
/// ```
/// use splitlight_protocol::time::parse_span;
/// assert_eq!(parse_span("14d"), Some(14 * 86_400_000));
/// assert_eq!(parse_span("two weeks"), None);
/// ```
pub fn parse_span(text: &str) -> Option<i64> {
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let unit_ms = match unit {
        "d" => DAY_MS,
        "h" => 3_600_000,
        "m" => 60_000,
        _ => return None,
    };
    if digits.is_empty() || digits.len() > 7 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let ms = digits.parse::<i64>().ok()? * unit_ms;
    (ms > 0 && ms <= 1000 * DAY_MS).then_some(ms)
}

/// Parses a day such as `2026-11-21` into whole days after 1970.
///
/// # Errors
/// `None` when the text is not four, two and two digits of a day that the calendar has.
///
/// ```
/// use splitlight_protocol::time::parse_date;
/// assert_eq!(parse_date("1970-02-01"), Some(31));
/// assert_eq!(parse_date("2026-02-29"), None);
/// ```
pub fn parse_date(text: &str) -> Option<i32> {
    if text.len() != 10 {
        return None;
    }
    let number = |range: core::ops::Range<usize>| {
        let digits = text.get(range)?;
        digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse::<i64>().ok())?
    };
    let (year, month, day) = (number(0..4)?, number(5..7)?, number(8..10)?);
    // The calendar of eras that begin in March (Hinnant's `days_from_civil`).
    let (shifted, index) = (year - i64::from(month <= 2), (month + 9) % 12);
    let of_era = shifted.rem_euclid(400);
    let of_year = (153 * index + 2) / 5 + day - 1;
    let days =
        shifted.div_euclid(400) * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468;
    // A day that the calendar does not have is another one when it is written back.
    let written = Timestamp::from_ms(days * DAY_MS);
    written.to_rfc3339().starts_with(text).then(|| written.day())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_rfc3339_at_the_corners() {
        for (ms, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (-1, "1969-12-31T23:59:59.999Z"),
            (1_767_225_599_123, "2025-12-31T23:59:59.123Z"),
        ] {
            assert_eq!(Timestamp::from_ms(ms).to_rfc3339(), text);
        }
    }

    #[test]
    fn reads_days_that_the_calendar_has() {
        for (text, day) in
            [("1970-01-01", 0), ("1969-12-31", -1), ("2000-02-29", 11_016), ("2026-11-21", 20_778)]
        {
            assert_eq!(parse_date(text), Some(day), "{text}");
        }
        for text in [
            "",
            "2026-11-1",
            "2026-13-01",
            "2026-00-01",
            "2026-11-31",
            "2026/11/01",
            "+026-11-01",
            "20261-1-01",
            "2026-11-٣",
        ] {
            assert_eq!(parse_date(text), None, "{text}");
        }
    }

    #[test]
    fn refuses_spans_that_are_not_spans() {
        for text in ["", "d", "-1d", "1.5d", "0d", "1001d", "30", "30 d", "٣d", "99999999d"] {
            assert_eq!(parse_span(text), None, "{text}");
        }
    }
}
