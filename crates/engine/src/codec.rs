//! The compact binary form, written by hand: half the code of a derived one in the browser download.
//!
//! Numbers are LEB128 (signed ones zigzag), floats are their eight bytes, texts and lists begin with their length, and
//! a choice is one byte. There are no names and no versions inside; the first bytes of a document say what it is.

use splitlight_protocol::{Map, Timestamp, Value};

/// Bytes that are still to be read.
///
/// A reader that failed gives zeros from then on, so that no value has a way out in the middle of its fields: those
/// ways, each of which drops the fields before it, were a third of the code.
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
    failed: bool,
    /// How many more values may be within the one that is read.
    depth: u8,
}

/// Values within values: a condition of the allowed depth needs fewer than three a level.
const DEPTH_MAX: u8 = 100;

/// Something with a compact form. Reading what [`Wire::write`] wrote gives the same; other bytes make the reader fail.
pub(crate) trait Wire: Sized {
    fn write(&self, out: &mut Vec<u8>);
    fn read(from: &mut Reader<'_>) -> Self;
}

/// Reads a whole document; what is left over makes it none.
pub(crate) fn read_all<T: Wire>(bytes: &[u8]) -> Option<T> {
    let mut reader = Reader { rest: bytes, failed: false, depth: DEPTH_MAX };
    let read = T::read(&mut reader);
    (!reader.failed && reader.rest.is_empty()).then_some(read)
}

/// Reads what bytes begin with, and gives the rest.
pub(crate) fn read_start<T: Wire>(bytes: &[u8]) -> Option<(T, &[u8])> {
    let mut reader = Reader { rest: bytes, failed: false, depth: DEPTH_MAX };
    let read = T::read(&mut reader);
    (!reader.failed).then_some((read, reader.rest))
}

/// Lets a value go. What lives `FOREVER` is never taken apart, so that a browser need not download the code for it.
pub(crate) fn let_go<T, const FOREVER: bool>(value: T) {
    if FOREVER {
        core::mem::forget(value);
    }
}

/// Reads what a document begins with.
pub(crate) fn read_front<T, const FOREVER: bool>(
    bytes: &[u8],
    read: impl FnOnce(&mut Reader<'_>) -> T,
) -> Option<T> {
    let mut reader = Reader { rest: bytes, failed: false, depth: DEPTH_MAX };
    let read = read(&mut reader);
    if reader.failed {
        let_go::<_, FOREVER>(read);
        return None;
    }
    Some(read)
}

/// An entry of a program, which begins with its key if it has one.
pub(crate) trait Entry: Wire {
    /// What stands for an entry that cannot be read.
    fn closed(key: String) -> Self;
}

/// Writes every entry with its length before it, so that a reader can go on after one that it does not know.
pub(crate) fn write_entries<T: Entry>(entries: &[T], out: &mut Vec<u8>) {
    (entries.len() as u64).write(out);
    for entry in entries {
        let mut bytes = Vec::new();
        entry.write(&mut bytes);
        (bytes.len() as u64).write(out);
        out.extend(bytes);
    }
}

/// Reads [`write_entries`].
pub(crate) fn read_entries<T: Entry, const FOREVER: bool>(from: &mut Reader<'_>) -> Vec<T> {
    let mut entries = Vec::new();
    from.entries(&mut |inner, closed| {
        let entry = match closed {
            None => T::read(inner),
            Some(key) => {
                let_go::<_, FOREVER>(entries.pop());
                T::closed(key)
            }
        };
        entries.push(entry);
    });
    entries
}

impl<'a> Reader<'a> {
    /// From here on there is nothing to read.
    pub(crate) fn fail(&mut self) {
        self.failed = true;
        self.rest = &[];
    }

    /// Reads a list; its loop is here once, not in the code of every type.
    #[inline(never)]
    fn list(&mut self, item: &mut dyn FnMut(&mut Self)) {
        let mut left = self.length();
        self.enter();
        while left > 0 && !self.failed {
            item(self);
            left -= 1;
        }
        self.depth += 1;
    }

    /// Reads entries; one that cannot be read is asked for again, with its key.
    #[inline(never)]
    fn entries(&mut self, entry: &mut dyn FnMut(&mut Self, Option<String>)) {
        let depth = self.depth;
        let mut left = self.length();
        while left > 0 && !self.failed {
            let length = self.length();
            let bytes = self.take(length);
            let mut inner = Reader { rest: bytes, failed: false, depth };
            entry(&mut inner, None);
            if inner.failed || !inner.rest.is_empty() {
                let mut again = Reader { rest: bytes, failed: false, depth: 0 };
                let key = String::read(&mut again);
                entry(&mut inner, Some(key));
            }
            left -= 1;
        }
    }

    /// Goes into a value; who does adds one to the depth afterwards.
    #[inline(never)]
    fn enter(&mut self) {
        if self.depth == 0 {
            self.fail();
        }
        self.depth = self.depth.saturating_sub(1);
    }

    #[inline(never)]
    pub(crate) fn byte(&mut self) -> u8 {
        if let Some((first, rest)) = self.rest.split_first() {
            self.rest = rest;
            *first
        } else {
            self.fail();
            0
        }
    }

    fn take(&mut self, count: usize) -> &'a [u8] {
        if let Some((head, rest)) = self.rest.split_at_checked(count) {
            self.rest = rest;
            head
        } else {
            self.fail();
            &[]
        }
    }

    /// A length that the bytes left could hold, so that a damaged one asks for no memory.
    fn length(&mut self) -> usize {
        match usize::try_from(u64::read(self)) {
            Ok(length) if length <= self.rest.len() => length,
            _ => {
                self.fail();
                0
            }
        }
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

    fn read(from: &mut Reader<'_>) -> Self {
        let (mut number, mut shift) = (0, 0);
        while shift < 64 {
            let byte = from.byte();
            number |= Self::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return number;
            }
            shift += 7;
        }
        from.fail();
        0
    }
}

impl Wire for i64 {
    fn write(&self, out: &mut Vec<u8>) {
        ((self << 1) ^ (self >> 63)).cast_unsigned().write(out);
    }

