//! Writes what the Worker puts into the script for a config, as JSON: `page splitlight.json` gives `program`, its bytes,
//! `slim`, which says whether the slim core decides it, and `site`.

use splitlight_engine::{compile, site};
use splitlight_protocol::config;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).ok_or("which config?")?;
    let parsed = config::parse(&std::fs::read_to_string(path)?);
    let compiled = compile(&parsed.config);
    for issue in parsed.issues.iter().chain(&compiled.issues) {
        eprintln!("{issue:?}");
    }
    let site = site(&parsed.config, &compiled.program, "hash-1");
    let program = &compiled.program;
    let written =
        serde_json::json!({ "program": program.to_bytes(), "slim": program.is_slim(), "site": site });
    println!("{written}");
    Ok(())
}
