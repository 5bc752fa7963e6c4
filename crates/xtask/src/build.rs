//! `cargo xtask build`: the script tag, the Worker and their assets, each step only when its inputs changed.

use std::path::{Path, PathBuf};
use std::{env, fs};

use crate::error::{Context, Result, fail};
use crate::{bindgen, inline, parts, paths, portable, run, sdk, setup};

const WASM_TARGET: &str = "wasm32-unknown-unknown";
const SHIM: &str = include_str!("shim.js");
/// Has Chromium compile all functions beside the page while it loads the script: most are called before the first paint.
const COMPILE_ALL: &str = "//# allFunctionsCalledOnLoad";
/// What rustc may use and wasm-opt must therefore accept.
pub(crate) const WASM_FEATURES: [&str; 7] = [
    "--enable-bulk-memory",
    "--enable-bulk-memory-opt",
    "--enable-nontrapping-float-to-int",
    "--enable-sign-ext",
    "--enable-mutable-globals",
    "--enable-reference-types",
    "--enable-multivalue",
];

pub(crate) fn all() -> Result<()> {
    setup::all()?;
    browser()?;
    worker()
}

/// The script for programs that the slim core decides, and the one for all others; the Worker chooses.
pub(crate) const SCRIPT: &str = "sl.js";
pub(crate) const WHOLE_SCRIPT: &str = "sl-whole.js";
/// The decide-only build, which is put into a page.
pub(crate) const DECIDE_SCRIPT: &str = "decide.js";

/// Both of them without the wasm, among what is built.
pub(crate) const LOADER: &str = "bundle.js";
pub(crate) const DECIDER: &str = "decider.js";

/// `sl.js`, its parts and the dashboard, in the assets folder, and the npm package.
pub(crate) fn browser() -> Result<()> {
    let wasm = run::progress("building the browser wasm", "about 30 s the first time", || {
        cargo_wasm("splitlight-browser", "browser", &["link-arg=-zstack-size=65536"])
    })?;
    let decide = run::progress("building the decide-only wasm", "about 10 s the first time", || {
        cargo_wasm("splitlight-decide", "browser", &["link-arg=-zstack-size=65536"])
    })?;
    let www = paths::root().join("www");
    let out = paths::browser();
    portable::TOOLS.build()?;
    let mut inputs = vec![wasm.clone(), decide.clone(), portable::TOOLS.module()];
    inputs.push(paths::root().join("crates/portable/portable.mjs"));
    inputs.extend(all_files(&www.join("loader")));
    inputs.extend(all_files(&www.join("sdk")));
    unless_fresh(&out, &inputs, "bundling sl.js, its parts and the package", || {
        let [slim, whole, only] = [portable::SLIM_PAGE, portable::PAGE, portable::DECIDE]
            .map(|variant| (out.join(variant.name), variant));
        for (wasm, (module, variant)) in [(&wasm, &slim), (&wasm, &whole), (&decide, &only)] {
            portable::bare(wasm, variant, &variant.folder(&out), module)?;
        }
        paths::create_dir(&paths::assets())?;
        let unmask = assemble(&www.join("loader/unmask.wat"), &out.join("unmask.wasm"))?;
        let loader =
            |name: &str, bundle: &str| bundle_loader(&www.join("loader").join(name), &out.join(bundle));
        let script = format!("{COMPILE_ALL}\n{}", loader("loader.js", LOADER)?);
        let script = parts::bundle(&script, &whole.0, &out)?;
        let decider = loader("decide.js", DECIDER)?;
        for (name, script, (module, _)) in
            [(SCRIPT, &script, &slim), (WHOLE_SCRIPT, &script, &whole), (DECIDE_SCRIPT, &decider, &only)]
        {
            let script = inline::inline(script, &paths::read(module)?, &unmask)?;
            paths::write(&paths::assets().join(name), script)?;
        }
        sdk::build(&paths::read(&whole.0)?, &unmask, &out)
    })?;
    paths::copy_dir(&www.join("dashboard"), &paths::assets().join("dashboard"), &|_, bytes| bytes)
}

