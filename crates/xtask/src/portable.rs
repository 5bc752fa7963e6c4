//! The engine as a module without imports, for hosts of any kind.

use std::path::{Path, PathBuf};

use walrus::Module;

use crate::error::{Context, Result, fail};
use crate::{bindgen, build, paths, run, setup, snip};

/// A way to build the module.
pub(crate) struct Variant {
    /// Its file.
    pub(crate) name: &'static str,
    profile: &'static str,
    optimize: &'static [&'static str],
    /// What is done at last, when the names are no longer needed.
    last: &'static [&'static str],
    /// What hosts call; all of it takes and gives numbers, so no glue is needed.
    exports: &'static [&'static str],
    /// What it asks its host for, by count.
    imports: usize,
    /// Whether it writes anything by the standard library's formatting.
    formats: bool,
    /// Questions of the engine, by the ends of their names as Rust has them, whose answer is no here: what only another answer
    /// leads to is left out.
    denied: &'static [&'static str],
}

/// `Visitor::is_partial`, `Code::asks_rare` and `History::has_session` of the engine.
const IS_PARTIAL: &str = "10is_partial";
const ASKS_RARE: &str = "9asks_rare";
const HAS_SESSION: &str = "11has_session";

/// What asks about a list's elements, which only programs for the whole core do; a table of functions would keep it.
const WITHIN_A_LIST: &str = "5holds6within28_";

/// The core of the script tag, which asks JavaScript to write numbers.
pub(crate) const PAGE: Variant = Variant {
    name: "splitlight_browser.wasm",
    profile: "browser",
    optimize: &SMALL_FIRST,
    last: &SMALL_LAST,
    exports: &["memory", "room", "start", "decide", "remember"],
    imports: 1,
    formats: false,
    denied: &[IS_PARTIAL],
};

/// The core of the script tag for most programs: without what `Code::asks_rare` asks for.
pub(crate) const SLIM_PAGE: Variant = Variant {
    name: "splitlight_slim.wasm",
    last: &SMALLEST_LAST,
    denied: &[IS_PARTIAL, ASKS_RARE, HAS_SESSION, WITHIN_A_LIST],
    ..PAGE
};

/// The core of the decide-only build.
pub(crate) const DECIDE: Variant = Variant {
    name: "splitlight_decide.wasm",
    last: &SMALLEST_LAST,
    exports: &["memory", "room", "choose"],
    denied: &[],
    ..PAGE
};

/// For hosts that decide for many visitors.
pub(crate) const FAST: Variant = Variant {
    name: "splitlight_portable.wasm",
    profile: "edge",
    // Twice: the second pass finds what the first one made alike.
    optimize: &["-O3", "-O3"],
    last: &[],
    exports: &["memory", "room", "load", "names", "decide", "index"],
    imports: 0,
    formats: false,
    denied: &[],
};

/// For hosts that start often: a third of the code to compile, and no index.
pub(crate) const SMALL: Variant = Variant {
    name: "splitlight_portable_small.wasm",
    profile: "browser",
    optimize: &SMALL_FIRST,
    last: &SMALL_LAST,
    exports: &["memory", "room", "load", "names", "decide"],
    imports: 0,
    formats: false,
    denied: &[],
};

/// For tools, which also ask why: small, since the debug panel of a page loads it.
pub(crate) const TOOLS: Variant = Variant {
    name: "splitlight_tools.wasm",
    profile: "browser",
    optimize: &SMALL_FIRST,
    last: &SMALL_LAST,
    exports: &[
        "memory", "room", "load", "names", "decide", "explain", "page", "remember", "visit", "history",
    ],
    imports: 0,
    formats: true,
    denied: &[],
};

/// The module before it loses its names, in the folder where it is made.
pub(crate) const NAMED: &str = "named.wasm";

/// What makes a module small: control flow is laid out anew, because blocks as rustc leaves them are 1 % larger.
///
/// The first KiB of memory is the far end of the stack, so no address that is computed lies there, which saves 1 % more.
pub(crate) const SMALL_FIRST: [&str; 6] =
    ["--low-memory-unused", "-Oz", "--flatten", "--rereloop", "-Oz", "-Oz"];

/// Once more, of what was written and read again, and functions that are called often first, since their numbers are short.
const SMALL_LAST: [&str; 3] = ["--low-memory-unused", "-Oz", "--reorder-functions"];

