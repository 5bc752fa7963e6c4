//! The compact binary form, written by hand: half the code of a derived one in the browser download.
//!
//! Numbers are LEB128 (signed ones zigzag), floats are their eight bytes, texts and lists begin with their length, and
//! a choice is one byte. There are no names and no versions inside; the first bytes of a document say what it is.

use splitlight_protocol::{Map, Timestamp, Value};

/// Bytes that are still to be read.
pub(crate) struct Reader<'a>(&'a [u8]);

/// Something with a compact form. Reading what [`Wire::write`] wrote gives the same; other bytes give `None`.
pub(crate) trait Wire: Sized {
    fn write(&self, out: &mut Vec<u8>);
    fn read(from: &mut Reader<'_>) -> Option<Self>;
}

/// Reads a whole document; what is left over makes it none.
pub(crate) fn read_all<T: Wire>(bytes: &[u8]) -> Option<T> {
    let mut reader = Reader(bytes);
    T::read(&mut reader).filter(|_| reader.0.is_empty())
}

impl<'a> Reader<'a> {
    pub(crate) fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(head)
    }

    /// A length that the bytes left could hold, so that a damaged one asks for no memory.
    fn length(&mut self) -> Option<usize> {
        let length = usize::try_from(u64::read(self)?).ok()?;
        (length <= self.0.len()).then_some(length)
    }
}

impl Wire for u64 {
    fn write(&self, out: &mut Vec<u8>) {
        let mut rest = *self;
        while rest > 0x7f {
            out.push(rest.to_le_bytes()[0] | 0x80);
            rest >>= 7;
        }
        out.push(rest.to_le_bytes()[0]);
    }

    fn read(from: &mut Reader<'_>) -> Option<Self> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = from.byte()?;
            number |= Self::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(number);
            }
        }
        None
    }
}

impl Wire for i64 {
    fn write(&self, out: &mut Vec<u8>) {
        ((self << 1) ^ (self >> 63)).cast_unsigned().write(out);
    }

    fn read(from: &mut Reader<'_>) -> Option<Self> {
        let zigzag = u64::read(from)?;
        Some((zigzag >> 1).cast_signed() ^ -(zigzag & 1).cast_signed())
    }
}

impl Wire for u32 {
    fn write(&self, out: &mut Vec<u8>) {
        u64::from(*self).write(out);
    }

    fn read(from: &mut Reader<'_>) -> Option<Self> {
        u64::read(from)?.try_into().ok()
    }
}

impl Wire for i32 {
    fn write(&self, out: &mut Vec<u8>) {
        i64::from(*self).write(out);
    }

    fn read(from: &mut Reader<'_>) -> Option<Self> {
        i64::read(from)?.try_into().ok()
    }
}

impl Wire for f64 {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend(self.to_le_bytes());
    }

    fn read(from: &mut Reader<'_>) -> Option<Self> {
        Some(Self::from_le_bytes(*from.take(8)?.first_chunk()?))
    }
}

impl Wire for bool {
    fn write(&self, out: &mut Vec<u8>) {
        out.push(u8::from(*self));
    }

    fn read(from: &mut Reader<'_>) -> Option<Self> {
        Some(from.byte()? != 0)
    }
}

impl Wire for String {
    fn write(&self, out: &mut Vec<u8>) {
        (self.len() as u64).write(out);
        out.extend(self.as_bytes());
    }

    fn read(from: &mut Reader<'_>) -> Option<Self> {
        let length = from.length()?;
        Some(core::str::from_utf8(from.take(length)?).ok()?.to_owned())
    }
}

impl Wire for Timestamp {
    fn write(&self, out: &mut Vec<u8>) {
        self.ms().write(out);
    }

    fn read(from: &mut Reader<'_>) -> Option<Self> {
        i64::read(from).map(Self::from_ms)
    }
}

impl<T: Wire> Wire for Vec<T> {
    fn write(&self, out: &mut Vec<u8>) {
        (self.len() as u64).write(out);
        for item in self {
            item.write(out);
        }
    }

    fn read(from: &mut Reader<'_>) -> Option<Self> {
        let mut items = Self::new();
        for _ in 0..from.length()? {
            items.push(T::read(from)?);
        }
        Some(items)
    }
}

impl<T: Wire> Wire for Option<T> {
    fn write(&self, out: &mut Vec<u8>) {
        out.push(u8::from(self.is_some()));
        if let Some(inner) = self {
            inner.write(out);
        }
    }

