//! From lines about visitors to the record of an experiment.

use crate::arguments::{Planned, PlannedLooks};
use serde::Deserialize;
use splitlight_stats::verdict::{Metric, Plan, PlannedMethod, Record, Role, Spending, Values, Variation};
use splitlight_stats::{Direction, Moments};
use std::collections::BTreeMap;

/// The variation that others are compared with when nobody names one.
const CONTROL: &str = "control";

/// One line: who met what, or who did what.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    visitor: String,
    #[serde(default)]
    variation: Option<String>,
    #[serde(default)]
    metric: Option<String>,
    #[serde(default)]
    value: Option<i64>,
    #[serde(default)]
    time: Option<i64>,
}

/// What is known of a visitor.
#[derive(Debug, Default)]
struct Visitor {
    /// By variation, the first time it was met.
    met: BTreeMap<usize, i64>,
    /// Metric, value and time of what they did.
    did: Vec<(usize, i64, i64)>,
}

/// Names in the order in which they are first met.
#[derive(Debug, Default)]
struct Names(Vec<String>);

impl Names {
    fn place(&mut self, name: String) -> usize {
        if let Some(place) = self.0.iter().position(|known| *known == name) {
            return place;
        }
        self.0.push(name);
        self.0.len() - 1
    }
}

/// Everything that the lines say.
#[derive(Debug, Default)]
struct Log {
    variations: Names,
    metrics: Names,
    /// Whether a line of the metric has a value.
    valued: Vec<bool>,
    visitors: BTreeMap<String, Visitor>,
}

/// The record of the lines, and how many visitors are left out because they met several variations.
pub(super) fn record(text: &str, planned: &Planned) -> Result<(Record, u64), String> {
    let log = read(text)?;
    let order = order(&log.variations.0, planned.control.as_deref())?;
    let several = log.visitors.values().filter(|visitor| visitor.met.len() > 1).count();
    let counted: Vec<(usize, i64, &Visitor)> = log
        .visitors
        .values()
        .filter_map(|visitor| match visitor.met.iter().collect::<Vec<_>>().as_slice() {
            [(variation, since)] => {
                let place = order.iter().position(|place| place == *variation)?;
                Some((place, **since, visitor))
            }
            _ => None,
        })
        .collect();
    let mut visitors = vec![0_u64; order.len()];
    for (place, ..) in &counted {
        visitors[*place] += 1;
    }
    let named = order.iter().map(|place| log.variations.0[*place].clone());
    let weights = weights(&planned.weight, &log.variations.0)?;
    let variations = named.zip(&visitors).zip(&order).map(|((key, visitors), place)| Variation {
        weight: weights.get(&key).or_else(|| weights.get(&log.variations.0[*place])).copied().unwrap_or(1.0),
        key,
        visitors: *visitors,
    });
    let variations: Vec<Variation> = variations.collect();
    let metrics = metrics(&log, &counted, &visitors, planned)?;
    let plan = plan(planned, visitors.iter().sum());
    let record = Record { plan, days: planned.days, looks: planned.looks.clone(), variations, metrics };
    Ok((record, several as u64))
}

fn read(text: &str) -> Result<Log, String> {
    let mut log = Log::default();
    for (at, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let wrong = |reason: &str| format!("line {}: {reason}", at + 1);
        let line: Line = serde_json::from_str(line).map_err(|error| wrong(&error.to_string()))?;
        let time = line.time.unwrap_or(0);
        let visitor = log.visitors.entry(line.visitor).or_default();
        match (line.variation, line.metric) {
            (Some(variation), None) => {
                let place = log.variations.place(variation);
                let first = visitor.met.entry(place).or_insert(time);
                *first = time.min(*first);
            }
            (None, Some(metric)) => {
                let place = log.metrics.place(metric);
                log.valued.resize(log.metrics.0.len(), false);
                log.valued[place] |= line.value.is_some();
                visitor.did.push((place, line.value.unwrap_or(1), time));
            }
            _ => {
                return Err(wrong(
                    "a line has `variation`, which the visitor met, or `metric`, which they fed",
                ));
            }
        }
    }
    if log.visitors.is_empty() {
        return Err("there is no visitor in it".to_owned());
    }
    Ok(log)
}