/// What is never made into JavaScript also says of no address that it is aligned, which compresses better.
const SMALLEST_LAST: [&str; 4] = ["--low-memory-unused", "-Oz", "--reorder-functions", "--dealign"];

impl Variant {
    /// The module that [`build()`] makes.
    pub(crate) fn module(&self) -> PathBuf {
        paths::portable().join(self.name)
    }

    /// Where the module is made, in a folder.
    pub(crate) fn folder(&self, within: &Path) -> PathBuf {
        within.join(self.name.trim_end_matches(".wasm"))
    }

    pub(crate) fn build(&self) -> Result<()> {
        let wasm = run::progress("building the portable wasm", "about 30 s the first time", || {
            build::cargo_wasm("splitlight-portable", self.profile, &["link-arg=-zstack-size=65536"])
        })?;
        let out = self.folder(&paths::portable());
        build::unless_fresh(&out, std::slice::from_ref(&wasm), "making the portable module", || {
            bare(&wasm, self, &out, &self.module())
        })
    }
}

/// Makes a module with a variant's exports and imports, which take and give numbers only, so that it needs no glue.
pub(crate) fn bare(wasm: &Path, variant: &Variant, out: &Path, to: &Path) -> Result<()> {
    let [snipped, bare, named] = ["snipped.wasm", "bare.wasm", NAMED].map(|name| out.join(name));
    paths::create_dir(out)?;
    snip::panics(wasm, &snipped, variant.formats, variant.denied)?;
    bindgen::web(&snipped, "bound", out)?;
    keep_exports(variant.exports, &out.join("bound_bg.wasm"), &bare)?;
    build::wasm_opt(&bare, &named, &[variant.optimize, &["-g"]].concat())?;
    let strip = ["--strip-debug", "--strip-producers", "--strip-target-features"];
    build::wasm_opt(&named, to, &[variant.last, &strip].concat())?;
    refuse_imports(to, variant.imports)
}

/// Builds the module in both ways, and refuses one that asks its host for anything.
pub(crate) fn build() -> Result<()> {
    setup::all()?;
    FAST.build()?;
    SMALL.build()?;
    TOOLS.build()
}

/// Drops what only wasm-bindgen's glue would use, such as a table for JavaScript's values, and the import that fills it.
fn keep_exports(exports: &[&str], from: &Path, to: &Path) -> Result<()> {
    let mut module = read(from)?;
    let others = module.exports.iter().filter(|export| !exports.contains(&export.name.as_str()));
    let others: Vec<_> = others.map(walrus::Export::id).collect();
    for id in others {
        module.exports.delete(id);
    }
    let missing = exports.iter().find(|name| !module.exports.iter().any(|export| export.name == **name));
    if let Some(name) = missing {
        fail!("the module has no export `{name}`: wasm-bindgen names it in another way now");
    }
    // Their hashes are unlike anything and do not compress.
    for (count, import) in module.imports.iter_mut().enumerate() {
        (import.module, import.name) = ("_".to_owned(), count.to_string());
    }
    walrus::passes::gc::run(&mut module);
    module.emit_wasm_file(to).map_err(|error| format!("{error:#}")).context("cannot write the wasm")
}

fn read(wasm: &Path) -> Result<Module> {
    Module::from_file(wasm).map_err(|error| format!("{error:#}")).context("cannot read the wasm")
}

/// Fails with the names of the imports, if there are more than there may be.
fn refuse_imports(wasm: &Path, allowed: usize) -> Result<()> {
    let imports = imports(wasm)?;
    if imports.len() == allowed {
        return Ok(());
    }
    fail!(
        "the module has {} imports and may have {allowed}: {}; something reaches for the host",
        imports.len(),
        imports.join(", ")
    )
}

fn imports(wasm: &Path) -> Result<Vec<String>> {
    Ok(read(wasm)?.imports.iter().map(|import| format!("{}.{}", import.module, import.name)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_that_asks_for_something_is_refused() {
        let file = std::env::temp_dir().join(format!("splitlight-imports-{}.wasm", std::process::id()));
        let mut module = Module::default();
        module.emit_wasm_file(&file).expect("writes");
        assert!(refuse_imports(&file, 0).is_ok());
        let kind = module.types.add(&[], &[]);
        module.add_import_func("host", "now", kind);
        module.emit_wasm_file(&file).expect("writes");
        let refused = refuse_imports(&file, 0).expect_err("has an import").to_string();
        std::fs::remove_file(&file).expect("is there");
        assert!(refused.contains("1 imports") && refused.contains("host.now"), "{refused}");
    }
}
