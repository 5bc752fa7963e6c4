//! wasm-bindgen in this process: the glue for the browser, for workerd and for the vectors.

use std::path::Path;

use wasm_bindgen_cli_support::Bindgen;

use crate::error::{Context, Result};

/// Glue for a page or for Node: an ES module named `name`.js and `name`_bg.wasm.
pub(crate) fn web(wasm: &Path, name: &str, out: &Path) -> Result<()> {
    let mut bindgen = Bindgen::new();
    // Without the default path the loader's `initSync` is all that is left after bundling: no fetch, no import.meta.
    bindgen.omit_default_module_path(true);
    bindgen.web(true).context("wasm-bindgen")?;
    // Names cost nothing here: wasm-opt drops them, once they have told what weighs what.
    finish(bindgen.input_path(wasm).out_name(name).remove_name_section(false), out)
}

/// Glue for workerd: `index.js` and `index_bg.wasm`, able to start anew after an abort.
pub(crate) fn worker(wasm: &Path, out: &Path) -> Result<()> {
    let mut bindgen = Bindgen::new();
    bindgen.module(true).context("wasm-bindgen")?;
    bindgen.reset_state_function(true).force_enable_abort_handler(true);
    finish(bindgen.input_path(wasm).out_name("index").remove_name_section(true), out)
}

fn finish(bindgen: &mut Bindgen, out: &Path) -> Result<()> {
    bindgen.typescript(false).demangle(false).remove_producers_section(true);
    bindgen.generate(out).map_err(|error| format!("{error:#}")).context("wasm-bindgen failed")
}
