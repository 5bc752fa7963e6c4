//! A report as text that people read.

use splitlight_protocol::config::{KpiPer, Period};
use splitlight_protocol::results::{ExperimentReport, KpiReport, Report, Return, Unit, VerdictKind};

/// Currencies of ISO 4217 whose minor unit is not a hundredth, with their digits.
const DIGITS: [(&str, i32); 25] = [
    ("BIF", 0),
    ("CLP", 0),
    ("DJF", 0),
    ("GNF", 0),
    ("ISK", 0),
    ("JPY", 0),
    ("KMF", 0),
    ("KRW", 0),
    ("PYG", 0),
    ("RWF", 0),
    ("UGX", 0),
    ("UYI", 0),
    ("VND", 0),
    ("VUV", 0),
    ("XAF", 0),
    ("XOF", 0),
    ("XPF", 0),
    ("BHD", 3),
    ("IQD", 3),
    ("JOD", 3),
    ("KWD", 3),
    ("LYD", 3),
    ("OMR", 3),
    ("TND", 3),
    ("CLF", 4),
];

/// A report as Markdown, with tables of the KPIs, the experiments and what paid.
///
/// ```
/// use splitlight_collector::{Aggregates, markdown, report};
/// use splitlight_protocol::Timestamp;
/// use splitlight_protocol::config::{Config, Period};
/// let report = report(&Config::default(), &Aggregates::default(), Period::Day, 0, Timestamp::from_ms(0));
/// assert!(markdown(&report).contains("The day is not over"));
/// ```
pub fn markdown(report: &Report) -> String {
    let period = match report.period {
        Period::Day => "day",
        Period::Week => "week",
        Period::Month => "month",
    };
    let title = [&report.project, period, &report.date_start, &report.date_end].map(plain);
    let [project, period, start, end] = title;
    let mut text = format!("# {project}: {period} from {start} to {end}\n\nDays are in UTC.");
    if !report.is_complete {
        text.extend([" The ", &period, " is not over: these are the numbers until now."]);
    }
    text.push('\n');
    let kpis = report.kpis.iter().map(kpi);
    table(&mut text, "KPIs", &["KPI", "value", "before", "change"], kpis);
    let head =
        ["experiment", "visitors", "new", "new before", "change", "primary metric", "lift", "verdict", "why"];
    table(&mut text, "Experiments", &head, report.experiments.iter().map(experiment));
    let head = ["of", "variation", "visitors", "benefit", "cost", "return on investment", "pays back in"];
    table(&mut text, "What paid", &head, report.returns.iter().map(paid));
    if report.overhead > 0.0 {
        text.extend(["\nCosts of no experiment: ", &overhead(report), "\n"]);
    }
    let kpis = report.kpis.iter().map(|it| (&it.name, &it.note));
    let notes = kpis.chain(report.returns.iter().map(|it| (&it.name, &it.note)));
    let notes: Vec<String> =
        notes.filter_map(|(name, note)| Some(format!("* {}: {}\n", plain(name), note.as_deref()?))).collect();
    if !notes.is_empty() {
        text.extend(["\n## Notes\n\n", &notes.concat()]);
    }
    text
}

fn table<const N: usize>(
    text: &mut String,
    title: &str,
    head: &[&str; N],
    rows: impl Iterator<Item = [String; N]>,
) {
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let rows: Vec<String> = rows.map(|row| line(&row)).collect();
    if rows.is_empty() {
        return;
    }
    let (head, rule) = (head.map(str::to_owned), head.map(|_| "---".to_owned()));
    text.extend(["\n## ", title, "\n\n", &line(&head), &line(&rule), &rows.concat()]);
}

fn kpi(kpi: &KpiReport) -> [String; 4] {
    let per = if kpi.per == KpiPer::Visitor && kpi.unit != Unit::Share { " per visitor" } else { "" };
    let places = if per.is_empty() { 0 } else { 4 };
    let code = kpi.format.as_deref();
    let number = |value: f64| match kpi.unit {
        Unit::Share => percent(value),
        Unit::Money => format!("{}{per}", money(value, code)),
        Unit::Visitors => format!("{} visitors", fixed(value, 0)),
        Unit::Events => format!("{} events{per}", fixed(value, places)),
        Unit::Value => format!("{} units{per}", fixed(value, places)),
    };
    let change = kpi.change.map(|change| {
        let relative = kpi.percent_change.map_or_else(String::new, |share| format!(" ({})", signed(share)));
        let points = if kpi.unit == Unit::Share { " points" } else { "" };
        format!("{}{}{points}{relative}", if change > 0.0 { "+" } else { "" }, number(change))
    });
    [plain(&kpi.name), or_dash(kpi.value.map(number)), or_dash(kpi.previous.map(number)), or_dash(change)]
}