    fn read(from: &mut Reader<'_>) -> Self {
        let zigzag = u64::read(from);
        (zigzag >> 1).cast_signed() ^ -(zigzag & 1).cast_signed()
    }
}

impl Wire for u32 {
    fn write(&self, out: &mut Vec<u8>) {
        u64::from(*self).write(out);
    }

    fn read(from: &mut Reader<'_>) -> Self {
        u64::read(from).try_into().unwrap_or_else(|_| {
            from.fail();
            0
        })
    }
}

impl Wire for i32 {
    fn write(&self, out: &mut Vec<u8>) {
        i64::from(*self).write(out);
    }

    fn read(from: &mut Reader<'_>) -> Self {
        i64::read(from).try_into().unwrap_or_else(|_| {
            from.fail();
            0
        })
    }
}

impl Wire for f64 {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.to_le_bytes());
    }

    fn read(from: &mut Reader<'_>) -> Self {
        Self::from_le_bytes(from.take(8).first_chunk().copied().unwrap_or_default())
    }
}

impl Wire for bool {
    fn write(&self, out: &mut Vec<u8>) {
        out.push(u8::from(*self));
    }

    fn read(from: &mut Reader<'_>) -> Self {
        from.byte() != 0
    }
}

impl Wire for String {
    fn write(&self, out: &mut Vec<u8>) {
        (self.len() as u64).write(out);
        out.extend_from_slice(self.as_bytes());
    }

    fn read(from: &mut Reader<'_>) -> Self {
        let length = from.length();
        if let Ok(text) = core::str::from_utf8(from.take(length)) {
            text.to_owned()
        } else {
            from.fail();
            Self::new()
        }
    }
}

impl Wire for Timestamp {
    fn write(&self, out: &mut Vec<u8>) {
        self.ms().write(out);
    }

    fn read(from: &mut Reader<'_>) -> Self {
        Self::from_ms(i64::read(from))
    }
}

impl<T: Wire> Wire for Vec<T> {
    fn write(&self, out: &mut Vec<u8>) {
        (self.len() as u64).write(out);
        for item in self {
            item.write(out);
        }
    }

    fn read(from: &mut Reader<'_>) -> Self {
        let mut items = Self::new();
        from.list(&mut |from| items.push(T::read(from)));
        items
    }
}

impl<T: Wire> Wire for Option<T> {
    fn write(&self, out: &mut Vec<u8>) {
        out.push(u8::from(self.is_some()));
        if let Some(inner) = self {
            inner.write(out);
        }
    }

    fn read(from: &mut Reader<'_>) -> Self {
        (from.byte() != 0).then(|| T::read(from))
    }
}

