//! Signatures with the secret `COOKIE_KEY`: they say that a text came from this edge.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;
use worker::Env;

/// 128 bits, more than anybody can try.
const BYTES: usize = 16;

/// The key, when the deployment has one.
pub(crate) fn key(env: &Env) -> Option<Vec<u8>> {
    env.secret("COOKIE_KEY").ok().and_then(|key| from_hex(&key.to_string()))
}

/// The key, and after it the former ones in `COOKIE_KEYS_OLD`, separated by commas, whose signatures still hold.
pub(crate) fn keys(env: &Env) -> Vec<Vec<u8>> {
    let Some(key) = key(env) else { return Vec::new() };
    let old = env.secret("COOKIE_KEYS_OLD").map(|keys| keys.to_string()).unwrap_or_default();
    std::iter::once(key).chain(old.split(',').filter_map(from_hex)).collect()
}

/// The signature of a text.
pub(crate) fn of(key: &[u8], text: &str) -> String {
    // A key of any length is a key.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return String::new() };
    mac.update(text.as_bytes());
    base64url(&mac.finalize().into_bytes()[..BYTES])
}

/// Whether a signature is that of a text, in a time that does not tell how much of it is right.
pub(crate) fn is(key: &[u8], text: &str, signature: &str) -> bool {
    bool::from(signature.as_bytes().ct_eq(of(key, text).as_bytes()))
}

fn base64url(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let bits = (0..3).fold(0, |bits, at| bits << 8 | usize::from(three.get(at).copied().unwrap_or(0)));
        for at in 0..=three.len() {
            text.push(char::from(ALPHABET[bits >> (18 - 6 * at) & 63]));
        }
    }
    text
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u32>> = text.trim().chars().map(|c| c.to_digit(16)).collect();
    let digits = digits.filter(|digits| !digits.is_empty() && digits.len().is_multiple_of(2))?;
    digits.chunks(2).map(|pair| u8::try_from(pair[0] * 16 + pair[1]).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_the_first_half_of_the_hmac() {
        // Python: base64.urlsafe_b64encode(hmac.new(b"key", id, "sha256").digest()[:16])
        assert_eq!(of(b"key", "0b9d1f0a-6a51-4c6e-9d5e-2f5a7f0c1b2d"), "y6C_fKlsuqmMK-UAW5N-tw");
    }

    #[test]
    fn keys_are_whole_bytes_in_hexadecimal() {
        assert_eq!(from_hex("00fF"), Some(vec![0, 255]));
        assert_eq!((from_hex(""), from_hex("0"), from_hex("zz")), (None, None, None));
    }
}
