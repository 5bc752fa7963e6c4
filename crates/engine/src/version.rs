//! Versions as texts whose order is that of the versions, as in GrowthBook's public contract.

use crate::program::Digits;
use splitlight_protocol::Value;

/// A version as GrowthBook compares them; what is no version is `0`.
///
/// ```
/// use splitlight_engine::padded_version;
/// use splitlight_protocol::Value;
/// assert_eq!(padded_version(&Value::from("v1.2.3-rc.1")), "    1-    2-    3-rc-    1");
/// assert!(padded_version(&Value::from("1.10.0")) > padded_version(&Value::from("1.9.0")));
/// ```
pub fn padded_version(value: &Value) -> String {
    let digits = Digits::default();
    padded(value, digits).or_else(|| padded(&Value::Number(0.0), digits)).unwrap_or_default()
}

/// The text of a version: parts of digits padded to five, and a `~` after three parts so that a release follows its
/// pre-releases. Only texts and numbers are versions.
pub(crate) fn padded(value: &Value, digits: Digits) -> Option<String> {
    let text = match value {
        Value::String(text) if text.is_empty() => "0".to_owned(),
        Value::String(text) => text.clone(),
        Value::Number(number) => (digits.0)(*number),
        _ => return None,
    };
    let mut bytes = text.as_bytes();
    bytes = bytes.strip_prefix(b"v").unwrap_or(bytes);
    let (mut out, mut parts) = (String::new(), 0);
    for part in bytes.split(|byte| *byte == b'+').next()?.split(|byte| matches!(byte, b'-' | b'.')) {
        if parts > 0 {
            out.push('-');
        }
        parts += 1;
        if !part.is_empty() && part.iter().all(u8::is_ascii_digit) {
            (part.len()..5).for_each(|_| out.push(' '));
        }
        out.push_str(core::str::from_utf8(part).unwrap_or_default());
    }
    if parts == 3 {
        out.push_str("-~");
    }
    Some(out)
}
