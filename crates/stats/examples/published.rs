//! Analyzes two published experiments: `published <folder>` with `cookie_cats.csv` and `hillstrom.csv`, each where present.

use splitlight_stats::{
    Comparison, Kind, LiftInterval, Measured, Method, Moments, PairMoments, Sketch, Theta, compare,
    compare_measured, sample_ratio,
};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;
use std::{env, fs};

fn main() -> ExitCode {
    let Some(folder) = env::args().nth(1) else {
        eprintln!("error: write the folder with the files");
        return ExitCode::from(2);
    };
    let mut found = 0;
    for (file, analyze) in [("cookie_cats.csv", cookie_cats as fn(&Table)), ("hillstrom.csv", hillstrom)] {
        match fs::read_to_string(Path::new(&folder).join(file)) {
            Ok(text) => {
                analyze(&Table::read(&text));
                found += 1;
            }
            Err(error) => println!("{file} is left out: {error}"),
        }
    }
    if found == 0 {
        eprintln!("error: there is nothing to analyze in {folder}");
    }
    ExitCode::from(u8::from(found == 0))
}

/// A file of comma-separated values.
struct Table {
    head: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    fn read(text: &str) -> Self {
        let mut rows = text.lines().filter(|line| !line.is_empty()).map(cells);
        Self { head: rows.next().unwrap_or_default(), rows: rows.collect() }
    }

    /// The cells of a column; empty ones when there is no such column.
    fn column(&self, name: &str) -> impl Iterator<Item = &str> {
        let place = self.head.iter().position(|head| head == name);
        self.rows.iter().map(move |row| place.and_then(|place| row.get(place)).map_or("", String::as_str))
    }

    /// A column as integers: truths as 0 and 1, money in cents.
    fn numbers(&self, name: &str) -> Vec<i64> {
        let number = |cell: &str| match cell {
            "True" => 1,
            "False" => 0,
            _ => match cell.split_once('.') {
                Some((whole, part)) => {
                    let cents: String = part.chars().chain("00".chars()).take(2).collect();
                    whole.parse::<i64>().unwrap_or(0) * 100 + cents.parse::<i64>().unwrap_or(0)
                }
                None => cell.parse().unwrap_or(0),
            },
        };
        self.column(name).map(number).collect()
    }

    /// The same where every number is money, also one without a point.
    fn cents(&self, name: &str) -> Vec<i64> {
        let whole = self.column(name).map(|cell| if cell.contains('.') { 1 } else { 100 });
        self.numbers(name).into_iter().zip(whole).map(|(number, scale)| number * scale).collect()
    }

    /// The moments of a metric by the value of another column.
    fn moments(&self, by: &str, values: &[i64]) -> BTreeMap<&str, Moments> {
        let mut moments: BTreeMap<&str, Moments> = BTreeMap::new();
        for (variation, value) in self.column(by).zip(values) {
            let sum = moments.entry(variation).or_default();
            *sum = sum.merge(Moments { n: 1, ..Moments::gain(0, *value) });
        }
        moments
    }
}

/// The cells of a line, some of them in quotes.
fn cells(line: &str) -> Vec<String> {
    let (mut cells, mut quoted) = (vec![String::new()], false);
    for letter in line.chars() {
        match (letter, quoted, cells.last_mut()) {
            ('"', ..) => quoted = !quoted,
            (',', false, _) => cells.push(String::new()),
            (letter, _, Some(cell)) => cell.push(letter),
            _ => {}
        }
    }
    cells
}

