//! Vectors about decisions.

use crate::Report;
use serde::Deserialize;
use splitlight_engine::attributes::from_page;
use splitlight_engine::{
    Consent, Decisions, Facts, HashVersion, History, Index, Program, Reason, Sticky, Visitor, bucket,
    compile, explain, explain_program, replay,
};
use splitlight_protocol::config::Config;
use splitlight_protocol::{Map, Timestamp, Value, config};
use std::collections::BTreeMap;

#[derive(Deserialize)]
struct File<T> {
    cases: Vec<T>,
}

pub(crate) fn hash(text: &str) -> Result<Report, serde_json::Error> {
    let file: File<(String, String, u32, f64)> = serde_json::from_str(text)?;
    let mut report = Report::default();
    for (seed, id, version, expected) in file.cases {
        let version = if version == 1 { HashVersion::V1 } else { HashVersion::V2 };
        let place = bucket(&seed, &id, version);
        let failure = (place.to_bits() != expected.to_bits()).then(|| format!("{place} is not {expected}"));
        report.count(&format!("{seed:?} {id:?} {version:?}"), failure);
    }
    Ok(report)
}

pub(crate) fn pages(text: &str) -> Result<Report, serde_json::Error> {
    let file: File<(String, Value, bool)> = serde_json::from_str(text)?;
    let mut report = Report::default();
    for (url, pages, expected) in file.cases {
        let pages = serde_json::to_string(&pages)?;
        let document = format!(
            r#"{{"version":1,"project":"p","experiments":[{{"key":"e","pages":{pages},
                "variations":[{{"key":"a"}},{{"key":"b"}}]}}]}}"#
        );
        let program = compile(&config::parse(&document).config).program;
        let visitor = Visitor::new(Facts { id: Some("v".to_owned()), url: url.clone(), ..Facts::default() });
        let decisions = splitlight_engine::decide(&program, &visitor, Timestamp::from_ms(0));
        let part = decisions.iter(&program).any(|(_, decision)| decision.reason != Reason::Page);
        report.count(&format!("{url} {pages}"), (part != expected).then(|| format!("expected {expected}")));
    }
    Ok(report)
}