/// `shim.js`, `index.js` and `index_bg.wasm`.
pub(crate) fn worker() -> Result<()> {
    let wasm = run::progress("building the Worker wasm", "about 60 s the first time", || {
        cargo_wasm("splitlight-worker", "edge", &[])
    })?;
    let out = paths::worker();
    unless_fresh(&out, std::slice::from_ref(&wasm), "binding the Worker", || {
        bindgen::worker(&wasm, &out)?;
        let index = out.join("index.js");
        paths::write(&index, adapt_worker_glue(&paths::read_text(&index)?)?)?;
        bundle_worker_glue(&out)?;
        paths::write(&out.join("shim.js"), SHIM)
    })
}

/// A program of one of our packages, nearly as fast as a release, with the checks of a debug build.
pub(crate) fn native(package: &str, program: &str) -> Result<PathBuf> {
    program_in("proof", package, program)
}

/// A program of one of our packages, as fast as it gets.
pub(crate) fn released(package: &str, program: &str) -> Result<PathBuf> {
    program_in("release", package, program)
}

fn program_in(profile: &str, package: &str, program: &str) -> Result<PathBuf> {
    run::progress(&format!("building {program}"), "about 60 s the first time", || {
        let mut cargo = run::cargo();
        cargo.args(["build", "--quiet", "--profile", profile, "--package", package, "--bin", program]);
        run::output(&mut cargo, &format!("{program} does not build: see the errors above"))
    })?;
    Ok(paths::target().join(profile).join(program))
}

/// The conformance vectors as a module for Node, workerd and Chromium.
pub(crate) fn vectors() -> Result<()> {
    setup::all()?;
    let wasm = run::progress("building the vectors wasm", "about 60 s the first time", || {
        cargo_wasm("splitlight-tests", "release", &[])
    })?;
    let out = paths::vectors();
    unless_fresh(&out, std::slice::from_ref(&wasm), "binding the vectors", || {
        bindgen::web(&wasm, "splitlight_tests", &out)
    })
}

/// Builds one package as a wasm module with Cargo and says where the module is.
pub(crate) fn cargo_wasm(package: &str, profile: &str, codegen: &[&str]) -> Result<PathBuf> {
    let mut cargo = run::cargo();
    cargo.args(["rustc", "--quiet", "--package", package, "--lib", "--crate-type", "cdylib"]);
    cargo.args(["--profile", profile, "--target", WASM_TARGET, "--"]);
    for option in codegen {
        cargo.args(["-C", option]);
    }
    if profile == "edge" {
        // The worker crate's types are js-sys types; without this the macros would make their own.
        cargo.env("WASM_BINDGEN_USE_JS_SYS", "1");
    }
    run::output(&mut cargo, &format!("{package} does not build for {WASM_TARGET}: see the errors above"))?;
    let file = format!("{}.wasm", package.replace('-', "_"));
    Ok(paths::target().join(WASM_TARGET).join(profile).join(file))
}

pub(crate) fn wasm_opt(from: &Path, to: &Path, passes: &[&str]) -> Result<()> {
    let mut node = run::command("node");
    node.arg("node_modules/binaryen/bin/wasm-opt").args(passes);
    node.args(WASM_FEATURES).arg(from).arg("-o").arg(to);
    run::output(&mut node, "wasm-opt failed: see its message above").map(drop)
}

/// A module that is written by hand.
fn assemble(from: &Path, to: &Path) -> Result<Vec<u8>> {
    let mut node = run::command("node");
    node.arg("node_modules/binaryen/bin/wasm-as").arg(from).arg("-o").arg(to);
    run::output(&mut node, "wasm-as failed: see its message above")?;
    paths::read(to)
}

/// The loader and the glue as one minified function that runs at once.
fn bundle_loader(loader: &Path, bundle: &Path) -> Result<String> {
    if !loader.is_file() {
        fail!("{} is missing: it is the entry of the script tag", paths::short(loader));
    }
    let mut esbuild = run::command(setup::esbuild()?);
    // Every browser that runs wasm with reference types knows ES2021.
    esbuild.arg(loader).args(["--bundle", "--minify", "--format=iife", "--target=es2021", "--charset=utf8"]);
    esbuild.args(["--legal-comments=none", "--log-level=warning"]);
    // Members that only our own files use, and no interface of the browser has.
    esbuild.arg(
        "--mangle-props=^(asksHistory|recall|keepSession|keepSticky|keepHistory|onRead|agreed|counted|records|plan|wants|conversion|made|broken|rounds|undo|seen|restore|flush|drop|unfinished|saved|said|forgets|settleId)$",
    );
    esbuild.arg(format!("--outfile={}", bundle.display()));
    run::output(&mut esbuild, "esbuild could not bundle www/loader: see its message above")?;
    paths::read_text(bundle)
}

