//! Random payloads and visitors: our evaluation against `GrowthBook`'s own crate, and against our import and export.

use growthbook_rust::dto::GrowthBookFeature;
use growthbook_rust::growthbook::GrowthBook;
use growthbook_rust::model_public::{GrowthBookAttribute, SavedGroup};
use proptest::collection::{btree_map, vec};
use proptest::prelude::{Just, ProptestConfig, Strategy, prop_oneof, proptest};
use proptest::sample::select;
use proptest::test_runner::TestCaseError;
use serde_json::{Map, Value, json};
use splitlight_engine::{Facts, Visitor, compile, decide};
use splitlight_interop::growthbook::{Context, FeatureResult, Payload, Visit, export, import};
use splitlight_protocol::{Timestamp, config};

/// Payloads, and visitors for each of them: together the pairs that are compared.
const PAYLOADS: u32 = 5_000;
const VISITORS: usize = 20;

const FEATURES: [&str; 4] = ["alpha", "beta", "gamma", "missing"];

fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        select(vec!["", "ES", "es", "US", "pro", "10", "9", "ñandú", "日本", "x 😀"])
            .prop_map(|text| json!(text)),
        select(vec![0.0, 1.0, 9.0, 10.0, -1.0, 1.5]).prop_map(number),
        select(vec![true, false]).prop_map(|truth| json!(truth)),
        Just(Value::Null),
    ]
}

/// Whole numbers without a fraction, as every serializer of payloads writes them.
#[expect(clippy::cast_possible_truncation, reason = "the numbers are small")]
fn number(number: f64) -> Value {
    if number.fract() == 0.0 { json!(number as i64) } else { json!(number) }
}

fn version() -> impl Strategy<Value = Value> {
    select(vec!["1.2.3", "v1.2.3", "1.10.0", "1.2.3-rc.1", "2.0", "", "1.2.3+build"])
        .prop_map(|text| json!(text))
}

/// The oracle's expressions count characters beyond 16 bits as one, JavaScript's as two, so none here counts them.
fn operator() -> impl Strategy<Value = (String, Value)> {
    let named = |names: &[&str]| select(names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>());
    prop_oneof![
        (named(&["$eq", "$ne", "$lt", "$lte", "$gt", "$gte"]), scalar()),
        (
            named(&["$in", "$nin", "$ini", "$nini", "$all", "$alli"]),
            vec(scalar(), 0..4).prop_map(Value::from)
        ),
        (named(&["$veq", "$vne", "$vlt", "$vlte", "$vgt", "$vgte"]), version()),
        (named(&["$exists"]), select(vec![true, false]).prop_map(|truth| json!(truth))),
        (named(&["$size"]), (0..3).prop_map(|size| json!(size))),
        (
            named(&["$type"]),
            select(vec!["string", "number", "boolean", "array", "object", "null"]).prop_map(|t| json!(t))
        ),
        (named(&["$inGroup", "$notInGroup"]), select(vec!["old", "list", "none"]).prop_map(|id| json!(id))),
        (
            named(&["$regex", "$regexi"]),
            select(vec!["^E", "s$", "1.", "[0-9]+", "(", "^[a-z0-9]{2}$", "ñ"]).prop_map(|it| json!(it))
        ),
        (named(&["$elemMatch"]), scalar().prop_map(|value| json!({ "$eq": value }))),
    ]
}

fn test() -> impl Strategy<Value = Value> {
    let operators = || vec(operator(), 1..3).prop_map(|all| Value::Object(all.into_iter().collect()));
    prop_oneof![2 => scalar(), 3 => operators(), 1 => operators().prop_map(|inner| json!({ "$not": inner }))]
}