impl<T: Wire> Wire for Box<T> {
    fn write(&self, out: &mut Vec<u8>) {
        T::write(self, out);
    }

    fn read(from: &mut Reader<'_>) -> Self {
        from.enter();
        let inner = Self::new(T::read(from));
        from.depth += 1;
        inner
    }
}

impl<A: Wire, B: Wire> Wire for (A, B) {
    fn write(&self, out: &mut Vec<u8>) {
        self.0.write(out);
        self.1.write(out);
    }

    fn read(from: &mut Reader<'_>) -> Self {
        (A::read(from), B::read(from))
    }
}

impl Wire for Map {
    fn write(&self, out: &mut Vec<u8>) {
        (self.len() as u64).write(out);
        for (name, value) in self.iter() {
            name.to_owned().write(out);
            value.write(out);
        }
    }

    fn read(from: &mut Reader<'_>) -> Self {
        Self::from_iter(Vec::<(String, Value)>::read(from))
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
                map.write(out);
            }
        }
    }

    fn read(from: &mut Reader<'_>) -> Self {
        match from.byte() {
            0 => Self::Null,
            1 => Self::Bool(false),
            2 => Self::Bool(true),
            3 => Self::Number(f64::read(from)),
            4 => Self::String(String::read(from)),
            5 => Self::Array(Vec::read(from)),
            6 => Self::Object(Map::read(from)),
            _ => {
                from.fail();
                Self::Null
            }
        }
    }
}

/// The compact form of a struct: its fields, one after the other.
macro_rules! wire_struct {
    ($name:ty { $($field:ident),* $(,)? }) => {
        impl $crate::codec::Wire for $name {
            fn write(&self, out: &mut Vec<u8>) {
                $(self.$field.write(out);)*
            }

            fn read(from: &mut $crate::codec::Reader<'_>) -> Self {
                Self { $($field: $crate::codec::Wire::read(from)),* }
            }
        }
    };
}

/// The compact form of an enum: one byte that says which, and the fields of that one. The first must not hold itself,
/// because it stands for an unknown one once the reader has failed.
macro_rules! wire_enum {
    ($name:ty {
        $first_tag:literal => $first:ident $(($($first_part:ident),*))? $({$($first_field:ident),*})?
        $(, $tag:literal => $variant:ident $(($($part:ident),*))? $({$($field:ident),*})?)* $(,)?
    }) => {
        impl $crate::codec::Wire for $name {
            fn write(&self, out: &mut Vec<u8>) {
                match self {
                    Self::$first $(($($first_part),*))? $({$($first_field),*})? => {
                        out.push($first_tag);
                        $($($first_part.write(out);)*)?
                        $($($first_field.write(out);)*)?
                    }
                    $(Self::$variant $(($($part),*))? $({$($field),*})? => {
                        out.push($tag);
                        $($($part.write(out);)*)?
                        $($($field.write(out);)*)?
                    })*
                }
            }

            fn read(from: &mut $crate::codec::Reader<'_>) -> Self {
                match from.byte() {
                    $($tag => {
                        $($(let $part = $crate::codec::Wire::read(from);)*)?
                        $($(let $field = $crate::codec::Wire::read(from);)*)?
                        Self::$variant $(($($part),*))? $({$($field),*})?
                    })*
                    tag => {
                        if tag != $first_tag {
                            from.fail();
                        }
                        $($(let $first_part = $crate::codec::Wire::read(from);)*)?
                        $($(let $first_field = $crate::codec::Wire::read(from);)*)?
                        Self::$first $(($($first_part),*))? $({$($first_field),*})?
                    }
                }
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
        survives(&Box::new(7_u64));
        [0.0, -0.5, f64::INFINITY].iter().for_each(survives);
    }

    #[test]
    fn a_length_beyond_the_bytes_is_refused() {
        assert_eq!(read_all::<Vec<u64>>(&[0xff, 0xff, 0xff, 0xff, 0x7f]), None);
        assert_eq!(read_all::<String>(&[2, 0xc3, 0x28]), None, "no UTF-8");
    }

    #[test]
    fn values_within_values_have_an_end() {
        let nested = |depth: usize| [[5, 1].repeat(depth), vec![0]].concat();
        assert!(read_all::<Value>(&nested(90)).is_some());
        assert_eq!(read_all::<Value>(&nested(100_000)), None);
    }
}
