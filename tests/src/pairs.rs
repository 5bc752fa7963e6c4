//! Random configs and visitors, the same in every runtime, and a digest of everything that is decided about them.
//!
//! Natively, in Node, in workerd and in a browser the same seed has to give the same digests, byte for byte.

mod condition;
mod config;
mod digest;
pub(crate) mod draw;
mod visitor;

use digest::Digest;
use draw::Draw;
use serde_json::json;
use splitlight_engine::{
    Decisions, HashVersion, History, Index, Program, Reason, Setting, Sticky, Visitor, bucket, compile,
    explain, lint,
};
use splitlight_protocol::config::{Config, parse};
use splitlight_protocol::{Timestamp, Value};
use wasm_bindgen::prelude::wasm_bindgen;

/// Pairs of a config and a visitor that share a digest.
pub const PAIRS_PER_DIGEST: u64 = 1000;

/// Every so often a pair is also explained, which takes longer than deciding.
const EXPLAINED_EVERY: u64 = 64;

/// Every so often a pair is also decided by the decide-only build's reader.
const LEANLY_EVERY: u64 = 16;

/// A digest, and how often every reason occurred.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Thousand {
    /// FNV-1a, 64 bits, of everything that was decided.
    pub digest: u64,
    /// In the order of [`Reason::ALL`].
    pub reasons: Vec<u64>,
}

/// Decides [`PAIRS_PER_DIGEST`] pairs, and says what came out.
pub fn thousand(seed: u64, which: u64) -> Thousand {
    let mut found = Thousand { digest: 0, reasons: vec![0; Reason::ALL.len()] };
    let mut digest = Digest::new();
    for number in which * PAIRS_PER_DIGEST..(which + 1) * PAIRS_PER_DIGEST {
        pair(Draw::new(seed, number), number, &mut digest, &mut found.reasons);
    }
    found.digest = digest.finish();
    found
}

/// [`thousand`] for JavaScript: the digest in hexadecimal digits.
#[wasm_bindgen(js_name = pairsDigest)]
pub fn pairs_digest(seed: u32, which: u32) -> String {
    format!("{:016x}", thousand(seed.into(), which.into()).digest)
}

/// One pair for another way to decide: its program's bytes, the record of its visitor, and what is
/// decided, all in JSON.
#[wasm_bindgen(js_name = pairExample)]
pub fn example(seed: u32, number: u32) -> String {
    let mut draw = Draw::new(seed.into(), number.into());
    let program = compile(&parse(&config::text(&mut draw)).config).program;
    let (facts, now) = visitor::met(&mut draw, &program);
    let record = facts.record("", now);
    let visitor = Visitor::new(facts);
    let decisions = splitlight_engine::decide(&program, &visitor, now);
    let items = decisions.iter(&program);
    let items: Vec<_> = items
        .map(|(item, decision)| json!([item.key(), decision.variation, decision.reason.name()]))
        .collect();
    let key = |at: usize| program.items().get(at).map(splitlight_engine::Item::key);
    let features = decisions.features(&program).map(|(name, value, decision)| {
        json!([name, value, decision.reason.name(), decision.item.and_then(|(at, _)| key(at))])
    });
    let features: Vec<_> = features.collect();
    let kept = decisions.kept(&program, &visitor).map(|sticky| sticky.to_text()).unwrap_or_default();
    json!({ "program": program.to_bytes(), "record": record, "items": items, "features": features, "kept": kept })
        .to_string()
}

/// The config of one pair, in JSON.
///
/// ```
/// use splitlight_tests::pairs::config_text;
/// assert_eq!(config_text(1, 7), config_text(1, 7));
/// assert_ne!(config_text(1, 7), config_text(1, 8));
/// ```
pub fn config_text(seed: u64, number: u64) -> String {
    config::text(&mut Draw::new(seed, number))
}

fn pair(mut draw: Draw, number: u64, digest: &mut Digest, reasons: &mut [u64]) {
    let parsed = parse(&config::text(&mut draw));
    let compiled = compile(&parsed.config);
    for issue in parsed.issues.iter().chain(&compiled.issues) {
        digest.text(&issue.to_string());
    }
    let bytes = compiled.program.to_bytes();
    digest.bytes(&bytes);
    // What runs is what was read from the bytes, as everywhere outside of tests.
    let program = Program::from_bytes(&bytes).unwrap_or_default();
    assert_eq!(program, compiled.program, "the bytes are the program");
    let (mut facts, now) = visitor::met(&mut draw, &program);
    if number.is_multiple_of(LEANLY_EVERY) {
        assert_eq!(crate::lean::difference(&program, &facts, now), None, "pair {number}");
    }
    let id = facts.id.as_deref().unwrap_or_default();
    // A bucket that is a little off rarely changes a decision, so that it is looked at by itself.
    for version in [HashVersion::V1, HashVersion::V2] {
        digest.number(bucket("seed", id, version).to_bits());
    }
    digest.bytes(&facts.history.as_ref().map(History::to_bytes).unwrap_or_default());
    let first = Visitor::new(facts.clone());
    let kept = decided(&program, &first, now, digest, reasons);
    if number.is_multiple_of(EXPLAINED_EVERY) {
        explained(&parsed.config, &first, now, digest);
    }
    if let Some(kept) = kept {
        // The same visitor on another day, with what the device kept or with what an older config had kept.
        facts.sticky = Sticky::parse(&visitor::aged(&mut draw, &kept));
        let later = visitor::moment(&mut draw);
        decided(&program, &Visitor::new(facts), later, digest, reasons);
    }
}

/// Decides, digests every answer, and gives what the device has to keep.
fn decided(
    program: &Program,
    visitor: &Visitor,
    now: Timestamp,
    digest: &mut Digest,
    reasons: &mut [u64],
) -> Option<String> {
    let decisions = splitlight_engine::decide(program, visitor, now);
    assert_eq!(Index::new(program).decide(program, visitor, now), decisions, "the index decides the same");
    items(program, &decisions, visitor, digest, reasons);
    for (key, value, decision) in decisions.features(program) {
        digest.text(key);
        digest.value(value);
        digest.text(decision.reason.name());
        digest.number(decision.rule.map_or(0, |rule| rule as u64 + 1));
        digest
            .number(decision.item.map_or(0, |(item, variation)| ((item as u64 + 1) << 8) + variation as u64));
        reasons[decision.reason as usize] += 1;
    }
    let kept = decisions.kept(program, visitor).map(|sticky| sticky.to_text());
    digest.text(kept.as_deref().unwrap_or("nothing new"));
    kept
}

fn items(
    program: &Program,
    decisions: &Decisions,
    visitor: &Visitor,
    digest: &mut Digest,
    reasons: &mut [u64],
) {
    for (item, decision) in decisions.iter(program) {
        let variation = &item.variations()[decision.variation];
        digest.text(item.key());
        digest.text(&variation.key);
        digest.text(decision.reason.name());
        digest.value(&variation.value);
        reasons[decision.reason as usize] += 1;
        if decision.reason.is_open() {
            variation.changes.iter().for_each(|change| digest.change(change, visitor.attributes()));
        }
    }
}

fn explained(config: &Config, visitor: &Visitor, now: Timestamp, digest: &mut Digest) {
    digest.value(&explain(config, visitor, now));
    let setting = Setting { now, visitors_per_day: Some(1000.0) };
    for issue in lint(config, &setting) {
        digest.value(&Value::from(&*issue.to_string()));
    }
}
