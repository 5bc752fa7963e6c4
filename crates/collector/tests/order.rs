//! Laws: no order, repetition, batching or sharding of a log changes a byte, and a recount from the log agrees.

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use splitlight_collector::memory::Memory;
use splitlight_collector::{Aggregates, Batch, DAY_ALL, Fact, Key, Line, Plan, Received, Shard, What};
use splitlight_protocol::config::{Config, parse};
use splitlight_protocol::event::{EventId, Outcome};
use splitlight_protocol::{Map, Timestamp, Value};
use splitlight_stats::Moments;
use std::collections::{BTreeMap, BTreeSet};

const HOUR: i64 = 3_600_000;

fn config() -> Config {
    let parsed = parse(
        r#"{ "version": 1, "project": "shop",
        "metrics": [
          { "key": "bought", "kind": "proportion", "event": "purchase", "window": "2d" },
          { "key": "revenue", "kind": "mean", "event": "purchase", "value": "value", "window": "3d" },
          { "key": "books", "kind": "mean", "event": "purchase", "where": { "category": "Books" }, "window": "1d" },
          { "key": "plain", "kind": "proportion", "event": "purchase", "where": { "category": null }, "window": "5d" } ],
        "experiments": [
          { "key": "hero", "variations": [{ "key": "control" }, { "key": "bold" }, { "key": "calm" }],
            "metrics": { "primary": "bought", "secondary": ["revenue", "books"] } },
          { "key": "old", "status": "stopped", "variations": [{ "key": "control" }, { "key": "bold" }],
            "metrics": { "primary": "revenue" } } ],
        "personalizations": [{ "key": "rule", "holdout": 0.5, "changes": [{ "selector": "h1", "text": "Hi" }] }] }"#,
    );
    assert!(parsed.is_sound(), "{:?}", parsed.issues);
    parsed.config
}

#[derive(Clone, Debug)]
struct Logged {
    visitor: String,
    event: Received,
}

fn fact() -> impl Strategy<Value = Fact> {
    let exposure = (
        prop::sample::select(vec!["hero", "old", "rule", "gone"]),
        prop::sample::select(vec!["control", "bold", "calm", "holdout", "shown"]),
        prop::bool::weighted(0.9),
    )
        .prop_map(|(experiment, variation, valid)| Fact::Exposure {
            experiment: experiment.to_owned(),
            variation: variation.to_owned(),
            valid,
        });
    let conversion = (
        prop::sample::select(vec!["purchase", "purchase", "other"]),
        prop::option::of(-5_000_i64..20_000),
        prop::sample::select(vec![None, Some("Books"), Some("Toys")]),
    )
        .prop_map(|(name, value, category)| Fact::Conversion {
            name: name.to_owned(),
            value,
            properties: category
                .map(|c| ("category".to_owned(), Value::from(c)))
                .into_iter()
                .collect::<Map>(),
        });
    let lost = (1_u32..9).prop_map(|count| Fact::Dropped { reason: "overflow".to_owned(), count });
    prop_oneof![4 => exposure, 6 => conversion, 1 => Just(Fact::PageView), 1 => lost]
}

fn log() -> impl Strategy<Value = Vec<Logged>> {
    log_of(120)
}

fn log_of(events_max: usize) -> impl Strategy<Value = Vec<Logged>> {
    let event = (0_u8..12, 0_i64..200, fact());
    prop::collection::vec(event, 0..events_max).prop_map(|events| {
        let numbered = (0_u64..).zip(events);
        numbered
            .map(|(index, (visitor, hour, fact))| {
                let event = Received { id: id(index), time: Timestamp::from_ms(hour * HOUR), fact };
                Logged { visitor: format!("v-{visitor}"), event }
            })
            .collect()
    })
}

