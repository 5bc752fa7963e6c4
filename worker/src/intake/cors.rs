//! Which pages may send events.

use worker::{Headers, Response, Result};

/// Seconds that a browser may remember the answer to a preflight; browsers cap it at two hours or a day.
const PREFLIGHT_AGE: &str = "86400";

/// The answer to a preflight; [`allow`] adds the origin.
pub(super) fn preflight() -> Result<Response> {
    let headers = Headers::new();
    headers.set("access-control-allow-methods", "POST")?;
    headers.set("access-control-allow-headers", "content-type")?;
    headers.set("access-control-max-age", PREFLIGHT_AGE)?;
    Ok(Response::empty()?.with_status(204).with_headers(headers))
}

/// Lets the page read the response, also when it is an error, if its origin is one of those allowed.
pub(super) fn allow(mut response: Response, origin: Option<&str>, allowed: &[String]) -> Result<Response> {
    for (name, value) in headers(origin, allowed) {
        response.headers_mut().set(name, value)?;
    }
    Ok(response)
}

/// The headers of every response to an origin.
pub(crate) fn headers<'o>(origin: Option<&'o str>, allowed: &[String]) -> Vec<(&'static str, &'o str)> {
    let mut headers = vec![("vary", "Origin")];
    if let Some(origin) = origin.filter(|origin| is_allowed(origin, allowed)) {
        headers.push(("access-control-allow-origin", origin));
        // Beacons always carry cookies, and are refused without this.
        headers.push(("access-control-allow-credentials", "true"));
    }
    headers
}

fn is_allowed(origin: &str, allowed: &[String]) -> bool {
    allowed.iter().any(|known| known == "*" || known.trim_end_matches('/').eq_ignore_ascii_case(origin))
}

#[cfg(test)]
mod tests {
    use super::is_allowed;

    #[test]
    fn an_origin_is_allowed_as_a_whole() {
        let allowed = ["https://shop.example.com/".to_owned()];
        assert!(is_allowed("https://shop.example.com", &allowed));
        assert!(!is_allowed("https://shop.example.com.evil.test", &allowed));
        assert!(!is_allowed("null", &allowed));
        assert!(is_allowed("https://any.test", &["*".to_owned()]));
        assert!(!is_allowed("https://any.test", &[]));
    }
}
