//! The project object: the published config, its program and the API keys.

use crate::settings::Settings;
use splitlight_engine::Program;
use splitlight_protocol::config::Config;
use std::rc::Rc;
use worker::{Context, Env};

/// A published config and what it compiles to.
pub(crate) struct Published {
    /// First 16 hex digits of the SHA-256 of the program's bytes.
    pub(crate) hash: String,
    /// The program's compact form, which browsers download.
    pub(crate) bytes: Vec<u8>,
    /// The program, ready to decide.
    pub(crate) program: Program,
    /// The config, for metrics and analysis.
    pub(crate) config: Config,
}

/// The published config, from this isolate's memory when it is fresh enough; `None` when nothing is published.
pub(crate) async fn published(_env: &Env, _context: &Context, _settings: &Settings) -> Option<Rc<Published>> {
    None
}
