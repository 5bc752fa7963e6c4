//! Writes the tables of the guide anew from the vectors: `cargo xtask guide`.

use std::process::ExitCode;

fn main() -> ExitCode {
    match rewrite() {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("error: {reason}");
            ExitCode::FAILURE
        }
    }
}

fn rewrite() -> Result<(), String> {
    for path in splitlight_tests::guide::pages()? {
        let problem = |reason: String| format!("{}: {reason}", path.display());
        let page = std::fs::read_to_string(&path).map_err(|error| problem(error.to_string()))?;
        let made = splitlight_tests::guide::with_tables(&page).map_err(problem)?;
        if made != page {
            std::fs::write(&path, made).map_err(|error| problem(error.to_string()))?;
            println!("{}", path.display());
        }
    }
    Ok(())
}
