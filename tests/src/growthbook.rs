//! Vectors about payloads of `GrowthBook`, in the format of the cases that all of its SDKs share.

use crate::Report;
use serde_json::{Value as Json, json};
use splitlight_interop::growthbook::{
    Condition, Context, Experiment, Groups, Payload, Reduction, StickyDocument, Visit, bucket_ranges,
    choose_variation, decrypt, equal_weights, export, hash, import, in_namespace, is_url_targeted,
    prune_condition, query_string_override, reduce_payload,
};
use splitlight_protocol::{Issue, Map, Severity, Value};
use std::collections::BTreeMap;

/// Checks one case; the error says what was found instead.
type Check = fn(&[Json]) -> Result<(), String>;

/// The sections of the cases, and where each has its name: most cases begin with one.
const SECTIONS: [(&str, Check); 20] = [
    ("evalCondition", condition),
    ("pruneCondition", prune),
    ("reducePayload", reduce),
    ("hash", hashed),
    ("getBucketRange", ranges),
    ("feature", feature),
    ("run", run),
    ("chooseVariation", choose),
    ("getQueryStringOverride", forced_by_url),
    ("inNamespace", namespace),
    ("getEqualWeights", weights),
    ("decrypt", decrypted),
    ("stickyBucket", sticky),
    ("urlRedirect", redirect),
    ("contextualBandit", feature),
    ("isURLTargeted", targeted),
    ("exposures", exposures),
    ("payload", payload),
    ("import", imported),
    ("export", exported),
];

/// Runs a document in the format of `GrowthBook`'s cases: a report for each section, nested ones included.
///
/// # Errors
/// When the text is not JSON, or has a section that nothing runs.
pub fn run_cases(text: &str) -> Result<Vec<(String, Report)>, String> {
    let document: Json = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let mut reports = Vec::new();
    for (name, section) in document.as_object().ok_or("the cases are no object")? {
        match section {
            Json::Array(cases) => reports.push((name.clone(), section_report(name, cases)?)),
            Json::Object(inner) => {
                for (part, cases) in inner {
                    let cases = cases.as_array().ok_or_else(|| format!("{name}.{part} is no list"))?;
                    reports.push((format!("{name}.{part}"), section_report(part, cases)?));
                }
            }
            // The version of the contract.
            _ => {}
        }
    }
    Ok(reports)
}

fn section_report(name: &str, cases: &[Json]) -> Result<Report, String> {
    let known = SECTIONS.iter().find(|(section, _)| *section == name);
    let (_, check) = known.ok_or_else(|| format!("nothing runs the section {name}"))?;
    Ok(report(cases, *check, name != "hash" && name != "getEqualWeights"))
}

/// `named` cases begin with their name; of the others the whole case is it.
fn report(cases: &[Json], check: Check, named: bool) -> Report {
    let mut report = Report::default();
    for case in cases {
        let failure = match case {
            Json::Array(case) => check(case).err(),
            _ => Some("the case is no list".to_owned()),
        };
        let name = if named { str(&case[0]).to_owned() } else { case.to_string() };
        report.count(&name, failure);
    }
    report
}

/// The vectors of ours in the format of the cases.
pub(crate) fn cases(text: &str) -> Result<Report, serde_json::Error> {
    together(run_cases(text))
}

/// The vectors of ours in the schema of the additional vectors.
pub(crate) fn extra(text: &str) -> Result<Report, serde_json::Error> {
    together(run_extra(text))
}

fn together(reports: Result<Vec<(String, Report)>, String>) -> Result<Report, serde_json::Error> {
    let mut all = Report::default();
    for (name, report) in reports.map_err(serde::de::Error::custom)? {
        all.notes.push(format!("{name}: {}/{}", report.cases - report.failures.len(), report.cases));
        all.cases += report.cases;
        all.failures.extend(report.failures.into_iter().map(|failure| format!("{name} {failure}")));
    }
    Ok(all)
}

