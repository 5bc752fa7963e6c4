//! What was spent until a day.

use crate::calendar::{first_day, next_first_day};
use splitlight_protocol::config::{Config, Cost, Period};

/// The costs of an experiment or personalization until the end of a day, or those of none, in minor units; `met` is the
/// day of its first visitor.
pub(super) fn invested(config: &Config, key: Option<&str>, met: Option<i32>, until: i32) -> f64 {
    let own = config.costs.iter().filter(|cost| cost.experiment.as_deref() == key);
    own.map(|cost| cost.amount as f64 * f64::from(times(cost, met, until))).sum()
}

/// How often a cost was due until the end of a day.
fn times(cost: &Cost, met: Option<i32>, until: i32) -> i32 {
    let first = match (cost.first_day().or(met), cost.every) {
        (Some(first), _) => first,
        // What is for the whole project and has no date was always there.
        (None, None) => return i32::from(cost.experiment.is_none()),
        (None, Some(_)) => return 0,
    };
    if until < first {
        return 0;
    }
    match cost.every {
        None => 1,
        Some(Period::Day) => until - first + 1,
        Some(Period::Week) => (until - first) / 7 + 1,
        Some(Period::Month) => {
            let (mut month, last, mut due) =
                (first_day(Period::Month, first), first_day(Period::Month, until), 0);
            let day = first - month;
            while month < last {
                month = next_first_day(Period::Month, month);
                due += 1;
            }
            // The 31st is the last day where a month is shorter.
            let this = (month + day).min(next_first_day(Period::Month, month) - 1);
            due + i32::from(this <= until)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::times;
    use splitlight_protocol::config::{Cost, Period};
    use splitlight_protocol::time::parse_date;

    #[test]
    fn a_cost_is_due_as_often_as_the_calendar_says() {
        for (every, start, until, due) in [
            (None, "2026-11-10", "2026-11-09", 0),
            (None, "2026-11-10", "2027-11-10", 1),
            (Some(Period::Day), "2026-11-10", "2026-11-10", 1),
            (Some(Period::Day), "2026-11-10", "2026-11-19", 10),
            (Some(Period::Week), "2026-11-10", "2026-11-16", 1),
            (Some(Period::Week), "2026-11-10", "2026-11-17", 2),
            (Some(Period::Month), "2026-11-10", "2026-12-09", 1),
            (Some(Period::Month), "2026-11-10", "2026-12-10", 2),
            (Some(Period::Month), "2026-01-31", "2026-02-27", 1),
            (Some(Period::Month), "2026-01-31", "2026-02-28", 2),
            (Some(Period::Month), "2026-01-31", "2026-03-30", 2),
            (Some(Period::Month), "2026-01-31", "2027-01-31", 13),
        ] {
            let day = |text| parse_date(text).expect("a day");
            let cost = |start| Cost {
                key: "c".into(),
                name: None,
                experiment: Some("x".into()),
                amount: 1,
                every,
                start,
            };
            assert_eq!(times(&cost(Some(start.to_owned())), None, day(until)), due, "{every:?} {until}");
            assert_eq!(times(&cost(None), Some(day(start)), day(until)), due, "from the first visitor on");
            assert_eq!(times(&cost(None), None, day(until)), 0, "nobody met it");
        }
    }
}
