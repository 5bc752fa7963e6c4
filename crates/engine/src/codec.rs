//! The compact binary form, written by hand: half the code of a derived one in the browser download.
//!
//! Numbers are LEB128 (signed ones zigzag), floats are their eight bytes, texts and lists begin with their length, and
//! a choice is one byte. There are no names and no versions inside; the first bytes of a document say what it is.

mod forms;

use splitlight_protocol::{Map, Timestamp, Value};

pub(crate) use forms::{wire_enum, wire_parts, wire_struct};

/// Bytes that are still to be read.
///
/// A reader that failed gives zeros from then on, so that no value has a way out in the middle of its fields.
#[derive(Clone, Copy)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
    failed: bool,
    /// How many more values may be within the one that is read.
    depth: u8,
}

/// Values within values: a condition of the allowed depth needs fewer than four a level.
const DEPTH_MAX: u8 = 100;

/// What this release can read. Whoever changes what an entry of a program may hold adds one, and writes the new level with
/// the entries that hold it: an older release closes those and runs the others.
pub(crate) const LEVEL: u8 = 1;

/// Something with a compact form. Reading what [`Wire::write`] wrote gives the same; other bytes make the reader fail.
pub(crate) trait Wire: Sized {
    fn write(&self, out: &mut Vec<u8>);
    fn read(from: &mut Reader<'_>) -> Self;
}

/// Reads a whole document; what is left over makes it none.
pub(crate) fn read_all<T: Wire>(bytes: &[u8]) -> Option<T> {
    let (read, rest) = read_start(bytes)?;
    rest.is_empty().then_some(read)
}

/// Reads what bytes begin with, and gives the rest.
pub(crate) fn read_start<T: Wire>(bytes: &[u8]) -> Option<(T, &[u8])> {
    let mut reader = Reader::new(bytes);
    let read = T::read(&mut reader);
    (!reader.failed).then_some((read, reader.rest))
}

/// Writes something with its length before it, so that a reader can pass over it: a part.
pub(crate) fn write_part(value: &impl Wire, out: &mut Vec<u8>) {
    let mut bytes = Vec::new();
    value.write(&mut bytes);
    (bytes.len() as u64).write(out);
    out.extend(bytes);
}

/// Reads [`write_part`]; what is left over in the part makes the reader fail.
pub(crate) fn read_part<T: Wire>(from: &mut Reader<'_>) -> T {
    let mut part = from.part();
    let read = T::read(&mut part);
    if part.failed || !part.is_empty() {
        from.fail();
    }
    read
}

/// An entry of a program, which begins with its key if it has one.
pub(crate) trait Entry: Wire {
    /// What stands for an entry that cannot be read.
    fn closed(key: String) -> Self;

    /// The first level that reads this entry.
    fn level(&self) -> u8 {
        0
    }
}

/// Writes entries, each of them as a part that begins with its level.
pub(crate) fn write_entries<T: Entry>(entries: &[T], out: &mut Vec<u8>) {
    (entries.len() as u64).write(out);
    for entry in entries {
        let mut bytes = vec![entry.level()];
        entry.write(&mut bytes);
        (bytes.len() as u64).write(out);
        out.extend(bytes);
    }
}

/// Reads [`write_entries`]; one of a newer release is closed.
pub(crate) fn read_entries<T: Entry>(from: &mut Reader<'_>) -> Vec<T> {
    let mut entries = Vec::new();
    for _ in 0..from.length() {
        let mut part = from.part();
        if part.byte() > LEVEL {
            entries.push(T::closed(String::read(&mut part)));
            continue;
        }
        let entry = T::read(&mut part);
        if part.failed || !part.is_empty() {
            from.fail();
            break;
        }
        entries.push(entry);
    }
    entries
}

impl<'a> Reader<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, failed: false, depth: DEPTH_MAX }
    }

    /// Whether all is read.
    pub(crate) const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// Whether there was nothing to read where something should be.
    pub(crate) const fn failed(&self) -> bool {
        self.failed
    }

    /// What is still to be read.
    pub(crate) const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Reads the level that an entry begins with; of one of a newer release there is only the key to read.
    pub(crate) fn level(&mut self) {
        if self.byte() > LEVEL {
            let mut after = *self;
            after.text();
            self.rest = self.take(self.rest.len() - after.rest.len());
        }
    }

    /// Reads a part.
    #[inline(never)]
    pub(crate) fn part(&mut self) -> Self {
        let length = self.length();
        let rest = self.take(length);
        // Parts are within parts, so that hostile bytes cannot nest them without end.
        let (rest, depth) = if self.depth == 0 { (&[][..], 0) } else { (rest, self.depth - 1) };
        Self { rest, failed: self.depth == 0, depth }
    }

    /// Reads a text.
    #[inline(never)]
    pub(crate) fn text(&mut self) -> &'a str {
        let length = self.length();
        core::str::from_utf8(self.take(length)).unwrap_or_else(|_| {
            self.fail();
            ""
        })
    }

    /// Reads a position or a count.
    pub(crate) fn index(&mut self) -> usize {
        u32::read(self) as usize
    }

    /// From here on there is nothing to read.
    pub(crate) fn fail(&mut self) {
        self.failed = true;
        self.rest = &[];
    }

    /// Reads a list; its loop is here once, not in the code of every type.
    #[inline(never)]
    pub(crate) fn list(&mut self, item: &mut dyn FnMut(&mut Self)) {
        let mut left = self.length();
        self.enter();
        while left > 0 && !self.failed {
            item(self);
            left -= 1;
        }
        self.depth += 1;
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

    #[inline(never)]
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
    #[inline(never)]
    pub(crate) fn length(&mut self) -> usize {
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
        from.text().to_owned()
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
