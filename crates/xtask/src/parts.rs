//! The parts of the script tag that few pages need: each is a module of its own, below an address that is their digest.

use std::path::{Path, PathBuf};

use crate::error::{Result, fail};
use crate::{build, inline, paths, portable, run, setup};

/// What the loader has in place of the digest.
const TOKEN: &str = "@@PARTS@@";

/// What a part has in place of the engine with all that tools ask of it.
const TOOLS_TOKEN: &str = "\"@@TOOLS@@\"";

/// What old engines lack and the core uses, taken out of it before it becomes JavaScript.
const LOWER: [&str; 3] =
    ["--signext-lowering", "--llvm-nontrapping-fptoint-lowering", "--llvm-memory-copy-fill-lowering"];

/// Bundles every part, and gives the script with their address in it.
pub(crate) fn bundle(script: &str, core: &Path, out: &Path) -> Result<String> {
    let sources = paths::root().join("www/loader/parts");
    let mut parts = vec![("plain".to_owned(), plain(core, out)?)];
    for source in paths::files_in(&sources) {
        let Some(name) = source.file_stem().and_then(|name| name.to_str()) else { continue };
        parts.push((name.to_owned(), module(&source, out)?));
    }
    let digest = format!("{:016x}", digest(parts.iter().flat_map(|(name, text)| [name, text])));
    let all = paths::assets().join("p");
    if all.exists() {
        paths::remove_dir(&all)?;
    }
    let folder = all.join(&digest);
    paths::create_dir(&folder)?;
    for (name, text) in parts {
        paths::write(&folder.join(format!("{name}.js")), text)?;
    }
    address(script)
}

/// A script with the address of the parts that were built last.
pub(crate) fn address(script: &str) -> Result<String> {
    if script.matches(TOKEN).count() != 1 {
        fail!("the loader has no single {TOKEN}: it says where the parts are");
    }
    let folder = folder()?;
    let digest = folder.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    Ok(script.replace(TOKEN, digest))
}

fn folder() -> Result<PathBuf> {
    let folders = paths::files_in(&paths::assets().join("p"));
    match folders.into_iter().next() {
        Some(folder) => Ok(folder),
        None => fail!("the parts are not built: run `cargo xtask build sl.js`"),
    }
}

/// The core in plain JavaScript, for pages on which WebAssembly is refused.
fn plain(core: &Path, out: &Path) -> Result<String> {
    let (lowered, written) = (out.join("lowered.wasm"), out.join("plain.js"));
    let mut optimize = run::command("node");
    optimize.args(["node_modules/binaryen/bin/wasm-opt", "-Oz"]).args(LOWER).args(build::WASM_FEATURES);
    run::output(optimize.arg(core).arg("-o").arg(&lowered), "wasm-opt failed: see its message above")?;
    let mut translate = run::command("node");
    translate.args(["node_modules/binaryen/bin/wasm2js", "-Oz"]).arg(&lowered).arg("-o").arg(&written);
    run::output(&mut translate, "wasm2js failed: see its message above")?;
    let text = paths::read_text(&written)?;
    let (import, end) = ("import * as _ from '_';", "var retasmFunc = ");
    let Some((body, _)) = text.strip_prefix(import).and_then(|text| text.split_once(end)) else {
        fail!("wasm2js writes its module in another way now: adapt parts.rs to it");
    };
    paths::write(&written, format!("{body}\nexport default () => asmFunc;\n"))?;
    module(&written, out)
}

/// One minified module, with whatever wasm it holds.
fn module(source: &Path, out: &Path) -> Result<String> {
    let bundle = out.join("part.js");
    let mut esbuild = run::command(setup::esbuild()?);
    esbuild.arg(source).args(["--bundle", "--minify", "--format=esm", "--target=es2021", "--charset=utf8"]);
    esbuild.args(["--legal-comments=none", "--log-level=warning"]);
    esbuild.arg(format!("--outfile={}", bundle.display()));
    run::output(&mut esbuild, "esbuild could not bundle a part of the loader: see its message above")?;
    let text = paths::read_text(&bundle)?;
    if !text.contains(TOOLS_TOKEN) {
        return Ok(text);
    }
    Ok(text.replacen(TOOLS_TOKEN, &inline::literal(&paths::read(&portable::TOOLS.module())?), 1))
}

/// FNV-1a, 64 bits: the same parts have the same address, and others have another one.
fn digest<'a>(texts: impl Iterator<Item = &'a String>) -> u64 {
    texts.flat_map(|text| text.bytes()).fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

/// The file of a part, as it was built last.
pub(crate) fn file(name: &str) -> Result<PathBuf> {
    Ok(folder()?.join(format!("{name}.js")))
}
