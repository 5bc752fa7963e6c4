//! `cargo xtask bench stats`: our analyses and those of `PyPI` gbstats, in alternating rounds of one run.

use std::path::Path;

use crate::error::Result;
use crate::{paths, run, setup};

/// What the Python side needs, with its version.
const REQUIREMENTS: &str = "tests/bench/gbstats.txt";

/// Measures with the program of tests/bench.
pub(super) fn run(file: &Path) -> Result<i32> {
    let python = setup::python("gbstats", REQUIREMENTS)?;
    let program = paths::target().join("release/examples/analyses");
    run::progress("building the analyses", "about 30 s the first time", || {
        let mut cargo = run::cargo();
        cargo.args([
            "build",
            "--quiet",
            "--release",
            "--package",
            "splitlight-stats",
            "--example",
            "analyses",
        ]);
        run::output(&mut cargo, "the analyses do not build: see the errors above")
    })?;
    let mut bench = run::command(python);
    bench.arg(file).arg(program);
    run::attached(&mut bench)
}
