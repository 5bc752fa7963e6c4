//! `splitlight simulate`: what a config gives a whole population.

mod false_positives;
mod population;
mod report;
mod synthetic;
mod tally;

use crate::arguments::{Format, Simulate};
use crate::output::{Failure, Output};
use crate::random::{self, Random};
use crate::{config, input};
use report::Report;
use synthetic::Synthetic;
use tally::Tally;

pub(crate) fn run(arguments: &Simulate) -> Result<Output, Failure> {
    let read = config::read(&arguments.config)?;
    let now = input::moment(arguments.now.as_deref())?;
    let seed = arguments.seed.map_or_else(random::seed, Ok)?;
    let mut random = Random::new(seed);
    let mut tally = Tally::new(&read.program);
    if let Some(path) = &arguments.population {
        for person in population::read(path)? {
            tally.add(&read.program, &person, now);
        }
    } else {
        let synthetic = Synthetic::new(read.config());
        for _ in 0..arguments.visitors {
            tally.add(&read.program, &synthetic.draw(now, &mut random), now);
        }
    }
    let report = Report::new(&read, &tally, seed, arguments.runs, &mut random);
    let output = match arguments.format {
        Format::Json => Output::json(&report)?,
        Format::Text => Output::text(report.text()),
    };
    Ok(output.with_issues(&read.issues))
}
