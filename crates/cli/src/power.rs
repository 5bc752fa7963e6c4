//! `splitlight power`: how many visitors an experiment needs, or what it can find.

use crate::arguments::{Format, Power};
use crate::output::{Failure, Output};
use crate::table;
use serde::Serialize;
use splitlight_stats::group_sequential::{Plan, Spending};
use splitlight_stats::power::{Baseline, Design, Looks, normal_noncentrality, run_days};
use splitlight_stats::{Alternative, Invalid};

/// Rounds of the search for a plan whose total is the visitors it needs; the first is already close.
const ROUNDS: usize = 8;

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    confidence: f64,
    power: f64,
    variations: u32,
    designs: Vec<Row>,
}

/// What one way of looking at the result needs or finds.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    looks: String,
    /// In each variation.
    visitors_per_variation: f64,
    visitors: f64,
    /// The lift that is found with the power asked for.
    lift: f64,
    /// The chance to find it.
    power: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    days: Option<f64>,
}

pub(crate) fn run(arguments: &Power) -> Result<Output, Failure> {
    let answer = answer(arguments)?;
    match arguments.format {
        Format::Json => Output::json(&answer),
        Format::Text => Ok(Output::text(answer.text())),
    }
}

/// How the result may be looked at.
#[derive(Clone, Copy)]
enum Way {
    Once,
    /// Planned looks need as many times more visitors than a single one.
    Planned {
        looks: u32,
        inflation: f64,
    },
    AnyTime,
}

fn answer(arguments: &Power) -> Result<Answer, Failure> {
    let named = |option: &str, error: Invalid| Failure(format!("{option}: {error}"));
    let baseline = match (arguments.rate, arguments.mean, arguments.deviation) {
        (Some(rate), None, None) => Baseline::proportion(rate).map_err(|error| named("--rate", error))?,
        (None, Some(mean), Some(standard_deviation)) => Baseline { mean, standard_deviation },
        _ => return Err(Failure("write --rate, or --mean and --deviation, of the control".to_owned())),
    };
    if arguments.variations < 2 {
        return Err(Failure("--variations: there are at least two, control included".to_owned()));
    }
    let alpha = (1.0 - arguments.confidence) / f64::from(arguments.variations - 1);
    let planned = arguments.looks;
    let inflation = inflation(alpha, arguments.chance, planned).map_err(|error| named("--looks", error))?;
    let ways = [Way::Once, Way::Planned { looks: planned, inflation }, Way::AnyTime];
    let rows = ways.into_iter().map(|way| row(way, &baseline, alpha, arguments));
    let designs = rows.collect::<Result<_, Invalid>>().map_err(|error| Failure(error.to_string()))?;
    Ok(Answer {
        confidence: arguments.confidence,
        power: arguments.chance,
        variations: arguments.variations,
        designs,
    })
}

/// How many more visitors evenly planned looks need than a single one, at most.
fn inflation(alpha: f64, power: f64, looks: u32) -> Result<f64, Invalid> {
    let even: Vec<f64> = (1..=looks).map(|look| f64::from(look) / f64::from(looks)).collect();
    let plan = Plan::new(alpha, Spending::OBrienFleming, &even, Alternative::TwoSided)?;
    let ratio = plan.drift(power)? / normal_noncentrality(alpha, power)?;
    Ok((ratio * ratio).max(1.0))
}

fn row(way: Way, baseline: &Baseline, alpha: f64, arguments: &Power) -> Result<Row, Invalid> {
    let variations = f64::from(arguments.variations);
    let given = arguments.visitors.map(|visitors| visitors / variations);
    // As many visitors in effect as a single look has with these.
    let (name, extra) = match way {
        Way::Once => ("once, at the end".to_owned(), 1.0),
        Way::Planned { looks, inflation } => (format!("at {looks} planned looks"), inflation),
        Way::AnyTime => ("at any time".to_owned(), 1.0),
    };
    let design = |n: f64| {
        let looks = match way {
            Way::AnyTime => Looks::AnyTime { planned_total: 2.0 * n },
            _ => Looks::Once,
        };
        Design { alpha, looks }
    };
    let n = match (given, arguments.lift) {
        (Some(n), _) => n,
        (None, Some(lift)) => extra * needed(&design, baseline, lift, arguments.chance)?,
        (None, None) => return Err(Invalid::Count),
    };
    let lift = match arguments.lift {
        Some(lift) => lift,
        None => design(n).detectable_lift(baseline, n / extra, arguments.chance)?,
    };
    let power = design(n).power(baseline, n / extra, lift)?;
    let whole = n.ceil();
    let visitors = whole * variations;
    let days = arguments.visitors_per_day.map(|day| run_days(visitors, day)).transpose()?;
    Ok(Row { looks: name, visitors_per_variation: whole, visitors, lift, power, days })
}

/// The visitors that a design needs which is planned for just these visitors.
fn needed(
    design: &impl Fn(f64) -> Design,
    baseline: &Baseline,
    lift: f64,
    power: f64,
) -> Result<f64, Invalid> {
    let once = Design { looks: Looks::Once, ..design(1.0) };
    let mut n = once.visitors(baseline, lift, power)?;
    for _ in 0..ROUNDS {
        n = design(n).visitors(baseline, lift, power)?;
    }
    Ok(n)
}

impl Answer {
    fn text(&self) -> String {
        let rows: Vec<[String; 5]> = self
            .designs
            .iter()
            .map(|row| {
                [
                    row.looks.clone(),
                    format!("{} visitors per variation", row.visitors_per_variation),
                    format!("{} in all", row.visitors),
                    format!("lift {:+.2} % with power {:.1} %", row.lift * 100.0, row.power * 100.0),
                    row.days.map(|days| format!("{days} days")).unwrap_or_default(),
                ]
            })
            .collect();
        let (variations, confidence) = (self.variations, self.confidence * 100.0);
        format!("{variations} variations, confidence {confidence} %\n") + &table::columns(&rows)
    }
}
