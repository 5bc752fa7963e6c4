//! Spoiled batches and files by the thousand: reading none of them panics, and what is read keeps the limits.
//!
//! `SPLITLIGHT_CASES=1000000 cargo test -p splitlight-protocol --test hostile` tries a million of each.

use splitlight_protocol::event::{Batch, EventId, Kind};
use splitlight_protocol::import::{Line, csv, ndjson};
use splitlight_protocol::limits::{BATCH_EVENTS_MAX, EVENT_PROPERTIES_MAX, ID_CHARS_MAX, KEY_CHARS_MAX};

const BATCH: &str = r#"{"key":"k","visitor":"v-1","session":"s","config":"c","sentAt":5,"sdk":"x/1","consent":"granted",
"automated":false,"events":[
{"id":"019a2b3c-4d5e-7f60-8123-456789abcde0","kind":"exposure","time":0,"experiment":"hero","variation":"b","page":"/a"},
{"id":"019a2b3c-4d5e-7f60-8123-456789abcde1","kind":"conversion","time":-1,"name":"purchase","value":4900,
"properties":{"category":"Books","tags":["a",{"b":[1.5,null,true]}]}},
{"id":"019a2b3c-4d5e-7f60-8123-456789abcde2","kind":"page_view","time":1000},
{"id":"019a2b3c-4d5e-7f60-8123-456789abcde3","kind":"dropped","time":1000,"name":"overflow","value":2}]}"#;
const CSV: &str = "visitor,name,time,value,shop\r\nv-1,purchase,0,4900,\"Madrid, \"\"Sol\"\"\"\n,purchase,-1,,\nv-2,buy,7,1,x\n";
const NDJSON: &str = "{\"visitor\":\"v-1\",\"name\":\"purchase\",\"time\":0,\"value\":9,\"properties\":{\"a\":[1]}}\n\n{\"visitor\":\"v\"}\n";

/// What is put into a document where it does not belong.
const PIECES: [&str; 24] = [
    "\"",
    "\\",
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\n",
    "\r",
    "\0",
    "é",
    "\u{2028}",
    "null",
    "true",
    "-0",
    "1e999",
    "9223372036854775808",
    "\\ud800",
    "\"visitor\":\"w\",",
    "[[[[[[[[[[[[[[[[[[[[",
    "{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":1}}}}}",
    "'; DROP TABLE visitors; --",
    "\u{feff}",
];

fn cases() -> u32 {
    option_env!("SPLITLIGHT_CASES").and_then(|cases| cases.parse().ok()).unwrap_or(20_000)
}

/// Numerical Recipes' generator: what matters is that a run can be repeated.
struct Draw(u32);

impl Draw {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        // The upper bits are the better ones.
        (self.0 >> 8) as usize % bound
    }

    /// The document with one to four things wrong with it.
    fn spoil(&mut self, document: &str) -> Vec<u8> {
        let mut bytes = document.as_bytes().to_vec();
        for _ in 0..=self.below(4) {
            let at = self.below(bytes.len().max(1)).min(bytes.len());
            let to = (at + self.below(40)).min(bytes.len());
            match self.below(5) {
                0 if at < bytes.len() => bytes[at] ^= 1 << self.below(8),
                1 => drop(bytes.splice(at..at, PIECES[self.below(PIECES.len())].bytes())),
                2 => drop(bytes.splice(at..to, PIECES[self.below(PIECES.len())].bytes())),
                3 => {
                    let again = bytes[at..to].to_vec();
                    drop(bytes.splice(at..at, again));
                }
                _ if self.below(20) == 0 => bytes.truncate(at),
                _ => drop(bytes.drain(at..to.min(at + 3))),
            }
        }
        bytes
    }
}

fn check_kind(kind: &Kind) {
    let fits = |name: &str| {
        (1..=KEY_CHARS_MAX).contains(&name.chars().count()) && !name.chars().any(char::is_control)
    };
    match kind {
        Kind::Exposure { experiment, variation } => assert!(fits(experiment) && fits(variation)),
        Kind::Conversion { name, properties, .. } => {
            assert!(fits(name) && properties.len() <= EVENT_PROPERTIES_MAX);
        }
        Kind::Dropped { reason, count } => assert!(fits(reason) && (1..=1_000_000).contains(count)),
        Kind::PageView => {}
    }
}

#[test]
fn a_spoiled_batch_is_refused_with_a_reason_or_keeps_the_limits() {
    let mut draw = Draw(7);
    let (mut whole, mut sifted, mut refused) = (0, 0, 0);
    for _ in 0..cases() {
        let body = draw.spoil(BATCH);
        let parsed = Batch::parse(&body);
        match Batch::sift(&body) {
            Err(error) => {
                assert!(!error.reason.is_empty() && parsed.is_err());
                refused += 1;
            }
            Ok((batch, left_out)) => {
                assert!((1..=BATCH_EVENTS_MAX).contains(&batch.events.len()));
                assert!((1..=ID_CHARS_MAX).contains(&batch.visitor.chars().count()));
                assert!(left_out.is_sorted_by_key(|one| one.index));
                batch.events.iter().for_each(|event| check_kind(&event.kind));
                match parsed {
                    Ok(parsed) => assert!(left_out.is_empty() && parsed == batch),
                    Err(_) => sifted += 1,
                }
                whole += u32::from(left_out.is_empty());
            }
        }
    }
    println!("{whole} batches read, {sifted} without some of their events, {refused} refused");
    assert!(
        [whole, sifted, refused].iter().all(|count| *count > cases() / 200),
        "{whole} {sifted} {refused}"
    );
}

#[test]
fn a_spoiled_file_is_reported_line_by_line() {
    let mut draw = Draw(11);
    let id = |line: &str| EventId::from_bytes([u8::try_from(line.len() % 251).unwrap_or(0); 16]);
    let (mut good, mut bad) = (0, 0);
    let mut count = |lines: Vec<Line>| {
        assert!(lines.is_sorted_by_key(|line| line.number));
        for line in lines {
            match line.conversion {
                Ok((visitor, event)) => {
                    assert!((1..=ID_CHARS_MAX).contains(&visitor.chars().count()));
                    check_kind(&event.kind);
                    good += 1;
                }
                Err(why) => {
                    assert!(!why.is_empty());
                    bad += 1;
                }
            }
        }
    };
    for _ in 0..cases() {
        let file = String::from_utf8_lossy(&draw.spoil(CSV)).into_owned();
        count(csv(&file, id).unwrap_or_default());
        let file = String::from_utf8_lossy(&draw.spoil(NDJSON)).into_owned();
        count(ndjson(&file, id));
    }
    println!("{good} conversions read, {bad} lines refused");
    assert!(good > cases() / 10 && bad > cases() / 10, "{good} {bad}");
}
