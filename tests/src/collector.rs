//! Vectors about what a log of events counts.

use crate::Report;
use serde::Deserialize;
use splitlight_collector::memory::Memory;
use splitlight_collector::{Aggregates, Batch, DAY_ALL, Fact, Key, Plan, Received, Shard, What};
use splitlight_protocol::event::EventId;
use splitlight_protocol::{Map, Timestamp, config};

/// One experiment with two variations, and the two metrics whose sums the vectors give.
const CONFIG: &str = r#"{ "version": 1, "project": "shop",
  "metrics": [
    { "key": "bought", "kind": "proportion", "event": "purchase", "window": "2d" },
    { "key": "revenue", "kind": "mean", "event": "purchase", "value": "value", "window": "2d" }],
  "experiments": [{ "key": "hero", "variations": [{ "key": "control" }, { "key": "bold" }],
    "metrics": { "primary": "bought", "secondary": ["revenue"] } }] }"#;

#[derive(Deserialize)]
struct File {
    cases: Vec<Case>,
}

/// A log, and the sums it has to give for control and bold.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    log: Vec<Step>,
    users: [i128; 2],
    bought: [i128; 2],
    revenue: [i128; 2],
    /// As floats, because JSON readers stop at 64 bits.
    squares: [f64; 2],
    #[serde(default)]
    multiple: i64,
    #[serde(default)]
    quarantined: i64,
}

/// An exposure when it has `met`, a purchase otherwise; the time is in hours.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Step {
    at: f64,
    #[serde(default)]
    met: Option<String>,
    #[serde(default)]
    invalid: bool,
    #[serde(default)]
    value: Option<i64>,
}

pub(crate) fn counting(text: &str) -> Result<Report, serde_json::Error> {
    let file: File = serde_json::from_str(text)?;
    let plan = Plan::new(&config::parse(CONFIG).config);
    let mut report = Report::default();
    for case in file.cases {
        let mut shard = Shard::new(Memory::default());
        for (index, step) in (0..).zip(&case.log) {
            shard.apply(&plan, &[batch(index, step)]).unwrap_or_else(|never| match never {});
        }
        report.count(&case.name, difference(&shard.storage().aggregates.totals(), &case));
    }
    Ok(report)
}

fn batch(index: u8, step: &Step) -> Batch {
    let fact = match &step.met {
        Some(variation) => Fact::Exposure {
            experiment: "hero".to_owned(),
            variation: variation.clone(),
            valid: !step.invalid,
        },
        None => Fact::Conversion { name: "purchase".to_owned(), value: step.value, properties: Map::new() },
    };
    #[expect(clippy::cast_possible_truncation, reason = "hours of a vector")]
    let time = Timestamp::from_ms((step.at * 3_600_000.0) as i64);
    let events = vec![Received { id: EventId::from_bytes([index; 16]), time, fact }];
    Batch { visitor: "v".to_owned(), received: time, events, ..Batch::default() }
}

/// The first sum that is not as the case has it.
fn difference(sums: &Aggregates, case: &Case) -> Option<String> {
    let at = |what| sums.at(&Key { experiment: "hero".to_owned(), what, day: DAY_ALL });
    for (index, variation) in (0_u32..).zip(0..2) {
        let metric = |key: &str| at(What::Metric(index, key.to_owned()));
        for (name, is, wanted) in [
            ("users", Some(at(What::Users(index)).n.into()), case.users[variation]),
            ("bought", metric("bought").sum.value(), case.bought[variation]),
            ("bought, squared", metric("bought").sum_squares.value(), case.bought[variation]),
            ("revenue", metric("revenue").sum.value(), case.revenue[variation]),
        ] {
            if is != Some(wanted) {
                return Some(format!("{name} of variation {variation} is {is:?}, not {wanted}"));
            }
        }
        let (is, wanted) = (metric("revenue").sum_squares.to_f64(), case.squares[variation]);
        if is.to_bits() != wanted.to_bits() {
            return Some(format!("revenue, squared, of variation {variation} is {is}, not {wanted}"));
        }
    }
    let apart = [
        ("multiple", at(What::MultipleExposures).n, case.multiple),
        ("quarantined", at(What::Quarantined).n, case.quarantined),
    ];
    apart
        .iter()
        .find(|(_, is, wanted)| is != wanted)
        .map(|(name, is, wanted)| format!("{name} is {is}, not {wanted}"))
}
