//! The bytes of programs, as a browser could get them from anywhere.

#![no_main]

use libfuzzer_sys::fuzz_target;
use splitlight_engine::{Consent, Program, lean};
use splitlight_fuzz::{bounded, everything};
use splitlight_protocol::Timestamp;

fuzz_target!(|input: &[u8]| {
    bounded(|| {
        // Whatever they are, the decide-only build takes them as a program and as what a page says.
        lean::decide(input, input, Consent::Granted, Timestamp::from_ms(0), &mut |_| {});
        if let Ok(program) = Program::from_bytes(input) {
            // Numbers may be no numbers here, so that bytes are compared and not programs.
            let bytes = program.to_bytes();
            let again = Program::from_bytes(&bytes).map(|program| program.to_bytes());
            assert!(again == Ok(bytes), "a program does not survive its bytes");
            everything(&program);
        }
    });
});
