//! What the command line understands.

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Checks a Splitlight config, says what it decides and why, and what came of it.
///
/// A file written as `-` is the standard input. The exit code is 0 when all is well, 1 when a config has errors or the
/// split of an experiment is broken, and 2 when the arguments or a file cannot be read.
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
    /// Counts exported events anew, and prints the results of an experiment or personalization as the API does
    ReplayEvents(ReplayEvents),
    /// Says what a whole population gets: splits, slots and false positives
    Simulate(Simulate),
    /// Says what an experiment shows and what to do: ship, stop, continue, or that nothing is proven
    Analyze(Analyze),
    /// Says how many visitors an experiment needs, or what it can find with those it has
    Power(Power),
    /// Prints the JSON Schema of configs, for editors
    Schema,
    /// Prints the API as an OpenAPI 3.1 document
    Openapi,
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
pub(crate) struct ReplayEvents {
    /// The config
    pub(crate) config: String,
    /// The events: the lines of `GET /v1/events`
    pub(crate) events: String,
    /// The experiment's or personalization's key
    #[arg(long, value_name = "KEY")]
    pub(crate) item: String,
    /// What the results say of when they were updated, such as 2026-11-21T09:00:00Z; the newest arrival when missing
    #[arg(long, value_name = "RFC3339")]
    pub(crate) updated: Option<String>,
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
pub(crate) struct Analyze {
    /// A record (plan and moments in one JSON document), or events: one JSON object a line, with `visitor` and either
    /// `variation`, which they met, or `metric`, which they fed (with `value`, an integer, for numbers), and `time` where
    /// what came before the exposure must not count
    pub(crate) file: String,
    #[command(flatten)]
    pub(crate) plan: Planned,
    /// Writes the record to this file, which gives the same verdict again
    #[arg(long, value_name = "FILE")]
    pub(crate) record: Option<String>,
    /// How the answer is written
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
}

/// The plan of an experiment that is known by its events.
#[derive(Clone, Debug, Default, PartialEq, Args)]
pub(crate) struct Planned {
    /// The variation that the others are compared with; `control` when missing
    #[arg(long, value_name = "VARIATION")]
    pub(crate) control: Option<String>,
    /// The metric that decides; the only one when missing
    #[arg(long, value_name = "METRIC")]
    pub(crate) primary: Option<String>,
    /// A metric that must not get worse
    #[arg(long, value_name = "METRIC")]
    pub(crate) guardrail: Vec<String>,
    /// The loss of guardrails, as a share of control, that is surely not reached before anything is shipped
    #[arg(long, value_name = "SHARE", value_parser = number)]
    pub(crate) margin: Option<f64>,
    /// A metric of which less is better
    #[arg(long, value_name = "METRIC")]
    pub(crate) decrease: Vec<String>,
    /// The planned weight of a variation, such as bold=0.5; equal ones when missing
    #[arg(long, value_name = "VARIATION=WEIGHT")]
    pub(crate) weight: Vec<String>,
    /// How often the result may be looked at; at any time when missing
    #[arg(long, value_enum)]
    pub(crate) method: Option<PlannedLooks>,
    /// Confidence of all comparisons of a metric together; 0.95 when missing
    #[arg(long, value_parser = confidence)]
    pub(crate) confidence: Option<f64>,
    /// Planned visitors of all variations; those of the file when missing
    #[arg(long, value_name = "VISITORS")]
    pub(crate) visitors: Option<u64>,
    /// Visitors at each planned look so far, this one included; those of the file when missing
    #[arg(long, value_name = "VISITORS", value_delimiter = ',', value_parser = number)]
    pub(crate) looks: Vec<f64>,
    /// Days since the start
    #[arg(long, default_value_t = 0.0, value_parser = number)]
    pub(crate) days: f64,
    /// Days before which nothing is shipped
    #[arg(long, value_name = "DAYS", default_value_t = 0.0, value_parser = number)]
    pub(crate) days_min: f64,
    /// Visitors of each variation before which nothing is decided
    #[arg(long, value_name = "VISITORS", default_value_t = 0)]
    pub(crate) visitors_min: u64,
}

/// How often a result may be looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum PlannedLooks {
    /// Once, when all planned visitors are in
    Once,
    /// At any time
    #[default]
    AnyTime,
    /// At planned looks, with next to nothing spent early
    ObrienFleming,
    /// At planned looks, with about the same spent at each
    Pocock,
}

#[derive(Debug, Args)]
pub(crate) struct Power {
    /// The conversion rate of control
    #[arg(long, value_parser = number)]
    pub(crate) rate: Option<f64>,
    /// The mean per visitor of control, of a metric that is a number
    #[arg(long, value_parser = number, requires = "deviation", conflicts_with = "rate")]
    pub(crate) mean: Option<f64>,
    /// The standard deviation per visitor of that metric
    #[arg(long, value_parser = number, requires = "mean")]
    pub(crate) deviation: Option<f64>,
    /// The lift to find, such as 0.1 for +10 %
    #[arg(long, value_parser = number, allow_negative_numbers = true, required_unless_present = "visitors")]
    pub(crate) lift: Option<f64>,
    /// Visitors of all variations that there will be
    #[arg(long, value_parser = number)]
    pub(crate) visitors: Option<f64>,
    /// Visitors a day, to say how long it takes in whole weeks
    #[arg(long, value_name = "VISITORS", value_parser = number)]
    pub(crate) visitors_per_day: Option<f64>,
    /// Variations, control included
    #[arg(long, default_value_t = 2)]
    pub(crate) variations: u32,
    /// Planned looks of the second design
    #[arg(long, default_value_t = 14)]
    pub(crate) looks: u32,
    /// The chance to find the lift
    #[arg(long = "power", default_value_t = 0.8, value_parser = number)]
    pub(crate) chance: f64,
    /// Confidence of all comparisons together
    #[arg(long, default_value_t = 0.95, value_parser = confidence)]
    pub(crate) confidence: f64,
    /// How the answer is written
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
}

/// A finite number.
fn number(text: &str) -> Result<f64, String> {
    text.parse::<f64>()
        .ok()
        .filter(|number| number.is_finite())
        .ok_or_else(|| "this is not a number".to_owned())
}

/// A confidence that an interval can have.
fn confidence(text: &str) -> Result<f64, String> {
    let fits = number(text).ok().filter(|number| (0.5..1.0).contains(number));
    fits.ok_or_else(|| "a confidence is at least 0.5 and below 1, such as 0.95".to_owned())
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