/// A mobile game moved its first gate from level 30 to level 40.
fn cookie_cats(table: &Table) {
    let by = "version";
    let retention = [1, 7].map(|day| table.moments(by, &table.numbers(&format!("retention_{day}"))));
    let rounds = table.moments(by, &table.numbers("sum_game_rounds"));
    println!("Cookie Cats: gate at level 40 (variation) or 30 (control)");
    split(&retention[0]);
    let (control, variation) = ("gate_30", "gate_40");
    for (day, moments) in ["day 1", "day 7"].into_iter().zip(&retention) {
        say(&format!("retention, {day}"), plain(moments, control, variation, Kind::Proportion));
    }
    say("game rounds", plain(&rounds, control, variation, Kind::Mean));
    let played: Sketch = table.numbers("sum_game_rounds").into_iter().collect();
    let cap = played.quantile(0.999).unwrap_or(f64::INFINITY);
    #[expect(clippy::cast_possible_truncation, reason = "rounds of a game")]
    let capped: Vec<i64> =
        table.numbers("sum_game_rounds").into_iter().map(|rounds| rounds.min(cap as i64)).collect();
    let name = format!("game rounds, capped at {cap:.0}");
    say(&name, plain(&table.moments(by, &capped), control, variation, Kind::Mean));
}

/// A shop sent an e-mail with its men's or its women's goods, or none (`MineThatData` challenge).
fn hillstrom(table: &Table) {
    let (by, control) = ("segment", "No E-Mail");
    let (visit, conversion) = (table.numbers("visit"), table.numbers("conversion"));
    let (spend, history) = (table.cents("spend"), table.cents("history"));
    println!("\nHillstrom: an e-mail (variation) or none (control)");
    split(&table.moments(by, &visit));
    for variation in ["Mens E-Mail", "Womens E-Mail"] {
        for (name, values) in [("visit", &visit), ("conversion", &conversion)] {
            let moments = table.moments(by, values);
            say(&format!("{variation}, {name}"), plain(&moments, control, variation, Kind::Proportion));
        }
        let outcome = table.moments(by, &spend);
        say(&format!("{variation}, spend in cents"), plain(&outcome, control, variation, Kind::Mean));
        let before = table.moments(by, &history);
        let pair = |name: &str| {
            let lines =
                table.column(by).zip(spend.iter().zip(&history)).filter(|(variation, _)| *variation == name);
            let product =
                lines.map(|(_, (after, before))| i128::from(*after) * i128::from(*before)).sum::<i128>();
            let of = |moments: &BTreeMap<&str, Moments>| moments.get(name).copied().unwrap_or_default();
            PairMoments { first: of(&outcome), second: of(&before), product: product.into() }
        };
        let (a, b) = (pair(control), pair(variation));
        let adjusted = Theta::of_means(&a, &b, Kind::Mean, Kind::Mean).and_then(|theta| {
            let of = |pair| Measured::adjusted(pair, Kind::Mean, Kind::Mean, theta);
            compare_measured(&of(&a)?, &of(&b)?, Method::Welch, 0.95)
        });
        say("  the same, adjusted by what they spent before", adjusted.ok());
    }
}

/// Whether the split is the even one that was planned.
fn split(moments: &BTreeMap<&str, Moments>) {
    let users: Vec<u64> = moments.values().map(|moments| u64::try_from(moments.n).unwrap_or(0)).collect();
    let ratio = sample_ratio(&users, &vec![1.0; users.len()]);
    let named: Vec<String> = moments.iter().map(|(name, moments)| format!("{name} {}", moments.n)).collect();
    println!("  visitors: {}; split p = {:.4}", named.join(", "), ratio.p_value);
}

fn plain(moments: &BTreeMap<&str, Moments>, a: &str, b: &str, kind: Kind) -> Option<Comparison> {
    compare(moments.get(a)?, moments.get(b)?, kind, Method::Welch, 0.95).ok()
}

fn say(name: &str, comparison: Option<Comparison>) {
    let Some(found) = comparison else { return println!("  {name}: no result") };
    let p_value =
        if found.p_value < 1e-4 { format!("{:.2e}", found.p_value) } else { format!("{:.6}", found.p_value) };
    let lift = match (found.lift, found.lift_interval) {
        (Some(lift), LiftInterval::Bounded(low, high)) => {
            format!("{:+.2} % ({:+.2} % to {:+.2} %)", lift * 100.0, low * 100.0, high * 100.0)
        }
        _ => "no limits of the lift".to_owned(),
    };
    println!(
        "  {name}: {:.5} and {:.5}, difference {:+.5}, lift {lift}, p = {p_value}",
        found.control_mean, found.variation_mean, found.difference
    );
}
