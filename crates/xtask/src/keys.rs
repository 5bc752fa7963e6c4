//! The keys of a local project: made once, kept in a file that only its owner can read.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::error::{Context, Error, Result};

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
        let mut keys =
            Self { file, admin: text("admin"), cookie: text("cookie"), write: text("write"), read: text("read") };
        if keys.admin.is_empty() || keys.cookie.is_empty() {
            keys.admin = format!("sl_admin_{}", random_hex()?);
            keys.cookie = random_hex()?;
            keys.save()?;
        }
        Ok(keys)
    }

    pub(crate) fn save(&self) -> Result<()> {
        let text = json!({ "admin": self.admin, "cookie": self.cookie, "write": self.write, "read": self.read });
        let doing = format!("cannot write {}", self.file.display());
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o600);
        let mut file = options.open(&self.file).context(&doing)?;
        writeln!(file, "{text:#}").context(&doing)
    }
}

fn random_hex() -> Result<String> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|error| Error::new(format!("the system gives no random bytes: {error}")))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
