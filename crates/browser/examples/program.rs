//! Writes the program of a config, as the Worker puts it into the script: `program splitlight.json > program.bin`.

use std::io::Write;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).ok_or("which config?")?;
    let parsed = splitlight_protocol::config::parse(&std::fs::read_to_string(path)?);
    let compiled = splitlight_engine::compile(&parsed.config);
    for issue in parsed.issues.iter().chain(&compiled.issues) {
        eprintln!("{issue:?}");
    }
    std::io::stdout().write_all(&compiled.program.to_bytes())?;
    Ok(())
}
