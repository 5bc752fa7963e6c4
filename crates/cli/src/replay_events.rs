//! `splitlight replay-events`: the results of exported events, counted anew.

use crate::arguments::ReplayEvents;
use crate::output::{Failure, Output};
use crate::{config, input};
use splitlight_collector::memory::Memory;
use splitlight_collector::{Batch, Line, Plan, Shard, results};
use splitlight_protocol::Timestamp;

pub(crate) fn run(arguments: &ReplayEvents) -> Result<Output, Failure> {
    let read = config::read(&arguments.config)?;
    let lines: Vec<Line> = input::json_lines(&arguments.events)?;
    let newest = lines.iter().map(|line| line.received_at).max().unwrap_or(Timestamp::from_ms(0));
    let all = lines.len();
    let batches: Vec<Batch> = lines.into_iter().filter_map(Line::batch).collect();
    let nameless = all - batches.len();
    let mut shard = Shard::new(Memory::default());
    shard.apply(&Plan::new(read.config()), &batches).unwrap_or_else(|never| match never {});
    let updated = match &arguments.updated {
        Some(written) => input::moment(Some(written))?,
        None => newest,
    };
    let found = results(read.config(), &shard.storage().aggregates, updated, &arguments.item);
    let Some(found) = found else {
        let reason = format!("--item: the config has no `{}` that is not a draft", arguments.item);
        return Err(Failure(reason));
    };
    // Not indented: these are the bytes of the API's answer.
    let text = serde_json::to_string(&found).map_err(|error| Failure(error.to_string()))?;
    let note = (nameless > 0).then(|| {
        format!("warning {nameless} events name no visitor any more, and belong to nobody's results")
    });
    Ok(Output::text(text + "\n").with_issues(&read.issues).with_notes(note))
}
