//! Reports against numbers that were worked out by hand, and that no number of theirs is none.

use proptest::prelude::*;
use splitlight_collector::{Aggregates, Key, What, first_day, markdown, report, results};
use splitlight_protocol::Timestamp;
use splitlight_protocol::config::{Config, Period, parse};
use splitlight_protocol::results::{Report, Return, VerdictKind};
use splitlight_protocol::time::{DAY_MS, parse_date};
use splitlight_stats::Moments;

fn config(more: &str) -> Config {
    let parsed = parse(&format!(
        r#"{{ "version": 1, "project": "shop",
        "metrics": [{{ "key": "bought", "kind": "proportion", "event": "purchase" }},
            {{ "key": "revenue", "kind": "mean", "event": "purchase", "value": "value", "format": "EUR" }},
            {{ "key": "yen", "kind": "mean", "event": "purchase", "value": "value", "format": "JPY" }},
            {{ "key": "refunds", "kind": "mean", "event": "refund", "value": "value", "format": "EUR", "direction": "decrease" }}],
        "kpis": [{{ "key": "sales", "metric": "revenue", "period": "day", "target": 1 }},
            {{ "key": "buyers", "metric": "bought", "period": "day", "per": "visitor", "target": 1 }},
            {{ "key": "month", "name": "Month | of\nyen", "metric": "yen", "period": "month", "target": 1 }}],
        "experiments": [
            {{ "key": "hero", "name": "The | hero", "variations": [{{ "key": "a" }}, {{ "key": "b", "value": 1 }}, {{ "key": "c", "value": 2 }}],
              "metrics": {{ "primary": "bought", "secondary": ["revenue"] }} }},
            {{ "key": "back", "variations": [{{ "key": "a" }}, {{ "key": "b" }}], "metrics": {{ "primary": "refunds" }} }},
            {{ "key": "poor", "variations": [{{ "key": "a" }}, {{ "key": "b" }}], "metrics": {{ "primary": "bought" }} }},
            {{ "key": "later", "status": "draft", "variations": [{{ "key": "a" }}, {{ "key": "b" }}] }}]{more} }}"#
    ));
    assert_eq!(parsed.issues, []);
    parsed.config
}

fn day(text: &str) -> i32 {
    parse_date(text).expect("a day")
}

fn end_of(text: &str) -> Timestamp {
    Timestamp::from_ms((i64::from(day(text)) + 1) * DAY_MS)
}

struct Counted(Aggregates);

impl Counted {
    fn add(&mut self, experiment: &str, what: What, date: &str, moments: Moments) {
        self.0.add(Key { experiment: experiment.to_owned(), what, day: day(date) }, moments);
    }

    /// Visitors of a variation on a day, half of whom have a value in a metric.
    fn met(&mut self, experiment: &str, variation: u32, date: &str, (n, metric, value): (i64, &str, i64)) {
        self.add(experiment, What::Users(variation), date, Moments { n, ..Moments::default() });
        let (sum, squares) = (i128::from(n / 2 * value), i128::from(n / 2 * value * value));
        self.add(experiment, What::Metric(variation, metric.to_owned()), date, Moments::new(0, sum, squares));
    }

    fn site(&mut self, date: &str, users: i64, buyers: i64, revenue: i64) {
        self.add("", What::Visitors(Period::Day), date, Moments { n: users, ..Moments::default() });
        let total = |n: i64| Moments::new(0, n.into(), n.into());
        self.add("", What::Total(Period::Day, "bought".into()), date, total(buyers));
        self.add("", What::Total(Period::Day, "revenue".into()), date, total(revenue));
    }
}

