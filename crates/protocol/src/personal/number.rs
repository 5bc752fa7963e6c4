//! Numbers that name a person or an account, told from other numbers by their check digits where they have some.

use super::{ended, run};

/// Digits from a position on, with single separators between them, and where each one ends.
fn digits(bytes: &[u8], at: usize, separators: &[u8]) -> Vec<(u8, usize)> {
    let mut found = Vec::new();
    let mut here = at;
    while let Some(byte) = bytes.get(here) {
        if byte.is_ascii_digit() {
            found.push((byte - b'0', here + 1));
        } else if found.is_empty() || !separators.contains(byte) || separators.contains(&bytes[here - 1]) {
            break;
        }
        here += 1;
    }
    found
}

fn has_check_digit(digits: impl DoubleEndedIterator<Item = u8>) -> bool {
    let sum: u32 = digits
        .rev()
        .enumerate()
        .map(|(index, digit)| u32::from(digit) * if index % 2 == 1 { 2 } else { 1 })
        .map(|part| if part > 9 { part - 9 } else { part })
        .sum();
    sum.is_multiple_of(10)
}

/// A payment card: by its first digit (American Express to Mastercard), its length and its check digit.
pub(super) fn card(bytes: &[u8], at: usize) -> Option<usize> {
    let found = digits(bytes, at, b" -");
    if !matches!(found.first(), Some((2..=6, _))) {
        return None;
    }
    let length = (13..=19.min(found.len())).rev().find(|length| {
        found.get(length - 1).is_some_and(|(_, end)| ended(bytes, *end).is_some())
            && is_in_groups(&found[..*length])
            && has_check_digit(found[..*length].iter().map(|(digit, _)| *digit))
    })?;
    found.get(length - 1).map(|(_, end)| *end)
}

/// Whether the digits stand together or in groups of four to six, unlike the parts of a date.
fn is_in_groups(found: &[(u8, usize)]) -> bool {
    let mut sizes = vec![1];
    for pair in found.windows(2) {
        match sizes.last_mut() {
            Some(size) if pair[1].1 == pair[0].1 + 1 => *size += 1,
            _ => sizes.push(1),
        }
    }
    sizes.len() == 1 || sizes.iter().all(|size| (3..=6).contains(size)) && sizes[0] == 4
}

/// Whether a number that is no text is that of a card.
pub(super) fn is_card(number: f64) -> bool {
    // Above this the digits of a double are not those that were sent.
    if !(1e12..9_007_199_254_740_992.0).contains(&number) || number.fract() != 0.0 {
        return false;
    }
    let text = format!("{number:.0}");
    card(text.as_bytes(), 0) == Some(text.len())
}

/// Two letters, two check digits and 11 to 30 more characters, in groups or not.
pub(super) fn iban(bytes: &[u8], at: usize) -> Option<usize> {
    let country = bytes.get(at..at + 4)?;
    if !country[..2].iter().all(u8::is_ascii_uppercase) || !country[2..].iter().all(u8::is_ascii_digit) {
        return None;
    }
    let mut found = Vec::new();
    let mut here = at;
    while let Some(byte) = bytes.get(here) {
        if byte.is_ascii_uppercase() || byte.is_ascii_digit() {
            found.push((*byte, here + 1));
        } else if *byte != b' ' || bytes[here - 1] == b' ' {
            break;
        }
        here += 1;
    }
    let fits = |length: &usize| {
        let (start, rest) = found[..*length].split_at(4);
        let remainder = rest.iter().chain(start).fold(0_u32, |sum, (byte, _)| match byte {
            b'0'..=b'9' => (sum * 10 + u32::from(byte - b'0')) % 97,
            _ => (sum * 100 + u32::from(byte - b'A') + 10) % 97,
        });
        remainder == 1
    };
    let length = (15..=34.min(found.len())).rev().find(fits)?;
    found.get(length - 1).and_then(|(_, end)| ended(bytes, *end))
}

/// `123-45-6789`.
pub(super) fn ssn(bytes: &[u8], at: usize) -> Option<usize> {
    groups(bytes, at, &[3, 2, 4], b"-")
}

/// Groups of digits with one and the same separator between them.
fn groups(bytes: &[u8], at: usize, sizes: &[usize], separators: &[u8]) -> Option<usize> {
    let mut here = at;
    let mut between = None;
    for (index, size) in sizes.iter().enumerate() {
        if index > 0 {
            let separator = *bytes.get(here).filter(|byte| separators.contains(byte))?;
            if *between.get_or_insert(separator) != separator {
                return None;
            }
            here += 1;
        }
        if run(bytes, here, |byte| byte.is_ascii_digit()) != *size {
            return None;
        }
        here += size;
    }
    ended(bytes, here)
}