    fn read(from: &mut Reader<'_>) -> Option<Self> {
        Some(match from.byte()? {
            0 => None,
            _ => Some(T::read(from)?),
        })
    }
}

impl<T: Wire> Wire for Box<T> {
    fn write(&self, out: &mut Vec<u8>) {
        T::write(self, out);
    }

    fn read(from: &mut Reader<'_>) -> Option<Self> {
        T::read(from).map(Self::new)
    }
}

impl<A: Wire, B: Wire> Wire for (A, B) {
    fn write(&self, out: &mut Vec<u8>) {
        self.0.write(out);
        self.1.write(out);
    }

    fn read(from: &mut Reader<'_>) -> Option<Self> {
        Some((A::read(from)?, B::read(from)?))
    }
}

impl Wire for Value {
    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Null => out.push(0),
            Self::Bool(truth) => out.push(1 + u8::from(*truth)),
            Self::Number(number) => {
                out.push(3);
                number.write(out);
            }
            Self::String(text) => {
                out.push(4);
                text.write(out);
            }
            Self::Array(items) => {
                out.push(5);
                items.write(out);
            }
            Self::Object(map) => {
                out.push(6);
                (map.len() as u64).write(out);
                for (name, value) in map.iter() {
                    name.to_owned().write(out);
                    value.write(out);
                }
            }
        }
    }

    fn read(from: &mut Reader<'_>) -> Option<Self> {
        Some(match from.byte()? {
            0 => Self::Null,
            1 => Self::Bool(false),
            2 => Self::Bool(true),
            3 => Self::Number(f64::read(from)?),
            4 => Self::String(String::read(from)?),
            5 => Self::Array(Vec::read(from)?),
            6 => Self::Object(Map::from_iter(Vec::<(String, Self)>::read(from)?)),
            _ => return None,
        })
    }
}

/// The compact form of a struct: its fields, one after the other.
macro_rules! wire_struct {
    ($name:ty { $($field:ident),* $(,)? }) => {
        impl $crate::codec::Wire for $name {
            fn write(&self, out: &mut Vec<u8>) {
                $(self.$field.write(out);)*
            }

            fn read(from: &mut $crate::codec::Reader<'_>) -> Option<Self> {
                Some(Self { $($field: $crate::codec::Wire::read(from)?),* })
            }
        }
    };
}

/// The compact form of an enum: one byte that says which, and the fields of that one.
macro_rules! wire_enum {
    ($name:ty { $($tag:literal => $variant:ident $(($($part:ident),*))? $({$($field:ident),*})?),* $(,)? }) => {
        impl $crate::codec::Wire for $name {
            fn write(&self, out: &mut Vec<u8>) {
                match self {
                    $(Self::$variant $(($($part),*))? $({$($field),*})? => {
                        out.push($tag);
                        $($($part.write(out);)*)?
                        $($($field.write(out);)*)?
                    })*
                }
            }

            fn read(from: &mut $crate::codec::Reader<'_>) -> Option<Self> {
                Some(match from.byte()? {
                    $($tag => {
                        $($(let $part = $crate::codec::Wire::read(from)?;)*)?
                        $($(let $field = $crate::codec::Wire::read(from)?;)*)?
                        Self::$variant $(($($part),*))? $({$($field),*})?
                    })*
                    _ => return None,
                })
            }
        }
    };
}

pub(crate) use {wire_enum, wire_struct};

#[cfg(test)]
mod tests {
    use super::*;

    fn survives<T: Wire + PartialEq + core::fmt::Debug>(value: &T) {
        let mut out = Vec::new();
        value.write(&mut out);
        assert_eq!(read_all::<T>(&out).as_ref(), Some(value));
        for cut in 0..out.len() {
            assert_eq!(read_all::<T>(&out[..cut]), None, "{value:?} cut at {cut}");
        }
    }

    #[test]
    fn numbers_survive_at_their_ends() {
        [0, 1, 127, 128, u64::MAX].iter().for_each(survives);
        [0, -1, 63, -64, 64, i64::MIN, i64::MAX].iter().for_each(survives);
        [i32::MIN, i32::MAX].iter().for_each(survives);
        [0.0, -0.5, f64::INFINITY].iter().for_each(survives);
    }

    #[test]
    fn a_length_beyond_the_bytes_is_refused() {
        assert_eq!(read_all::<Vec<u64>>(&[0xff, 0xff, 0xff, 0xff, 0x7f]), None);
        assert_eq!(read_all::<String>(&[2, 0xc3, 0x28]), None, "no UTF-8");
    }
}