#[derive(Deserialize)]
struct DecideFile {
    config: Value,
    /// What publishing says of the config: rule and pointer.
    #[serde(default)]
    issues: Vec<(String, String)>,
    cases: Vec<DecideCase>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct DecideCase {
    name: String,
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    user: Option<String>,
    /// Variations the device keeps.
    #[serde(default)]
    sticky: String,
    /// What a preview link asks for.
    #[serde(default)]
    forced: Vec<(String, String)>,
    #[serde(default)]
    url: String,
    /// What the browser says with the page view; attributes are made of it.
    #[serde(default)]
    request: Option<Request>,
    #[serde(default)]
    attributes: Map,
    /// What the visitor did before; `null` where the history is not known.
    #[serde(default = "no_past")]
    past: Option<Vec<Past>>,
    #[serde(default)]
    consent: Option<String>,
    #[serde(default)]
    bot: bool,
    /// Minutes the visitor's clock is ahead of UTC.
    #[serde(default)]
    utc_offset: Option<i32>,
    /// Whether this is only what a request tells.
    #[serde(default)]
    partial: bool,
    #[serde(default)]
    now: Timestamp,
    /// Variation and reason by item.
    #[serde(default)]
    expect: BTreeMap<String, (String, String)>,
    /// Value and reason by feature.
    #[serde(default)]
    features: BTreeMap<String, (Value, String)>,
    /// What the device has to keep now, when that is new.
    #[serde(default)]
    keeps: Option<String>,
}

#[expect(clippy::unnecessary_wraps, reason = "serde's default has the field's type")]
fn no_past() -> Option<Vec<Past>> {
    Some(Vec::new())
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
struct Request {
    referrer: String,
    user_agent: String,
    language: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Past {
    /// An event, or else the page at `url` is visited.
    #[serde(default)]
    event: Option<String>,
    #[serde(default)]
    url: String,
    #[serde(default)]
    referrer: String,
    #[serde(default)]
    properties: Map,
    #[serde(default)]
    value: Option<i64>,
    time: Timestamp,
}

pub(crate) fn decide(text: &str) -> Result<Report, serde_json::Error> {
    let file: DecideFile = serde_json::from_str(text)?;
    let parsed = config::parse(&serde_json::to_string(&file.config)?);
    let compiled = compile(&parsed.config);
    let mut report = Report::default();
    let issues = parsed.issues.iter().chain(&compiled.issues);
    let issues = issues.map(|issue| Ok((crate::lint::name(issue.code)?, issue.pointer.clone())));
    let issues: Vec<(String, String)> = issues.collect::<Result<_, serde_json::Error>>()?;
    let differs = (issues != file.issues).then(|| format!("publishing says {issues:?}"));
    report.count("publishing says what it should", differs);
    // The bytes are what runs in browsers, so the bytes are what is tested.
    let program = Program::from_bytes(&compiled.program.to_bytes());
    report.count(
        "the program survives its bytes",
        (program.as_ref() != Ok(&compiled.program)).then(String::new),
    );
    for case in file.cases {
        let failure = decide_case(&parsed.config, &compiled.program, &case);
        report.count(&case.name, failure);
    }
    Ok(report)
}

fn decide_case(config: &Config, program: &Program, case: &DecideCase) -> Option<String> {
    let history = case.past.as_ref().map(|past| {
        let mut history = History::default();
        for event in past {
            match &event.event {
                Some(name) => history.record(program, name, &event.properties, event.value, event.time),
                None => history.visit(program, &event.url, &event.referrer, event.time),
            };
        }
        history
    });
    let consent = match case.consent.as_deref() {
        None | Some("granted") => Consent::Granted,
        Some("pending") => Consent::Pending,
        Some("denied") => Consent::Denied,
        Some("measurement") => Consent::Measurement,
        Some("personalization") => Consent::Personalization,
        Some(other) => return Some(format!("there is no consent {other:?}")),
    };
    let facts = Facts {
        segments: None,
        id: case.id.clone(),
        attributes: attributes(case),
        history,
        url: case.url.clone(),
        consent,
        bot: case.bot,
        user: case.user.clone(),
        sticky: Sticky::parse(&case.sticky),
        utc_offset: case.utc_offset,
        partial: case.partial,
        forced: case.forced.clone(),
    };
    if let Some(difference) = crate::lean::difference(program, &facts, case.now) {
        return Some(difference);
    }
    let record = facts.record("", case.now);
    let visitor = Visitor::new(facts);
    let decisions = splitlight_engine::decide(program, &visitor, case.now);
    if replay(program, &record).as_ref() != Ok(&decisions) {
        return Some("a replay decides otherwise".to_owned());
    }
    if Index::new(program).decide(program, &visitor, case.now) != decisions {
        return Some("with an index it is decided otherwise".to_owned());
    }
    if let Some(difference) = explained_otherwise(config, program, &visitor, case.now, &decisions) {
        return Some(difference);
    }
    let found: BTreeMap<String, (String, String)> = decisions
        .iter(program)
        .filter(|(item, _)| case.expect.contains_key(item.key()))
        .map(|(item, decision)| {
            let variation = item.variations()[decision.variation].key.clone();
            (item.key().to_owned(), (variation, decision.reason.name().to_owned()))
        })
        .collect();
    if found != case.expect {
        return Some(format!("{found:?} is not {:?}", case.expect));
    }
    let features = decisions.features(program).filter(|(key, ..)| case.features.contains_key(*key));
    let features: BTreeMap<String, (Value, String)> = features
        .map(|(key, value, decision)| (key.to_owned(), (value.clone(), decision.reason.name().to_owned())))
        .collect();
    if features != case.features {
        return Some(format!("{features:?} is not {:?}", case.features));
    }
    let keeps = decisions.kept(program, &visitor).map(|sticky| sticky.to_text());
    (case.keeps.is_some() && keeps != case.keeps).then(|| format!("keeps {keeps:?}, not {:?}", case.keeps))
}

/// What the browser says, and over it what the site says.
fn attributes(case: &DecideCase) -> Map {
    let Some(request) = &case.request else { return case.attributes.clone() };
    let mut attributes = from_page(&case.url, &request.referrer, &request.user_agent, &request.language);
    for (name, value) in case.attributes.iter() {
        attributes.insert(name.to_owned(), value.clone());
    }
    attributes
}

/// The first item whose explanation does not lead to the decision: its first closed gate has to be the reason.
fn explained_otherwise(
    config: &Config,
    program: &Program,
    visitor: &Visitor,
    now: Timestamp,
    decisions: &Decisions,
) -> Option<String> {
    let entries = |why: &Value, section: &str| match why.at(&[section]) {
        Some(Value::Array(entries)) => entries.clone(),
        _ => Vec::new(),
    };
    let why = explain(config, visitor, now);
    let written = [entries(&why, "experiments"), entries(&why, "personalizations")].concat();
    let compiled = entries(&explain_program(program, visitor, now), "items");
    [written, compiled].iter().find_map(|entries| leads_elsewhere(entries, program, decisions))
}

fn leads_elsewhere(entries: &[Value], program: &Program, decisions: &Decisions) -> Option<String> {
    decisions.iter(program).find_map(|(item, decision)| {
        // An experiment that exists only in a feature's rule is explained there.
        let entry = entries.iter().find(|entry| entry.at(&["key"]) == Some(&Value::from(item.key())))?;
        let Some(Value::Array(gates)) = entry.at(&["gates"]) else {
            return Some("there are no gates".to_owned());
        };
        let closed = gates.iter().find(|gate| gate.at(&["open"]) != Some(&Value::Bool(true)));
        let closed = closed.and_then(|gate| gate.at(&["gate"])).and_then(Value::as_str);
        let expected: &[Option<&str>] = match decision.reason {
            Reason::Assigned => &[None],
            Reason::Forced | Reason::Sticky => return None,
            Reason::NotRunning => &[Some("schedule")],
            Reason::NoConsent => &[Some("consent")],
            Reason::NoUnit => &[Some("unit")],
            Reason::Blocked => &[Some("sticky")],
            Reason::Unsupported => &[Some("audience"), Some("prerequisite"), Some("cap")],
            Reason::Deferred => {
                &[Some("audience"), Some("prerequisite"), Some("slot"), Some("cap"), Some("unit")]
            }
            other => &[Some(other.name())],
        };
        let fits = expected.contains(&closed);
        (!fits).then(|| format!("{}: {:?} is explained by {closed:?}", item.key(), decision.reason))
    })
}
