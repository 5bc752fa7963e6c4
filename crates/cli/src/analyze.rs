//! `splitlight analyze`: what an experiment shows, and what to do.

mod events;
mod report;

use crate::arguments::{Analyze, Format};
use crate::input;
use crate::output::{Failure, Output};
use report::Report;
use splitlight_stats::verdict::Record;

pub(crate) fn run(arguments: &Analyze) -> Result<Output, Failure> {
    let text = input::text(&arguments.file)?;
    let named =
        |error: &dyn core::fmt::Display| Failure(format!("{}: {error}", input::named(&arguments.file)));
    let (record, several) = if is_record(&text) {
        if arguments.plan != crate::arguments::Planned::default() {
            return Err(named(&"this record has a plan of its own, so the options of a plan say nothing"));
        }
        (serde_json::from_str::<Record>(&text).map_err(|error| named(&error))?, None)
    } else {
        let (record, several) = events::record(&text, &arguments.plan).map_err(|error| named(&error))?;
        (record, Some(several))
    };
    if record.variations.len() < 2 {
        return Err(named(&"there are no two variations to compare"));
    }
    if let Some(path) = &arguments.record {
        let written = serde_json::to_string_pretty(&record).map_err(|error| Failure(error.to_string()))?;
        std::fs::write(path, written + "\n")
            .map_err(|error| Failure(format!("cannot write {path}: {error}")))?;
    }
    let decision = record.decide();
    let sound = !decision.split.broken;
    let report = Report::new(&record, decision, several);
    let output = match arguments.format {
        Format::Json => Output::json(&report)?,
        Format::Text => Output::text(report.text()),
    };
    Ok(output.judged(sound))
}

/// A record is one document with a plan; events are a document a line.
fn is_record(text: &str) -> bool {
    serde_json::from_str::<serde_json::Value>(text).is_ok_and(|document| document.get("plan").is_some())
}
