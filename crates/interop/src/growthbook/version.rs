//! Versions as texts whose order is that of the versions.

use super::number_text;
use splitlight_protocol::Value;

/// A version as GrowthBook compares them: parts of digits are padded to five, a release goes after its pre-releases.
///
/// A leading `v` and what follows a `+` say nothing; what is no version is `0`.
///
/// ```
/// use splitlight_interop::growthbook::padded_version;
/// use splitlight_protocol::Value;
/// assert_eq!(padded_version(&Value::from("v1.2.3-rc.1")), "    1-    2-    3-rc-    1");
/// assert!(padded_version(&Value::from("1.10.0")) > padded_version(&Value::from("1.9.0")));
/// ```
pub fn padded_version(value: &Value) -> String {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number_text(*number),
        _ => String::new(),
    };
    let text = if text.is_empty() { "0" } else { &text };
    let text = text.strip_prefix('v').unwrap_or(text);
    let version = text.split('+').next().unwrap_or(text);
    let mut parts: Vec<&str> = version.split(['-', '.']).collect();
    if parts.len() == 3 {
        // Behind every letter, so that 1.2.3 goes after 1.2.3-rc.1.
        parts.push("~");
    }
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let padded =
        parts.into_iter().map(|part| if digits(part) { format!("{part:>5}") } else { part.to_owned() });
    padded.collect::<Vec<_>>().join("-")
}
