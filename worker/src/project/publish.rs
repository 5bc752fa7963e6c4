//! Publishing: a config is read, compiled and checked as a whole before it replaces the running one.

use super::access::hex;
use super::journal::Change;
use super::object::{Answer, Ask, Stored};
use super::{CONFLICT, Published, remember, tell};
use crate::clock;
use crate::settings::Settings;
use sha2::{Digest, Sha256};
use splitlight_engine::{Compiled, Program, ProgramError, compile};
use splitlight_protocol::config::{self, Config, Status};
use splitlight_protocol::{Issue, Severity, Timestamp};
use std::rc::Rc;
use worker::{Env, Error, Result};

/// A config that may run, and warnings about it.
pub(crate) struct Sound {
    pub(crate) text: String,
    program: Vec<u8>,
    pub(crate) warnings: Vec<Issue>,
}

/// The webhooks that a config brought, with their secrets.
pub(crate) type Secrets = Vec<(String, Vec<u8>)>;

impl Sound {
    /// The config as it is stored, published at a moment.
    pub(super) fn stored(self, at: Timestamp) -> Stored {
        let Self { text, program, .. } = self;
        let mut hash = hex(&Sha256::digest(&program));
        hash.truncate(16);
        Stored { text, program, hash, at }
    }
}

/// Reads and compiles a config.
///
/// # Errors
/// Everything that is wrong with it, when something keeps it from being published.
pub(crate) fn check(text: String) -> std::result::Result<Sound, Vec<Issue>> {
    let parsed = config::parse(&text);
    let mut issues = parsed.issues;
    // Positions in a config that lost items are not those of the document.
    if issues.iter().all(|issue| issue.severity != Severity::Error) {
        let Compiled { program, issues: more } = compile(&parsed.config);
        issues.extend(more);
        issues.extend(splitlight_rewrite::markup_issues(&parsed.config));
        if issues.iter().all(|issue| issue.severity != Severity::Error) {
            return Ok(Sound { text, program: program.to_bytes(), warnings: issues });
        }
    }
    Err(issues)
}

/// The program of a stored config; one that an earlier release compiled into another form is compiled again.
///
/// # Errors
/// When it is damaged, or this release refuses the config.
pub(super) fn program(stored: Stored) -> Result<(Stored, Program)> {
    let failed = |error: ProgramError| Error::RustError(error.to_string());
    match Program::from_bytes(&stored.program) {
        Ok(program) => Ok((stored, program)),
        Err(ProgramError::Format) => {
            let stored = check(stored.text).map_err(|issues| refused(&issues))?.stored(stored.at);
            let program = Program::from_bytes(&stored.program).map_err(failed)?;
            Ok((stored, program))
        }
        Err(error) => Err(failed(error)),
    }
}

fn refused(issues: &[Issue]) -> Error {
    let first =
        issues.first().map_or_else(String::new, |issue| format!("{} {}", issue.pointer, issue.reason));
    Error::RustError(format!("this release refuses the published config, publish it anew: {first}"))
}

/// The program with stopped items as if they ran: who met them before they stopped may say so later.
pub(crate) fn checking(config: &Config) -> Program {
    let mut config = config.clone();
    let experiments = config.experiments.iter_mut().map(|experiment| &mut experiment.status);
    for status in experiments.chain(config.personalizations.iter_mut().map(|rule| &mut rule.status)) {
        if matches!(status, Status::Stopped | Status::Paused) {
            *status = Status::Running;
        }
    }
    compile(&config).program
}

/// Replaces the running config, here at once and elsewhere within seconds, unless it is not the expected version.
pub(crate) async fn publish(
    env: &Env,
    settings: &Settings,
    sound: Sound,
    expected: Option<u64>,
    change: Change,
) -> Result<(Rc<Published>, Secrets)> {
    let asked_at = clock::now();
    let question = Ask::Publish { stored: sound.stored(asked_at), expected, change };
    let Answer::Standing(mut standing) = tell(env, settings, &question).await? else {
        return Err(Error::RustError(CONFLICT.to_owned()));
    };
    let secrets = std::mem::take(&mut standing.secrets);
    let lost = || Error::RustError("the project object did not keep the config".to_owned());
    Ok((remember(asked_at, standing)?.published.ok_or_else(lost)?, secrets))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stopped_experiment_is_checked_and_not_run() {
        let text = r#"{ "version": 1, "project": "p", "experiments": [
            { "key": "old", "status": "stopped", "variations": [{ "key": "a" }, { "key": "b" }] },
            { "key": "new", "status": "draft", "variations": [{ "key": "a" }, { "key": "b" }] }] }"#;
        let config = config::parse(text).config;
        assert!(compile(&config).program.item("old").is_none());
        assert!(checking(&config).item("old").is_some());
        assert!(checking(&config).item("new").is_none());
    }

    #[test]
    fn a_config_is_refused_as_a_whole() {
        let issues = check(r#"{ "version": 1, "project": "p", "experimnts": [] }"#.to_owned()).err();
        assert_eq!(issues.map(|issues| issues[0].pointer.clone()).as_deref(), Some("/experimnts"));
        assert!(check(r#"{ "version": 1, "project": "p" }"#.to_owned()).is_ok());
    }
}
