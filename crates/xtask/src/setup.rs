//! What a fresh machine lacks: Node packages, the wasm target and a browser, each fetched when first needed.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use crate::error::{Context, Result, fail};
use crate::{paths, run};

const NODE_MAJOR_MIN: u32 = 20;
const NODE_FIX: &str = "node 20 or newer is needed: install it from https://nodejs.org";
const WASM_TARGET: &str = "wasm32-unknown-unknown";

/// Everything a build needs.
pub(crate) fn all() -> Result<()> {
    node()?;
    npm_packages()?;
    wasm_target()
}

fn node() -> Result<()> {
    let Some(version) = version_of("node") else { fail!("{NODE_FIX}") };
    if major(&version).is_none_or(|major| major < NODE_MAJOR_MIN) {
        fail!("{NODE_FIX} (found {version})");
    }
    if version_of("npm").is_none() {
        fail!("npm is needed and comes with node: install node 20 or newer from https://nodejs.org");
    }
    Ok(())
}

fn version_of(program: &str) -> Option<String> {
    let output = Command::new(program).arg("--version").output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn major(version: &str) -> Option<u32> {
    version.trim_start_matches('v').split('.').next()?.parse().ok()
}

/// Installs the locked packages when the lockfile is newer than what is installed.
fn npm_packages() -> Result<()> {
    npm_ci(&paths::root(), "installing the npm packages", "about 10 s", &[])
}

/// Installs Cloudflare's deployment tool. It is a workspace of its own and brings no programs: it uses those of ours.
pub(crate) fn wrangler() -> Result<PathBuf> {
    let folder = paths::root().join("tests/deploy");
    npm_ci(&folder, "installing wrangler", "about 20 s", &["--omit=optional"])?;
    Ok(folder.join("node_modules/wrangler/bin/wrangler.js"))
}

fn npm_ci(folder: &Path, what: &str, hint: &str, flags: &[&str]) -> Result<()> {
    let locked = fs::metadata(folder.join("package-lock.json")).and_then(|file| file.modified());
    // npm writes this file at the end of every install.
    let installed =
        fs::metadata(folder.join("node_modules/.package-lock.json")).and_then(|file| file.modified());
    if let (Ok(locked), Ok(installed)) = (locked, installed)
        && installed >= locked
    {
        return Ok(());
    }
    run::progress(what, hint, || {
        // No package here needs its scripts: workerd and esbuild come as one optional package per platform.
        let mut npm = run::command("npm");
        npm.current_dir(folder).args(["ci", "--no-audit", "--no-fund", "--ignore-scripts"]).args(flags);
        run::output(&mut npm, "npm ci failed: check the network, then run it again").map(drop)
    })
}

/// Adds the wasm target to the active toolchain; rustup may be told not to do that by itself.
fn wasm_target() -> Result<()> {
    let mut rustc = run::command("rustc");
    rustc.args(["--print", "target-libdir", "--target", WASM_TARGET]);
    let dir = run::output(&mut rustc, "rustc does not answer: install Rust from https://rustup.rs")?;
    if Path::new(dir.trim()).is_dir() {
        return Ok(());
    }
    run::progress("adding the wasm target", "about 60 s", || {
        let mut rustup = run::command("rustup");
        rustup.args(["target", "add", WASM_TARGET]);
        let fix = "the wasm target is missing: run `rustup target add wasm32-unknown-unknown`";
        run::output(&mut rustup, fix).map(drop)
    })
}

/// Whether the machine has a Python, which only some comparisons need.
pub(crate) fn has_python() -> bool {
    version_of("python3").is_some()
}

/// A Python with a package of its own, made when its requirements, a file of ours, changed.
pub(crate) fn python(package: &str, requirements: &str) -> Result<PathBuf> {
    let folder = paths::out().join(package);
    let (python, marker) = (folder.join("bin/python"), folder.join("requirements.txt"));
    let wanted = paths::read_text(&paths::root().join(requirements))?;
    if python.is_file() && paths::read_text(&marker).is_ok_and(|made| made == wanted) {
        return Ok(python);
    }
    if !has_python() {
        fail!("python3 is needed to run {package}: install it with its module venv");
    }
    run::progress(&format!("installing {package}"), "about 60 s", || {
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
            requirements,
        ]);
        let fix = format!("{package} cannot be installed: check the network, then run it again");
        run::output(&mut pip, &fix).map(drop)
    })?;
    paths::write(&marker, wanted)?;
    Ok(python)
}

/// The workerd program itself, so that no Node process stands between it and our signals.
pub(crate) fn workerd() -> Result<PathBuf> {
    platform_binary("@cloudflare", "workerd-", "bin/workerd")
}