/// Control's visitors bring 500 each, those of b 600 and of c 550: half of them 1000, 1200 and 1100.
fn counted() -> Aggregates {
    let mut all = Counted(Aggregates::default());
    for (date, n) in [("2026-11-12", 1000), ("2026-11-18", 1400)] {
        all.met("hero", 0, date, (n, "revenue", 1000));
        all.met("hero", 1, date, (n, "revenue", 1200));
        all.met("hero", 2, date, (n, "revenue", 1100));
        all.met("back", 0, date, (n, "refunds", 300));
        all.met("back", 1, date, (n, "refunds", 200));
        all.met("poor", 0, date, (n, "bought", 1));
        all.met("poor", 1, date, (n, "bought", 1));
    }
    all.site("2026-11-12", 200, 10, 40_000);
    all.site("2026-11-18", 400, 10, 50_000);
    all.site("2026-11-19", 100, 10, 10_000);
    all.0
}

fn weekly(config: &Config) -> Report {
    report(config, &counted(), Period::Week, day("2026-11-18"), end_of("2026-11-25"))
}

fn returned(more: &str) -> Return {
    weekly(&config(more)).returns.into_iter().next().expect("a cost")
}

fn near(found: Option<f64>, wanted: f64) {
    let found = found.expect("a number");
    assert!((found - wanted).abs() <= 1e-9 * wanted.abs().max(1.0), "{found} is not {wanted}");
}

#[test]
fn a_week_is_held_against_the_week_before() {
    let week = weekly(&config(""));
    assert_eq!((week.date_start.as_str(), week.date_end.as_str()), ("2026-11-16", "2026-11-22"));
    assert!(week.is_complete);
    let [sales, buyers, month] = &week.kpis[..] else { panic!("three KPIs") };
    assert_eq!((sales.value, sales.previous, sales.change), (Some(60_000.0), Some(40_000.0), Some(20_000.0)));
    near(sales.percent_change, 0.5);
    assert_eq!((buyers.value, buyers.previous, buyers.change), (None, None, None));
    assert_eq!(buyers.note.as_deref(), Some("It is a daily number: the daily report has it."));
    assert_eq!(month.note.as_deref(), Some("It is a monthly number: the monthly report has it."));
    let hero = &week.experiments[0];
    assert_eq!((hero.users, hero.users_gained, hero.users_gained_before), (7200, 4200, 3000));
    near(hero.percent_change, 0.4);
    assert_eq!(
        week.experiments.iter().map(|one| one.key.as_str()).collect::<Vec<_>>(),
        ["hero", "back", "poor"]
    );
}

#[test]
fn a_day_has_shares_and_no_day_before_the_first() {
    let on = |date| report(&config(""), &counted(), Period::Day, day(date), end_of("2026-11-25"));
    let buyers = &on("2026-11-19").kpis[1];
    assert_eq!((buyers.value, buyers.previous), (Some(0.1), Some(0.025)));
    near(buyers.percent_change, 3.0);
    let first = &on("2026-11-12").kpis[0];
    assert_eq!((first.value, first.previous, first.percent_change), (Some(40_000.0), None, None));
    let nobody = &on("2026-11-13").kpis;
    assert_eq!((nobody[0].value, nobody[1].value), (Some(0.0), None));
    assert_eq!(on("2026-11-14").kpis[0].percent_change, None, "nothing cannot grow by a share");
}

#[test]
fn what_is_told_of_the_past_is_what_was_known_then() {
    let config = config("");
    let past = report(&config, &counted(), Period::Day, day("2026-11-15"), end_of("2026-11-25"));
    let then =
        results(&config, &counted().until(day("2026-11-15")), end_of("2026-11-15"), "back").expect("results");
    let (back, analysis) = (&past.experiments[1], &then.results[0].metrics[0].variations[1].analyses[0]);
    assert_eq!(back.users, 2000);
    assert_eq!(back.verdict.kind, VerdictKind::Ship);
    let primary = back.primary.as_ref().expect("a metric");
    near(primary.percent_change, -1.0 / 3.0);
    assert_eq!((primary.ci_low, primary.ci_high), (analysis.ci_low, analysis.ci_high));
}

