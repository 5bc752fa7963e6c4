//! Reads `$time`: days of the week and hours of the day, in a zone or where the visitor is.

use super::condition::{Scope, object};
use crate::condition::Condition;
use crate::local::Local;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use splitlight_protocol::issue::did_you_mean;
use splitlight_protocol::{Code, Issue, Value};

/// The zone that means the visitor's own time.
const VISITOR: &str = "visitor";

const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

const SHAPE: &str =
    "write { \"days\": [\"mon\", \"fri\"], \"from\": \"09:00\", \"to\": \"17:30\", \"zone\": \"visitor\" }";

/// The years whose clock changes a program holds: 60 of them are 400 bytes, and a config is published more often.
const YEARS: [&str; 2] = ["2020-01-01T00:00:00Z", "2050-01-01T00:00:00Z"];

impl Scope<'_, '_> {
    /// Reads what is written at `$time`.
    pub(super) fn time(&mut self, pointer: &str, value: &Value) -> Result<Condition, Issue> {
        let mut local = Local { zone: Vec::new(), days: 0x7f, from: 0, to: 1440 };
        let mut zone = self.timezone;
        for (name, value) in object(pointer, value, SHAPE)?.iter() {
            let here = format!("{pointer}/{name}");
            match name {
                "days" => local.days = days(&here, value)?,
                "from" => local.from = minute(&here, value)?,
                "to" => local.to = minute(&here, value)?,
                "zone" => {
                    let text = value.as_str();
                    zone =
                        text.ok_or_else(|| Issue::error(here, "this is not the name of a time zone", SHAPE))?;
                }
                _ => return Err(Issue::error(here, format!("`{name}` is not known in `$time`"), SHAPE)),
            }
        }
        if local.from == local.to {
            let fix = "leave both out for the whole day";
            return Err(Issue::error(format!("{pointer}/to"), "this is the same as `from`", fix));
        }
        if zone != VISITOR {
            let pointer = format!("{pointer}/zone");
            let known = TimeZone::get(zone).map_err(|_| {
                let fix = "write `visitor`, or an IANA name such as Europe/Madrid";
                Issue::error(pointer, format!("there is no time zone `{zone}`"), fix).coded(Code::Schedule)
            })?;
            local.zone = offsets(&known);
        }
        Ok(Condition::Local(local))
    }
}

/// From which minute after 1970 on a zone is ahead of UTC by how many minutes.
fn offsets(zone: &TimeZone) -> Vec<(i32, i32)> {
    let [start, end] = YEARS.map(|year| year.parse::<Timestamp>().unwrap_or_default());
    let minutes = |moment: Timestamp| i32::try_from(moment.as_second().div_euclid(60)).unwrap_or(i32::MAX);
    let first = (minutes(start), zone.to_offset(start).seconds() / 60);
    let changes = zone.following(start).take_while(|change| change.timestamp() < end);
    let changes = changes.map(|change| (minutes(change.timestamp()), change.offset().seconds() / 60));
    core::iter::once(first).chain(changes).collect()
}

/// How many minutes the clocks of a time zone, by its IANA name, are ahead of UTC at a time; `None` for no such zone.
///
/// ```
/// use splitlight_engine::utc_offset;
/// use splitlight_protocol::Timestamp;
/// let july = Timestamp::from_ms(1_783_000_000_000);
/// assert_eq!(utc_offset("Europe/Madrid", july), Some(120));
/// assert_eq!(utc_offset("Europe/Atlantis", july), None);
/// ```
pub fn utc_offset(zone: &str, now: splitlight_protocol::Timestamp) -> Option<i32> {
    let moment = Timestamp::from_millisecond(now.ms()).ok()?;
    Some(TimeZone::get(zone).ok()?.to_offset(moment).seconds() / 60)
}

fn days(pointer: &str, value: &Value) -> Result<u32, Issue> {
    let Value::Array(written) = value else {
        return Err(Issue::error(pointer, "this is not a list of days", "write [\"sat\", \"sun\"]"));
    };
    let mut days = 0;
    for (at, value) in written.iter().enumerate() {
        let text = value.as_str().unwrap_or_default();
        let Some(day) = DAYS.iter().position(|day| *day == text) else {
            let fix = match did_you_mean(text, &DAYS) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("write one of {}", DAYS.join(", ")),
            };
            return Err(Issue::error(format!("{pointer}/{at}"), format!("`{text}` is not a day"), fix));
        };
        days |= 1 << day;
    }
    if days == 0 {
        return Err(Issue::error(pointer, "there are no days, which is never", "leave it out for every day"));
    }
    Ok(days)
}

/// `HH:MM` as a minute of the day; `24:00` is its end.
fn minute(pointer: &str, value: &Value) -> Result<i32, Issue> {
    let number =
        |text: &str| text.parse::<i32>().ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_digit()));
    let read = |text: &str| {
        let (hour, minute) =
            text.split_once(':').filter(|(hour, minute)| hour.len() == 2 && minute.len() == 2)?;
        let (hour, minute) = (number(hour)?, number(minute)?);
        (minute < 60 && hour * 60 + minute <= 1440).then_some(hour * 60 + minute)
    };
    value
        .as_str()
        .and_then(read)
        .ok_or_else(|| Issue::error(pointer, "this is not a time of day", "write 00:00 to 24:00"))
}
