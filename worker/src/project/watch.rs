//! Watching what runs: verdicts and alerts are told when they change, and experiments with `autoStop` end.

use super::journal::{self, Change};
use super::object::{Stored, publish, stored};
use super::steer::{Act, Refusal, steer};
use super::{publish as publishing, webhooks};
use crate::clock;
use crate::project::diff::diff;
use crate::rollup::Merged;
use crate::shard::sql::{integer, rows, text};
use serde_json::{Value, json};
use splitlight_collector::{self as collector, Alarms, End, Fired, Look, Watched};
use splitlight_protocol::Timestamp;
use splitlight_protocol::config::{self, Config, Status};
use splitlight_protocol::results::ExperimentResults;
use worker::{Env, Error, Result, SqlStorage, SqlStorageValue};

/// What the first release that watches added to the project object.
pub(super) const TABLES: &[&str] = &[
    "CREATE TABLE watched (experiment TEXT PRIMARY KEY, since INTEGER NOT NULL, looks TEXT NOT NULL, \
        verdict TEXT NOT NULL)",
    "CREATE TABLE alerts (alert TEXT NOT NULL, experiment TEXT NOT NULL, fired TEXT NOT NULL, \
        PRIMARY KEY (alert, experiment))",
];

/// Seconds between two looks at what was counted.
const WATCH_SECONDS: i64 = 60;
/// The moment of what is never due: the greatest whole number that JavaScript, and so the storage, takes exactly.
const NEVER: Timestamp = Timestamp::from_ms(9_007_199_254_740_991);
/// Who ends experiments by themselves, as the audit log calls it.
const ACTOR: &str = "autoStop";

/// What is remembered of an experiment that runs.
struct Known {
    since: Timestamp,
    looks: Vec<f64>,
    verdict: String,
}

/// When it is time to watch, `None` while nothing runs.
pub(super) fn next_due(sql: &SqlStorage) -> Result<Option<Timestamp>> {
    let found = rows(sql, "SELECT value FROM meta WHERE name = 'watch'", Vec::new())?;
    let due = found.first().map_or(Timestamp::default(), |row| Timestamp::from_ms(integer(row.first())));
    Ok((due < NEVER).then_some(due))
}

/// Watches at a moment, such as at once when there is another config.
pub(super) fn due_at(sql: &SqlStorage, at: Timestamp) -> Result<()> {
    let bindings = vec![SqlStorageValue::Integer(at.ms())];
    sql.exec("INSERT OR REPLACE INTO meta VALUES ('watch', ?)", bindings).map(drop)
}

/// Whether anything of the present config has to be watched.
fn is_needed(sql: &SqlStorage) -> Result<bool> {
    let lasting = "SELECT 1 FROM alerts WHERE json_extract(fired, '$.resolved') IS NULL LIMIT 1";
    let may_run = |stored: Stored| {
        let experiments = config::parse(&stored.text).config.experiments;
        experiments.iter().any(|experiment| experiment.status == Status::Running)
    };
    Ok(stored(sql)?.is_some_and(may_run) || !rows(sql, lasting, Vec::new())?.is_empty())
}

/// Watches once, in one transaction; the config that an ending left, when there was one.
pub(super) fn watch(sql: &SqlStorage, env: &Env, merged: &Merged) -> Result<Option<Stored>> {
    let now = clock::now();
    let Some(config) = stored(sql)? else {
        due_at(sql, NEVER)?;
        return Ok(None);
    };
    let running = Running::read(config, now)?;
    let mut watched = Vec::new();
    let mut ended = None;
    // Before anything is counted, silence begins when something began to run.
    let mut began = None;
    for key in &running.keys {
        let known = remembered(sql, key, now)?;
        began = Some(began.map_or(known.since, |at: Timestamp| at.min(known.since)));
        let Some((one, look)) = examine(sql, &running.config, merged, key, &known, now)? else { continue };
        if let Some((look, end)) = look.and_then(|look| look.end().map(|end| (look, end))) {
            ended = finish(sql, &one.results, &look, &end)?.or(ended);
        }
        watched.push(one);
    }
    forget_strangers(sql, &running.config)?;
    alert(sql, &running.config, &watched, merged.updated.max(began), now)?;
    let seconds = env.var("WATCH_SECONDS").ok().and_then(|text| text.to_string().parse().ok());
    let wait_ms = seconds.unwrap_or(WATCH_SECONDS).saturating_mul(1000);
    due_at(sql, if is_needed(sql)? { now.plus_ms(wait_ms) } else { NEVER })?;
    Ok(ended)
}

/// Lets an experiment that is written anew under an old key begin anew.
fn forget_strangers(sql: &SqlStorage, config: &Config) -> Result<()> {
    let keys: Vec<&str> = config.experiments.iter().map(|known| known.key.as_str()).collect();
    let statement = "DELETE FROM watched WHERE experiment NOT IN (SELECT value FROM json_each(?))";
    sql.exec(statement, vec![serde_json::to_string(&keys)?.into()]).map(drop)
}

/// The published config, and which of its experiments run.
struct Running {
    config: Config,
    keys: Vec<String>,
}

impl Running {
    fn read(stored: Stored, now: Timestamp) -> Result<Self> {
        let (stored, program) = super::publish::program(stored)?;
        let config = config::parse(&stored.text).config;
        let runs = |key: &String| program.item(key).is_some_and(|item| item.is_open(now));
        let keys = config.experiments.iter().map(|known| known.key.clone()).filter(runs).collect();
        Ok(Self { config, keys })
    }
}

