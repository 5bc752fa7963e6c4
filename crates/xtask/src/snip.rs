//! Takes the words out of panics: in the browser nobody reads them, and the code that writes them is a tenth of the wasm.

use std::path::Path;

use walrus::{FunctionBuilder, FunctionKind, Module};

use crate::error::{Context, Result, fail};

/// Functions that only run on the way to a trap, by a part of their name: mangled as Rust has it, old way and new way.
const ON_THE_WAY_TO_A_TRAP: [&str; 9] = [
    "4core9panicking",
    "3std9panicking",
    "4core6option13expect_failed",
    "4core6option13unwrap_failed",
    "4core6result13unwrap_failed",
    "slice_index_fail",
    "slice_error_fail",
    "13assert_failed",
    "7raw_vec12handle_error",
];

/// The formatting of the standard library, which only panics use where nothing else writes by it.
const FORMATTING: &str = "4core3fmt";

/// Replaces the body of each of those functions by the trap it leads to; the optimizer then drops what only they used.
///
/// `formats` says that something besides panics is formatted. The answers of the functions in `denied` are taken for no.
pub(crate) fn panics(from: &Path, to: &Path, formats: bool, denied: &[&str]) -> Result<()> {
    let mut module =
        Module::from_file(from).map_err(|error| format!("{error:#}")).context("cannot read the wasm")?;
    let doomed: Vec<_> = module.funcs.iter_local().map(|(id, _)| id).collect();
    for id in doomed {
        let function = module.funcs.get(id);
        let is_doomed = |name: &String| {
            ON_THE_WAY_TO_A_TRAP.iter().any(|part| name.contains(part))
                || (!formats && name.contains(FORMATTING))
        };
        if !function.name.as_ref().is_some_and(is_doomed) {
            continue;
        }
        let (params, results) = module.types.params_results(function.ty());
        let (params, results) = (params.to_vec(), results.to_vec());
        let arguments = params.iter().map(|kind| module.locals.add(*kind)).collect();
        let mut builder = FunctionBuilder::new(&mut module.types, &params, &results);
        builder.func_body().unreachable();
        module.funcs.get_mut(id).kind = FunctionKind::Local(builder.local_func(arguments));
    }
    for question in denied {
        deny(&mut module, question)?;
    }
    let segments: Vec<_> = module.data.iter().map(walrus::Data::id).collect();
    for id in segments {
        let bytes = &mut module.data.get_mut(id).value;
        blank_paths(bytes, &cargo_home());
        for words in LAST_WORDS {
            blank(bytes, words);
        }
        if !formats {
            blank(bytes, &pairs_of_digits());
        }
    }
    module.emit_wasm_file(to).map_err(|error| format!("{error:#}")).context("cannot write the wasm")
}

/// Has a question answered by no; the optimizer then drops what only the other answer leads to.
fn deny(module: &mut Module, question: &str) -> Result<()> {
    let named =
        |function: &&walrus::Function| function.name.as_ref().is_some_and(|name| name.contains(question));
    let found: Vec<_> = module.funcs.iter().filter(named).map(walrus::Function::id).collect();
    let [id] = found[..] else {
        fail!("the wasm has {} functions named {question}, and has to have one to answer for", found.len());
    };
    let ty = module.funcs.get(id).ty();
    let (params, results) = module.types.params_results(ty);
    let (params, results) = (params.to_vec(), results.to_vec());
    let arguments = params.iter().map(|kind| module.locals.add(*kind)).collect();
    let mut builder = FunctionBuilder::new(&mut module.types, &params, &results);
    builder.func_body().i32_const(0);
    module.funcs.get_mut(id).kind = FunctionKind::Local(builder.local_func(arguments));
    Ok(())
}

/// What panics say, as far as it is in the data of our wasm.
const LAST_WORDS: [&str; 16] = [
    "slice index starts at ",
    " but ends at ",
    "index out of bounds: the len is ",
    " but the index is ",
    "range start index ",
    "range end index ",
    " out of range for slice of length ",
    "insertion index (is ",
    ") should be <= len (is ",
    "capacity overflow",
    "RefCell already mutably borrowed",
    "RefCell already borrowed",
    "window size must be non-zero",
    "Tried to shrink to a larger capacity",
    "mid > len",
    "null pointer passed to rust",
];

/// The table by which the standard library writes whole numbers, two digits at a time.
fn pairs_of_digits() -> String {
    let digits = || '0'..='9';
    digits().flat_map(|tens| digits().flat_map(move |ones| [tens, ones])).collect()
}

/// Overwrites what nothing reads any more.
fn blank(data: &mut [u8], words: &str) {
    while let Some(at) = data.windows(words.len()).position(|window| window == words.as_bytes()) {
        data[at..at + words.len()].fill(0);
    }
}

/// Overwrites the names of source files, which only panics read and which say where the wasm was built.
///
/// Zeros weigh next to nothing once compressed; taking the bytes out would move everything behind them.
fn blank_paths(data: &mut [u8], cargo_home: &str) {
    let find = |data: &[u8], text: &[u8]| data.windows(text.len()).position(|window| window == text);
    let mut from = 0;
    while let Some(end) = find(&data[from..], b".rs").map(|at| from + at + 3) {
        let starts = [cargo_home, "/rustc/", "crates/"];
        let begins = |start: &&str| {
            let start = start.as_bytes();
            data[from..end].windows(start.len()).rposition(|window| window == start)
        };
        if let Some(begin) = starts.iter().filter_map(begins).min() {
            data[from + begin..end].fill(0);
        }
        from = end;
    }
}

fn cargo_home() -> String {
    let home = || std::env::home_dir().unwrap_or_default().join(".cargo").display().to_string();
    std::env::var("CARGO_HOME").unwrap_or_else(|_| home())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_that_is_not_there_is_not_denied() {
        let mut module = Module::default();
        assert!(deny(&mut module, "9asks_rare").is_err());
        let mut asks = FunctionBuilder::new(&mut module.types, &[], &[walrus::ValType::I32]);
        asks.name("_ZN4code9asks_rare17h0E".to_owned()).func_body().i32_const(1);
        let asks = asks.finish(Vec::new(), &mut module.funcs);
        assert!(deny(&mut module, "9asks_rare").is_ok());
        let FunctionKind::Local(denied) = &module.funcs.get(asks).kind else { panic!("it has a body") };
        let body = format!("{:?}", denied.block(denied.entry_block()).instrs);
        assert!(body.contains("I32(0)") && !body.contains("I32(1)"), "{body}");
    }

    #[test]
    fn names_of_source_files_are_blanked_and_nothing_else() {
        let mut data = *b"live/home/c/registry/x.rscrates/a/src/lib.rsalso.rslive";
        blank_paths(&mut data, "/home/c");
        let text = String::from_utf8_lossy(&data).replace('\0', "");
        assert_eq!(text, "livealso.rslive");
    }
}
