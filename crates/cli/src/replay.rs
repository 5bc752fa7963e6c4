//! `splitlight replay`: the decisions of a record, made again.

use crate::arguments::Replay;
use crate::output::{Failure, Output};
use crate::{config, decide, input};
use splitlight_protocol::record::Record;

pub(crate) fn run(arguments: &Replay) -> Result<Output, Failure> {
    let read = config::read(&arguments.config)?;
    let record: Record = input::json(&arguments.record)?;
    let named = |error| Failure(format!("{}: {error}", input::named(&arguments.record)));
    let decisions = splitlight_engine::replay(&read.program, &record).map_err(named)?;
    let version = read.version();
    // Another version may decide otherwise, and who compares has to know.
    let other = (record.config != version).then(|| {
        format!("warning the record is of version `{}`, this config is version `{version}`", record.config)
    });
    let output = decide::answer(&read, &decisions, record.now, arguments.format)?;
    Ok(output.with_issues(&read.issues).with_notes(other))
}
