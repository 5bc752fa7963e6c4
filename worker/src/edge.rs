//! The edge: the origin's pages, personalized while they stream.

use crate::settings::Settings;
use worker::{Context, Env, Request, Response, Result};

pub(crate) async fn respond(_request: Request, _env: &Env, _context: &Context, _settings: &Settings) -> Result<Response> {
    Response::error("not found", 404)
}
