//! What every kind of metric, dimension, funnel, KPI and cohort counts, against its definition.

use proptest::prelude::*;
use splitlight_collector::memory::Memory;
use splitlight_collector::{
    Aggregates, Batch, DAY_ALL, Fact, Key, Part, Plan, Received, Said, Shard, Traits, View, What, cohorts,
    funnel, kpis, results_by, timeseries,
};
use splitlight_protocol::config::{Config, Dimension, Period, parse};
use splitlight_protocol::event::EventId;
use splitlight_protocol::results::Method;
use splitlight_protocol::{Map, Timestamp};
use splitlight_stats::{Moments, Sketch, Total};
use std::collections::BTreeMap;

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;

fn config() -> Config {
    let parsed = parse(
        r#"{ "version": 1, "project": "shop",
        "dimensions": ["device", "visitor"],
        "cohorts": true,
        "metrics": [
          { "key": "bought", "kind": "proportion", "event": "purchase", "window": "3d", "lookback": "2d" },
          { "key": "capped", "kind": "mean", "event": "purchase", "value": "value", "window": "3d", "cap": { "value": 9000 } },
          { "key": "order", "kind": "ratio", "event": "purchase", "value": "value", "denominator": { "event": "purchase" },
            "window": "3d", "lookback": "2d" },
          { "key": "largest", "kind": "quantile", "event": "purchase", "value": "largest", "quantile": 0.75, "window": "3d" },
          { "key": "mean-order", "kind": "mean", "event": "purchase", "value": "average", "window": "3d" },
          { "key": "retained", "kind": "proportion", "event": "page_view", "delay": "1d", "window": "1d" },
          { "key": "bounce", "kind": "bounce" } ],
        "funnels": [{ "key": "checkout", "window": "1d", "steps": [{ "event": "cart" }, { "event": "purchase" }] }],
        "kpis": [
          { "key": "revenue", "metric": "capped", "period": "day", "target": 10000 },
          { "key": "buyers", "metric": "bought", "per": "visitor", "period": "week", "target": 0.5 } ],
        "experiments": [{ "key": "hero", "variations": [{ "key": "control" }, { "key": "bold" }],
          "metrics": { "primary": "bought",
            "secondary": ["capped", "order", "largest", "mean-order", "retained", "bounce"] } }] }"#,
    );
    assert!(parsed.is_sound(), "{:?}", parsed.issues);
    parsed.config
}

#[derive(Clone, Debug)]
struct Logged {
    visitor: u8,
    traits: Traits,
    event: Received,
}

fn log() -> impl Strategy<Value = Vec<Logged>> {
    let fact = prop_oneof![
        2 => any::<bool>().prop_map(|bold| Fact::Exposure {
            experiment: "hero".to_owned(),
            variation: if bold { "bold" } else { "control" }.to_owned(),
            valid: true,
        }),
        4 => (prop::bool::ANY, -500_i64..6_000).prop_map(|(bought, value)| Fact::Conversion {
            name: if bought { "purchase" } else { "cart" }.to_owned(),
            value: Some(value),
            properties: Map::new(),
        }),
        2 => Just(Fact::PageView),
    ];
    let event = (0_u8..25, 0_i64..24 * 60, prop::option::of(any::<bool>()), fact);
    prop::collection::vec(event, 0..80).prop_map(|events| {
        let numbered = (0_u64..).zip(events);
        numbered
            .map(|(index, (visitor, tenth, returning, fact))| {
                let mut id = [0; 16];
                id[8..].copy_from_slice(&index.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
                let said = Said { device: Some("mobile"), returning, ..Said::default() };
                let time = Timestamp::from_ms(tenth * HOUR / 10);
                Logged {
                    visitor,
                    traits: said.traits(),
                    event: Received { id: EventId::from_bytes(id), time, fact },
                }
            })
            .collect()
    })
}

fn count(plan: &Plan, arrivals: &[Logged], size: usize) -> Aggregates {
    let mut shard = Shard::new(Memory::default());
    for group in arrivals.chunks(size.max(1)) {
        let batch = |logged: &Logged| Batch {
            visitor: format!("v-{}", logged.visitor),
            received: Timestamp::from_ms(0),
            traits: logged.traits.clone(),
            events: vec![logged.event.clone()],
            ..Batch::default()
        };
        let batches: Vec<Batch> = group.iter().map(batch).collect();
        shard.apply(plan, &batches).unwrap_or_else(|never| match never {});
    }
    shard.storage().aggregates.clone()
}

/// A value of a visitor, by its definition.
type Value<'v> = &'v dyn Fn(&Seen<'_>) -> i128;

/// A visitor as the definitions see them.
struct Seen<'a> {
    events: Vec<&'a Logged>,
    exposed: i64,
    variation: u32,
    traits: &'a Traits,
}

fn seen(log: &[Logged]) -> Vec<Seen<'_>> {
    let mut visitors: BTreeMap<u8, Vec<&Logged>> = BTreeMap::new();
    for logged in log {
        visitors.entry(logged.visitor).or_default().push(logged);
    }
    let met = |logged: &&&Logged| matches!(logged.event.fact, Fact::Exposure { .. });
    let bold = |logged: &Logged| matches!(&logged.event.fact, Fact::Exposure { variation, .. } if variation == "bold");
    visitors
        .into_values()
        .filter_map(|events| {
            let first = *events.iter().filter(met).min_by_key(|it| (it.event.time, it.event.id))?;
            let same = events.iter().filter(met).all(|it| bold(it) == bold(first));
            let (exposed, variation) = (first.event.time.ms(), u32::from(bold(first)));
            same.then_some(Seen { exposed, variation, traits: &first.traits, events })
        })
        .collect()
}

