//! The API.

use crate::settings::Settings;
use worker::{Context, Env, Request, Response, Result};

pub(crate) async fn answer(_request: Request, _path: &str, _env: &Env, _context: &Context, _settings: &Settings) -> Result<Response> {
    Response::error("not found", 404)
}

pub(crate) async fn dashboard(_request: Request, _env: &Env) -> Result<Response> {
    Response::error("not found", 404)
}
