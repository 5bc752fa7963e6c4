//! Throws bytes at everything that reads them: libFuzzer on stable Rust, without a panic, a leak of time or of memory.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::error::{Context, Error, Result, fail};
use crate::{build, interrupt, paths, run};

/// What cargo-fuzz would pass on a nightly compiler: count the edges that an input reaches, and trace comparisons.
const COVERAGE: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares";

/// Seconds for each target in a normal run, and in a long one.
const SECONDS: u32 = 5;
const SECONDS_LONG: u32 = 60;

/// Memory that a target may take; an input of a few KB has no use for more.
const MEMORY_MB_MAX: u32 = 512;

/// A few seconds for each target.
pub(crate) fn short() -> Result<()> {
    all(SECONDS)
}

/// A minute for each target.
pub(crate) fn long() -> Result<()> {
    all(SECONDS_LONG)
}

/// Inputs after which a target is started anew: programs that cannot be read are forgotten instead of dropped, which
/// is less to download and costs the browser nothing, but 4 KB for each of these inputs.
const RUNS_MAX: u32 = 50_000;

/// Builds all targets and runs each of them for its time.
fn all(seconds: u32) -> Result<()> {
    let programs = programs()?;
    let out = paths::out().join("fuzz");
    let seeds = seeds(&out)?;
    let found = out.join("corpus");
    if found.exists() {
        fs::remove_dir_all(&found).context("cannot remove what older targets found")?;
    }
    let mut broken = Vec::new();
    for program in &programs {
        let name = program.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if !one(&name, program, &out, &seeds, seconds)? {
            broken.push(name);
        }
    }
    if broken.is_empty() {
        return Ok(());
    }
    fail!("an input broke {}: it is in {}, see above", broken.join(", "), paths::short(&out))
}

/// Compiles the targets to be watched, apart from everything else.
fn programs() -> Result<Vec<PathBuf>> {
    let root = paths::root().join("tests/fuzz");
    let target = paths::target().join("fuzz");
    let host = host()?;
    run::progress("building the fuzz targets", "about 60 s the first time", || {
        let mut cargo = run::cargo();
        cargo.current_dir(&root).args(["build", "--quiet", "--locked", "--release", "--target", &host]);
        cargo.env("CARGO_TARGET_DIR", &target).env("RUSTFLAGS", COVERAGE);
        run::output(&mut cargo, "the fuzz targets do not build: see the errors above").map(drop)
    })?;
    let built = target.join(host).join("release");
    let sources = paths::files_in(&root.join("src/bin"));
    let programs: Vec<PathBuf> =
        sources.iter().filter_map(|source| Some(built.join(source.file_stem()?))).collect();
    if programs.is_empty() {
        fail!("tests/fuzz/src/bin has no targets: nothing was tested");
    }
    Ok(programs)
}

/// This machine, as rustc names it. Flags for a named target leave build scripts alone.
fn host() -> Result<String> {
    let version = run::output(run::command("rustc").arg("-vV"), "rustc does not answer")?;
    let line = version.lines().find_map(|line| line.strip_prefix("host: "));
    line.map(str::to_owned).ok_or("rustc -vV names no host").context("cannot build the fuzz targets")
}

/// What the fuzzer starts from, made from the vectors.
fn seeds(out: &Path) -> Result<PathBuf> {
    let maker = build::native("splitlight-tests", "seeds")?;
    let seeds = out.join("seeds");
    if seeds.exists() {
        fs::remove_dir_all(&seeds).context("cannot remove the old seeds")?;
    }
    let mut make = run::command(maker);
    run::output(make.arg("tests/vectors").arg(&seeds), "the seeds could not be made: see above")?;
    Ok(seeds)
}

/// Runs one target for its time; says whether nothing broke it.
///
/// It is started anew after [`RUNS_MAX`] inputs, with all that it found so far.
fn one(name: &str, program: &Path, out: &Path, seeds: &Path, seconds: u32) -> Result<bool> {
    let (corpus, broken) = (out.join("corpus").join(name), out.join("broken"));
    for folder in [&corpus, &broken, &seeds.join(name)] {
        paths::create_dir(folder)?;
    }
    let end = Instant::now() + Duration::from_secs(seconds.into());
    let (mut inputs, mut memory) = (0, 0);
    while let Some(left) = end.checked_duration_since(Instant::now()).filter(|left| left.as_secs() > 0) {
        let mut fuzzer = Command::new(program);
        fuzzer.current_dir(out).arg(&corpus).arg(seeds.join(name));
        fuzzer.arg(format!("-artifact_prefix={}/{name}-", broken.display()));
        fuzzer.args([format!("-max_total_time={}", left.as_secs()), format!("-runs={RUNS_MAX}")]);
        fuzzer.arg(format!("-rss_limit_mb={MEMORY_MB_MAX}"));
        // The targets themselves refuse an input that takes long; this is for one that never ends.
        fuzzer.args(["-timeout=10", "-max_len=4096", "-print_final_stats=1", "-verbosity=0"]);
        let child = fuzzer.stderr(Stdio::piped()).spawn().context(format_args!("cannot start {name}"))?;
        let registered = interrupt::register(child.id());
        let output = child.wait_with_output().context(format_args!("cannot wait for {name}"))?;
        drop(registered);
        let words = String::from_utf8_lossy(&output.stderr);
        if !output.status.success() {
            eprintln!("{words}");
            return Ok(false);
        }
        inputs += statistic(&words, "stat::number_of_executed_units:")?;
        memory = memory.max(statistic(&words, "stat::peak_rss_mb:")?);
    }
    println!("{name:<10} {inputs:>9} inputs in {seconds} s, {memory:>4} MB at most");
    Ok(true)
}

/// A number that libFuzzer prints at its end.
fn statistic(words: &str, name: &str) -> Result<u64> {
    let found = words.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok());
    found.ok_or_else(|| Error::new(format!("libFuzzer does not say {name} at its end")))
}
