//! Runs other programs: quiet when they succeed, their own words when they fail.

use std::io::{self, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::error::{Context, Error, Result, fail};
use crate::{interrupt, paths};

/// Prints `what (hint) ... 41 s` around a long step.
pub(crate) fn progress<T>(what: &str, hint: &str, step: impl FnOnce() -> Result<T>) -> Result<T> {
    let hint = if hint.is_empty() { String::new() } else { format!(" ({hint})") };
    print!("{what}{hint} ... ");
    let _ = io::stdout().flush();
    let start = Instant::now();
    let result = step();
    let word = if result.is_ok() { "" } else { "failed after " };
    println!("{word}{}", seconds(start.elapsed()));
    result
}

pub(crate) fn seconds(time: Duration) -> String {
    let tenths = time.as_secs_f64();
    if tenths < 10.0 { format!("{tenths:.1} s") } else { format!("{tenths:.0} s") }
}

/// A command in the repository's root.
pub(crate) fn command(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new(program);
    command.current_dir(paths::root()).stdin(Stdio::null());
    command
}

/// The Cargo that runs this task, writing where the task will look.
pub(crate) fn cargo() -> Command {
    let mut cargo = command(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.env("CARGO_TARGET_DIR", paths::target());
    // What `cargo run` says about xtask itself must not reach another package's build.
    for name in ["CARGO_MANIFEST_DIR", "CARGO_PKG_NAME", "CARGO_PKG_VERSION"] {
        cargo.env_remove(name);
    }
    cargo
}

/// Runs to the end and gives standard output; a failure shows what the program printed, then one line.
pub(crate) fn output(command: &mut Command, failed: &str) -> Result<String> {
    let name = Path::new(command.get_program()).display().to_string();
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().context(format_args!("cannot start {name}"))?;
    let registered = interrupt::register(child.id());
    let output = child.wait_with_output().context(format_args!("cannot wait for {name}"))?;
    drop(registered);
    if interrupt::received() {
        fail!("interrupted");
    }
    if !output.status.success() {
        println!();
        let _ = io::stdout().write_all(&output.stdout);
        let _ = io::stderr().write_all(&output.stderr);
        return Err(Error::new(failed));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Runs to the end with this terminal as its own and gives the exit code.
pub(crate) fn attached(command: &mut Command) -> Result<i32> {
    let name = Path::new(command.get_program()).display().to_string();
    let mut child = command.spawn().context(format_args!("cannot start {name}"))?;
    let registered = interrupt::register(child.id());
    let status = child.wait().context(format_args!("cannot wait for {name}"))?;
    drop(registered);
    if interrupt::received() {
        fail!("interrupted");
    }
    Ok(status.code().unwrap_or(1))
}