impl Seen<'_> {
    fn values(&self, name: &str, from: i64, to: i64) -> Vec<i64> {
        let inside = |it: &&&Logged| (self.exposed + from..self.exposed + to).contains(&it.event.time.ms());
        let value = |it: &&Logged| match &it.event.fact {
            Fact::Conversion { name: own, value, .. } if own == name => *value,
            Fact::PageView if name == "page_view" => Some(0),
            _ => None,
        };
        self.events.iter().filter(inside).filter_map(value).collect()
    }
}

fn sums(values: impl Iterator<Item = i128>) -> (i128, i128) {
    values.fold((0, 0), |(sum, squares), value| (sum + value, squares + value * value))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn no_order_or_repetition_changes_a_byte(
        (log, order) in log().prop_flat_map(|log| {
            let indexes: Vec<usize> = (0..log.len()).chain((0..log.len()).step_by(3)).collect();
            (Just(log), Just(indexes).prop_shuffle())
        }),
        size in 1_usize..30,
    ) {
        let plan = Plan::new(&config());
        let shuffled: Vec<Logged> = order.iter().map(|index| log[*index].clone()).collect();
        prop_assert_eq!(count(&plan, &log, 1).to_bytes(), count(&plan, &shuffled, size).to_bytes());
    }

    #[test]
    fn every_metric_is_what_its_definition_says(log in log()) {
        let aggregates = count(&Plan::new(&config()), &log, 7);
        let seen = seen(&log);
        for (variation, slice) in (0..2).flat_map(|at| [(at, None), (at, Some("new")), (at, Some("returning"))]) {
            let of = |visitor: &&Seen<'_>| {
                let value = visitor.traits.get(&Dimension::Visitor).map(String::as_str);
                visitor.variation == variation && slice.is_none_or(|wanted| value == Some(wanted))
            };
            let slice = slice.map(|value| (Dimension::Visitor, value));
            let at = |metric: &str, part| aggregates.over_days("hero", &What::part(variation, slice, metric, part));
            let own: Vec<&Seen<'_>> = seen.iter().filter(of).collect();
            let users = aggregates.over_days("hero", &What::users(variation, slice)).n;
            prop_assert_eq!(usize::try_from(users), Ok(own.len()));

            let bought = |it: &Seen<'_>, from, to| i128::from(!it.values("purchase", from, to).is_empty());
            let (after, squares) = sums(own.iter().map(|it| bought(it, 0, 3 * DAY)));
            prop_assert_eq!(at("bought", Part::Value(0)), Moments::new(0, after, squares));
            let (before, squares) = sums(own.iter().map(|it| bought(it, -2 * DAY, 0)));
            prop_assert_eq!(at("bought", Part::Value(2)), Moments::new(0, before, squares));
            let product: i128 = own.iter().map(|it| bought(it, 0, 3 * DAY) * bought(it, -2 * DAY, 0)).sum();
            prop_assert_eq!(at("bought", Part::Product(0, 2)).sum, Total::from(product));

            let spent = |it: &Seen<'_>, from, to| it.values("purchase", from, to).into_iter().map(i128::from).sum::<i128>();
            let orders = |it: &Seen<'_>, from, to| it.values("purchase", from, to).len() as i128;
            let (sum, squares) = sums(own.iter().map(|it| spent(it, 0, 3 * DAY).clamp(-9000, 9000)));
            prop_assert_eq!(at("capped", Part::Value(0)), Moments::new(0, sum, squares));
            let (sum, squares) = sums(own.iter().map(|it| spent(it, 0, 3 * DAY)));
            prop_assert_eq!(at("capped", Part::Uncapped), Moments::new(0, sum, squares));
            prop_assert_eq!(at("order", Part::Value(0)), Moments::new(0, sum, squares));
            let (sum, squares) = sums(own.iter().map(|it| orders(it, 0, 3 * DAY)));
            prop_assert_eq!(at("order", Part::Value(1)), Moments::new(0, sum, squares));
            let parts: [Value<'_>; 4] = [
                &|it| spent(it, 0, 3 * DAY),
                &|it| orders(it, 0, 3 * DAY),
                &|it| spent(it, -2 * DAY, 0),
                &|it| orders(it, -2 * DAY, 0),
            ];
            for (one, other) in [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)] {
                let product: i128 = own.iter().map(|it| parts[one](it) * parts[other](it)).sum();
                let part = Part::Product(u8::try_from(one).expect("few"), u8::try_from(other).expect("few"));
                prop_assert_eq!(at("order", part).sum, Total::from(product), "{:?}", part);
            }
            let average = |it: &Seen<'_>| spent(it, 0, 3 * DAY) / orders(it, 0, 3 * DAY).max(1);
            let (sum, squares) = sums(own.iter().map(|it| average(it)));
            prop_assert_eq!(at("mean-order", Part::Value(0)), Moments::new(0, sum, squares));
            let retained = |it: &Seen<'_>| i128::from(!it.values("page_view", DAY, 2 * DAY).is_empty());
            prop_assert_eq!(at("retained", Part::Value(0)).sum, own.iter().map(|it| retained(it)).sum::<i128>());

            if slice.is_none() {
                let largest = own.iter().filter_map(|it| it.values("purchase", 0, 3 * DAY).into_iter().max());
                let mut kept = Sketch::default();
                for (bucket, count) in aggregates.buckets("hero", variation, "largest") {
                    kept.add_bucket(bucket, count);
                }
                prop_assert_eq!(kept, largest.collect::<Sketch>());
            }
        }
    }

    #[test]
    fn the_last_day_of_a_series_is_the_result(log in log()) {
        let config = config();
        let aggregates = count(&Plan::new(&config), &log, 5);
        let now = Timestamp::from_ms(9 * DAY);
        let series = timeseries(&config, &aggregates, now, "hero").expect("known");
        let view = View { method: Some(Method::AlwaysValid), ..View::default() };
        let whole = results_by(&config, &aggregates.over_all_days(), now, "hero", &view).expect("known");
        if let Some(last) = series.days.last() {
            for (day, metric) in last.metrics.iter().zip(&whole.results[0].metrics) {
                for (day, variation) in day.variations.iter().zip(&metric.variations) {
                    prop_assert_eq!(day.mean.to_bits(), variation.analyses[0].mean.to_bits());
                    prop_assert_eq!(day.p_value, variation.analyses[0].p_value);
                    prop_assert_eq!(day.ci_low, variation.analyses[0].ci_low);
                }
            }
        } else {
            prop_assert_eq!(whole.total_users, 0);
        }
    }

    #[test]
    fn the_site_is_counted_by_its_definitions(log in log()) {
        let config = config();
        let aggregates = count(&Plan::new(&config), &log, 3);
        let mut visitors: BTreeMap<u8, Vec<&Logged>> = BTreeMap::new();
        for logged in &log {
            visitors.entry(logged.visitor).or_default().push(logged);
        }
        let times = |events: &[&Logged], name: &str| -> Vec<i64> {
            let is = |it: &&&Logged| matches!(&it.event.fact, Fact::Conversion { name: own, .. } if own == name);
            events.iter().filter(is).map(|it| it.event.time.ms()).collect()
        };
        let (mut carts, mut both) = (0, 0);
        for events in visitors.values() {
            let (cart, purchase) = (times(events, "cart"), times(events, "purchase"));
            carts += u64::from(!cart.is_empty());
            let follows = |start: &i64| purchase.iter().any(|time| (*start..start + DAY).contains(time));
            both += u64::from(cart.iter().any(follows));
        }
        let found = funnel(&config, &aggregates, Timestamp::from_ms(0), "checkout", Some("hero")).expect("known");
        prop_assert_eq!([found.steps[0].users, found.steps[1].users], [carts, both]);
        prop_assert!(found.variations.iter().all(|it| it.steps[0].users <= it.users));

        let site = |what, day| aggregates.at(&Key { experiment: String::new(), what, day });
        for day in 0..7 {
            let came = |events: &&Vec<&Logged>| events.iter().any(|it| it.event.time.day() == day);
            let users = visitors.values().filter(came).count();
            prop_assert_eq!(usize::try_from(site(What::Visitors(Period::Day), day).n), Ok(users));
            let spent: i64 = log.iter().filter(|it| it.event.time.day() == day).filter_map(|it| match &it.event.fact {
                Fact::Conversion { name, value, .. } if name == "purchase" => *value,
                _ => None,
            }).sum();
            prop_assert_eq!(site(What::Total(Period::Day, "capped".to_owned()), day).sum, i128::from(spent));
        }
        let table = cohorts(&config, &aggregates, Timestamp::from_ms(8 * DAY)).expect("counted");
        let first: u64 = table.cohorts.iter().filter_map(|cohort| cohort.users.first()).sum();
        prop_assert_eq!(usize::try_from(first), Ok(visitors.len()));
    }
}

