//! Laws of the documents: nothing that arrives makes a parser panic, and what is written is read back.

use proptest::prelude::*;
use splitlight_protocol::event::{Batch, Event, EventId, Kind};
use splitlight_protocol::{Map, Timestamp, Value, config};

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        // JSON has no NaN and no infinities.
        prop::num::f64::NORMAL.prop_map(Value::Number),
        (-1_000_000_i32..1_000_000).prop_map(|number| Value::Number(f64::from(number))),
        ".{0,12}".prop_map(Value::String),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            prop::collection::vec((".{0,6}", inner), 0..4)
                .prop_map(|members| Value::Object(Map::from_iter(members))),
        ]
    })
}

fn event() -> impl Strategy<Value = Event> {
    let kind = prop_oneof![
        ("[a-z-]{1,20}", "[a-z]{1,20}")
            .prop_map(|(experiment, variation)| Kind::Exposure { experiment, variation }),
        ("[a-z_]{1,20}", any::<Option<i64>>(), prop::collection::vec(("[a-z]{1,8}", value()), 0..3))
            .prop_map(|(name, value, members)| Kind::Conversion {
                name,
                value,
                properties: Map::from_iter(members)
            }),
        Just(Kind::PageView),
        ("[a-z]{1,10}", 1_u32..=1_000_000).prop_map(|(reason, count)| Kind::Dropped { reason, count }),
    ];
    (any::<[u8; 16]>(), any::<i64>(), prop::option::of("/[a-z/]{0,20}"), kind).prop_map(
        |(id, ms, page, kind)| Event {
            id: EventId::from_bytes(id),
            time: Timestamp::from_ms(ms),
            page,
            kind,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn no_text_makes_the_config_parser_panic(text in ".{0,200}") {
        config::parse(&text);
    }

    #[test]
    fn no_value_in_any_section_makes_the_config_parser_panic(
        section in prop::sample::select(vec!["audiences", "experiments", "personalizations", "metrics", "version"]),
        value in value(),
    ) {
        let value = serde_json::to_string(&value).expect("JSON");
        config::parse(&format!(r#"{{"version":1,"project":"p","{section}":{value}}}"#));
        config::parse(&format!(r#"{{"version":1,"project":"p","{section}":[{value}]}}"#));
    }

    #[test]
    fn no_bytes_make_the_batch_parser_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = Batch::parse(&bytes);
    }

    #[test]
    fn a_value_is_read_back_from_json_and_from_its_compact_form(value in value()) {
        let text = serde_json::to_string(&value).expect("JSON");
        prop_assert_eq!(&serde_json::from_str::<Value>(&text).expect("its own JSON"), &value);
        let bytes = postcard::to_allocvec(&value).expect("bytes");
        prop_assert_eq!(&postcard::from_bytes::<Value>(&bytes).expect("its own bytes"), &value);
    }

    #[test]
    fn an_event_is_read_back_as_it_was_written(event in event()) {
        let text = serde_json::to_string(&event).expect("JSON");
        prop_assert_eq!(serde_json::from_str::<Event>(&text).expect("its own JSON"), event);
    }

    #[test]
    fn cut_compact_values_are_refused_without_panic(value in value(), keep in 0.0..1.0_f64) {
        let bytes = postcard::to_allocvec(&value).expect("bytes");
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a short length")]
        let cut = (bytes.len() as f64 * keep) as usize;
        let _ = postcard::from_bytes::<Value>(&bytes[..cut]);
    }
}
