//! Batches of events, as anybody could send them to the intake.

#![no_main]

use libfuzzer_sys::fuzz_target;
use splitlight_fuzz::bounded;
use splitlight_protocol::event::Batch;
use splitlight_protocol::limits::BATCH_EVENTS_MAX;

fuzz_target!(|input: &[u8]| {
    bounded(|| {
        let parsed = Batch::parse(input);
        match Batch::sift(input) {
            Err(error) => {
                assert!(!error.to_string().is_empty(), "a refusal without a word");
                assert!(parsed.is_err(), "a batch that is one was refused");
            }
            Ok((batch, refused)) => {
                assert!((1..=BATCH_EVENTS_MAX).contains(&batch.events.len()), "a batch without events");
                assert!(refused.is_sorted_by_key(|one| one.index), "the refused are out of their order");
                assert!(parsed.is_err() || refused.is_empty(), "an event is refused, and the batch is whole");
                let events = batch.events.len() + refused.len();
                assert!(
                    refused.iter().all(|one| one.index < events),
                    "an event that was not sent is refused"
                );
            }
        }
    });
});