fn view(visitor: u8, id: u8, minutes: i64) -> Logged {
    let event = Received {
        id: EventId::from_bytes([id; 16]),
        time: Timestamp::from_ms(minutes * 60_000),
        fact: Fact::PageView,
    };
    Logged { visitor, traits: Traits::new(), event }
}

fn met(visitor: u8, id: u8, minutes: i64) -> Logged {
    let fact = Fact::Exposure { experiment: "hero".to_owned(), variation: "bold".to_owned(), valid: true };
    let mut logged = view(visitor, id, minutes);
    logged.event.fact = fact;
    logged
}

#[test]
fn a_bounce_is_a_visit_of_one_page() {
    let cases: [(&[i64], i128); 6] = [
        (&[100], 1),
        (&[99], 1),
        (&[99, 120], 0),
        // Half an hour later it is another visit, and so is what came before.
        (&[99, 140], 1),
        (&[60, 99], 1),
        (&[], 0),
    ];
    for (views, wanted) in cases {
        let mut log = vec![met(1, 200, 100)];
        log.extend((0_u8..).zip(views).map(|(id, minutes)| view(1, id, *minutes)));
        let sums = count(&Plan::new(&config()), &log, 9);
        let bounced = sums.over_days("hero", &What::Metric(1, "bounce".to_owned()));
        assert_eq!(bounced.sum, wanted, "{views:?}");
    }
}