#[test]
fn the_return_is_what_it_brought_less_what_it_cost() {
    // b is ahead: 100 more for each of 2400 visitors is 240,000; the costs are 60,000 once and 10,000 in each of two
    // weeks. 1400 new ones in 7 days bring 20,000 a day, which pays 80,000 in 4 days.
    let costs = r#", "costs": [{ "key": "copy", "experiment": "hero", "amount": 60000 },
        { "key": "tool", "experiment": "hero", "amount": 10000, "every": "week", "start": "2026-11-10" },
        { "key": "next", "experiment": "hero", "amount": 7, "start": "2026-11-23" },
        { "key": "licence", "amount": 900, "every": "month", "start": "2026-10-31" }]"#;
    let hero = returned(costs);
    assert_eq!(
        (hero.variation.as_deref(), hero.users, hero.format.as_deref()),
        (Some("b"), 2400, Some("EUR"))
    );
    near(hero.benefit, 240_000.0);
    near(Some(hero.investment), 80_000.0);
    near(hero.roi, 2.0);
    near(hero.payback_days, 4.0);
    assert_eq!(hero.note, None);
    let (low, high) = (hero.benefit_low.expect("an end"), hero.benefit_high.expect("an end"));
    assert!(low < 240_000.0 && 240_000.0 < high);
    near(Some(high + low), 480_000.0);
    near(hero.roi_low, (low - 80_000.0) / 80_000.0);
    near(hero.roi_high, (high - 80_000.0) / 80_000.0);
    near(Some(weekly(&config(costs)).overhead), 900.0);
}

#[test]
fn what_is_shipped_counts_and_not_what_leads() {
    let hero = returned(
        r#", "personalizations": [{ "key": "hero-shipped", "value": 2 }],
        "costs": [{ "key": "copy", "experiment": "hero", "amount": 240000 }]"#,
    );
    // 50 more for each of 2400, half of the cost; 10,000 a day.
    assert_eq!(hero.variation.as_deref(), Some("c"));
    near(hero.roi, -0.5);
    near(hero.payback_days, 24.0);
}