/// The places of the variations, control first and the others by name, so that the order of the lines says nothing.
fn order(names: &[String], control: Option<&str>) -> Result<Vec<usize>, String> {
    let wanted = control.unwrap_or(CONTROL);
    let Some(first) = names.iter().position(|name| name == wanted) else {
        let known = names.join("`, `");
        return Err(format!("no visitor met `{wanted}`; name the control among `{known}` with --control"));
    };
    let mut others: Vec<usize> = (0..names.len()).filter(|place| *place != first).collect();
    others.sort_by_key(|place| &names[*place]);
    Ok([vec![first], others].concat())
}

fn weights(written: &[String], names: &[String]) -> Result<BTreeMap<String, f64>, String> {
    let one = |text: &String| {
        let (key, weight) = text.split_once('=')?;
        let weight = weight.parse::<f64>().ok().filter(|weight| *weight >= 0.0 && weight.is_finite())?;
        names.iter().any(|name| name == key).then(|| (key.to_owned(), weight))
    };
    let read = |text: &String| {
        one(text).ok_or_else(|| {
            format!("--weight: write `{text}` as a variation and its weight, such as bold=0.5")
        })
    };
    written.iter().map(read).collect()
}

fn metrics(
    log: &Log,
    counted: &[(usize, i64, &Visitor)],
    visitors: &[u64],
    planned: &Planned,
) -> Result<Vec<Metric>, String> {
    let known = |name: &String| {
        let fed = log.metrics.0.contains(name);
        if fed { Ok(()) } else { Err(format!("no line feeds the metric `{name}`")) }
    };
    planned.primary.iter().chain(&planned.guardrail).chain(&planned.decrease).try_for_each(known)?;
    let mut names: Vec<(usize, &String)> = log.metrics.0.iter().enumerate().collect();
    names.sort_by_key(|(_, name)| *name);
    let primary = match (&planned.primary, names.as_slice()) {
        (Some(primary), _) => Some(primary),
        (None, [(_, only)]) => Some(*only),
        (None, []) => return Err("no line feeds a metric".to_owned()),
        (None, _) => {
            return Err("there are several metrics; name the one that decides with --primary".to_owned());
        }
    };
    let metric = |(place, name): (usize, &String)| {
        let role = if Some(name) == primary {
            Role::Primary
        } else if planned.guardrail.contains(name) {
            Role::Guardrail
        } else {
            Role::Secondary
        };
        let less = planned.decrease.contains(name);
        let moments = moments(place, log.valued[place], counted, visitors)
            .ok_or_else(|| format!("the values of `{name}` are too large to be squared"))?;
        Ok(Metric {
            key: name.clone(),
            role,
            direction: if less { Direction::Decrease } else { Direction::Increase },
            margin: planned.margin.filter(|_| role == Role::Guardrail),
            values: if log.valued[place] { Values::Mean(moments) } else { Values::Proportion(moments) },
        })
    };
    names.into_iter().map(metric).collect()
}

/// The moments of a metric in every variation: what each visitor did from their exposure on. `None` where a square does
/// not fit.
fn moments(
    place: usize,
    valued: bool,
    counted: &[(usize, i64, &Visitor)],
    visitors: &[u64],
) -> Option<Vec<Moments>> {
    let n = |visitors: &u64| i64::try_from(*visitors).unwrap_or(i64::MAX);
    let mut all: Vec<Moments> =
        visitors.iter().map(|visitors| Moments { n: n(visitors), ..Moments::default() }).collect();
    for (variation, since, visitor) in counted {
        let mut fed = visitor.did.iter().filter(|(metric, _, time)| *metric == place && time >= since);
        let value = if valued {
            fed.fold(0_i128, |sum, (_, value, _)| sum + i128::from(*value))
        } else {
            i128::from(fed.next().is_some())
        };
        all[*variation] = all[*variation].merge(Moments::new(0, value, value.checked_mul(value)?));
    }
    Some(all)
}

fn plan(planned: &Planned, visitors: u64) -> Plan {
    let method = match planned.method.unwrap_or_default() {
        PlannedLooks::Once => PlannedMethod::Welch,
        PlannedLooks::AnyTime => PlannedMethod::AlwaysValid,
        PlannedLooks::ObrienFleming => PlannedMethod::GroupSequential(Spending::OBrienFleming),
        PlannedLooks::Pocock => PlannedMethod::GroupSequential(Spending::Pocock),
    };
    Plan {
        confidence: planned.confidence.unwrap_or(0.95),
        method,
        visitors: planned.visitors.unwrap_or(visitors) as f64,
        days_min: planned.days_min,
        visitors_min: planned.visitors_min,
        split_p_value_min: splitlight_stats::MISMATCH_P_VALUE,
    }
}
