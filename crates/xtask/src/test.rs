//! `cargo xtask test`: every check that CI makes, in its order, with a summary at the end.

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::error::{Error, Result, fail};
use crate::{build, dev, fuzz, interrupt, parts, paths, portable, run, setup, size};

const WASM_TARGET: &str = "wasm32-unknown-unknown";

/// Lets what has no end, which is the fuzzer, take its time.
const LONG: &str = "--long";

/// Kills of the long form: none lost in so many bounds the chance of a loss per kill to 3 %.
const KILLS: &str = "100";

/// Visitors of the long form's month.
const VISITORS: &str = "1000000";

/// One line of the summary.
struct Step {
    group: &'static str,
    name: &'static str,
    run: fn() -> Result<()>,
}

const STEPS: [Step; 16] = [
    Step { group: "lint", name: "formatting", run: formatting },
    Step { group: "lint", name: "clippy, native", run: clippy_native },
    Step { group: "lint", name: "clippy, wasm32", run: clippy_wasm },
    Step { group: "unit", name: "unit and vectors, native", run: unit },
    Step { group: "vectors", name: "vectors and pairs, wasm", run: vectors },
    Step { group: "fuzz", name: "fuzzing", run: fuzz::short },
    Step { group: "edge", name: "edge, workerd", run: edge },
    Step { group: "api", name: "the API against its document", run: api },
    Step { group: "kill", name: "100 kills, workerd", run: kill },
    Step { group: "month", name: "a simulated month, workerd", run: month },
    Step { group: "e2e", name: "end to end, Chromium and Firefox", run: e2e },
    Step { group: "check", name: "dev --check", run: check },
    Step { group: "deploy", name: "wrangler deploy --dry-run", run: deploy },
    Step { group: "size", name: "size", run: size::run },
    Step { group: "docs", name: "documentation", run: docs },
    Step { group: "docs", name: "examples", run: examples },
];

/// Runs all steps, or those of the named groups; a failure does not hide the ones after it.
///
/// With `--long` the fuzzer takes a minute for each target, and the simulated month has a million visitors.
pub(crate) fn run(arguments: &[String]) -> Result<i32> {
    let (flags, groups): (Vec<&String>, Vec<&String>) =
        arguments.iter().partition(|argument| argument.starts_with("--"));
    if let Some(flag) = flags.iter().find(|flag| **flag != LONG) {
        fail!("test does not know `{flag}`: it knows {LONG}");
    }
    for group in &groups {
        if !STEPS.iter().any(|step| step.group == *group) {
            fail!(
                "test does not know `{group}`: it knows lint, unit, vectors, fuzz, edge, api, kill, month, e2e, check, deploy, size and docs"
            );
        }
    }
    setup::all()?;
    let mut summary: Vec<(&str, Option<Error>, Duration)> = Vec::new();
    for step in &STEPS {
        if !groups.is_empty() && !groups.iter().any(|group| *group == step.group) {
            continue;
        }
        println!("\n== {} ({})", step.name, step.group);
        let start = Instant::now();
        let run: fn() -> Result<()> = match step.group {
            "fuzz" if !flags.is_empty() => fuzz::long,
            "month" if !flags.is_empty() => month_of_many,
            _ => step.run,
        };
        let error = run().err();
        if interrupt::received() {
            fail!("interrupted");
        }
        if let Some(error) = &error {
            eprintln!("error: {error}");
        }
        summary.push((step.name, error, start.elapsed()));
    }
    Ok(print_summary(&summary))
}

fn print_summary(summary: &[(&str, Option<Error>, Duration)]) -> i32 {
    println!();
    for (name, error, time) in summary {
        let (mark, why) = match error {
            None => ("ok  ", String::new()),
            Some(error) => ("FAIL", format!("  {error}")),
        };
        println!("{mark} {name:<32} {:>7}{why}", run::seconds(*time));
    }
    let failed = summary.iter().filter(|(_, error, _)| error.is_some()).count();
    println!("{} of {} passed", summary.len() - failed, summary.len());
    i32::from(failed > 0)
}

fn cargo(what: &str, arguments: &[&str], fix: &str, environment: &[(&str, &str)]) -> Result<()> {
    run::progress(what, "", || {
        run::output(run::cargo().args(arguments).envs(environment.iter().copied()), fix).map(drop)
    })
}

fn formatting() -> Result<()> {
    cargo("cargo fmt", &["fmt", "--all", "--check"], "not formatted: run `cargo fmt --all`", &[])
}

fn clippy_native() -> Result<()> {
    let arguments = ["clippy", "--quiet", "--workspace", "--all-targets", "--", "-D", "warnings"];
    cargo("cargo clippy", &arguments, "clippy has findings: see them above", &[])
}

fn clippy_wasm() -> Result<()> {
    // xtask starts processes and never runs in wasm.
    let arguments =
        ["clippy", "--quiet", "--workspace", "--exclude", "xtask", "--lib", "--target", WASM_TARGET];
    let arguments = [&arguments[..], &["--", "-D", "warnings"]].concat();
    let fix = "clippy has findings for wasm32: see them above";
    cargo("cargo clippy for wasm32", &arguments, fix, &[("WASM_BINDGEN_USE_JS_SYS", "1")])
}

fn unit() -> Result<()> {
    let mut cargo = run::cargo();
    done(run::attached(cargo.args(["test", "--workspace"]))?, "cargo test failed: see above")
}

fn docs() -> Result<()> {
    let arguments = ["doc", "--quiet", "--workspace", "--no-deps", "--document-private-items"];
    cargo("cargo doc", &arguments, "rustdoc has warnings: see them above", &[("RUSTDOCFLAGS", "-D warnings")])
}

