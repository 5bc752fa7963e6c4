//! Templates and attributes to fill them with: a text and a JSON document with a byte 0 between them.

#![no_main]

use libfuzzer_sys::fuzz_target;
use splitlight_engine::Template;
use splitlight_fuzz::{bounded, members, two};

fuzz_target!(|input: &[u8]| {
    let (source, attributes) = two(input);
    let attributes = members(&attributes);
    bounded(|| {
        let template = Template::new(&source);
        template.text(&attributes);
        let html = template.html(&attributes);
        // What is filled in is escaped, so that no mark is there which the author did not write.
        for mark in ['<', '>', '"', '\''] {
            let written = source.matches(mark).count();
            assert!(html.matches(mark).count() <= written, "{mark} was filled in");
        }
    });
});
