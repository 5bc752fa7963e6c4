//! The keys of a local project: made once, kept in a file that only its owner can read.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::error::{Error, Result};
use crate::paths;

#[derive(Clone, Debug, Default)]
pub(crate) struct Keys {
    file: PathBuf,
    /// May do everything in the API.
    pub(crate) admin: String,
    /// Signs the visitor's cookie.
    pub(crate) cookie: String,
    /// May send events; it is public, in the page. Empty until the Worker made it.
    pub(crate) write: String,
    /// May read results. Empty until the Worker made it.
    pub(crate) read: String,
}

impl Keys {
    /// Reads `keys.json` in `dir`, or makes the two secrets that the Worker starts with.
    pub(crate) fn open(dir: &Path) -> Result<Self> {
        let file = dir.join("keys.json");
        let stored: Value =
            fs::read(&file).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default();
        let text = |name: &str| stored[name].as_str().unwrap_or_default().to_owned();
        let mut keys = Self {
            file,
            admin: text("admin"),
            cookie: text("cookie"),
            write: text("write"),
            read: text("read"),
        };
        if keys.admin.is_empty() || keys.cookie.is_empty() {
            keys.admin = format!("sl_admin_{}", random_hex()?);
            keys.cookie = random_hex()?;
            keys.save()?;
        }
        Ok(keys)
    }

    pub(crate) fn save(&self) -> Result<()> {
        let text =
            json!({ "admin": self.admin, "cookie": self.cookie, "write": self.write, "read": self.read });
        paths::write_private(&self.file, format!("{text:#}\n"))
    }
}

fn random_hex() -> Result<String> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes)
        .map_err(|error| Error::new(format!("the system gives no random bytes: {error}")))?;
    let digit = |value: u8| char::from_digit(u32::from(value), 16);
    Ok(bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).flatten().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_random_key_has_all_its_digits() {
        let key = random_hex().unwrap_or_default();
        assert_eq!(key.len(), 64);
        assert!(key.chars().all(|digit| digit.is_ascii_hexdigit()), "{key}");
    }
}
