//! The decision: compile a config once, then decide for a visitor at a time.
//!
//! ```
//! use splitlight_engine::{Facts, Program, Visitor, decide};
//! use splitlight_protocol::{Timestamp, config};
//!
//! let parsed = config::parse(r##"{ "version": 1, "project": "shop", "experiments": [{
//!   "key": "hero", "pages": [{ "include": "/" }],
//!   "variations": [{ "key": "control" }, { "key": "bold", "changes": [{ "selector": "h1", "text": "Hi" }] }] }] }"##);
//! let compiled = splitlight_engine::compile(&parsed.config);
//! assert!(compiled.issues.is_empty());
//!
//! // What browsers download is the same program in bytes.
//! let program = Program::from_bytes(&compiled.program.to_bytes())?;
//! let visitor = Visitor::new(Facts { id: Some("v-7".into()), url: "https://shop.test/".into(), ..Facts::default() });
//! let decisions = decide(&program, &visitor, Timestamp::from_ms(0));
//! assert_eq!(decisions.variation(&program, "hero"), Some("bold"));
//! # Ok::<(), splitlight_engine::ProgramError>(())
//! ```
//!
//! Everything is a pure function: the time, the visitor's id and the history are arguments. [`decide()`] cannot fail;
//! whatever is not understood is closed, and says so in its [`Reason`]. What can be written in a config, with examples, is
//! in the [`guide`].

pub mod attributes;
pub mod bytes;
mod change;
mod code;
mod codec;
mod compile;
mod condition;
mod decide;
mod explain;
mod feature;
pub mod guide;
mod hash;
mod history;
mod index;
pub mod lean;
mod lint;
mod list;
mod local;
mod nfa;
mod number;
mod page;
mod place;
mod program;
mod reason;
mod replay;
mod score;
mod segment;
mod site;
mod sticky;
mod targeting;
mod template;
mod unit;
mod version;
mod visitor;

pub use change::{Change, Edit};
pub use code::{Code, Edits, Filled, Gated, Version};
pub use compile::{Compiled, compile, utc_offset};
pub use decide::{Decision, Decisions, FeatureDecision, decide};
pub use explain::{explain, explain_program};
pub use hash::{HashVersion, bucket};
pub use history::{History, HistoryError, SHOWN};
pub use index::Index;
pub use lint::{Setting, lint};
pub use number::number_text;
pub use page::page_matches;
pub use program::{Item, ItemKind, Program, ProgramError, Variation};
pub use reason::Reason;
pub use replay::replay;
pub use site::site;
pub use splitlight_protocol::Consent;
pub use sticky::Sticky;
pub use targeting::Targeting;
pub use template::Template;
pub use version::padded_version;
pub use visitor::{Facts, Visitor};
