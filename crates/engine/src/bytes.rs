//! Values as bytes, for shells whose host writes and reads them.
//!
//! A value is a byte for its type and then: nothing for 0 null, 1 false and 2 true; 3 a double, lowest byte first; 4 a
//! text in UTF-8; 5 a list; 6 an object, as a list of a text and a value each. Texts and lists have their length before
//! them, as a LEB128 number. Type 7 is bytes, with their length, and is only written.

use crate::codec::{Wire, read_start};
use splitlight_protocol::Value;

/// Reads a value, and gives what follows it; `None` when the bytes do not begin with one.
///
/// ```
/// use splitlight_engine::bytes;
/// use splitlight_protocol::Value;
/// let mut out = Vec::new();
/// bytes::list(2, &mut out);
/// bytes::text("a", &mut out);
/// bytes::value(&Value::Bool(true), &mut out);
/// out.push(9);
/// assert_eq!(bytes::read(&out), Some((Value::Array(vec!["a".into(), true.into()]), &[9][..])));
/// ```
pub fn read(bytes: &[u8]) -> Option<(Value, &[u8])> {
    read_start(bytes)
}

/// Writes a value.
///
/// ```
/// let mut out = Vec::new();
/// splitlight_engine::bytes::value(&1.0.into(), &mut out);
/// assert_eq!(out, [3, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f]);
/// ```
pub fn value(value: &Value, out: &mut Vec<u8>) {
    value.write(out);
}

/// Writes a text.
///
/// ```
/// let mut out = Vec::new();
/// splitlight_engine::bytes::text("hi", &mut out);
/// assert_eq!(out, *b"\x04\x02hi");
/// ```
pub fn text(text: &str, out: &mut Vec<u8>) {
    sized(4, text.as_bytes(), out);
}

/// Begins a list, whose values follow.
///
/// ```
/// let mut out = Vec::new();
/// splitlight_engine::bytes::list(0, &mut out);
/// assert_eq!(out, [5, 0]);
/// ```
pub fn list(length: usize, out: &mut Vec<u8>) {
    out.push(5);
    (length as u64).write(out);
}

/// Writes bytes that are no text.
///
/// ```
/// let mut out = Vec::new();
/// splitlight_engine::bytes::raw(&[255], &mut out);
/// assert_eq!(out, [7, 1, 255]);
/// ```
pub fn raw(bytes: &[u8], out: &mut Vec<u8>) {
    sized(7, bytes, out);
}

fn sized(kind: u8, bytes: &[u8], out: &mut Vec<u8>) {
    out.push(kind);
    (bytes.len() as u64).write(out);
    out.extend_from_slice(bytes);
}
