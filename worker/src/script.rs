//! The script that pages load, with the program inside.

use crate::settings::Settings;
use worker::{Context, Env, Request, Response, Result};

pub(crate) async fn serve(_request: &Request, _env: &Env, _context: &Context, _settings: &Settings) -> Result<Response> {
    Response::error("not found", 404)
}