/// Runs a document of the schema of the additional vectors: `{ section: [[input..., expected]] }`.
///
/// # Errors
/// When the text is not JSON, or has a section that nothing runs.
pub fn run_extra(text: &str) -> Result<Vec<(String, Report)>, String> {
    let document: Json = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let mut reports = Vec::new();
    for (name, section) in document.as_object().ok_or("the vectors are no object")? {
        let Json::Array(cases) = section else { continue };
        let check: Check = match name.as_str() {
            "hash" => hashed,
            "hashTyped" => hashed_typed,
            "isURLTargeted" => targeted_plain,
            "getQueryStringOverride" => forced_plain,
            "paddedVersionString" => padded,
            "mergeQueryStrings" => merged,
            _ => return Err(format!("nothing runs the section {name}")),
        };
        reports.push((name.clone(), report(cases, check, false)));
    }
    Ok(reports)
}

/// Equal as JavaScript tests have it: numbers are all alike, and the order of members says nothing.
fn same(found: &Json, expected: &Json) -> Result<(), String> {
    let expected = value(expected);
    let found = value(found);
    if found == expected { Ok(()) } else { Err(format!("{} is not {}", text(&found), text(&expected))) }
}

fn value(json: &Json) -> Value {
    serde_json::from_value(json.clone()).unwrap_or_default()
}

fn text(value: &Value) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

fn map(json: Option<&Json>) -> Map {
    json.and_then(|json| serde_json::from_value(json.clone()).ok()).unwrap_or_default()
}

fn read<T: serde::de::DeserializeOwned>(json: &Json) -> Result<T, String> {
    serde_json::from_value(json.clone()).map_err(|error| format!("cannot be read: {error}"))
}

/// A member of a case by its place.
fn at(case: &[Json], index: usize) -> &Json {
    case.get(index).unwrap_or(&Json::Null)
}

fn str(json: &Json) -> &str {
    json.as_str().unwrap_or_default()
}

fn condition(case: &[Json]) -> Result<(), String> {
    let condition = Condition::new(value(at(case, 1)), &Groups::new(&map(case.get(4))));
    same(&json!(condition.holds(&map(case.get(2)))), at(case, 3))
}

fn prune(case: &[Json]) -> Result<(), String> {
    let pruned = prune_condition(&value(at(case, 1)), &map(case.get(2)), &map(case.get(4)));
    same(&json!(pruned.into_value()), at(case, 3))
}

fn reduce(case: &[Json]) -> Result<(), String> {
    let input = at(case, 1);
    let mut known = map(input.get("globalAttributes"));
    for (name, own) in map(input.get("attributes")).iter() {
        known.insert(name.to_owned(), own.clone());
    }
    let reduction: Reduction = read(input)?;
    same(&json!(reduce_payload(&value(&input["payload"]), &known, &reduction)), at(case, 2))
}

fn hashed(case: &[Json]) -> Result<(), String> {
    let found = hash(str(at(case, 0)), str(at(case, 1)), at(case, 2).as_i64().unwrap_or(0));
    same(&json!(found), at(case, 3))
}

fn ranges(case: &[Json]) -> Result<(), String> {
    let (n, coverage, weights): (usize, f64, Option<Vec<f64>>) = read(at(case, 1))?;
    let expected: Vec<[f64; 2]> = read(at(case, 2))?;
    let found = bucket_ranges(n, coverage, weights.as_deref());
    let near = |(a, b): (&[f64; 2], &[f64; 2])| (a[0] - b[0]).abs() < 1e-9 && (a[1] - b[1]).abs() < 1e-9;
    let alike = found.len() == expected.len() && found.iter().zip(&expected).all(near);
    if alike { Ok(()) } else { Err(format!("{found:?} is not {expected:?}")) }
}

fn choose(case: &[Json]) -> Result<(), String> {
    let ranges: Vec<[f64; 2]> = read(at(case, 2))?;
    let found = choose_variation(at(case, 1).as_f64().unwrap_or(-1.0), &ranges);
    same(&found.map_or(json!(-1), |index| json!(index)), at(case, 3))
}

fn forced_by_url(case: &[Json]) -> Result<(), String> {
    forced_plain(case.get(1..).unwrap_or_default())
}

fn forced_plain(case: &[Json]) -> Result<(), String> {
    let n = at(case, 2).as_u64().and_then(|n| usize::try_from(n).ok()).unwrap_or(0);
    same(&json!(query_string_override(str(at(case, 0)), str(at(case, 1)), n)), at(case, 3))
}

fn namespace(case: &[Json]) -> Result<(), String> {
    same(&json!(in_namespace(str(at(case, 1)), &read(at(case, 2))?)), at(case, 3))
}

