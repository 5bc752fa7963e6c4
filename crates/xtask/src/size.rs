//! `cargo xtask size`: what a visitor downloads and what the Worker weighs, against the budget.

use std::collections::BTreeMap;
use std::io::Write;

use flate2::{Compression, write::GzEncoder};
use wasmparser::{KnownCustom, Name, Payload};

use crate::error::{Context, Result, fail};
use crate::portable::Variant;
use crate::{build, inline, paths, portable};

/// The script that most programs come with, brotli -11: the bar of the design.
const SCRIPT_BROTLI_MAX: usize = 24 * 1024;

/// The script for programs that have what the slim core is built without.
const WHOLE_SCRIPT_BROTLI_MAX: usize = 31_800;

/// The decide-only build, brotli -11: the bar of the design.
const DECIDE_SCRIPT_BROTLI_MAX: usize = 9 * 1024;

/// How many of the heaviest functions are shown.
const HEAVIEST: usize = 12;

/// What a site would load instead, from npm packages.
const PEERS: [(&str, &str); 4] = [
    ("GrowthBook auto.min.js", "@growthbook/growthbook/dist/bundles/auto.min.js"),
    ("GrowthBook index.min.js", "@growthbook/growthbook/dist/bundles/index.min.js"),
    ("Statsig js-client.min.js", "@statsig/js-client/build/statsig-js-client.min.js"),
    ("PostHog array.js", "posthog-js/dist/array.js"),
];

/// The engine as a module without imports, brotli -11, built to be fast and built to be small.
///
/// The fast one reads a program in two forms: as its bytes, and as the rows of bits that many decisions are made from.
const PORTABLE_BROTLI_MAX: usize = 54 * 1024;
const PORTABLE_SMALL_BROTLI_MAX: usize = 30 * 1024;

pub(crate) fn run() -> Result<()> {
    build::all()?;
    portable::build()?;
    let assets = paths::assets();
    let loader = |name: &str| -> Result<String> {
        Ok(paths::read_text(&paths::browser().join(name))?.replace(inline::WASM_TOKEN, "\"\""))
    };
    let module = |variant: &Variant| paths::read(&paths::browser().join(variant.name));
    let worker = paths::worker();
    println!("\n{:<26} {:>9} {:>9} {:>9}", "", "raw", "gzip", "brotli");
    let script = row(build::SCRIPT, &paths::read(&assets.join(build::SCRIPT))?)?;
    row("  loader", loader(build::LOADER)?.as_bytes())?;
    row("  slim core, as a file", &module(&portable::SLIM_PAGE)?)?;
    let whole = row(build::WHOLE_SCRIPT, &paths::read(&assets.join(build::WHOLE_SCRIPT))?)?;
    row("  whole core, as a file", &module(&portable::PAGE)?)?;
    let decide = row(build::DECIDE_SCRIPT, &paths::read(&assets.join(build::DECIDE_SCRIPT))?)?;
    row("  loader", loader(build::DECIDER)?.as_bytes())?;
    row("  decide-only core, as a file", &module(&portable::DECIDE)?)?;
    for (name, file) in PEERS {
        row(name, &paths::read(&paths::root().join("node_modules").join(file))?)?;
    }
    for name in ["index_bg.wasm", "index.js"] {
        let bytes = paths::read(&worker.join(name))?;
        // Cloudflare counts gzip, and brotli would take minutes.
        println!("{:<26} {:>9} {:>9}", format!("worker {name}"), bytes.len(), gzip_size(&bytes)?);
    }
    let portable = row("portable engine wasm", &paths::read(&portable::FAST.module())?)?;
    let small = row("  built to be small", &paths::read(&portable::SMALL.module())?)?;
    heaviest(&portable::SLIM_PAGE)?;
    within(build::SCRIPT, script, SCRIPT_BROTLI_MAX)?;
    within(build::WHOLE_SCRIPT, whole, WHOLE_SCRIPT_BROTLI_MAX)?;
    within(build::DECIDE_SCRIPT, decide, DECIDE_SCRIPT_BROTLI_MAX)?;
    within("the portable engine", portable, PORTABLE_BROTLI_MAX)?;
    within("the small portable engine", small, PORTABLE_SMALL_BROTLI_MAX)
}

