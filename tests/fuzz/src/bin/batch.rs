//! Batches of events, as anybody could send them to the intake.

#![no_main]

use libfuzzer_sys::fuzz_target;
use splitlight_fuzz::bounded;
use splitlight_protocol::event::Batch;

fuzz_target!(|input: &[u8]| {
    bounded(|| {
        if let Err(error) = Batch::parse(input) {
            assert!(!error.to_string().is_empty(), "a refusal without a word");
        }
    });
});