fn experiment(one: &ExperimentReport) -> [String; 9] {
    let primary = one.primary.as_ref();
    let lift = primary.and_then(|it| Some((it.percent_change?, it.ci_low.zip(it.ci_high))));
    let lift = lift.map(|(lift, ends)| format!("{}{}", signed(lift), between(ends, signed)));
    let verdict = match one.verdict.kind {
        VerdictKind::Continue => "continue",
        VerdictKind::Ship => "ship",
        VerdictKind::Stop => "stop",
        VerdictKind::Inconclusive => "inconclusive",
    };
    let variation = one.verdict.variation.as_deref().unwrap_or_default();
    [
        plain(&one.name),
        format!("{} visitors", one.users),
        format!("{} visitors", one.users_gained),
        format!("{} visitors", one.users_gained_before),
        or_dash(one.percent_change.map(signed)),
        or_dash(primary.map(|it| plain(&it.metric_id))),
        or_dash(lift),
        plain(format!("{verdict} {variation}").trim_end()),
        plain(&one.verdict.reason),
    ]
}

fn paid(one: &Return) -> [String; 7] {
    let code = one.format.as_deref();
    let cash = |value| money(value, code);
    let benefit =
        one.benefit.map(|it| format!("{}{}", cash(it), between(one.benefit_low.zip(one.benefit_high), cash)));
    let roi = one.roi.map(|it| format!("{}{}", signed(it), between(one.roi_low.zip(one.roi_high), signed)));
    [
        plain(&one.name),
        or_dash(one.variation.as_deref().map(plain)),
        format!("{} visitors", one.users),
        or_dash(benefit),
        cash(one.investment),
        or_dash(roi),
        or_dash(one.payback_days.map(|days| format!("{} days", fixed(days, 1)))),
    ]
}

/// In the currency of what it is held against, where that is one.
fn overhead(report: &Report) -> String {
    let mut codes = report.returns.iter().filter_map(|it| it.format.as_deref());
    let first = codes.next();
    money(report.overhead, first.filter(|first| codes.all(|code| code == *first)))
}

/// Minor units as an amount of a currency.
fn money(minor: f64, code: Option<&str>) -> String {
    let Some(code) = code else { return format!("{} minor units", fixed(minor, 0)) };
    let digits = DIGITS.iter().find(|(known, _)| *known == code).map_or(2, |(_, digits)| *digits);
    let amount = minor / 10_f64.powi(digits);
    format!("{} {}", fixed(amount, usize::try_from(digits).unwrap_or(2)), plain(code))
}

fn percent(share: f64) -> String {
    format!("{} %", fixed(share * 100.0, 2))
}

fn signed(share: f64) -> String {
    let text = format!("{} %", fixed(share * 100.0, 1));
    if text.starts_with('-') { text } else { format!("+{text}") }
}

fn between(ends: Option<(f64, f64)>, write: impl Fn(f64) -> String) -> String {
    ends.map_or_else(String::new, |(low, high)| format!(" ({} to {})", write(low), write(high)))
}

/// A number with so many places, where a rounded 0 has no sign.
fn fixed(value: f64, places: usize) -> String {
    let text = format!("{value:.places$}");
    let is_zero = text.bytes().all(|b| matches!(b, b'-' | b'0' | b'.'));
    if is_zero { text.trim_start_matches('-').to_owned() } else { text }
}

fn or_dash(text: Option<String>) -> String {
    text.unwrap_or_else(|| "-".to_owned())
}

/// A text of people's as one line of a cell, in which nothing is markup.
fn plain(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '\\' | '|' | '<' | '[' | ']' | '*' | '`' | '#' => safe.extend(['\\', letter]),
            _ if letter.is_control() => safe.push(' '),
            _ => safe.push(letter),
        }
    }
    safe
}
