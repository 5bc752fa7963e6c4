//! `cargo xtask bench stats`: our analyses and those of `PyPI` gbstats, in alternating rounds of one run.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::error::{Result, fail};
use crate::{paths, run};

/// What the Python side needs, with its version.
const REQUIREMENTS: &str = "tests/bench/gbstats.txt";

/// Measures with the program of tests/bench.
pub(super) fn run(file: &Path) -> Result<i32> {
    let python = python()?;
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

/// A Python with gbstats of its own, made when the requirements changed.
fn python() -> Result<PathBuf> {
    let folder = paths::out().join("gbstats");
    let (python, marker) = (folder.join("bin/python"), folder.join("requirements.txt"));
    let wanted = paths::read_text(&paths::root().join(REQUIREMENTS))?;
    if python.is_file() && paths::read_text(&marker).is_ok_and(|made| made == wanted) {
        return Ok(python);
    }
    if Command::new("python3").arg("--version").output().is_err() {
        fail!("python3 is needed to run gbstats: install it with its module venv");
    }
    run::progress("installing gbstats", "about 60 s", || {
        paths::create_dir(&paths::out())?;
        let mut venv = run::command("python3");
        venv.args(["-m", "venv", "--clear"]).arg(&folder);
        run::output(&mut venv, "python3 cannot make an environment: install its module venv")?;
        let mut pip = run::command(&python);
        pip.args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--requirement",
            REQUIREMENTS,
        ]);
        run::output(&mut pip, "gbstats cannot be installed: check the network, then run it again").map(drop)
    })?;
    paths::write(&marker, wanted)?;
    Ok(python)
}
