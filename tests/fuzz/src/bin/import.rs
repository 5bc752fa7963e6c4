//! Files of conversions and exported events, as a server could send them; what is read of them is counted.

#![no_main]

use libfuzzer_sys::fuzz_target;
use splitlight_collector::memory::Memory;
use splitlight_collector::{Batch, Fact, Plan, Received, Shard, Traits};
use splitlight_fuzz::{bounded, text};
use splitlight_protocol::Timestamp;
use splitlight_protocol::config::parse;
use splitlight_protocol::event::{Event, EventId, Kind};
use splitlight_protocol::import::{Line, csv, ndjson};

/// What the conversions of the seeds feed.
const CONFIG: &str = r#"{ "version": 1, "project": "p",
    "metrics": [{ "key": "revenue", "kind": "mean", "event": "purchase", "value": "value" }],
    "experiments": [{ "key": "hero", "variations": [{ "key": "a" }, { "key": "b" }], "metrics": { "primary": "revenue" } }] }"#;

fuzz_target!(|input: &[u8]| {
    let Some((kind, file)) = input.split_first() else { return };
    let file = text(file);
    bounded(|| {
        let id = |line: &str| EventId::from_bytes([line.len() as u8; 16]);
        let batches = match kind % 3 {
            0 => imported(csv(&file, id).unwrap_or_default()),
            1 => imported(ndjson(&file, id)),
            _ => exported(&file),
        };
        let plan = Plan::new(&parse(CONFIG).config);
        let mut shard = Shard::new(Memory::default());
        let Ok(receipts) = shard.apply(&plan, &batches);
        assert_eq!(receipts.len(), batches.len());
        let sums = shard.storage().aggregates.to_bytes();
        let Ok(_) = shard.apply(&plan, &batches);
        assert!(shard.storage().aggregates.to_bytes() == sums, "a file that came twice counts twice");
    });
});

fn imported(lines: Vec<Line>) -> Vec<Batch> {
    assert!(lines.is_sorted_by_key(|line| line.number), "the lines are out of their order");
    lines
        .into_iter()
        .filter_map(|line| line.conversion.ok())
        .map(|(visitor, event)| batch(visitor, event))
        .collect()
}

fn batch(visitor: String, event: Event) -> Batch {
    let Event { id, time, kind, .. } = event;
    let Kind::Conversion { name, value, properties } = kind else { panic!("a file has conversions only") };
    let events = vec![Received { id, time, fact: Fact::Conversion { name, value, properties } }];
    Batch { visitor, received: Timestamp::from_ms(0), consent: None, traits: Traits::default(), events, bots: 0 }
}

fn exported(file: &str) -> Vec<Batch> {
    let read = |line: &str| serde_json::from_str::<splitlight_collector::Line>(line).ok()?.batch();
    file.lines().filter_map(read).collect()
}
