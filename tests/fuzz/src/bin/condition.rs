//! Conditions, and attributes to hold them against: two JSON documents with a byte 0 between them.

#![no_main]

use libfuzzer_sys::fuzz_target;
use splitlight_engine::Targeting;
use splitlight_fuzz::{bounded, members, two};
use splitlight_protocol::Value;

fuzz_target!(|input: &[u8]| {
    let (when, attributes) = two(input);
    let Ok(when) = serde_json::from_str::<Value>(&when) else { return };
    let attributes = members(&attributes);
    bounded(|| {
        let (targeting, issues) = Targeting::compile(&when, &[]);
        let holds = targeting.holds(&attributes);
        let negated = Value::Object([("$not".to_owned(), when.clone())].into_iter().collect());
        let (negated, _) = Targeting::compile(&negated, &[]);
        // Nesting has a limit, beyond which the negation is not understood.
        if let (Some(holds), Some(otherwise)) = (holds, negated.holds(&attributes)) {
            assert!(holds != otherwise, "a condition and its negation agree");
        }
        assert!(issues.iter().all(|issue| !issue.reason.is_empty()));
    });
});
