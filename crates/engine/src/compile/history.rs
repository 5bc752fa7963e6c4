//! Reads questions about the history, and collects what has to be remembered to answer them.

use super::condition::{Scope, object};
use crate::condition::{Condition, Test};
use crate::history::{Measure, Meter, Window};
use crate::program::Tracked;
use splitlight_protocol::limits::HISTORY_DAYS_MAX;
use splitlight_protocol::time::{DAY_MS, parse_span};
use splitlight_protocol::{Issue, Value};

impl Scope<'_, '_> {
    /// Reads what is written at `$history`.
    pub(super) fn history(&mut self, pointer: &str, value: &Value) -> Result<Condition, Issue> {
        const SHAPE: &str = "write { \"event\": ..., \"within\": \"30d\", \"count\": { \"$gte\": 3 } }";
        let members = object(pointer, value, SHAPE)?;
        let defects = self.issues.len();
        let (mut question, mut tests) = (None, Vec::new());
        let (mut event, mut window, mut filter) = (None, None, Vec::new());
        for (name, value) in members.iter() {
            let here = format!("{pointer}/{name}");
            let measure = match name {
                "event" => {
                    event = value.as_str();
                    continue;
                }
                "within" => {
                    window = Some(read_window(&here, value)?);
                    continue;
                }
                "where" => {
                    let wanted = object(&here, value, "write { \"category\": \"Electronics\" }")?;
                    for (name, value) in wanted.iter() {
                        tests.push((name.to_owned(), self.test(&format!("{here}/{name}"), value)));
                    }
                    filter = wanted.iter().collect();
                    continue;
                }
                "count" => Measure::Count,
                "sum" => Measure::Sum,
                "daysSince" => Measure::DaysSince,
                "distinctDays" => Measure::DistinctDays,
                _ => return Err(Issue::error(here, format!("`{name}` is not known in `$history`"), SHAPE)),
            };
            if question.replace((measure, self.test(&here, value))).is_some() {
                return Err(Issue::error(
                    pointer,
                    "more than one question",
                    "write one of count, sum, daysSince, distinctDays",
                ));
            }
        }
        let event = event.ok_or_else(|| Issue::error(pointer, "`event` is missing", SHAPE))?;
        let window = window.ok_or_else(|| Issue::error(pointer, "`within` is missing", SHAPE))?;
        let (measure, test) = question.ok_or_else(|| Issue::error(pointer, "there is no question", SHAPE))?;
        if self.issues.len() > defects {
            // A filter that is not understood would count nothing, which a negation would open.
            return Ok(Condition::Unsupported);
        }
        let tracked = self.track(event, &filter, tests, |tracked| tracked.keep(window), "");
        Ok(Condition::History { tracked, window, measure, test })
    }

    /// The index of the tracked event, which is shared by all rules that ask about the same.
    ///
    /// `keep` says what is kept of it, and `of` tells meters of the same event apart.
    pub(super) fn track(
        &mut self,
        event: &str,
        written: &[(&str, &Value)],
        filter: Vec<(String, Test)>,
        keep: impl FnOnce(&mut Tracked),
        of: &str,
    ) -> u32 {
        let mut key = event.to_owned();
        for (name, value) in written {
            key.extend(["\u{1}", name, "\u{2}"]);
            // The type is part of the key, because `3` and `"3"` are different questions.
            match value {
                Value::String(text) => key.push_str(text),
                other => key.extend(["\u{3}", &format!("{other:?}")]),
            }
        }
        if !of.is_empty() {
            key.extend(["\u{4}", of]);
        }
        let at = self.tracked.iter().position(|tracked| tracked.key == key).unwrap_or_else(|| {
            let event = event.to_owned();
            self.tracked.push(Tracked { key, event, filter, days: 0, minutes: false, meter: Meter::None });
            self.tracked.len() - 1
        });
        keep(&mut self.tracked[at]);
        u32::try_from(at).unwrap_or(u32::MAX)
    }
}

impl Tracked {
    /// Sees to it that a window can be asked for.
    pub(super) fn keep(&mut self, window: Window) {
        match window {
            Window::Days(days) => self.days = self.days.max(days),
            Window::Minutes(_) | Window::Session => self.minutes = true,
        }
    }
}

/// The present session, or days as they are written; minutes and hours up to a day are minutes, more hours have to be whole days.
pub(super) fn read_window(pointer: &str, value: &Value) -> Result<Window, Issue> {
    let text = value.as_str().unwrap_or("");
    if text == "session" {
        return Ok(Window::Session);
    }
    let window = parse_span(text).and_then(|ms| {
        if ms <= DAY_MS && !text.ends_with('d') {
            return i32::try_from(ms / 60_000).ok().map(Window::Minutes);
        }
        let days = usize::try_from(ms / DAY_MS).ok().filter(|_| ms % DAY_MS == 0)?;
        (days <= HISTORY_DAYS_MAX).then(|| i32::try_from(days).ok().map(Window::Days))?
    });
    window.ok_or_else(|| {
        let fix =
            format!("write session, 1m to 1440m, 1h to 24h, or whole days from 1d to {HISTORY_DAYS_MAX}d");
        Issue::error(pointer, "this is not a window", fix)
    })
}
