//! A config as commands use it: read, compiled, and with the name of its version.

use crate::input;
use crate::output::Failure;
use sha2::{Digest as _, Sha256};
use splitlight_engine::{Compiled, Program, compile};
use splitlight_protocol::Issue;
use splitlight_protocol::config::{self, Config, Parsed};

/// A config that was read.
pub(crate) struct Read {
    parsed: Parsed,
    pub(crate) program: Program,
    /// What is wrong with it, with pointers into the document; the items named are not in the program.
    pub(crate) issues: Vec<Issue>,
}

/// Reads and compiles a config.
pub(crate) fn read(path: &str) -> Result<Read, Failure> {
    let parsed = config::parse(&input::text(path)?);
    let Compiled { program, issues } = compile(&parsed.config);
    let mut read = Read { issues: parsed.issues.clone(), parsed, program };
    read.add(issues);
    Ok(read)
}

impl Read {
    pub(crate) fn config(&self) -> &Config {
        &self.parsed.config
    }

    /// Adds what else is wrong, with pointers into the config, which lacks the items that could not be read.
    pub(crate) fn add(&mut self, issues: Vec<Issue>) {
        self.issues.extend(issues.into_iter().map(|issue| self.parsed.in_document(issue)));
    }

    /// The name of this version, which is the one the Worker gives it: the start of its program's SHA-256.
    pub(crate) fn version(&self) -> String {
        let digest = Sha256::digest(self.program.to_bytes());
        let start = digest.iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte));
        format!("{start:016x}")
    }
}
