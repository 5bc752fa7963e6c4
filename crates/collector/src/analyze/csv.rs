//! Results as a table, one line for each analysis of a metric in a variation.

use core::fmt::Write;
use splitlight_protocol::results::{Analysis, ExperimentResults, MetricResults, Role, VariationResults};

/// The columns, named as the members of the JSON.
const COLUMNS: &str = "dimension,metricId,role,variationId,variation,users,method,numerator,denominator,mean,stddev,\
    percentChange,ciLow,ciHigh,pValue,difference,differenceLow,differenceHigh,chanceToBeatControl";

/// Results as CSV (RFC 4180) with a line of names; what is unknown is empty.
///
/// ```
/// use splitlight_collector::{Aggregates, csv, results};
/// use splitlight_protocol::{Timestamp, config};
/// let config = config::parse(r#"{ "version": 1, "project": "shop",
///   "metrics": [{ "key": "bought", "kind": "proportion", "event": "purchase" }],
///   "experiments": [{ "key": "hero", "variations": [{ "key": "control" }, { "key": "bold" }],
///     "metrics": { "primary": "bought" } }] }"#).config;
/// let found = results(&config, &Aggregates::default(), Timestamp::from_ms(0), "hero");
/// let table = found.map(|results| csv(&results)).unwrap_or_default();
/// assert!(table.lines().nth(1).is_some_and(|line| line.starts_with(",bought,primary,0,control,0,always-valid,")));
/// ```
pub fn csv(results: &ExperimentResults) -> String {
    let mut table = format!("{COLUMNS}\r\n");
    for slice in &results.results {
        for metric in &slice.metrics {
            for variation in &metric.variations {
                for analysis in &variation.analyses {
                    line(&mut table, &slice.dimension, metric, variation, analysis);
                }
            }
        }
    }
    table
}

fn line(
    table: &mut String,
    dimension: &str,
    metric: &MetricResults,
    variation: &VariationResults,
    analysis: &Analysis,
) {
    let role = match metric.role {
        Role::Primary => "primary",
        Role::Secondary => "secondary",
        Role::Guardrail => "guardrail",
    };
    let written = [dimension, &metric.metric_id, role, &variation.variation_id, &variation.variation_name];
    let words: Vec<String> = written.iter().map(|text| quoted(text)).collect();
    let known = [analysis.numerator, analysis.denominator, analysis.mean, analysis.stddev].map(Some);
    let found = [
        analysis.percent_change,
        analysis.ci_low,
        analysis.ci_high,
        analysis.p_value,
        analysis.difference,
        analysis.difference_low,
        analysis.difference_high,
        analysis.chance_to_beat_control,
    ];
    let _ = write!(table, "{},{},{}", words.join(","), variation.users, analysis.method.name());
    for number in known.into_iter().chain(found) {
        let _ = match number {
            Some(number) => write!(table, ",{number}"),
            None => write!(table, ","),
        };
    }
    table.push_str("\r\n");
}

/// A text with the quotes that a table needs.
fn quoted(text: &str) -> String {
    if text.contains(['"', ',', '\r', '\n']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}
