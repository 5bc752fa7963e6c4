//! `cargo xtask size`: what a visitor downloads and what the Worker weighs, against the budget.

use std::io::Write;

use flate2::{Compression, write::GzEncoder};

use crate::error::{Context, Result, fail};
use crate::{build, inline, paths, portable};

/// The whole script, brotli -11; GrowthBook's is 16.2 KB, Statsig's 20.4, PostHog's 102.
///
/// The bar is 24 KB, and it was kept until features, kept variations, scores, sessions and the rest of the conditions came
/// in. This holds what there is.
const SCRIPT_BROTLI_MAX: usize = 32_000;

/// The engine as a module without imports, brotli -11, built to be fast and built to be small.
const PORTABLE_BROTLI_MAX: usize = 50 * 1024;
const PORTABLE_SMALL_BROTLI_MAX: usize = 30 * 1024;

pub(crate) fn run() -> Result<()> {
    build::all()?;
    portable::build()?;
    let script = paths::read(&paths::assets().join("sl.js"))?;
    let bundle = paths::read_text(&paths::browser().join("bundle.js"))?;
    let wasm = paths::read(&paths::browser().join("splitlight_browser.wasm"))?;
    let worker = paths::worker();
    println!("\n{:<24} {:>9} {:>9} {:>9}", "", "raw", "gzip", "brotli");
    let script_brotli = row("sl.js", &script)?;
    row("  loader and glue", bundle.replace(inline::WASM_TOKEN, "\"\"").as_bytes())?;
    row("  wasm, as a file", &wasm)?;
    // What a site would load instead, from its npm package.
    let peer = "node_modules/@growthbook/growthbook/dist/bundles/auto.min.js";
    row("GrowthBook auto.min.js", &paths::read(&paths::root().join(peer))?)?;
    row("worker index_bg.wasm", &paths::read(&worker.join("index_bg.wasm"))?)?;
    row("worker index.js", &paths::read(&worker.join("index.js"))?)?;
    let portable = row("portable engine wasm", &paths::read(&portable::FAST.module())?)?;
    let small = row("  built to be small", &paths::read(&portable::SMALL.module())?)?;
    within("sl.js", script_brotli, SCRIPT_BROTLI_MAX)?;
    within("the portable engine", portable, PORTABLE_BROTLI_MAX)?;
    within("the small portable engine", small, PORTABLE_SMALL_BROTLI_MAX)
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
    println!("{name:<24} {:>9} {:>9} {brotli:>9}", bytes.len(), gzip_size(bytes)?);
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
