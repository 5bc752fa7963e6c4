//! `GET /v1/reports/{period}`: what a day, a week or a month changed, what is decided, and what paid.

use super::results::{read_daily, tagged, text, updated};
use super::{Answer, Call};
use crate::clock;
use crate::problem::Problem;
use splitlight_collector::{self as collector, first_day};
use splitlight_protocol::config::Period;
use splitlight_protocol::time::parse_date;

/// The report of the period that the query's `date` is in, or else of the last one that is over.
pub(super) async fn report(call: &Call<'_>, name: &str) -> Answer {
    let period = match name {
        "daily" => Period::Day,
        "weekly" => Period::Week,
        "monthly" => Period::Month,
        _ => {
            let detail = format!("There is no report `{name}`. Ask for daily, weekly or monthly.");
            return Err(Problem::new(404, "No such report", detail));
        }
    };
    let is_text = call.query.text("format") == Some("md");
    let now = clock::now();
    let day = match call.query.text("date") {
        None => first_day(period, now.day()) - 1,
        Some(date) => day(date, now.day())?,
    };
    let (published, merged) = read_daily(call, None).await?;
    let report = collector::report(&published.config, &merged.aggregates, period, day, now);
    if is_text {
        let file = format!("{}-{name}-{}.md", published.config.project, report.date_start);
        return text(call, collector::markdown(&report), "text/markdown; charset=utf-8", &file);
    }
    tagged(call, report, |report| &mut report.date_updated, &updated(&published, &merged))
}

/// A day that has begun.
fn day(date: &str, today: i32) -> std::result::Result<i32, Problem> {
    let wrong = |detail: String| Problem::new(400, "Bad query parameter", detail);
    let day = parse_date(date).ok_or_else(|| {
        wrong(format!("`date={date}` is not a day. Write one such as 2026-11-01, or leave it out."))
    })?;
    if day > today {
        let detail =
            format!("`date={date}` is in the future, in UTC. Write a day that has begun, or leave it out.");
        return Err(wrong(detail));
    }
    Ok(day)
}
