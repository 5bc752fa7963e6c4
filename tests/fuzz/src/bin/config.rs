//! Config documents: read, checked, compiled, linted, and decided with.

#![no_main]

use libfuzzer_sys::fuzz_target;
use splitlight_engine::{Program, Setting, compile, lint};
use splitlight_fuzz::{bounded, everything, text};
use splitlight_protocol::config::parse;

fuzz_target!(|input: &[u8]| {
    let document = text(input);
    bounded(|| {
        let parsed = parse(&document);
        let compiled = compile(&parsed.config);
        lint(&parsed.config, &Setting { visitors_per_day: Some(1000.0), ..Setting::default() });
        let again = Program::from_bytes(&compiled.program.to_bytes());
        assert!(again.as_ref() == Ok(&compiled.program), "a program does not survive its bytes");
        everything(&compiled.program);
    });
});
