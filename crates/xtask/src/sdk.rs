//! The npm package, from the sources of the script tag and of the portable engine.

use std::path::Path;

use base64::prelude::{BASE64_STANDARD, Engine as _};

use crate::error::{Result, fail};
use crate::{inline, parts, paths, portable, run, setup};

/// What `testing.js` has in place of the engine with tools, which travels with it wherever it is bundled: in base64, because
/// bundlers rewrite text that is not ASCII.
const TOOLS_TOKEN: &str = "@@TOOLS64@@";

/// Entries, and what may be left outside of each.
const ENTRIES: [(&str, &str); 4] =
    [("browser", ""), ("node", "node:*"), ("workerd", "./splitlight.wasm"), ("testing", "")];

/// Makes the package in the output folder, ready for `npm pack`.
pub(crate) fn build(core: &[u8], unmask: &[u8], out: &Path) -> Result<()> {
    let sources = paths::root().join("www/sdk");
    let (package, dist) = (paths::out().join("sdk"), paths::out().join("sdk/dist"));
    if package.exists() {
        paths::remove_dir(&package)?;
    }
    paths::create_dir(&dist)?;
    let tools = paths::read(&portable::TOOLS.module())?;
    for (entry, external) in ENTRIES {
        let text = bundle(&sources.join(format!("{entry}.js")), external, out)?;
        let text = match entry {
            "browser" => parts::address(&inline::core(&text, core, unmask)?)?,
            "testing" => once(&text, TOOLS_TOKEN, &BASE64_STANDARD.encode(&tools))?,
            _ => text,
        };
        paths::write(&dist.join(format!("{entry}.js")), text)?;
    }
    for types in ["index.d.ts", "server.d.ts", "testing.d.ts"] {
        paths::write(&dist.join(types), paths::read(&sources.join(types))?)?;
    }
    paths::write(&dist.join("splitlight.wasm"), tools)?;
    paths::write(&package.join("package.json"), paths::read(&sources.join("package.json"))?)
}

fn bundle(entry: &Path, external: &str, out: &Path) -> Result<String> {
    let written = out.join("sdk.js");
    let mut esbuild = run::command(setup::esbuild()?);
    esbuild.arg(entry).args(["--bundle", "--minify", "--format=esm", "--target=es2022", "--charset=utf8"]);
    esbuild.args(["--legal-comments=none", "--log-level=warning"]);
    if !external.is_empty() {
        esbuild.arg(format!("--external:{external}"));
    }
    esbuild.arg(format!("--outfile={}", written.display()));
    run::output(&mut esbuild, "esbuild could not bundle www/sdk: see its message above")?;
    paths::read_text(&written)
}

fn once(text: &str, token: &str, by: &str) -> Result<String> {
    if text.matches(token).count() != 1 {
        fail!("the bundle has no single {token}: www/sdk must name it exactly once");
    }
    Ok(text.replace(token, by))
}
