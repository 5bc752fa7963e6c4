//! `splitlight import growthbook` and `splitlight export growthbook`: configs from and to its payloads.

use crate::arguments::{ExportGrowthbook, ImportGrowthbook};
use crate::output::{Failure, Output, line};
use crate::{config, input};
use splitlight_interop::growthbook::{self, Payload};

pub(crate) fn import(arguments: &ImportGrowthbook) -> Result<Output, Failure> {
    let text = input::text(&arguments.payload)?;
    let payload = Payload::parse(&text, arguments.key.as_deref())
        .map_err(|error| Failure(format!("{}: {error}", input::named(&arguments.payload))))?;
    let imported = growthbook::import(&payload, &arguments.project);
    Ok(Output::json(&imported.config)?.with_notes(imported.left_out.iter().map(line)))
}

pub(crate) fn export(arguments: &ExportGrowthbook) -> Result<Output, Failure> {
    let read = config::read(&arguments.config)?;
    let exported = growthbook::export(read.config());
    let notes = exported.left_out.iter().map(line);
    Ok(Output::json(&exported.payload)?.with_issues(&read.issues).with_notes(notes))
}
