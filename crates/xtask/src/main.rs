//! The tasks of this repository: `cargo xtask <task>`.

mod bench;
mod bindgen;
mod build;
mod capnp;
mod dev;
mod error;
mod fuzz;
mod http;
mod inline;
mod interrupt;
mod keys;
mod parts;
mod paths;
mod portable;
mod project;
mod run;
mod sdk;
mod setup;
mod size;
mod snip;
mod stack;
mod test;

use std::process::ExitCode;

use error::{Result, fail};

#[cfg(not(unix))]
compile_error!("cargo xtask needs Linux or macOS; on Windows run it in WSL");

const HELP: &str = "\
cargo xtask dev [--port N] [--state DIR]   the demo shop, the API and the dashboard, until Ctrl-C
cargo xtask dev --check                    a fresh stack, synthetic visitors, results compared with the truth
cargo xtask dev --serve-only               as dev, over the last build; prints SPLITLIGHT_STACK=<json>
cargo xtask build [sl.js]                  sl.js, the npm package, the dashboard and the Worker
cargo xtask test [--long] [group ...]      all checks, or: lint unit vectors fuzz edge kill month e2e check deploy size docs
cargo xtask bench [name ...]               all programs of tests/bench, or the named ones
cargo xtask bench stats --simulate         peeking simulated in full, and the figures of www/docs/statistics
cargo xtask vectors <dir>                  every vector file in a directory, ours and those of GrowthBook's SDKs
cargo xtask guide                          the tables of the guide in the engine's documentation, from the vectors
cargo xtask data [dir]                     two published experiments, analyzed: Cookie Cats and Hillstrom's e-mails
cargo xtask portable                       the engine as wasm without imports, in <target>/splitlight/portable
cargo xtask size                           what a visitor downloads, against the budget
cargo xtask setup                          only what the machine lacks: npm packages, wasm target, Chromium";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match interrupt::listen().and_then(|()| task(&arguments)) {
        Ok(code) => ExitCode::from(u8::try_from(code).unwrap_or(1)),
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Runs a task and gives its exit code.
fn task(arguments: &[String]) -> Result<i32> {
    let (name, rest) = match arguments {
        [name, rest @ ..] => (name.as_str(), rest),
        [] => ("help", &[][..]),
    };
    match name {
        "dev" => dev::run(rest),
        "test" => test::run(rest),
        "bench" => bench::run(rest),
        "build" if rest == ["sl.js"] => build::browser().map(|()| 0),
        "build" => build::all().map(|()| 0),
        "vectors" => program("vectors", rest),
        "guide" => program("guide", rest),
        "data" => data(rest),
        "portable" => portable::build().map(|()| 0),
        "size" => size::run().map(|()| 0),
        "setup" => setup::all().and_then(|()| setup::chromium()).and_then(|_| setup::firefox()).map(|_| 0),
        "help" | "--help" | "-h" => {
            println!("{HELP}");
            Ok(0)
        }
        other => fail!("there is no task `{other}`: see `cargo xtask help`"),
    }
}

/// Where the published experiments are when nobody says so.
const PUBLISHED: &str = "../shared/data/ab";

/// Analyzes the published experiments in a directory; they are not ours to distribute.
fn data(arguments: &[String]) -> Result<i32> {
    let folder = match arguments {
        [folder] => std::path::absolute(folder).unwrap_or_else(|_| folder.into()),
        _ => paths::root().join(PUBLISHED),
    };
    if !folder.is_dir() {
        fail!(
            "{} is no directory: cargo xtask data <dir>, with cookie_cats.csv or hillstrom.csv in it",
            folder.display()
        );
    }
    let mut cargo = run::cargo();
    cargo
        .args(["run", "--quiet", "--package", "splitlight-stats", "--example", "published", "--"])
        .arg(folder);
    run::attached(&mut cargo)
}

/// Runs a program that the tests have for it.
fn program(name: &str, arguments: &[String]) -> Result<i32> {
    let mut cargo = run::cargo();
    cargo.args(["run", "--quiet", "--package", "splitlight-tests", "--bin", name, "--"]).args(arguments);
    run::attached(&mut cargo)
}
