//! Texts, numbers and values in bytes, as the crate's documentation describes them.

use splitlight_protocol::{Map, Value};

/// Values within values that are read; the engine's conditions look no deeper.
const DEPTH_MAX: u32 = 16;

/// What is left of an input; every method gives nothing once it is too short.
pub(crate) struct Reader<'a>(pub(crate) &'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    pub(crate) fn number(&mut self) -> Option<usize> {
        let mut number = 0_usize;
        // Four groups of seven bits are 256 MB, which is more than any input.
        for shift in [0, 7, 14, 21] {
            let byte = self.byte()?;
            number |= usize::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(number);
            }
        }
        None
    }

    /// A number with a sign, in two bytes.
    pub(crate) fn minutes(&mut self) -> Option<i32> {
        let (bytes, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(i16::from_le_bytes(*bytes).into())
    }

    pub(crate) fn bytes(&mut self) -> Option<&'a [u8]> {
        let length = self.number()?;
        let (bytes, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(bytes)
    }

    pub(crate) fn text(&mut self) -> Option<String> {
        core::str::from_utf8(self.bytes()?).ok().map(str::to_owned)
    }

    pub(crate) fn object(&mut self) -> Option<Map> {
        match self.value(0)? {
            Value::Object(map) => Some(map),
            _ => None,
        }
    }

    /// A value of any type.
    pub(crate) fn value_or_null(&mut self) -> Option<Value> {
        self.value(0)
    }

    fn value(&mut self, depth: u32) -> Option<Value> {
        Some(match self.byte()? {
            0 => Value::Null,
            1 => Value::Bool(false),
            2 => Value::Bool(true),
            3 => {
                let (bytes, rest) = self.0.split_first_chunk()?;
                self.0 = rest;
                Value::Number(f64::from_le_bytes(*bytes))
            }
            4 => Value::String(self.text()?),
            5 if depth < DEPTH_MAX => {
                let mut items = Vec::new();
                for _ in 0..self.number()? {
                    items.push(self.value(depth + 1)?);
                }
                Value::Array(items)
            }
            6 if depth < DEPTH_MAX => {
                let mut map = Map::new();
                for _ in 0..self.number()? {
                    let name = self.text()?;
                    map.insert(name, self.value(depth + 1)?);
                }
                Value::Object(map)
            }
            _ => return None,
        })
    }
}

pub(crate) fn put_number(mut number: usize, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push(low_byte(number) | 0x80);
        number >>= 7;
    }
    out.push(low_byte(number));
}

pub(crate) fn put_text(text: &str, out: &mut Vec<u8>) {
    put_number(text.len(), out);
    out.extend_from_slice(text.as_bytes());
}

/// The lowest byte of a position; positions of variations and reasons have no other.
pub(crate) fn low_byte(number: usize) -> u8 {
    number.to_le_bytes()[0]
}