/// What is remembered of an experiment; it begins with the first time it is seen to run.
fn remembered(sql: &SqlStorage, key: &str, now: Timestamp) -> Result<Known> {
    let query = "SELECT since, looks, verdict FROM watched WHERE experiment = ?";
    let found = rows(sql, query, vec![key.into()])?;
    Ok(found.first().map_or(Known { since: now, looks: Vec::new(), verdict: "continue".to_owned() }, |row| {
        Known {
            since: Timestamp::from_ms(integer(row.first())),
            looks: serde_json::from_str(text(row.get(1))).unwrap_or_default(),
            verdict: text(row.get(2)).to_owned(),
        }
    }))
}

/// Reads an experiment's numbers, tells a verdict that changed, and looks if that is due.
fn examine(
    sql: &SqlStorage,
    config: &Config,
    merged: &Merged,
    key: &str,
    known: &Known,
    now: Timestamp,
) -> Result<Option<(Watched, Option<Look>)>> {
    let updated = merged.updated.unwrap_or(now);
    let Some(results) = collector::results(config, &merged.aggregates, updated, key) else { return Ok(None) };
    let first = merged.aggregates.first_day(key);
    let days = first.map_or(0.0, |first| f64::from(now.day().saturating_sub(first).max(0)));
    let verdict = worded(&results);
    if verdict != known.verdict {
        let about = json!({ "experiment": key, "verdict": results.verdict, "before": known.verdict, "results": results });
        webhooks::queue(sql, "verdict.change", now, &about)?;
    }
    let look = collector::look(config, &merged.aggregates, key, now, &known.looks);
    let looks = look.as_ref().map_or(&*known.looks, Look::taken);
    let row = vec![
        key.into(),
        SqlStorageValue::Integer(known.since.ms()),
        serde_json::to_string(looks)?.into(),
        verdict.into(),
    ];
    sql.exec("INSERT OR REPLACE INTO watched VALUES (?, ?, ?, ?)", row)?;
    Ok(Some((Watched { days, results }, look)))
}

/// A verdict in a word, and the variation it is about.
fn worded(results: &ExperimentResults) -> String {
    let verdict = &results.verdict;
    let kind = serde_json::to_value(verdict.kind).unwrap_or_default();
    let kind = kind.as_str().unwrap_or_default();
    verdict.variation.as_ref().map_or_else(|| kind.to_owned(), |variation| format!("{kind} {variation}"))
}

/// Ends an experiment, with everything the decision was made from; the new config unless that is not possible.
fn finish(sql: &SqlStorage, results: &ExperimentResults, look: &Look, end: &End) -> Result<Option<Stored>> {
    let key = &results.id;
    let act = match end {
        End::Ship(variation) => Act::Ship(variation.clone()),
        End::Stop => Act::Stop,
    };
    let Some(before) = stored(sql)? else { return Ok(None) };
    let mut details = json!({ "experiment": key, "act": act.name(), "decidedOn": results, "look": look });
    if let End::Ship(variation) = end {
        details["variation"] = json!(variation);
    }
    let possible = steer(&before.text, key, &act).map_err(|refusal| match refusal {
        Refusal::Unknown(reason) | Refusal::Conflict(reason) => reason,
    });
    let sound = possible.and_then(|text| {
        publishing::check(text).map_err(|issues| issues.iter().map(ToString::to_string).collect::<String>())
    });
    match sound {
        Err(reason) => {
            details["refused"] = json!(reason);
            journal::write(sql, &Change::new(ACTOR, "verdict.refuse", key, &details))?;
            Ok(None)
        }
        Ok(sound) => {
            let read = |text: &str| serde_json::from_str::<Value>(text).unwrap_or_default();
            details["changes"] = json!(diff(&read(&before.text), &read(&sound.text)));
            webhooks::queue(sql, "verdict.decide", clock::now(), &details)?;
            let after = sound.stored(clock::now());
            publish(
                sql,
                after.clone(),
                Change::new(ACTOR, &format!("experiment.{}", act.name()), "", &details),
            )?;
            Ok(Some(after))
        }
    }
}

/// Compares the numbers with the alerts, keeps what they say and tells what is new.
fn alert(
    sql: &SqlStorage,
    config: &Config,
    watched: &[Watched],
    counted: Option<Timestamp>,
    now: Timestamp,
) -> Result<()> {
    let Alarms { fired, news } = collector::alarms(config, watched, counted, &alerts(sql)?, now);
    sql.exec("DELETE FROM alerts", None)?;
    for one in &fired {
        let row = vec![
            one.alert.as_str().into(),
            one.experiment.as_str().into(),
            serde_json::to_string(one)?.into(),
        ];
        sql.exec("INSERT INTO alerts VALUES (?, ?, ?)", row)?;
    }
    for one in &news {
        let kind = if one.resolved.is_some() { "alert.resolve" } else { "alert.fire" };
        webhooks::queue(sql, kind, now, &described(one))?;
    }
    Ok(())
}

/// Every alert that fired, whether it lasts or is over.
pub(super) fn alerts(sql: &SqlStorage) -> Result<Vec<Fired>> {
    let found = rows(sql, "SELECT fired FROM alerts ORDER BY alert, experiment", Vec::new())?;
    found.iter().map(|row| serde_json::from_str(text(row.first())).map_err(Error::from)).collect()
}

/// An alert as people read it.
pub(crate) fn described(fired: &Fired) -> Value {
    json!({
        "key": fired.alert,
        "experiment": Some(&fired.experiment).filter(|key| !key.is_empty()),
        "state": if fired.resolved.is_some() { "resolved" } else { "firing" },
        "severity": fired.severity,
        "since": fired.since.to_rfc3339(),
        "resolvedAt": fired.resolved.map(Timestamp::to_rfc3339),
        "message": fired.message,
        "action": fired.action,
    })
}