fn id(number: u64) -> EventId {
    let mut id = [0; 16];
    id[8..].copy_from_slice(&number.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
    EventId::from_bytes(id)
}

/// The batch of a visitor who sends each event at once.
fn batch(logged: &Logged) -> Batch {
    Batch {
        visitor: logged.visitor.clone(),
        received: Timestamp::from_ms(0),
        events: vec![logged.event.clone()],
        ..Batch::default()
    }
}

/// Counts a log that arrives in groups of batches, by as many shards as asked for.
fn count(plan: &Plan, arrivals: &[Logged], sizes: &[usize], shards: usize) -> Aggregates {
    let mut all: Vec<Shard<Memory>> = (0..shards).map(|_| Shard::new(Memory::default())).collect();
    let mut rest = arrivals;
    let mut sizes = sizes.iter().cycle();
    while !rest.is_empty() {
        let (group, after) = rest.split_at((*sizes.next().unwrap_or(&1)).clamp(1, rest.len()));
        rest = after;
        let mut batches: BTreeMap<usize, Vec<Batch>> = BTreeMap::new();
        for logged in group {
            let shard = usize::from(logged.visitor.as_bytes()[2]) % shards;
            batches.entry(shard).or_default().push(batch(logged));
        }
        for (shard, batches) in batches {
            let receipts = all[shard].apply(plan, &batches).unwrap_or_else(|never| match never {});
            assert_eq!(receipts.len(), batches.len());
        }
    }
    all.iter().fold(Aggregates::default(), |sum, shard| sum.merge(&shard.storage().aggregates))
}

/// The same from the definition, over the whole log at once, with nothing incremental.
fn recount(config: &Config, log: &[Logged]) -> BTreeMap<(String, What), Moments> {
    let mut sums: BTreeMap<(String, What), Moments> = BTreeMap::new();
    let mut add = |key: &str, what: What, n: i64, total: i128| {
        let gain = Moments::new(n, total, total * total);
        let sum = sums.entry((key.to_owned(), what)).or_default();
        *sum = sum.merge(gain);
    };
    let visitors: BTreeSet<&String> = log.iter().map(|logged| &logged.visitor).collect();
    let tests: Vec<(&str, Vec<&str>, Vec<&str>)> = vec![
        ("hero", vec!["control", "bold", "calm"], vec!["bought", "revenue", "books"]),
        ("old", vec!["control", "bold"], vec!["revenue"]),
        ("rule", vec!["holdout", "shown"], vec!["bought", "revenue", "books", "plain"]),
    ];
    for visitor in visitors {
        let own: Vec<&Received> =
            log.iter().filter(|logged| &logged.visitor == visitor).map(|logged| &logged.event).collect();
        for (key, variations, metrics) in &tests {
            let met: Vec<(i64, &str)> = own
                .iter()
                .filter_map(|event| match &event.fact {
                    Fact::Exposure { experiment, variation, valid: true } if experiment == key => {
                        Some((event.time.ms(), variation.as_str()))
                    }
                    _ => None,
                })
                .collect();
            let different: BTreeSet<&str> = met.iter().map(|(_, variation)| *variation).collect();
            let Some(first) = met.iter().map(|(time, _)| *time).min() else { continue };
            if different.len() > 1 {
                add(key, What::MultipleExposures, 1, 0);
                continue;
            }
            let Some(index) = variations.iter().position(|known| different.contains(known)) else { continue };
            let index = u32::try_from(index).expect("few");
            add(key, What::Users(index), 1, 0);
            for metric in metrics {
                let total = total(config, metric, &own, first);
                add(key, What::Metric(index, (*metric).to_owned()), 0, total);
            }
        }
    }
    for logged in log {
        if let Fact::Exposure { experiment, valid: false, .. } = &logged.event.fact {
            let known = tests.iter().any(|(key, ..)| key == experiment);
            add(if known { experiment } else { "" }, What::Quarantined, 1, 0);
        }
        if let Fact::Dropped { count, .. } = &logged.event.fact {
            add("", What::Dropped, i64::from(*count), 0);
        }
    }
    sums.retain(|_, moments| *moments != Moments::default());
    sums
}

fn total(config: &Config, metric: &str, own: &[&Received], first: i64) -> i128 {
    let metric = config.metrics.iter().find(|known| known.key == metric).expect("known");
    let days = metric.window.trim_end_matches('d').parse::<i64>().expect("days");
    let mut total = 0;
    for event in own {
        let Fact::Conversion { name, value, properties } = &event.fact else { continue };
        let fits =
            metric.filter.iter().all(|(name, wanted)| properties.get(name).unwrap_or(&Value::Null) == wanted);
        if *name == metric.event && fits && (first..first + days * 24 * HOUR).contains(&event.time.ms()) {
            total += match metric.key.as_str() {
                "revenue" => i128::from(value.unwrap_or(0)),
                _ => 1,
            };
        }
    }
    if matches!(metric.key.as_str(), "bought" | "plain") { total.min(1) } else { total }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    #[test]
    fn no_order_repetition_batching_or_sharding_changes_a_byte(
        (log, order) in log_of(40).prop_flat_map(|log| {
            // Some events twice, all of them in another order.
            let indexes: Vec<usize> = (0..log.len()).chain((0..log.len()).step_by(3)).collect();
            (Just(log), Just(indexes).prop_shuffle())
        }),
        sizes in prop::collection::vec(1_usize..40, 1..5),
        shards in 1_usize..5,
    ) {
        let config = config();
        let plan = Plan::new(&config);
        let straight = count(&plan, &log, &[1], 1);
        let shuffled: Vec<Logged> = order.iter().map(|index| log[*index].clone()).collect();
        let other = count(&plan, &shuffled, &sizes, shards);
        prop_assert_eq!(straight.to_bytes(), other.to_bytes());
        for key in ["hero", "old", "rule"] {
            let json = |aggregates: &Aggregates| {
                let results = splitlight_collector::results(&config, aggregates, Timestamp::from_ms(0), key);
                serde_json::to_string(&results).expect("writes")
            };
            prop_assert_eq!(json(&straight), json(&other));
        }
    }

}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn a_recount_from_the_log_agrees(log in log()) {
        let config = config();
        let counted = count(&Plan::new(&config), &log, &[7], 1).totals();
        let counted: BTreeMap<(String, What), Moments> =
            counted.iter().map(|(key, sum)| ((key.experiment.clone(), key.what.clone()), *sum)).collect();
        prop_assert_eq!(counted, recount(&config, &log));
    }

    #[test]
    fn merging_has_no_order(a in log(), b in log(), c in log()) {
        let plan = Plan::new(&config());
        let [a, b, c] = [a, b, c].map(|log| count(&plan, &log, &[5], 1));
        prop_assert_eq!(a.clone().merge(&b).to_bytes(), b.clone().merge(&a).to_bytes());
        prop_assert_eq!(a.clone().merge(&b).merge(&c).to_bytes(), a.clone().merge(&b.clone().merge(&c)).to_bytes());
        prop_assert_eq!(a.clone().merge(&b).minus(&b).to_bytes(), a.to_bytes());
        prop_assert!(a.clone().minus(&a).is_empty());
    }

    #[test]
    fn a_changed_plan_is_counted_as_if_it_had_been_there(log in log()) {
        let config = config();
        let plan = Plan::new(&config);
        let mut fewer = config.clone();
        fewer.experiments[0].metrics.secondary.clear();
        fewer.metrics[0].window = "1d".to_owned();
        let mut shard = Shard::new(Memory::default());
        let batches: Vec<Batch> = log.iter().map(batch).collect();
        shard.apply(&Plan::new(&fewer), &batches).unwrap_or_else(|never| match never {});
        let mut after = String::new();
        while let Some(last) = shard.recount(&plan, &after, 3).unwrap_or_else(|never| match never {}) {
            after = last;
        }
        prop_assert_eq!(shard.storage().aggregates.to_bytes(), count(&plan, &log, &[9], 1).to_bytes());
    }

    #[test]
    fn forgetting_is_never_having_been_there(
        (log, order) in log().prop_flat_map(|log| {
            let indexes: Vec<usize> = (0..log.len()).chain((0..log.len()).step_by(4)).collect();
            (Just(log), Just(indexes).prop_shuffle())
        }),
        forgotten in prop::collection::btree_set(0_u8..12, 1..5),
        when in 0_usize..120,
    ) {
        let config = config();
        let plan = Plan::new(&config);
        let gone: BTreeSet<String> = forgotten.iter().map(|visitor| format!("v-{visitor}")).collect();
        let others: Vec<Logged> = log.iter().filter(|logged| !gone.contains(&logged.visitor)).cloned().collect();
        let mut shard = Shard::new(Memory::default());
        // They are forgotten in the middle of the log, whose rest and repetitions still arrive.
        for (at, index) in order.iter().enumerate() {
            if at == when.min(order.len() - 1) {
                for visitor in &gone {
                    shard.forget(visitor).unwrap_or_else(|never| match never {});
                }
            }
            let is_gone = at >= when.min(order.len() - 1) && gone.contains(&log[*index].visitor);
            let receipts = shard.apply(&plan, &[batch(&log[*index])]).unwrap_or_else(|never| match never {});
            prop_assert_eq!(receipts[0].outcomes[0].1 == Outcome::Forgotten, is_gone);
        }
        let storage = shard.storage();
        prop_assert_eq!(storage.aggregates.to_bytes(), count(&plan, &others, &[1], 1).to_bytes());
        prop_assert!(storage.visitors.keys().all(|visitor| !gone.contains(visitor)));
        prop_assert!(storage.log.iter().all(|(visitor, _)| !gone.contains(visitor)));
    }

    #[test]
    fn what_is_kept_of_a_log_counts_the_same(log in log()) {
        let config = config();
        let plan = Plan::new(&config);
        let mut shard = Shard::new(Memory::default());
        for logged in log.iter().chain(&log) {
            shard.apply(&plan, &[batch(logged)]).unwrap_or_else(|never| match never {});
        }
        let kept = shard.storage().log.clone();
        let lines = kept.into_iter().flat_map(|(visitor, logged)| logged.lines(Some(&visitor)));
        let text: Vec<String> = lines.map(|line| serde_json::to_string(&line).expect("writes")).collect();
        prop_assert_eq!(text.len(), log.len());
        let batches: Vec<Batch> = text
            .iter()
            .filter_map(|line| serde_json::from_str::<Line>(line).expect("reads").batch())
            .collect();
        let mut again = Shard::new(Memory::default());
        again.apply(&plan, &batches).unwrap_or_else(|never| match never {});
        prop_assert_eq!(again.storage().aggregates.to_bytes(), shard.storage().aggregates.to_bytes());
    }
}

