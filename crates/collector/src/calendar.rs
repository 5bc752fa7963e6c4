//! Days, weeks and months as numbers of days since 1970, in UTC.

use splitlight_protocol::config::Period;

/// The first day of the period that a day is in; weeks begin on Monday (ISO 8601).
///
/// ```
/// use splitlight_collector::first_day;
/// use splitlight_protocol::config::Period;
/// // 1970-01-01 was a Thursday.
/// assert_eq!([Period::Day, Period::Week, Period::Month].map(|period| first_day(period, 40)), [40, 39, 31]);
/// ```
pub fn first_day(period: Period, day: i32) -> i32 {
    match period {
        Period::Day => day,
        Period::Week => day - (day + 3).rem_euclid(7),
        Period::Month => day - (day_of_month(day) - 1),
    }
}

/// The first day of the period after the one that begins on a day.
///
/// ```
/// use splitlight_collector::next_first_day;
/// use splitlight_protocol::config::Period;
/// assert_eq!([Period::Day, Period::Week, Period::Month].map(|period| next_first_day(period, 31)), [32, 38, 59]);
/// ```
pub fn next_first_day(period: Period, first: i32) -> i32 {
    match period {
        Period::Day => first + 1,
        Period::Week => first + 7,
        // No month has more than 31 days, and none less than 28.
        Period::Month => first_day(Period::Month, first + 31),
    }
}

/// The day of the month, from 1; the calendar of eras of 400 years that begin in March
/// (Hinnant, "chrono-compatible low-level date algorithms").
fn day_of_month(day: i32) -> i32 {
    let day = day + 719_468;
    let of_era = day.rem_euclid(146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    of_year - (153 * month + 2) / 5 + 1
}
