//! What the command line understands.

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Checks a Splitlight config, and says what it decides and why.
///
/// A file written as `-` is the standard input. The exit code is 0 when all is well, 1 when a config has errors, and 2
/// when the arguments or a file cannot be read.
#[derive(Debug, Parser)]
#[command(name = "splitlight", version, max_term_width = 110)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Lists what is wrong with a config, or hardly meant
    Lint(Lint),
    /// Decides every item and feature for one visitor
    Decide(Decide),
    /// Says which gate of every item is open or closed for one visitor, and what it looked at
    Explain(Decide),
    /// Makes the decisions of a record again
    Replay(Replay),
    /// Says what a whole population gets: splits, slots and false positives
    Simulate(Simulate),
    /// Prints the JSON Schema of configs, for editors
    Schema,
    /// Translates another platform's document to a config
    #[command(subcommand)]
    Import(Import),
    /// Translates a config to another platform's document
    #[command(subcommand)]
    Export(Export),
}

#[derive(Debug, Subcommand)]
pub(crate) enum Import {
    /// A GrowthBook payload; what cannot be said in a config is listed on the standard error
    Growthbook(ImportGrowthbook),
}

#[derive(Debug, Subcommand)]
pub(crate) enum Export {
    /// A payload for GrowthBook's SDKs; what they have nothing for is listed on the standard error
    Growthbook(ExportGrowthbook),
}

/// How an answer is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people
    Text,
    /// For programs
    Json,
}

#[derive(Debug, Args)]
pub(crate) struct Lint {
    /// The config
    pub(crate) config: String,
    /// Visitors a day, to find experiments that cannot reach their sample size
    #[arg(long, value_name = "VISITORS")]
    pub(crate) traffic: Option<f64>,
    /// The moment that schedules are judged at, such as 2026-11-21T09:00:00Z
    #[arg(long, value_name = "RFC3339")]
    pub(crate) now: Option<String>,
    /// How findings are written
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
}

#[derive(Debug, Args)]
pub(crate) struct Decide {
    /// The config
    pub(crate) config: String,
    #[command(flatten)]
    pub(crate) visitor: Visitor,
    /// How the answer is written
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
    /// Writes a record of the decision to this file, for `replay`
    #[arg(long, value_name = "FILE")]
    pub(crate) record: Option<String>,
}

/// Who the decision is for.
#[derive(Debug, Args)]
pub(crate) struct Visitor {
    /// The visitor's id
    #[arg(long = "visitor", value_name = "ID")]
    pub(crate) id: Option<String>,
    /// The signed-in person's id
    #[arg(long, value_name = "ID")]
    pub(crate) user: Option<String>,
    /// The page's address
    #[arg(long, default_value = "")]
    pub(crate) url: String,
    /// The page before
    #[arg(long, default_value = "")]
    pub(crate) referrer: String,
    /// What the browser says it is; an unknown one on a desktop when missing
    #[arg(long)]
    pub(crate) user_agent: Option<String>,
    /// The first language the browser prefers
    #[arg(long)]
    pub(crate) language: Option<String>,
    /// An attribute, such as plan=pro or geo.city=Madrid; a value that is JSON is read as JSON
    #[arg(long, value_name = "PATH=VALUE")]
    pub(crate) attribute: Vec<String>,
    /// A JSON object of attributes
    #[arg(long, value_name = "FILE")]
    pub(crate) attributes: Option<String>,
    /// What the visitor did: one JSON object a line, with `time` and `event` (`properties` and `value` where known), or `url`
    /// and `referrer` for a page
    #[arg(long, value_name = "FILE")]
    pub(crate) events: Option<String>,
    /// Minutes by which the visitor's clock is ahead of UTC; that of `geo.timezone` when missing
    #[arg(long, value_name = "MINUTES", allow_negative_numbers = true)]
    pub(crate) utc_offset: Option<i32>,
    /// Decides as the edge does, which does not know what the visitor did nor what the site says of them
    #[arg(long, conflicts_with = "events")]
    pub(crate) edge: bool,
    /// What the visitor agreed to
    #[arg(long, value_enum, default_value_t = Consent::Granted)]
    pub(crate) consent: Consent,
    /// When, such as 2026-11-21T09:00:00Z
    #[arg(long, value_name = "RFC3339")]
    pub(crate) now: Option<String>,
}

/// What a visitor agreed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Consent {
    /// To everything
    Granted,
    /// Not asked yet
    Pending,
    /// To nothing
    Denied,
}

#[derive(Debug, Args)]
pub(crate) struct Replay {
    /// The version of the config that decided
    pub(crate) config: String,
    /// The record
    pub(crate) record: String,
    /// How the answer is written
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
}

#[derive(Debug, Args)]
pub(crate) struct Simulate {
    /// The config
    pub(crate) config: String,
    /// How many visitors are made up, after what the config asks about
    #[arg(long, default_value_t = 10_000, conflicts_with = "population")]
    pub(crate) visitors: u32,
    /// Visitors: one JSON object a line, with `id`, `user`, `attributes`, `pages` and `events`
    #[arg(long, value_name = "FILE")]
    pub(crate) population: Option<String>,
    /// How often each experiment is run without a difference, to count false positives; 0 leaves it out
    #[arg(long, default_value_t = 1000)]
    pub(crate) runs: u32,
    /// Gives the same simulation again
    #[arg(long)]
    pub(crate) seed: Option<u64>,
    /// When, such as 2026-11-21T09:00:00Z
    #[arg(long, value_name = "RFC3339")]
    pub(crate) now: Option<String>,
    /// How the answer is written
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
}

#[derive(Debug, Args)]
pub(crate) struct ImportGrowthbook {
    /// The payload
    pub(crate) payload: String,
    /// The key that encrypted sections are opened with
    #[arg(long)]
    pub(crate) key: Option<String>,
    /// The project's key in the config
    #[arg(long, default_value = "imported")]
    pub(crate) project: String,
}

#[derive(Debug, Args)]
pub(crate) struct ExportGrowthbook {
    /// The config
    pub(crate) config: String,
}
