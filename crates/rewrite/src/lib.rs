//! HTML in, personalized HTML out, streaming.
//!
//! ```
//! use splitlight_protocol::{Map, config};
//! use splitlight_rewrite::Rewrite;
//!
//! let parsed = config::parse(r##"{ "version": 1, "project": "shop", "experiments": [{ "key": "hero", "variations": [
//!   { "key": "control" }, { "key": "bold", "changes": [{ "selector": "h1", "text": "Hi, {{ name | friend }}" }] }] }] }"##);
//! let program = splitlight_engine::compile(&parsed.config).program;
//! let changes = &program.items()[0].variations()[1].changes;
//!
//! let rewrite = Rewrite::new(changes, &Map::new(), "<!--ours-->");
//! let (mut page, mut out) = (rewrite.start(), Vec::new());
//! page.write(b"<html><head></head><h1>Hel", &mut out); // Chunks end where they like.
//! page.write(b"lo</h1></html>", &mut out);
//! page.end(&mut out);
//! assert_eq!(out, b"<html><head><!--ours--></head><h1>Hi, friend</h1></html>");
//! ```
//!
//! What the page is never loses to what we do with it: every byte of the origin that no change replaces comes out, in
//! order, whatever the markup, and an edit that cannot be made safely is not made.

mod check;
mod edit;
mod key;
mod open;
mod opening;
mod page;
mod plan;
mod review;
mod sink;
mod skim;
mod tag;

pub use check::check_html;
pub use page::Page;
pub use plan::{Rewrite, can_stream};
pub use review::{browser_changes, markup_issues};
