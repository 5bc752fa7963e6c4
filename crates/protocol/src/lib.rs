//! The documents of Splitlight: what people write, what travels and what is answered.
//!
//! | document | direction | type |
//! |---|---|---|
//! | config | people -> publish | [`config::Config`] |
//! | batch of events | browser, server -> intake | [`event::Batch`] |
//! | hand-over | edge -> browser, inside the page | [`handover::Handover`] |
//! | results | collector -> people | [`results::ExperimentResults`] |
//!
//! Parsing is where a document becomes a type that cannot be wrong; nothing here knows a clock, a network or a
//! random number.

pub mod config;
mod consent;
pub mod event;
pub mod handover;
pub mod import;
pub mod issue;
pub mod limits;
pub mod openapi;
pub mod personal;
mod pointer;
pub mod record;
pub mod results;
pub mod time;
pub mod value;

pub use consent::Consent;
pub use issue::{Code, Issue, Severity};
pub use time::Timestamp;
pub use value::{Map, Value};
