//! The bytes of programs, as a browser could get them from anywhere.

#![no_main]

use libfuzzer_sys::fuzz_target;
use splitlight_engine::Program;
use splitlight_fuzz::{bounded, everything};

fuzz_target!(|input: &[u8]| {
    bounded(|| {
        if let Ok(program) = Program::from_bytes(input) {
            // Numbers may be no numbers here, so that bytes are compared and not programs.
            let bytes = program.to_bytes();
            let again = Program::from_bytes(&bytes).map(|program| program.to_bytes());
            assert!(again == Ok(bytes), "a program does not survive its bytes");
            everything(&program);
        }
    });
});