fn weights(case: &[Json]) -> Result<(), String> {
    let n = at(case, 0).as_u64().and_then(|n| usize::try_from(n).ok()).unwrap_or(0);
    let (found, expected) = (equal_weights(n), read::<Vec<f64>>(at(case, 1))?);
    // The cases are rounded to 8 digits.
    let near = |(a, b): (&f64, &f64)| (a - b).abs() < 1e-7;
    let alike = found.len() == expected.len() && found.iter().zip(&expected).all(near);
    if alike { Ok(()) } else { Err(format!("{found:?} is not {expected:?}")) }
}

fn decrypted(case: &[Json]) -> Result<(), String> {
    same(&json!(decrypt(str(at(case, 1)), str(at(case, 2)))), at(case, 3))
}

fn feature(case: &[Json]) -> Result<(), String> {
    let (payload, context): (Payload, Context) = (Payload::read(at(case, 1), None), read(at(case, 1))?);
    let (mut found, expected) =
        (json!(Visit::new(&payload, &context).feature(str(at(case, 2)))), at(case, 3));
    // Some files say nothing of the experiment behind a value.
    for name in ["experiment", "experimentResult"] {
        if let (Some(members), None) = (found.as_object_mut(), expected.get(name)) {
            members.remove(name);
        }
    }
    same(&found, expected)
}

fn run(case: &[Json]) -> Result<(), String> {
    let (payload, context): (Payload, Context) = (Payload::read(at(case, 1), None), read(at(case, 1))?);
    let found = Visit::new(&payload, &context).run(&read::<Experiment>(at(case, 2))?);
    let expected = json!([at(case, 3), at(case, 4), at(case, 5)]);
    same(&json!([found.value, found.in_experiment, found.hash_used]), &expected)
}

/// `[name, context, documents stored, feature, result of the experiment, documents stored afterwards]`
fn sticky(case: &[Json]) -> Result<(), String> {
    let payload = Payload::read(at(case, 1), None);
    let mut context: Context = read(at(case, 1))?;
    let stored: Vec<StickyDocument> = read(at(case, 2))?;
    // An SDK loads the documents of the visitor's own attributes.
    let own = stored.into_iter().filter(|document| {
        context.attributes.get(&document.attribute_name).and_then(Value::as_str)
            == Some(&document.attribute_value)
    });
    let name =
        |document: &StickyDocument| format!("{}||{}", document.attribute_name, document.attribute_value);
    let own: BTreeMap<String, StickyDocument> = own.map(|document| (name(&document), document)).collect();
    context.sticky_bucket_assignment_docs.get_or_insert_default().extend(own);
    let mut visit = Visit::new(&payload, &context);
    let found = visit.feature(str(at(case, 3)));
    same(&json!(found.experiment_result), at(case, 4))?;
    same(&json!(visit.sticky_bucket_assignment_docs()), at(case, 5))
}

/// `[name, context, [{ inExperiment, urlRedirect, urlWithParams }]]`
fn redirect(case: &[Json]) -> Result<(), String> {
    let (payload, context): (Payload, Context) = (Payload::read(at(case, 1), None), read(at(case, 1))?);
    let found = Visit::new(&payload, &context).redirect().map(|redirect| {
        json!({
            "inExperiment": redirect.result.in_experiment,
            "urlRedirect": redirect.destination,
            "urlWithParams": redirect.url,
        })
    });
    same(&Json::Array(found.into_iter().collect()), at(case, 2))
}

fn targeted(case: &[Json]) -> Result<(), String> {
    let (url, targets, expected) = (at(case, 2), at(case, 1), at(case, 3));
    same(&json!(is_url_targeted(str(url), &read::<Vec<_>>(targets)?)), expected)
}

fn targeted_plain(case: &[Json]) -> Result<(), String> {
    same(&json!(is_url_targeted(str(at(case, 0)), &read::<Vec<_>>(at(case, 1))?)), at(case, 2))
}

fn merged(case: &[Json]) -> Result<(), String> {
    let found = splitlight_interop::growthbook::merge_query_strings(str(at(case, 0)), str(at(case, 1)));
    same(&json!(found), at(case, 2))
}

