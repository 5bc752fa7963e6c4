//! `cargo xtask bench`: the programs of tests/bench against release builds and a stack of their own.

mod stats;

use std::path::{Path, PathBuf};

use crate::error::{Result, fail};
use crate::stack::Stack;
use crate::{build, paths, portable, run, setup, test};

/// What follows `stats` to simulate instead of to measure.
const SIMULATE: &str = "--simulate";

/// Where the figures of the documentation are.
const FIGURES: &str = "www/docs/statistics";

/// Runs the named benchmarks, or all; a file whose name begins with `_` is a helper.
pub(crate) fn run(names: &[String]) -> Result<i32> {
    if let [name, flag] = names
        && name == "stats"
        && flag == SIMULATE
    {
        return simulate();
    }
    let all = paths::files_in(&paths::root().join("tests/bench"));
    let all: Vec<PathBuf> = all.into_iter().filter(|path| is_benchmark(path)).collect();
    if all.is_empty() {
        fail!("tests/bench has no programs: there is nothing to measure");
    }
    let known: Vec<String> = all.iter().map(|path| name_of(path)).collect();
    if let Some(name) = names.iter().find(|name| !known.contains(name)) {
        fail!("there is no benchmark `{name}`: choose from {}", known.join(", "));
    }
    let chosen = all.iter().filter(|path| names.is_empty() || names.contains(&name_of(path)));
    let (alone, with_stack): (Vec<&PathBuf>, Vec<&PathBuf>) =
        chosen.partition(|path| [ENGINE, STATS, PAGE].contains(&name_of(path).as_str()));
    let mut worst = 0;
    for file in alone {
        println!("\n== {}", name_of(file));
        worst = worst.max(match name_of(file).as_str() {
            STATS => stats::run(file)?,
            PAGE => page(file)?,
            _ => engine(file)?,
        });
    }
    if with_stack.is_empty() {
        return Ok(worst);
    }
    build::all()?;
    for file in with_stack {
        println!("\n== {}", name_of(file));
        let mut stack = Stack::temporary("bench")?;
        let mut node = test::node_for_browsers()?;
        node.arg(file).env("SPLITLIGHT_STACK", stack.describe().to_string());
        worst = worst.max(run::attached(&mut node)?);
        stack.check_alive()?;
    }
    Ok(worst)
}

/// The benchmark of the engine, which needs no stack: the engine as wasm, and natively.
const ENGINE: &str = "engine";

/// The benchmark of the statistics, which needs no stack either.
const STATS: &str = "stats";

/// The benchmark of the script tag, which needs no stack: its pages have everything in them.
const PAGE: &str = "page";

fn page(file: &Path) -> Result<i32> {
    build::browser()?;
    run::attached(test::node_for_browsers()?.arg(file))
}

fn engine(file: &Path) -> Result<i32> {
    setup::all()?;
    portable::build()?;
    let native = build::released("splitlight-tests", "engine")?;
    let mut node = test::node_for_browsers()?;
    node.arg(file).env("SPLITLIGHT_ENGINE", native);
    node.env("SPLITLIGHT_PORTABLE", portable::FAST.module());
    node.env("SPLITLIGHT_PORTABLE_SMALL", portable::SMALL.module());
    run::attached(&mut node)
}

/// Simulates peeking, holds what came out to the bars, and writes the figures of the documentation.
fn simulate() -> Result<i32> {
    let program = build::released("splitlight-tests", "simulate")?;
    run::attached(run::command(program).arg(paths::root().join(FIGURES)))
}

fn is_benchmark(path: &Path) -> bool {
    path.extension().is_some_and(|end| end == "mjs" || end == "py") && !name_of(path).starts_with('_')
}

fn name_of(path: &Path) -> String {
    path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default()
}
