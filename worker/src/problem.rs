//! Errors as RFC 9457 problem documents.

use worker::{Response, Result};

/// The answer to a path that is ours and means nothing.
pub(crate) fn not_found() -> Result<Response> {
    Response::error("not found", 404)
}