/// The examples are workspaces of their own, so that nobody else builds what they need.
fn examples() -> Result<()> {
    let mut cargo = run::cargo();
    cargo.args(["test", "--quiet", "--locked", "--manifest-path", "examples/axum/Cargo.toml"]);
    cargo.env("CARGO_TARGET_DIR", paths::target().join("examples"));
    done(run::attached(&mut cargo)?, "an example failed: see above")
}

fn vectors() -> Result<()> {
    let script = "tests/conformance/run.mjs";
    if !paths::root().join(script).is_file() {
        fail!("{script} is missing: it runs the vectors in Node, workerd and Chromium");
    }
    let chromium = setup::chromium()?;
    build::vectors()?;
    build::browser()?;
    portable::build()?;
    let pairs = build::native("splitlight-tests", "pairs")?;
    let mut node = node_for_browsers()?;
    node.arg(script).arg("--wasm-dir").arg(paths::vectors()).arg("--chromium").arg(chromium);
    node.arg("--pairs").arg(pairs);
    node.arg("--core").arg(paths::browser().join(portable::PAGE.name));
    node.arg("--slim").arg(paths::browser().join(portable::SLIM_PAGE.name));
    node.arg("--plain").arg(parts::file("plain")?);
    for variant in [portable::FAST, portable::SMALL, portable::TOOLS] {
        node.arg("--portable").arg(variant.module());
    }
    done(run::attached(&mut node)?, "vectors failed: see above")
}

fn edge() -> Result<()> {
    node_tests("edge", node_for_tests()?)
}

/// The long form of one file of the edge tests.
fn kill() -> Result<()> {
    with_own_workerd("tests/edge/kill.test.mjs", &[("SPLITLIGHT_KILLS", KILLS)])
}

/// Needs a Python; without one it says that nothing was tried.
fn api() -> Result<()> {
    let found = if setup::has_python() {
        setup::python("schemathesis", "tests/api/schemathesis.txt").map_err(|error| error.to_string())
    } else {
        Err("there is no python3".to_owned())
    };
    match found {
        Ok(python) => {
            let program = python.with_file_name("schemathesis");
            let program = program.to_string_lossy();
            with_own_workerd("tests/api/openapi.test.mjs", &[("SPLITLIGHT_SCHEMATHESIS", &program)])
        }
        Err(reason) => {
            println!("NOT TRIED: {reason}, which schemathesis needs. Every route is still asked by `edge`.");
            Ok(())
        }
    }
}

fn month() -> Result<()> {
    with_own_workerd(MONTH, &[])
}

/// Takes half an hour and some gigabytes, which is what an independent count in JavaScript needs.
fn month_of_many() -> Result<()> {
    with_own_workerd(
        MONTH,
        &[("SPLITLIGHT_VISITORS", VISITORS), ("NODE_OPTIONS", "--max-old-space-size=8192")],
    )
}

const MONTH: &str = "tests/load/month.test.mjs";

/// One file that starts a workerd of its own, with variables that are not set yet.
fn with_own_workerd(file: &str, variables: &[(&str, &str)]) -> Result<()> {
    build::worker()?;
    let mut node = node_for_tests()?;
    node.args(["--test", "--test-reporter=spec", file]);
    node.envs(variables.iter().filter(|(name, _)| std::env::var_os(name).is_none()).copied());
    done(run::attached(&mut node)?, &format!("{file} failed: see above"))
}

fn e2e() -> Result<()> {
    let mut node = node_for_browsers()?;
    // Its test says NOT TRIED where there is none.
    if let Some(firefox) = setup::firefox()? {
        node.env("SPLITLIGHT_FIREFOX", firefox);
    }
    node_tests("e2e", node)
}

fn deploy() -> Result<()> {
    build::all()?;
    let mut node = node_for_tests()?;
    node.env("SPLITLIGHT_WRANGLER", setup::wrangler()?);
    node.args(["--test", "--test-reporter=spec", "tests/deploy/deploy.test.mjs"]);
    done(run::attached(&mut node)?, "tests/deploy failed: see above")
}

fn check() -> Result<()> {
    done(dev::check()?, "dev --check failed: see above")
}

/// The `*.test.mjs` files of one folder against a stack of their own.
fn node_tests(folder: &str, mut node: Command) -> Result<()> {
    let dir = paths::root().join("tests").join(folder);
    let is_test =
        |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().ends_with(".test.mjs"));
    let files: Vec<PathBuf> = paths::files_in(&dir).into_iter().filter(is_test).collect();
    if files.is_empty() {
        fail!("tests/{folder} has no *.test.mjs: nothing was tested");
    }
    let mut stack = dev::fresh_stack(folder)?;
    // One file after the other: they share the stack.
    node.args(["--test", "--test-concurrency=1", "--test-reporter=spec"]).args(files);
    node.env("SPLITLIGHT_STACK", stack.describe().to_string());
    let code = run::attached(&mut node)?;
    stack.check_alive()?;
    done(code, &format!("tests/{folder} failed: see above"))
}

/// Node with what a test needs to know.
fn node_for_tests() -> Result<Command> {
    let mut node = run::command("node");
    node.env("SPLITLIGHT_WORKERD", setup::workerd()?);
    node.env("SPLITLIGHT_OUT", paths::out());
    node.env("SPLITLIGHT_NODE_MODULES", paths::root().join("node_modules"));
    Ok(node)
}

/// The same, with a browser, which is installed when there is none.
pub(crate) fn node_for_browsers() -> Result<Command> {
    let mut node = node_for_tests()?;
    node.env("SPLITLIGHT_CHROMIUM", setup::chromium()?);
    Ok(node)
}

fn done(code: i32, failed: &str) -> Result<()> {
    if code == 0 { Ok(()) } else { Err(Error::new(failed)) }
}
