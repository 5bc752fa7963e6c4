//! Addresses, tokens and secrets, told by their form.

use super::{ended, run};
use core::net::Ipv6Addr;

const fn is_base64url(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}

fn begins(bytes: &[u8], at: usize, text: &[u8]) -> bool {
    bytes.get(at..at + text.len()).is_some_and(|found| found.eq_ignore_ascii_case(text))
}

/// `name@host.tld`, the `@` also as `%40`.
pub(super) fn email(bytes: &[u8], at: usize) -> Option<usize> {
    let is_local = |byte: u8| byte.is_ascii_alphanumeric() || byte >= 0x80 || b"._+'-!#$&*=~".contains(&byte);
    let local = run(bytes, at, is_local);
    let sign = at + local;
    let after = match bytes.get(sign)? {
        b'@' => sign + 1,
        b'%' if begins(bytes, sign, b"%40") => sign + 3,
        _ => return None,
    };
    let is_host = |byte: u8| byte.is_ascii_alphanumeric() || byte >= 0x80 || matches!(byte, b'.' | b'-');
    let host = bytes.get(after..after + run(bytes, after, is_host))?;
    // A full stop at the end belongs to the sentence.
    let length = host.len() - host.iter().rev().take_while(|byte| matches!(byte, b'.' | b'-')).count();
    let dot = host[..length].iter().rposition(|byte| *byte == b'.')?;
    (local > 0 && dot > 0 && length - dot > 2).then_some(after + length)
}

/// Six pairs of hexadecimal digits.
pub(super) fn mac(bytes: &[u8], at: usize) -> Option<usize> {
    let text = bytes.get(at..at + 17)?;
    let separator = text[2];
    let fits = matches!(separator, b':' | b'-')
        && text
            .iter()
            .enumerate()
            .all(|(index, byte)| if index % 3 == 2 { *byte == separator } else { byte.is_ascii_hexdigit() });
    if fits { ended(bytes, at + 17) } else { None }
}

/// Whatever the standard reads as an IPv6 address and is longer than `::1`.
pub(super) fn ipv6(bytes: &[u8], at: usize) -> Option<usize> {
    let length = run(bytes, at, |byte| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.'));
    let text = core::str::from_utf8(bytes.get(at..at + length)?).ok()?.trim_end_matches('.');
    let is_address = text.len() > 3 && text.parse::<Ipv6Addr>().is_ok();
    if is_address { ended(bytes, at + text.len()) } else { None }
}

/// Four numbers up to 255.
pub(super) fn ipv4(bytes: &[u8], at: usize) -> Option<usize> {
    let mut here = at;
    for index in 0..4 {
        if index > 0 {
            bytes.get(here).filter(|byte| **byte == b'.')?;
            here += 1;
        }
        let length = run(bytes, here, |byte| byte.is_ascii_digit());
        let number = core::str::from_utf8(bytes.get(here..here + length)?).ok()?;
        if length > 3 || number.parse::<u8>().is_err() {
            return None;
        }
        here += length;
    }
    // A fifth number makes it something else.
    let goes_on = bytes.get(here) == Some(&b'.') && bytes.get(here + 1).is_some_and(u8::is_ascii_digit);
    if goes_on { None } else { ended(bytes, here) }
}

/// Three parts of base64, of which the first two begin an object.
pub(super) fn jwt(bytes: &[u8], at: usize) -> Option<usize> {
    let mut here = at;
    for index in 0..3 {
        if index > 0 {
            bytes.get(here).filter(|byte| **byte == b'.')?;
            here += 1;
        }
        let length = run(bytes, here, is_base64url);
        if index < 2 && (length < 8 || bytes.get(here..here + 3) != Some(b"eyJ")) {
            return None;
        }
        here += length;
    }
    Some(here)
}

/// `Bearer x` and `Basic x`.
pub(super) fn authorization(bytes: &[u8], at: usize) -> Option<usize> {
    let scheme = [b"bearer ".as_slice(), b"basic "].into_iter().find(|scheme| begins(bytes, at, scheme))?;
    let start = at + scheme.len();
    let length = run(bytes, start, |byte| is_base64url(byte) || b".~+/=".contains(&byte));
    (length >= 12).then_some(start + length)
}

/// `//user:password@`.
pub(super) fn credentials(bytes: &[u8], at: usize) -> Option<usize> {
    if !begins(bytes, at, b"//") {
        return None;
    }
    let length = run(bytes, at + 2, |byte| byte > b' ' && !b"/?#@".contains(&byte));
    let end = at + 2 + length;
    let has_password = bytes.get(at + 2..end)?.contains(&b':');
    (has_password && bytes.get(end) == Some(&b'@')).then_some(end + 1)
}

const SECRET_NAMES: [&[u8]; 14] = [
    b"access_token",
    b"api_key",
    b"apikey",
    b"auth_token",
    b"client_secret",
    b"id_token",
    b"passwd",
    b"password",
    b"pwd",
    b"refresh_token",
    b"secret",
    b"session_id",
    b"sessionid",
    b"token",
];

/// `password=x`, as in a query or a header.
pub(super) fn assignment(bytes: &[u8], at: usize) -> Option<usize> {
    let name = SECRET_NAMES.into_iter().find(|name| begins(bytes, at, name))?;
    let sign = at + name.len();
    bytes.get(sign).filter(|byte| matches!(byte, b'=' | b':'))?;
    let start = sign + 1 + run(bytes, sign + 1, |byte| byte == b' ');
    let length = run(bytes, start, |byte| byte > b' ' && !b"&;,\"'".contains(&byte));
    (length > 0).then_some(start + length)
}

/// Beginnings of keys, and how many characters follow at least.
const KEYS: [(&[u8], usize); 21] = [
    (b"AKIA", 16),
    (b"ASIA", 16),
    (b"AIza", 30),
    (b"ghp_", 30),
    (b"gho_", 30),
    (b"ghu_", 30),
    (b"ghs_", 30),
    (b"ghr_", 30),
    (b"github_pat_", 30),
    (b"xoxb-", 10),
    (b"xoxa-", 10),
    (b"xoxp-", 10),
    (b"xoxr-", 10),
    (b"xoxs-", 10),
    (b"sk_live_", 10),
    (b"sk_test_", 10),
    (b"rk_live_", 10),
    (b"whsec_", 10),
    (b"sl_admin_", 10),
    (b"sl_read_", 10),
    (b"sl_write_", 10),
];

/// Keys whose makers gave them a beginning of their own.
pub(super) fn vendor_key(bytes: &[u8], at: usize) -> Option<usize> {
    KEYS.into_iter().find_map(|(start, more)| {
        let after = at + start.len();
        let length = run(bytes, after, is_base64url);
        (bytes.get(at..after) == Some(start) && length >= more).then_some(after + length)
    })
}

/// A private key in PEM, whole or cut.
pub(super) fn private_key(bytes: &[u8], at: usize) -> Option<usize> {
    let start = b"-----BEGIN ";
    let line = bytes.get(at..).filter(|_| begins(bytes, at, start))?;
    let title = run(line, start.len(), |byte| byte != b'-');
    let is_private = line.get(..start.len() + title)?.windows(7).any(|part| part == b"PRIVATE");
    is_private.then_some(bytes.len())
}