#[test]
fn the_second_of_two_equal_events_is_a_duplicate_also_within_a_batch() {
    let event =
        Received { id: EventId::from_bytes([7; 16]), time: Timestamp::from_ms(0), fact: Fact::PageView };
    let batch = Batch {
        visitor: "v".to_owned(),
        received: Timestamp::from_ms(0),
        events: vec![event.clone(), event],
        bots: 2,
        ..Batch::default()
    };
    let mut shard = Shard::new(Memory::default());
    let receipts =
        shard.apply(&Plan::default(), &[batch.clone(), batch]).unwrap_or_else(|never| match never {});
    let outcomes: Vec<Outcome> =
        receipts.iter().flat_map(|receipt| receipt.outcomes.iter().map(|(_, outcome)| *outcome)).collect();
    assert_eq!(outcomes, [Outcome::Accepted, Outcome::Duplicate, Outcome::Duplicate, Outcome::Duplicate]);
    let bots = Key { experiment: String::new(), what: What::Bots, day: DAY_ALL };
    assert_eq!(shard.storage().aggregates.totals().at(&bots).n, 4);
}

#[test]
fn a_million_replays_change_nothing() {
    const EVENTS: usize = 2_000;
    const REPLAYS: usize = 1_000_000 / EVENTS;
    let mut runner = TestRunner::deterministic();
    let mut batches: Vec<Batch> = Vec::new();
    while batches.len() < EVENTS {
        let drawn = log_of(EVENTS).new_tree(&mut runner).expect("draws").current();
        // Another draw begins to number from 0 again, and would be the same events.
        let from = u64::try_from(batches.len()).expect("few");
        batches.extend((from..).zip(drawn).map(|(number, mut logged)| {
            logged.event.id = id(number);
            batch(&logged)
        }));
    }
    batches.truncate(EVENTS);
    let plan = Plan::new(&config());
    let mut shard = Shard::new(Memory::default());
    shard.apply(&plan, &batches).unwrap_or_else(|never| match never {});
    let before = shard.storage().clone();
    assert_eq!(before.log.len(), EVENTS);
    for replay in 0..REPLAYS {
        batches.rotate_left(replay % 7 + 1);
        batches.swap(replay % EVENTS, EVENTS - 1 - replay % EVENTS);
        for group in batches.chunks(40 + replay % 100) {
            let receipts = shard.apply(&plan, group).unwrap_or_else(|never| match never {});
            let mut outcomes = receipts.iter().flat_map(|receipt| &receipt.outcomes);
            assert!(outcomes.all(|(_, outcome)| *outcome == Outcome::Duplicate));
        }
    }
    let after = shard.storage();
    assert_eq!(after.aggregates.to_bytes(), before.aggregates.to_bytes());
    assert_eq!((&after.visitors, &after.ids), (&before.visitors, &before.ids));
    assert_eq!(after.log, before.log);
}
