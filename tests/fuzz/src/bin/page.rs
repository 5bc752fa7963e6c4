//! Patterns of addresses of all three kinds, and addresses: a pattern and an address with a byte 0 between them.

#![no_main]

use libfuzzer_sys::fuzz_target;
use splitlight_engine::{Facts, Visitor, compile, decide, page_matches};
use splitlight_fuzz::{bounded, two};
use splitlight_protocol::config::parse;
use splitlight_protocol::{Timestamp, Value};

fuzz_target!(|input: &[u8]| {
    let (pattern, url) = two(input);
    let Ok(written) = serde_json::to_string(&Value::from(&*pattern)) else { return };
    let page = |kind: &str| {
        format!(
            r#"{{"key":"{kind}","pages":[{{"include":{written},"kind":"{kind}"}}],
        "variations":[{{"key":"a"}},{{"key":"b"}}]}}"#
        )
    };
    let kinds = ["simple", "regex", "exact"].map(page).join(",");
    let document = format!(r#"{{"version":1,"project":"p","experiments":[{kinds}]}}"#);
    bounded(|| {
        page_matches(&pattern, &url);
        let program = compile(&parse(&document).config).program;
        let visitor = Visitor::new(Facts { id: Some("v".to_owned()), url: url.clone(), ..Facts::default() });
        decide(&program, &visitor, Timestamp::from_ms(0));
    });
});