pub(crate) fn esbuild() -> Result<PathBuf> {
    platform_binary("@esbuild", "", "bin/esbuild")
}

/// npm installs exactly the one package that fits this machine, so there is nothing to work out.
fn platform_binary(scope: &str, prefix: &str, file: &str) -> Result<PathBuf> {
    let scope_dir = paths::root().join("node_modules").join(scope);
    let fits = |dir: &PathBuf| dir.file_name().is_some_and(|name| name.to_string_lossy().starts_with(prefix));
    let found =
        paths::files_in(&scope_dir).into_iter().filter(fits).map(|dir| dir.join(file)).find(|f| f.is_file());
    match found {
        Some(path) => Ok(path),
        None => fail!("{scope} has no program for this machine: delete node_modules and run the task again"),
    }
}

/// Chromium for tests: $CHROMIUM, an installed one, or one that is installed now.
pub(crate) fn chromium() -> Result<PathBuf> {
    match chosen("CHROMIUM", "a Chromium or Chrome program")?.or_else(installed_chromium) {
        Some(path) => Ok(path),
        None => install_chromium(),
    }
}

/// The program that a variable names, if it is set.
fn chosen(variable: &str, what: &str) -> Result<Option<PathBuf>> {
    let path = env::var_os(variable).map(PathBuf::from);
    match path {
        Some(path) if !path.is_file() => {
            fail!("{variable}={} is no file: set it to {what}", path.display())
        }
        path => Ok(path),
    }
}

fn installed_chromium() -> Option<PathBuf> {
    let names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
    let apps = ["Google Chrome.app/Contents/MacOS/Google Chrome", "Chromium.app/Contents/MacOS/Chromium"];
    installed(&names, &apps).or_else(playwright_chromium)
}

/// The first of these programs on the path, or of these parts of applications.
fn installed(names: &[&str], apps: &[&str]) -> Option<PathBuf> {
    let dirs: Vec<PathBuf> = env::split_paths(&env::var_os("PATH").unwrap_or_default()).collect();
    let on_path = names.iter().flat_map(|name| dirs.iter().map(move |dir| dir.join(name)));
    let in_applications = apps.iter().map(|app| Path::new("/Applications").join(app));
    on_path.chain(in_applications).find(|path| path.is_file())
}

/// The browser that Playwright downloaded for its own version, if it did.
fn playwright_chromium() -> Option<PathBuf> {
    let script = "import('playwright-core').then(p => console.log(p.chromium.executablePath()))";
    let output = run::command("node").args(["-e", script]).output().ok()?;
    let path = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
    path.is_file().then_some(path)
}

fn install_chromium() -> Result<PathBuf> {
    let fix = "Chromium is missing and could not be installed: install it and set CHROMIUM=/path/to/chromium";
    if let (Ok(()), Some(path)) = (apt("chromium", fix), installed_chromium()) {
        return Ok(path);
    }
    run::progress("installing Chromium with Playwright", "about 60 s", || {
        let mut npx = run::command("npx");
        npx.args(["--no-install", "playwright-core", "install", "chromium"]);
        run::output(&mut npx, fix).map(drop)
    })?;
    playwright_chromium().ok_or(fix).context("Playwright's Chromium is not where it should be")
}

/// Installs a package where that is possible without asking.
fn apt(package: &str, fix: &str) -> Result<()> {
    if !is_root() || !Path::new("/usr/bin/apt-get").is_file() {
        fail!("{fix}");
    }
    run::progress(&format!("installing {package} with apt-get"), "about 60 s", || {
        run::output(run::command("apt-get").arg("update"), fix)?;
        let mut apt = run::command("apt-get");
        apt.args(["install", "-y", package]).env("DEBIAN_FRONTEND", "noninteractive");
        run::output(&mut apt, fix).map(drop)
    })
}

/// The second browser of the tests, which is installed when that is possible; none is no reason to fail.
pub(crate) fn firefox() -> Result<Option<PathBuf>> {
    if let Some(path) = chosen("FIREFOX", "a Firefox program")? {
        return Ok(Some(path));
    }
    let find = || installed(&["firefox", "firefox-esr"], &["Firefox.app/Contents/MacOS/firefox"]);
    let fix = "Firefox is missing and could not be installed: install it or set FIREFOX=/path/to/firefox";
    Ok(find().or_else(|| apt("firefox-esr", fix).ok().and_then(|()| find())))
}

fn is_root() -> bool {
    let output = Command::new("id").arg("-u").output();
    output.is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}
