//! `splitlight`: checks a config before it is published, says what it decides and why, and what came of it.

mod analyze;
mod arguments;
mod clock;
mod config;
mod decide;
mod explain;
mod growthbook;
mod input;
mod lint;
mod output;
mod power;
mod random;
mod replay;
mod replay_events;
mod simulate;
mod table;
mod visitor;

use arguments::{Arguments, Command, Export, Import};
use clap::Parser as _;
use output::{Failure, Output};
use std::process::ExitCode;

/// Everything is fine.
const FINE: u8 = 0;
/// A config has defects that keep it from being published, or visitors fell on variations as they must not.
const FINDINGS: u8 = 1;
/// The arguments, a file or an output are not as they have to be.
const TROUBLE: u8 = 2;

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            let asked = !error.use_stderr();
            // A reader that went away leaves nobody to tell.
            let _ = error.print();
            return ExitCode::from(if asked { FINE } else { TROUBLE });
        }
    };
    let code = match run(arguments.command).and_then(|output| Ok((output.write()?, output))) {
        Ok(((), output)) if output.sound => FINE,
        Ok(_) => FINDINGS,
        Err(failure) => {
            eprintln!("splitlight: {failure}");
            TROUBLE
        }
    };
    ExitCode::from(code)
}

fn run(command: Command) -> Result<Output, Failure> {
    match command {
        Command::Lint(arguments) => lint::run(&arguments),
        Command::Decide(arguments) => decide::run(&arguments),
        Command::Explain(arguments) => explain::run(&arguments),
        Command::Replay(arguments) => replay::run(&arguments),
        Command::ReplayEvents(arguments) => replay_events::run(&arguments),
        Command::Simulate(arguments) => simulate::run(&arguments),
        Command::Analyze(arguments) => analyze::run(&arguments),
        Command::Power(arguments) => power::run(&arguments),
        Command::Openapi => Output::json(&splitlight_protocol::openapi::document(env!("CARGO_PKG_VERSION"))),
        Command::Schema => Output::json(&splitlight_protocol::config::schema()),
        Command::Import(Import::Growthbook(arguments)) => growthbook::import(&arguments),
        Command::Export(Export::Growthbook(arguments)) => growthbook::export(&arguments),
    }
}
