//! Schedules: dates as people write them, in the project's time zone, to moments.

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use splitlight_protocol::{Code, Issue, Timestamp};

/// First moment, inclusive, and last moment, exclusive.
pub(crate) type Window = (Option<Timestamp>, Option<Timestamp>);

pub(crate) fn window(
    base: &str,
    start: Option<&str>,
    end: Option<&str>,
    zone: &str,
) -> Result<Window, Issue> {
    let zone = TimeZone::get(zone).map_err(|_| {
        Issue::error(
            "/timezone",
            format!("there is no time zone `{zone}`"),
            "write an IANA name such as Europe/Madrid",
        )
        .coded(Code::Schedule)
    })?;
    let moment = |name: &str, text: Option<&str>| {
        text.map(|text| {
            parse(text, &zone).ok_or_else(|| {
                let fix = "write 2026-11-01, 2026-11-01T09:00 or 2026-11-01T09:00+01:00";
                Issue::error(format!("{base}/{name}"), format!("`{text}` is not a date"), fix)
                    .coded(Code::Schedule)
            })
        })
        .transpose()
    };
    let (start, end) = (moment("start", start)?, moment("end", end)?);
    if start.zip(end).is_some_and(|(start, end)| end <= start) {
        let (reason, fix) = ("the end is not after the start", "write a later end");
        return Err(Issue::error(format!("{base}/end"), reason, fix).coded(Code::Schedule));
    }
    Ok((start, end))
}

/// A date is its first moment in the zone; a local time that a clock change skips or repeats is read as jiff's
/// "compatible" rule has it (RFC 5545): skipped times move forward, repeated ones are the first.
fn parse(text: &str, zone: &TimeZone) -> Option<Timestamp> {
    if let Ok(moment) = text.parse::<jiff::Timestamp>() {
        return Some(Timestamp::from_ms(moment.as_millisecond()));
    }
    let local = match text.parse::<DateTime>() {
        Ok(local) => local,
        Err(_) => text.parse::<Date>().ok()?.at(0, 0, 0, 0),
    };
    let zoned = local.to_zoned(zone.clone()).ok()?;
    Some(Timestamp::from_ms(zoned.timestamp().as_millisecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_dates_in_the_zone_across_clock_changes() {
        let madrid = TimeZone::get("Europe/Madrid").expect("in the database");
        let utc = |text: &str| parse(text, &madrid).map(Timestamp::to_rfc3339);
        assert_eq!(utc("2026-11-01").as_deref(), Some("2026-10-31T23:00:00.000Z"));
        assert_eq!(utc("2026-07-01").as_deref(), Some("2026-06-30T22:00:00.000Z"));
        // 02:30 does not exist on 29 March 2026 and exists twice on 25 October 2026.
        assert_eq!(utc("2026-03-29T02:30").as_deref(), Some("2026-03-29T01:30:00.000Z"));
        assert_eq!(utc("2026-10-25T02:30").as_deref(), Some("2026-10-25T00:30:00.000Z"));
        assert_eq!(utc("2026-10-25T02:30+01:00").as_deref(), Some("2026-10-25T01:30:00.000Z"));
        assert_eq!(utc("next week"), None);
    }
}