/// Prints what weighs what in a core of the script tag: the data, the heaviest functions and the others.
fn heaviest(variant: &Variant) -> Result<()> {
    let named = paths::read(&variant.folder(&paths::browser()).join(portable::NAMED))?;
    let mut functions = functions(&named)?;
    functions.sort_by_key(|(size, _)| std::cmp::Reverse(*size));
    let (first, others) = functions.split_at(HEAVIEST.min(functions.len()));
    println!("\nwhat weighs what in {}, raw:", variant.name);
    for (size, name) in first {
        println!("{size:>7}  {name}");
    }
    let rest: usize = others.iter().map(|(size, _)| size).sum();
    println!("{rest:>7}  {} other functions\n", others.len());
    Ok(())
}

/// The functions of a module with names: how many bytes each has, and what it is called.
fn functions(wasm: &[u8]) -> Result<Vec<(usize, String)>> {
    let (mut imported, mut sizes, mut names) = (0, Vec::new(), BTreeMap::new());
    for payload in wasmparser::Parser::new(0).parse_all(wasm) {
        match payload.context("cannot read the wasm")? {
            Payload::ImportSection(imports) => {
                for import in imports.into_imports() {
                    let import = import.context("cannot read the imports")?;
                    imported += usize::from(matches!(import.ty, wasmparser::TypeRef::Func(_)));
                }
            }
            Payload::CodeSectionEntry(body) => sizes.push(body.range().len()),
            Payload::CustomSection(section) => {
                let KnownCustom::Name(parts) = section.as_known() else { continue };
                for part in parts {
                    let Name::Function(all) = part.context("cannot read the names")? else { continue };
                    for naming in all {
                        let naming = naming.context("cannot read the names")?;
                        names.insert(
                            naming.index as usize,
                            format!("{:#}", rustc_demangle::demangle(naming.name)),
                        );
                    }
                }
            }
            _ => {}
        }
    }
    let name = |at: usize| names.get(&(imported + at)).cloned().unwrap_or_else(|| format!("function {at}"));
    Ok(sizes.into_iter().enumerate().map(|(at, size)| (size, name(at))).collect())
}

/// Says how much of its budget a thing takes, and fails when that is more than all of it.
fn within(name: &str, bytes: usize, budget: usize) -> Result<()> {
    println!("{name} takes {} % of its budget of {budget} bytes", bytes * 100 / budget);
    if bytes > budget {
        fail!("{name} is {} bytes over its budget: see what the last change added", bytes - budget);
    }
    Ok(())
}

fn row(name: &str, bytes: &[u8]) -> Result<usize> {
    let brotli = brotli_size(bytes)?;
    println!("{name:<26} {:>9} {:>9} {brotli:>9}", bytes.len(), gzip_size(bytes)?);
    Ok(brotli)
}

fn gzip_size(bytes: &[u8]) -> Result<usize> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).context("gzip")?;
    Ok(encoder.finish().context("gzip")?.len())
}

fn brotli_size(bytes: &[u8]) -> Result<usize> {
    let params = brotli::enc::BrotliEncoderParams { quality: 11, lgwin: 22, ..Default::default() };
    let mut out = Vec::new();
    brotli::BrotliCompress(&mut &*bytes, &mut out, &params).context("brotli")?;
    Ok(out.len())
}

#[cfg(test)]
mod tests {
    use super::within;

    #[test]
    fn a_byte_over_the_budget_fails() {
        assert!(within("x", 10, 10).is_ok());
        assert!(within("x", 11, 10).is_err());
    }
}