#[test]
fn a_kpi_stands_against_its_target() {
    let mut log = vec![view(1, 1, 0), view(2, 2, 10)];
    let fact = Fact::Conversion { name: "purchase".to_owned(), value: Some(12_000), properties: Map::new() };
    log.push(Logged { event: Received { fact, ..view(1, 3, 5).event }, ..view(1, 3, 5) });
    let list = kpis(&config(), &count(&Plan::new(&config()), &log, 1), Timestamp::from_ms(HOUR));
    let [revenue, buyers] = &list.kpis[..] else { panic!("two") };
    assert_eq!((revenue.periods[0].value, revenue.is_on_target), (Some(12_000.0), true));
    assert_eq!((buyers.periods[0].value, buyers.periods[0].progress), (Some(0.5), Some(1.0)));
    assert_eq!(buyers.periods[0].date, "1969-12-29");
}

#[test]
fn small_values_of_a_dimension_are_told_together() {
    let mut parsed = config();
    parsed.dimensions = vec![Dimension::Country];
    let countries = (b'A'..=b'Z').map(|letter| format!("A{}", char::from(letter)));
    let log: Vec<Logged> = (0_u8..)
        .zip(countries)
        .map(|(at, country)| {
            let said = Said { country: Some(&country), ..Said::default() };
            Logged { traits: said.traits(), ..met(at, at, 0) }
        })
        .collect();
    let sums = count(&Plan::new(&parsed), &log, 4);
    let by = View { dimension: Some(Dimension::Country), method: None };
    let found = results_by(&parsed, &sums, Timestamp::from_ms(0), "hero", &by).expect("known");
    let names: Vec<(&str, u64)> =
        found.results.iter().map(|slice| (slice.dimension.as_str(), slice.total_users)).collect();
    assert_eq!(names.len(), 22);
    assert_eq!((names[0], names[1], names[21]), (("", 26), ("AA", 1), ("(other)", 6)));
    assert_eq!(sums.over_days("hero", &What::Users(1)).n, 26);
    assert!(sums.iter().any(|(key, _)| key.day == DAY_ALL));
}
