//! `cargo xtask dev`: the shop, the API and the dashboard on this machine, until Ctrl-C.

use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use crate::error::{Result, fail};
use crate::stack::{Options, Ports, Stack};
use crate::{build, interrupt, paths, run};

const PORT: u16 = 8787;
const CHECK: &str = "tests/load/check.mjs";

/// What the command line asks of `dev`.
#[derive(Debug, PartialEq)]
struct Wishes {
    port: Option<u16>,
    state: Option<PathBuf>,
    check: bool,
    serve_only: bool,
}

pub(crate) fn run(arguments: &[String]) -> Result<i32> {
    let wishes = parse(arguments)?;
    if wishes.check {
        return check();
    }
    let ports = Ports::from_base(wishes.port.unwrap_or(PORT))?;
    if !wishes.serve_only {
        build::all()?;
    }
    let dir = wishes.state.unwrap_or_else(|| paths::root().join(".splitlight/dev"));
    paths::create_dir(&dir)?;
    let mut stack = Stack::start(Options { dir, ports, log_after: None })?;
    print_table(&stack);
    if wishes.serve_only {
        // For programs: everything in one line.
        println!("SPLITLIGHT_STACK={}", stack.describe());
    }
    while !interrupt::received() {
        thread::sleep(Duration::from_millis(100));
        if let Err(error) = stack.check_alive()
            && !interrupt::received()
        {
            return Err(error);
        }
    }
    stack.stop();
    println!("\nstopped");
    Ok(0)
}

fn parse(arguments: &[String]) -> Result<Wishes> {
    let mut wishes = Wishes { port: None, state: None, check: false, serve_only: false };
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        match (argument.as_str(), arguments.as_slice().first()) {
            ("--check", _) => wishes.check = true,
            ("--serve-only", _) => wishes.serve_only = true,
            ("--port", Some(port)) => match port.parse() {
                Ok(port) if port > 0 => wishes.port = Some(port),
                _ => fail!("--port {port} is no port: give a number from 1 to 65533"),
            },
            ("--state", Some(dir)) => wishes.state = std::path::absolute(dir).ok(),
            ("--port" | "--state", None) => fail!("{argument} needs a value"),
            _ => fail!(
                "dev does not know `{argument}`: it takes --port N, --state DIR, --serve-only and --check"
            ),
        }
        if matches!(argument.as_str(), "--port" | "--state") {
            arguments.next();
        }
    }
    Ok(wishes)
}

/// A fresh stack, thousands of synthetic visitors, and their results compared with the truth.
pub(crate) fn check() -> Result<i32> {
    if !paths::root().join(CHECK).is_file() {
        fail!("{CHECK} is missing: it holds the check's visitors");
    }
    build::all()?;
    let mut stack = Stack::temporary("check")?;
    let mut node = run::command("node");
    node.arg(CHECK).args(["--shop", &stack.shop_url(), "--api", &stack.api_url()]);
    node.args(["--write-key", &stack.keys.write, "--read-key", &stack.keys.read]);
    node.env("SPLITLIGHT_STACK", stack.describe().to_string());
    let code = run::attached(&mut node)?;
    // A dead server may be why the check failed, and is the better explanation.
    stack.check_alive()?;
    Ok(code)
}

fn print_table(stack: &Stack) {
    let api = stack.api_url();
    let read = &stack.keys.read;
    println!("\n  Shop               {}/", stack.shop_url());
    println!("  Shop without edge  {}/", stack.plain_url());
    println!("  Dashboard          {api}/#key={read}");
    println!(
        "  API                curl -H 'Authorization: Bearer {read}' {api}/v1/experiments/hero-copy/results"
    );
    println!("  Log                {}", paths::short(&stack.log()));
    println!("\nCtrl-C stops it.");
}

/// Another task's way to a stack over fresh builds.
pub(crate) fn fresh_stack(name: &str) -> Result<Stack> {
    build::all()?;
    Stack::temporary(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(arguments: &[&str]) -> Result<Wishes> {
        parse(&arguments.iter().map(ToString::to_string).collect::<Vec<_>>())
    }

    #[test]
    fn flags_are_read_in_any_order() {
        let wishes = parsed(&["--serve-only", "--state", "/s", "--port", "9000"]).ok();
        let expected = Wishes { port: Some(9000), state: Some("/s".into()), check: false, serve_only: true };
        assert_eq!(wishes, Some(expected));
    }

    #[test]
    fn a_wrong_flag_is_named() {
        let error = parsed(&["--prot"]).err().map(|error| error.to_string()).unwrap_or_default();
        assert!(error.contains("--prot") && error.contains("--port"), "{error}");
        assert!(parsed(&["--port"]).is_err());
        assert!(parsed(&["--port", "x"]).is_err());
    }
}