fn condition() -> impl Strategy<Value = Value> {
    let attribute = select(vec!["id", "country", "plan", "age", "tags", "user.age", "version"]);
    let tests = btree_map(attribute.prop_map(str::to_owned), test(), 0..3).prop_map(|all| json!(all));
    let group = select(vec!["list", "some", "none"]).prop_map(|id| json!({ "$savedGroup": { "id": id } }));
    prop_oneof![4 => tests, 1 => group].prop_recursive(2, 8, 3, |inner| {
        let lists = (select(vec!["$and", "$or", "$nor"]), vec(inner.clone(), 0..3));
        prop_oneof![
            lists.prop_map(|(name, all)| json!({ name: all })),
            inner.prop_map(|one| json!({ "$not": one })),
        ]
    })
}

fn share() -> impl Strategy<Value = Value> {
    select(vec![0.0, 0.01, 0.1, 0.25, 0.5, 0.72, 0.99, 1.0]).prop_map(number)
}

fn range() -> impl Strategy<Value = Value> {
    (share(), share()).prop_map(|(from, to)| json!([from, to]))
}

/// Members of an object, each there or not.
fn object(
    members: Vec<(&'static str, proptest::strategy::BoxedStrategy<Value>)>,
) -> impl Strategy<Value = Map<String, Value>> {
    let member = |(name, value): (&'static str, proptest::strategy::BoxedStrategy<Value>)| {
        proptest::option::of(value).prop_map(move |value| value.map(|value| (name.to_owned(), value)))
    };
    let members: Vec<_> = members.into_iter().map(member).collect();
    members.prop_map(|members| members.into_iter().flatten().collect())
}

fn attribute() -> impl Strategy<Value = Value> {
    select(vec!["id", "company", "nobody"]).prop_map(|name| json!(name))
}

fn hash_version() -> impl Strategy<Value = Value> {
    select(vec![1, 2]).prop_map(|version| json!(version))
}

fn filter() -> impl Strategy<Value = Value> {
    let optional = object(vec![("hashVersion", hash_version().boxed()), ("attribute", attribute().boxed())]);
    (optional, vec(range(), 1..3), select(vec!["s", "t"])).prop_map(|(mut filter, ranges, seed)| {
        filter.insert("ranges".to_owned(), json!(ranges));
        filter.insert("seed".to_owned(), json!(seed));
        Value::Object(filter)
    })
}

fn parent() -> impl Strategy<Value = Value> {
    let whole = test().prop_map(|test| json!({ "value": test }));
    (select(FEATURES.to_vec()), whole, select(vec![true, false]))
        .prop_map(|(id, condition, gate)| json!({ "id": id, "condition": condition, "gate": gate }))
}

/// What rules of both kinds may have.
fn common() -> Vec<(&'static str, proptest::strategy::BoxedStrategy<Value>)> {
    vec![
        ("id", select(vec!["r1", "r2"]).prop_map(|id| json!(id)).boxed()),
        ("condition", condition().boxed()),
        ("parentConditions", vec(parent(), 1..2).prop_map(Value::from).boxed()),
        ("hashAttribute", attribute().boxed()),
        ("hashVersion", hash_version().boxed()),
        ("seed", select(vec!["", "seed", "semilla ñ"]).prop_map(|seed| json!(seed)).boxed()),
        ("coverage", share().boxed()),
    ]
}

/// A value for some. The oracle takes a rule with both a value and variations for an experiment, and one with the value
/// `null` for none at all, contrary to the contract, so no rule is like that.
fn forced() -> impl Strategy<Value = Value> {
    let mut members = common();
    members.push(("range", range().boxed()));
    members.push(("filters", vec(filter(), 1..2).prop_map(Value::from).boxed()));
    let written = scalar().prop_filter("null", |value| !value.is_null());
    (object(members), written).prop_map(|(mut rule, value)| {
        rule.insert("force".to_owned(), value);
        Value::Object(rule)
    })
}

/// An experiment. The oracle also looks at the namespace of a rule with filters, contrary to the contract, so a rule
/// has one of them.
fn experiment() -> impl Strategy<Value = Value> {
    let layer = prop_oneof![
        Just(None),
        vec(filter(), 1..2).prop_map(|filters| Some(("filters", json!(filters)))),
        (share(), share()).prop_map(|(from, to)| Some(("namespace", json!(["n", from, to])))),
    ];
    let variations = 2..4_usize;
    let mut members = common();
    members.push(("key", select(vec!["exp", "exp-é"]).prop_map(|key| json!(key)).boxed()));
    (object(members), layer, variations, vec(scalar(), 4), meta(), shares()).prop_map(
        |(mut rule, layer, n, values, meta, (name, shares))| {
            rule.extend(layer.map(|(name, value)| (name.to_owned(), value)));
            rule.insert("variations".to_owned(), json!(values[..n]));
            rule.insert("meta".to_owned(), json!(meta));
            rule.insert(name.to_owned(), shares);
            Value::Object(rule)
        },
    )
}

fn meta() -> impl Strategy<Value = Vec<Value>> {
    let pass = proptest::bool::weighted(0.1);
    vec(pass, 0..4).prop_map(|passes| {
        let one = |(at, pass): (usize, bool)| json!({ "key": format!("v{at}"), "passthrough": pass });
        passes.into_iter().enumerate().map(one).collect()
    })
}

fn shares() -> impl Strategy<Value = (&'static str, Value)> {
    prop_oneof![
        vec(share(), 2..4).prop_map(|weights| ("weights", json!(weights))),
        select(vec![json!([0.5, 0.5]), json!([0.1, 0.2, 0.7]), json!([0.3, 0.695])])
            .prop_map(|it| ("weights", it)),
        vec(range(), 1..4).prop_map(|ranges| ("ranges", json!(ranges))),
    ]
}

fn payload() -> impl Strategy<Value = Value> {
    let rules = || vec(prop_oneof![forced(), experiment()], 0..4);
    let feature =
        || (scalar(), rules()).prop_map(|(value, rules)| json!({ "defaultValue": value, "rules": rules }));
    let groups = (vec(scalar(), 0..3), vec(scalar(), 0..3), condition()).prop_map(|(old, list, some)| {
        json!({
            "old": old,
            "list": { "type": "list", "attributeKey": "id", "values": list },
            "some": { "type": "condition", "condition": some },
        })
    });
    (feature(), feature(), feature(), groups).prop_map(|(alpha, beta, gamma, groups)| {
        json!({ "features": { "alpha": alpha, "beta": beta, "gamma": gamma }, "savedGroups": groups })
    })
}

fn visitor() -> impl Strategy<Value = Value> {
    let id = prop_oneof![
        6 => "[a-z0-9ñ😀]{1,6}".prop_map(Value::from),
        1 => (1..1000).prop_map(|id| json!(id)),
        1 => scalar(),
    ];
    let members = vec![
        (
            "company",
            prop_oneof!["[a-z]{1,4}".prop_map(Value::from), (1..99).prop_map(|id| json!(id))].boxed(),
        ),
        ("country", scalar().boxed()),
        ("plan", scalar().boxed()),
        ("age", (0..20).prop_map(|age| json!(age)).boxed()),
        ("tags", vec(scalar(), 0..3).prop_map(Value::from).boxed()),
        ("user", scalar().prop_map(|age| json!({ "age": age })).boxed()),
        ("version", version().boxed()),
    ];
    (proptest::option::weighted(0.95, id), object(members)).prop_map(|(id, mut visitor)| {
        visitor.extend(id.map(|id| ("id".to_owned(), id)));
        Value::Object(visitor)
    })
}

fn oracle(payload: &Value) -> GrowthBook {
    let features = serde_json::from_value::<std::collections::HashMap<String, GrowthBookFeature>>(
        payload["features"].clone(),
    );
    let groups = payload["savedGroups"].as_object().into_iter().flatten();
    GrowthBook {
        forced_variations: None,
        features: features.expect("features the oracle reads"),
        attributes: None,
        sticky_bucket_service: None,
        saved_groups: groups.map(|(id, group)| (id.clone(), SavedGroup::from(group))).collect(),
    }
}

fn context(attributes: &Value) -> Context {
    serde_json::from_value(json!({ "attributes": attributes })).expect("a context")
}

/// What both say of a feature, with numbers as doubles.
fn theirs(oracle: &GrowthBook, key: &str, attributes: &Value) -> Value {
    let attributes = GrowthBookAttribute::from(attributes.clone()).expect("attributes");
    let found = oracle.check(key, &Some(attributes));
    let run = found.experiment_result.map(|run| {
        json!([run.key, run.variation_id, run.bucket, run.hash_attribute, run.hash_value, run.in_experiment])
    });
    plain(json!([found.value, found.on, found.off, found.source, run]))
}

fn ours(found: &FeatureResult) -> Value {
    let run = found.experiment_result.as_ref().map(|run| {
        json!([run.key, run.variation_id, run.bucket, run.hash_attribute, run.hash_value, run.in_experiment])
    });
    plain(json!([found.value, found.on, found.off, found.source, run]))
}

/// Numbers as doubles, so that `1` and `1.0` are one number.
fn plain(value: Value) -> Value {
    match value {
        Value::Number(number) => json!(number.as_f64()),
        Value::Array(items) => items.into_iter().map(plain).collect(),
        Value::Object(members) => members.into_iter().map(|(name, value)| (name, plain(value))).collect(),
        other => other,
    }
}

fn agree(payload: &Value, visitors: &[Value]) -> Result<(), TestCaseError> {
    let (compiled, oracle) = (Payload::read(payload, None), oracle(payload));
    proptest::prop_assert!(compiled.left_out.is_empty(), "{:?}", compiled.left_out);
    for attributes in visitors {
        let context = context(attributes);
        for key in FEATURES {
            let ours = ours(&Visit::new(&compiled, &context).feature(key));
            proptest::prop_assert_eq!(ours, theirs(&oracle, key, attributes), "{} for {}", key, attributes);
        }
    }
    Ok(())
}

/// What is imported decides as the payload did, and so does what is exported again.
fn survive(payload: &Value, visitors: &[Value]) -> Result<(), TestCaseError> {
    let compiled = Payload::read(payload, None);
    let imported = import(&compiled, "p");
    let parsed = config::parse(&serde_json::to_string(&imported.config).expect("JSON"));
    let program = compile(&parsed.config);
    proptest::prop_assert_eq!((&parsed.issues, &program.issues), (&vec![], &vec![]), "{:?}", imported.config);
    let exported = export(&parsed.config);
    proptest::prop_assert!(exported.left_out.is_empty(), "{:?}", exported.left_out);
    let back = Payload::read(&serde_json::to_value(&exported.payload).expect("JSON"), None);
    for attributes in visitors {
        let context = context(attributes);
        let id = match &attributes["id"] {
            Value::String(id) => Some(id.clone()),
            Value::Number(id) if id.as_f64() != Some(0.0) => Some(id.to_string()),
            _ => None,
        };
        let facts = Facts { id, attributes: context.attributes.clone(), ..Facts::default() };
        let decisions = decide(&program.program, &Visitor::new(facts), Timestamp::from_ms(0));
        for feature in &parsed.config.features {
            let key = feature.key.as_str();
            let wanted = Visit::new(&compiled, &context).feature(key).value;
            let decided = decisions.feature(&program.program, key);
            proptest::prop_assert_eq!(
                decided,
                Some(&wanted),
                "{} here, for {}: {:?}",
                key,
                attributes,
                imported.config
            );
            let found = Visit::new(&back, &context).feature(key).value;
            proptest::prop_assert_eq!(
                found,
                wanted,
                "{} exported, for {}: {:?}",
                key,
                attributes,
                exported.payload
            );
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: PAYLOADS, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_payloads_evaluate_as_in_growthbooks_crate(payload in payload(), visitors in vec(visitor(), VISITORS)) {
        agree(&payload, &visitors)?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: PAYLOADS / 10, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn import_and_export_decide_alike(payload in payload(), visitors in vec(visitor(), VISITORS)) {
        survive(&payload, &visitors)?;
    }
}