/// `+` and 8 to 15 digits.
pub(super) fn phone_international(bytes: &[u8], at: usize) -> Option<usize> {
    bytes.get(at).filter(|byte| **byte == b'+')?;
    let start = at + 1;
    let mut count = 0;
    let mut end = start;
    for (index, byte) in bytes.get(start..)?.iter().enumerate() {
        if byte.is_ascii_digit() {
            (count, end) = (count + 1, start + index + 1);
        } else if !b" ()-./".contains(byte) || index + start > end + 1 {
            break;
        }
    }
    if (8..=15).contains(&count) { ended(bytes, end) } else { None }
}

/// `555-123-4567`, `(555) 123-4567` and `600 123 456`.
pub(super) fn phone_national(bytes: &[u8], at: usize) -> Option<usize> {
    if bytes.get(at) == Some(&b'(') {
        let area = run(bytes, at + 1, |byte| byte.is_ascii_digit());
        let closed = (2..=4).contains(&area) && bytes.get(at + 1 + area) == Some(&b')');
        let rest = at + 2 + area + run(bytes, at + 2 + area, |byte| byte == b' ');
        return if closed { groups(bytes, rest, &[3, 4], b"-. ") } else { None };
    }
    // Nine digits in threes are a Spanish or French number when they begin like one, and else a price.
    let mobile = matches!(bytes.get(at), Some(b'6'..=b'9')).then(|| groups(bytes, at, &[3, 3, 3], b"- "));
    groups(bytes, at, &[3, 3, 4], b"-. ").or_else(|| mobile.flatten())
}

const DNI_LETTERS: &[u8; 23] = b"TRWAGMYFPDXBNJZSQVHLCKE";

fn dni_of(bytes: &[u8], at: usize, prefix: u32, length: usize) -> Option<usize> {
    let digits = bytes.get(at..at + length).filter(|digits| digits.iter().all(u8::is_ascii_digit))?;
    let number = digits.iter().fold(prefix, |sum, digit| sum * 10 + u32::from(digit - b'0'));
    let letter = bytes.get(at + length)?.to_ascii_uppercase();
    (DNI_LETTERS[number as usize % 23] == letter).then(|| ended(bytes, at + length + 1))?
}

/// Eight digits and the letter that follows from them.
pub(super) fn dni(bytes: &[u8], at: usize) -> Option<usize> {
    dni_of(bytes, at, 0, 8)
}

/// `X`, `Y` or `Z`, seven digits and the letter.
pub(super) fn nie(bytes: &[u8], at: usize) -> Option<usize> {
    let prefix =
        b"XYZ".iter().position(|letter| bytes.get(at).map(u8::to_ascii_uppercase) == Some(*letter))?;
    dni_of(bytes, at + 1, u32::try_from(prefix).ok()?, 7)
}

/// Two letters, six digits and a letter from A to D, in pairs or not.
pub(super) fn nino(bytes: &[u8], at: usize) -> Option<usize> {
    let spaced = bytes.get(at + 2) == Some(&b' ');
    let length = if spaced { 13 } else { 9 };
    let text = bytes.get(at..at + length)?;
    let plain: Vec<u8> = text.iter().filter(|byte| **byte != b' ').copied().collect();
    let fits = plain.len() == 9
        && plain[..2].iter().all(|byte| byte.is_ascii_uppercase() && !b"DFIQUV".contains(byte))
        && plain[2..8].iter().all(u8::is_ascii_digit)
        && (b'A'..=b'D').contains(&plain[8]);
    if fits { ended(bytes, at + length) } else { None }
}

/// 13 digits and their key of two, in groups or not.
pub(super) fn nir(bytes: &[u8], at: usize) -> Option<usize> {
    let found = digits(bytes, at, b" ");
    if found.len() != 15 || !matches!(found[0].0, 1 | 2) {
        return None;
    }
    let number =
        |part: &[(u8, usize)]| part.iter().fold(0_u64, |sum, (digit, _)| sum * 10 + u64::from(*digit));
    (97 - number(&found[..13]) % 97 == number(&found[13..])).then(|| ended(bytes, found[14].1))?
}
