//! Encrypted sections: `base64(iv).base64(AES-128-CBC, PKCS #7)`.

use aes::Aes128;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cbc::Decryptor;
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockDecryptMut, KeyIvInit};

/// Decrypts a section with the base64 key of its SDK connection; `None` when key or text are not right.
///
/// ```
/// use splitlight_interop::growthbook::decrypt;
/// let text = "m5ylFM6ndyOJA2OPadubkw==.Uu7ViqgKEt/dWvCyhI46q088PkAEJbnXKf3KPZjf9IEQQ+A8fojNoxw4wIbPX3aj";
/// let feature = decrypt(text, "Zvwv/+uhpFDznZ6SX28Yjg==");
/// assert_eq!(feature.as_deref(), Some(r#"{"feature":{"defaultValue":true}}"#));
/// assert_eq!(decrypt(text, "Zvwv/+uhpFDznZ6SX39Yjg=="), None);
/// ```
pub fn decrypt(text: &str, key: &str) -> Option<String> {
    let (iv, body) = text.split_once('.')?;
    let [key, iv, body] = [key, iv, body].map(|part| STANDARD.decode(part).ok());
    let cipher = Decryptor::<Aes128>::new_from_slices(&key?, &iv?).ok()?;
    let plain = cipher.decrypt_padded_vec_mut::<Pkcs7>(&body?).ok()?;
    String::from_utf8(plain).ok()
}