/// `[id, in the experiment, variation, bucket, id as reported]` of an experiment `t` with four variations and hash 2.
///
/// The vectors are of the generation before 0.12, which hashes the text of any value. Their buckets and variations hold
/// for that text; whether the visitor takes part follows 0.12, where booleans, lists and objects are no ids.
fn hashed_typed(case: &[Json]) -> Result<(), String> {
    let id = at(case, 0);
    let mut context = Context::default();
    context.attributes.insert("id".to_owned(), value(id));
    let experiment: Experiment = read(&json!({ "key": "t", "variations": [0, 1, 2, 3], "hashVersion": 2 }))?;
    let payload = Payload::default();
    let found = Visit::new(&payload, &context).run(&experiment);
    if id.is_boolean() || id.is_array() || id.is_object() {
        same(
            &json!([found.in_experiment, found.variation_id, found.bucket, found.hash_value]),
            &json!([false, 0, null, ""]),
        )?;
        let bucket = hash("t", &javascript_text(id), 2);
        let variation = bucket.and_then(|n| choose_variation(n, &bucket_ranges(4, 1.0, None)));
        return same(&json!([variation, bucket]), &json!([at(case, 2), at(case, 3)]));
    }
    same(
        &json!([found.in_experiment, found.variation_id, found.bucket, found.hash_value]),
        &json!(case.get(1..)),
    )
}

/// What JavaScript makes of a value where it wants a string.
fn javascript_text(json: &Json) -> String {
    match json {
        Json::String(text) => text.clone(),
        Json::Array(items) => items.iter().map(javascript_text).collect::<Vec<_>>().join(","),
        Json::Object(_) => "[object Object]".to_owned(),
        Json::Null => String::new(),
        other => other.to_string(),
    }
}

/// `[version, padded]`, of which a padded version is not seen outside: two versions that pad alike are equal.
fn padded(case: &[Json]) -> Result<(), String> {
    same(&json!(splitlight_interop::growthbook::padded_version(&value(at(case, 0)))), at(case, 1))
}

/// `[name, context, features asked for, [experiment, hash attribute, hash value]]`
fn exposures(case: &[Json]) -> Result<(), String> {
    let (payload, context): (Payload, Context) = (Payload::read(at(case, 1), None), read(at(case, 1))?);
    let mut visit = Visit::new(&payload, &context);
    for key in read::<Vec<String>>(at(case, 2))? {
        visit.feature(&key);
    }
    let found = visit.exposures().iter().map(|exposure| {
        let result = &exposure.result;
        json!([exposure.experiment.key, result.hash_attribute, result.hash_value])
    });
    same(&Json::Array(found.collect()), at(case, 3))
}

fn pointers(issues: &[Issue], only: Severity) -> Json {
    issues.iter().filter(|issue| issue.severity == only).map(|issue| json!(issue.pointer)).collect()
}

/// `[name, payload, key, features that are there, pointers to what was left out]`
fn payload(case: &[Json]) -> Result<(), String> {
    let found = Payload::read(at(case, 1), at(case, 2).as_str());
    let features: Vec<&String> = found.features.keys().collect();
    same(&json!([features, pointers(&found.left_out, Severity::Error)]), &json!([at(case, 3), at(case, 4)]))
}

/// `[name, payload, config, pointers to what was left out]`
fn imported(case: &[Json]) -> Result<(), String> {
    let found = import(&Payload::read(at(case, 1), None), "p");
    same(&json!(by_key(&json!(found.config))), &by_key(at(case, 2)))?;
    same(&pointers(&found.left_out, Severity::Error), at(case, 3))
}

/// A config whose features are sorted by key, because a payload has no order.
fn by_key(config: &Json) -> Json {
    let mut config = config.clone();
    if let Some(features) = config["features"].as_array_mut() {
        features.sort_by_key(|feature| feature["key"].to_string());
    }
    config
}

/// `[name, config, payload, pointers to what was left out]`
fn exported(case: &[Json]) -> Result<(), String> {
    let parsed = splitlight_protocol::config::parse(&at(case, 1).to_string());
    same(&json!(parsed.issues), &json!([]))?;
    let found = export(&parsed.config);
    same(&json!(found.payload), at(case, 2))?;
    same(&pointers(&found.left_out, Severity::Error), at(case, 3))
}
