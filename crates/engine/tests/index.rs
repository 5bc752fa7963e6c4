//! The law of the index: with it every decision is the one that the interpreter makes without it.

use proptest::prelude::*;
use serde_json::{Value as Json, json};
use splitlight_engine::{Facts, Index, Visitor, compile, decide};
use splitlight_protocol::{Map, Timestamp, config};

/// Few enough that tests and attributes meet.
fn scalar() -> impl Strategy<Value = Json> {
    prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        (-3..4).prop_map(Json::from),
        Just(json!(0.5)),
        "[ab]{0,2}".prop_map(Json::from),
    ]
}

fn test() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        scalar(),
        Just(json!({})),
        Just(json!([1, "a"])),
        (prop::sample::select(vec!["$eq", "$ne", "$lt", "$lte", "$gt", "$gte"]), scalar())
            .prop_map(|(operator, value)| json!({ operator: value })),
        (prop::sample::select(vec!["$in", "$nin", "$ini", "$all"]), prop::collection::vec(scalar(), 0..3))
            .prop_map(|(operator, values)| json!({ operator: values })),
        any::<bool>().prop_map(|wanted| json!({ "$exists": wanted })),
        prop::sample::select(vec!["string", "number", "null"]).prop_map(|name| json!({ "$type": name })),
        Just(json!({ "$regex": "^a" })),
        Just(json!({ "$later": 1 })),
    ];
    leaf.prop_recursive(2, 4, 2, |inner| {
        prop_oneof![
            inner.clone().prop_map(|test| json!({ "$not": test })),
            (scalar(), any::<bool>()).prop_map(|(value, wanted)| json!({ "$ne": value, "$exists": wanted })),
            inner.prop_map(|test| json!({ "$elemMatch": test })),
        ]
    })
}

fn condition() -> impl Strategy<Value = Json> {
    let path = || prop::sample::select(vec!["p", "q", "r.s"]);
    let leaf = prop::collection::hash_map(path(), test(), 0..3).prop_map(|members| json!(members));
    leaf.prop_recursive(2, 6, 2, |inner| {
        let list = prop::collection::vec(inner.clone(), 0..3);
        prop_oneof![
            (prop::sample::select(vec!["$and", "$or", "$nor"]), list)
                .prop_map(|(operator, parts)| json!({ operator: parts })),
            inner.prop_map(|part| json!({ "$not": part })),
            Just(json!({ "$audience": "some" })),
        ]
    })
}

fn attributes() -> impl Strategy<Value = Json> {
    let value = || prop_oneof![4 => scalar(), 1 => Just(json!(["a", 1]))];
    (value(), value(), value()).prop_map(|(p, q, s)| json!({ "p": p, "q": q, "r": { "s": s } }))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn the_index_decides_as_the_interpreter(
        audience in condition(),
        conditions in prop::collection::vec(condition(), 1..80),
        people in prop::collection::vec(attributes(), 1..20),
    ) {
        let experiments = conditions.iter().enumerate().map(|(at, when)| {
            json!({ "key": format!("e{at}"), "when": when, "variations": [{ "key": "a" }, { "key": "b" }] })
        });
        let document = json!({
            "version": 1, "project": "p",
            "audiences": [{ "key": "some", "when": audience }],
            "experiments": experiments.collect::<Vec<_>>(),
        });
        let program = compile(&config::parse(&document.to_string()).config).program;
        prop_assert_eq!(program.items().len(), conditions.len());
        let index = Index::new(&program);
        for person in people {
            let attributes: Map = serde_json::from_value(person).expect("an object");
            let visitor = Visitor::new(Facts { id: Some("v".to_owned()), attributes, ..Facts::default() });
            let now = Timestamp::from_ms(0);
            prop_assert_eq!(index.decide(&program, &visitor, now), decide(&program, &visitor, now));
        }
    }
}
