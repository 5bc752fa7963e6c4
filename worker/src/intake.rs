//! The intake of events.

use crate::settings::Settings;
use worker::{Context, Env, Request, Response, Result};

pub(crate) async fn receive(_request: Request, _env: &Env, _context: &Context, _settings: &Settings) -> Result<Response> {
    Response::error("not found", 404)
}
