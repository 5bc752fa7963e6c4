//! `splitlight lint`: what is wrong with a config, or hardly meant.

use crate::arguments::{Format, Lint};
use crate::config;
use crate::output::{Failure, Output, line};

pub(crate) fn run(arguments: &Lint) -> Result<Output, Failure> {
    let read = config::read(&arguments.config)?;
    let mut issues = read.issues;
    issues.extend(splitlight_engine::lint(&read.config));
    let output = match arguments.format {
        Format::Json => Output::json(&issues)?,
        Format::Text => {
            let lines: Vec<String> = issues.iter().map(|issue| line(issue) + "\n").collect();
            Output::text(lines.concat())
        }
    };
    Ok(output.judged_by(&issues))
}
