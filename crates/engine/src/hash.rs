//! The hash that gives a visitor their bucket, as in GrowthBook's public contract.

use crate::codec::wire_enum;

/// Which hash of the contract is used; it is written in the document, so that a bucket never moves by an update.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HashVersion {
    /// 1,000 buckets; for imported documents. Biased between experiments whose seeds are alike.
    V1,
    /// 10,000 buckets.
    V2,
}

wire_enum!(HashVersion { 1 => V1, 2 => V2 });

/// A visitor's place in `[0, 1)` for a seed.
///
/// Version 2 is `fnv32a(decimal(fnv32a(seed + id))) % 10000 / 10000`, version 1 is `fnv32a(id + seed) % 1000 / 1000`,
/// both over UTF-16 code units.
///
/// ```
/// use splitlight_engine::{HashVersion, bucket};
/// assert_eq!(bucket("seed", "user-1", HashVersion::V2), 0.4232);
/// assert_eq!(bucket("", "a", HashVersion::V1), 0.22);
/// ```
pub fn bucket(seed: &str, id: &str, version: HashVersion) -> f64 {
    match version {
        HashVersion::V1 => f64::from(fnv32a(fnv32a(OFFSET, id), seed) % 1000) / 1000.0,
        HashVersion::V2 => bucket_from(fnv32a(OFFSET, seed), id),
    }
}

/// The place by version 2, given the hash of the seed.
pub(crate) fn bucket_from(seed: u32, id: &str) -> f64 {
    place(fnv32a_decimal(fnv32a(seed, id)))
}

fn place(hash: u32) -> f64 {
    f64::from(hash % 10_000) / 10_000.0
}

pub(crate) const OFFSET: u32 = 0x811c_9dc5;
const PRIME: u32 = 0x0100_0193;

fn step(hash: u32, unit: u32) -> u32 {
    (hash ^ unit).wrapping_mul(PRIME)
}

pub(crate) fn fnv32a(start: u32, text: &str) -> u32 {
    // Nearly every id is ASCII, whose bytes are its code units.
    if text.is_ascii() {
        return text.bytes().fold(start, |hash, byte| step(hash, byte.into()));
    }
    text.encode_utf16().fold(start, |hash, unit| step(hash, unit.into()))
}

/// The places of one id by version 2 for several seeds, given their hashes.
///
/// Each step of a hash waits for the one before it, so that several hashes side by side take the time of one.
pub(crate) fn buckets_from<const N: usize>(seeds: [u32; N], id: &str) -> [f64; N] {
    if !id.is_ascii() {
        return seeds.map(|seed| bucket_from(seed, id));
    }
    let mut hashes = seeds;
    for byte in id.bytes() {
        hashes = hashes.map(|hash| step(hash, byte.into()));
    }
    hashes.map(|hash| place(fnv32a_decimal(hash)))
}

/// The hash of a number's decimal digits, without writing them to a string first.
fn fnv32a_decimal(number: u32) -> u32 {
    let mut digits = [0; 10];
    let mut count = 0;
    let mut rest = number;
    for digit in &mut digits {
        *digit = u32::from(b'0') + rest % 10;
        rest /= 10;
        count += 1;
        if rest == 0 {
            break;
        }
    }
    digits.iter().take(count).rev().fold(OFFSET, |hash, digit| step(hash, *digit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimal_digits_hash_as_their_text() {
        for number in [0, 1, 9, 10, 99, 100, 12_345, 1_000_000_000, u32::MAX] {
            assert_eq!(fnv32a_decimal(number), fnv32a(OFFSET, &number.to_string()), "{number}");
        }
    }
}