/// Four edits that wasm-bindgen has no option for; each must find its place, so an update cannot drop one silently.
fn adapt_worker_glue(glue: &str) -> Result<String> {
    let abort = "function __wbg_call_abort_hook() {\n";
    let tell = format!("{abort}    globalThis.__worker_init_state.onAbort?.();\n");
    for place in ["import source ", abort] {
        if glue.matches(place).count() != 1 {
            fail!("wasm-bindgen's glue has no single `{}`: adapt build.rs to its new form", place.trim());
        }
    }
    // workerd gives a compiled module for a plain import of wasm.
    let mut glue = glue.replace("import source ", "import ").replace(abort, &tell);
    for class in ["IntoUnderlyingSource", "IntoUnderlyingSink"] {
        if glue.contains(&format!("\nclass {class} {{")) {
            glue.push_str("\nexport { ");
            glue.push_str(class);
            glue.push_str(" };\n");
        }
    }
    renew_between_calls_only(&glue)
}

/// Lets a call into an aborted instance fail: its arguments lie in the old memory, so it must not reach a new instance.
/// The shim makes that one before the next call.
fn renew_between_calls_only(glue: &str) -> Result<String> {
    const GUARD: &str = "function __wbg_call_guard() {";
    const RENEW: &str = "__wbg_reset_state();";
    let guard = glue.split_once(GUARD).and_then(|(_, rest)| rest.split_once("\n}\n"));
    let Some((guard, _)) = guard.filter(|(guard, _)| guard.matches(RENEW).count() == 2) else {
        fail!(
            "wasm-bindgen's glue does not renew the instance in `{GUARD}` twice: adapt build.rs to its new form"
        );
    };
    let fails = guard.replace(RENEW, "__wbg_call_abort_hook(); throw new Error('Module terminated');");
    Ok(glue.replacen(guard, &fails, 1))
}

/// One module instead of a module and its snippets.
fn bundle_worker_glue(out: &Path) -> Result<()> {
    let mut esbuild = run::command(setup::esbuild()?);
    esbuild.current_dir(out);
    esbuild.args(["index.js", "--bundle", "--format=esm", "--target=es2022", "--minify-whitespace"]);
    esbuild.args(["--minify-syntax", "--external:./index_bg.wasm", "--external:cloudflare:*"]);
    esbuild.args(["--log-level=warning", "--allow-overwrite", "--outfile=index.js"]);
    run::output(&mut esbuild, "esbuild could not bundle the Worker's glue: see its message above")?;
    let snippets = out.join("snippets");
    if snippets.exists() {
        fs::remove_dir_all(&snippets).context("cannot remove the bundled snippets")?;
    }
    Ok(())
}

/// Runs `step` unless the stamp in `out` says that it ran with these very inputs, this task and these packages.
pub(crate) fn unless_fresh(
    out: &Path,
    inputs: &[PathBuf],
    what: &str,
    step: impl FnOnce() -> Result<()>,
) -> Result<()> {
    let mut inputs = inputs.to_vec();
    inputs.push(paths::root().join("package-lock.json"));
    inputs.extend(env::current_exe().ok());
    let stamp: String = inputs.iter().map(|path| stamp_of(path)).collect();
    let stamp_file = out.join("stamp");
    if fs::read_to_string(&stamp_file).is_ok_and(|old| old == stamp) {
        return Ok(());
    }
    paths::create_dir(out)?;
    // A step that fails halfway must not look done.
    let _ = fs::remove_file(&stamp_file);
    run::progress(what, "", step)?;
    paths::write(&stamp_file, stamp)
}

fn stamp_of(path: &Path) -> String {
    let (size, modified) = fs::metadata(path).map_or((0, None), |file| (file.len(), file.modified().ok()));
    format!("{} {size} {modified:?}\n", path.display())
}

fn all_files(dir: &Path) -> Vec<PathBuf> {
    let (dirs, mut files): (Vec<_>, Vec<_>) =
        paths::files_in(dir).into_iter().partition(|path| path.is_dir());
    files.extend(dirs.iter().flat_map(|dir| all_files(dir)));
    files
}