#[test]
fn less_is_a_benefit_where_less_is_better() {
    let back = returned(r#", "costs": [{ "key": "copy", "experiment": "back", "amount": 100000 }]"#);
    near(back.benefit, 50.0 * 2400.0);
    near(back.roi, 0.2);
    assert!(back.benefit_low < back.benefit && back.benefit < back.benefit_high);
}

#[test]
fn what_cannot_be_said_is_not_and_says_why() {
    let note = |costs: &str| {
        let found = returned(costs);
        assert_eq!((found.roi, found.payback_days), (None, None));
        found.note.expect("a note")
    };
    let poor = note(r#", "costs": [{ "key": "copy", "experiment": "poor", "amount": 1 }]"#);
    assert!(poor.starts_with("It has no metric of money"), "{poor}");
    let later =
        note(r#", "costs": [{ "key": "copy", "experiment": "hero", "amount": 1, "start": "2027-01-01" }]"#);
    assert_eq!(later, "No cost is due yet.");
    let unmet = r#", "personalizations": [{ "key": "w", "value": 1 }], "costs": [{ "key": "copy", "experiment": "w", "amount": 1 }]"#;
    let unmet = note(unmet);
    assert!(unmet.contains("No cost is due yet") && unmet.contains("Too few visitors"), "{unmet}");
    let quiet = config(r#", "costs": [{ "key": "copy", "experiment": "hero", "amount": 1 }]"#);
    let quiet = report(&quiet, &counted(), Period::Day, day("2026-11-20"), end_of("2026-11-25"));
    assert_eq!(quiet.returns[0].payback_days, None);
    assert!(quiet.returns[0].note.as_deref().is_some_and(|note| note.contains("nobody new met it")));
}

#[test]
fn people_read_units_and_no_markup_of_names() {
    let config = config(
        r#", "costs": [{ "key": "copy", "experiment": "hero", "amount": 80000 }, { "key": "all", "amount": 1250 }]"#,
    );
    let text = markdown(&weekly(&config));
    for part in [
        "# shop: week from 2026-11-16 to 2026-11-22\n",
        "| sales | 600.00 EUR | 400.00 EUR | +200.00 EUR (+50.0 %) |\n",
        "| Month \\| of yen | - | - | - |\n",
        "| The \\| hero | 7200 visitors | 4200 visitors | 3000 visitors | +40.0 % |",
        "| The \\| hero | b | 2400 visitors | 2400.00 EUR (",
        " | 800.00 EUR | +200.0 % (",
        " | 4.0 days |\n",
        "\nCosts of no experiment: 12.50 EUR\n",
        "* Month \\| of yen: It is a monthly number",
    ] {
        assert!(text.contains(part), "{part} is missing in\n{text}");
    }
    let mut all = Counted(Aggregates::default());
    all.add("", What::Visitors(Period::Month), "2026-11-01", Moments { n: 1, ..Moments::default() });
    all.add("", What::Total(Period::Month, "yen".into()), "2026-11-01", Moments::new(0, 1234, 1));
    let month = markdown(&report(&config, &all.0, Period::Month, day("2026-11-18"), end_of("2026-11-25")));
    assert!(month.contains("| 1234 JPY | - | - |") && month.contains("The month is not over"), "{month}");
    let rows: Vec<usize> = text
        .lines()
        .filter(|line| line.starts_with("| The"))
        .map(|line| line.replace("\\|", "").matches('|').count())
        .collect();
    assert_eq!(rows, [10, 8]);
}

prop_compose! {
    fn sums()(experiment in prop_oneof![Just(""), Just("hero"), Just("back"), Just("poor")], variation in 0_u32..4, kind in 0..4,
        day in 20_700_i32..20_800, n in -3_i64..4000, sum in any::<i64>(), squares in any::<i64>()) -> (Key, Moments) {
        let period = [Period::Day, Period::Week, Period::Month][variation as usize % 3];
        let metric = ["bought", "revenue", "yen", "refunds"][variation as usize].to_owned();
        let (what, moments) = match kind {
            0 => (What::Users(variation), Moments { n, ..Moments::default() }),
            1 => (What::Metric(variation, metric), Moments::new(0, sum.into(), squares.into())),
            2 => (What::Visitors(period), Moments { n, ..Moments::default() }),
            _ => (What::Total(period, metric), Moments::new(0, sum.into(), squares.into())),
        };
        let day = if experiment.is_empty() { first_day(period, day) } else { day };
        (Key { experiment: experiment.to_owned(), what, day }, moments)
    }
}

proptest! {
    #[test]
    fn every_number_is_one(all in prop::collection::vec(sums(), 0..60), day in 20_690_i32..20_810, now in 20_690_i64..20_810, period in 0_usize..3) {
        let config = config(r#", "costs": [{ "key": "a", "experiment": "hero", "amount": 1000000000000000, "every": "day" },
            { "key": "b", "experiment": "back", "amount": 1 }, { "key": "c", "amount": 5, "every": "month", "start": "0001-01-31" }]"#);
        let mut daily = Aggregates::default();
        for (key, moments) in all {
            daily.add(key, moments);
        }
        let period = [Period::Day, Period::Week, Period::Month][period];
        let report = report(&config, &daily, period, day, Timestamp::from_ms(now * DAY_MS));
        // JSON has no such numbers and would hide them as null.
        let told = format!("{report:?}{}", markdown(&report));
        for none in ["NaN", "(inf", "-inf", ": inf", " inf"] {
            prop_assert!(!told.contains(none), "{none} in {told}");
        }
        let json = serde_json::to_string(&report).expect("JSON");
        prop_assert!(json.contains("\"isComplete\""), "{json}");
    }
}
