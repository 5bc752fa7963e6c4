//! Why a visitor gets what they get: every gate of every item, whether or not an earlier one was closed.

mod condition;
mod gates;
mod program;

use crate::compile::{Compiler, build};
use crate::condition::Context;
use crate::decide::FeatureDecision;
use crate::program::Item;
use crate::reason::Reason;
use crate::visitor::Visitor;
use condition::{explain as explain_condition, truth};
use gates::{Looking, gate, object};
pub use program::explain_program;
use splitlight_protocol::config::{Config, Experiment, Personalization, Prerequisite, Status};
use splitlight_protocol::{Map, Timestamp, Value};

/// Explains every decision about a visitor at a time, as one JSON value.
///
/// Members: `now`; `experiments`, `personalizations` and `features`, each in the order of the config. Every entry has
/// `key`, `variation` (or `value`), `reason` as in [`Reason::name`], `exposure` (whether meeting it counts), and `gates`
/// in the order in which they are tried: `gate`, `open`, and what it looked at. `audience` gates hold the condition as it
/// is written, each part with `holds` (true, false, "unknown" or "unsupported") and the `value` it found; `slot` gates say
/// who filled the slot and why every other rule did not. `issues` lists what could not be compiled.
///
/// The decision of an entry is [`decide()`](crate::decide())'s own, so an explanation never tells another one.
///
/// ```
/// use splitlight_engine::{Facts, Visitor, explain};
/// use splitlight_protocol::{Timestamp, Value, config};
/// let config = config::parse(r#"{ "version": 1, "project": "shop", "experiments": [
///   { "key": "hero", "when": { "plan": "pro" }, "variations": [{ "key": "a" }, { "key": "b" }] }] }"#).config;
/// let visitor = Visitor::new(Facts { id: Some("v-1".into()), ..Facts::default() });
/// let why = explain(&config, &visitor, Timestamp::from_ms(0));
/// let Some(Value::Array(experiments)) = why.at(&["experiments"]) else { panic!("{why:?}") };
/// assert_eq!(experiments[0].at(&["reason"]), Some(&Value::from("audience")));
/// ```
pub fn explain(config: &Config, visitor: &Visitor, now: Timestamp) -> Value {
    let (program, compiler) = build(config);
    let decisions = crate::decide(&program, visitor, now);
    let issues = compiler.issues().iter().map(|issue| Value::from(&*issue.to_string())).collect();
    let looking = Looking::new(&program, visitor, now, &decisions);
    let mut explaining = Explaining { config, looking, compiler };
    let experiments = config.experiments.iter().enumerate();
    let experiments = experiments.map(|(at, it)| explaining.experiment(&format!("/experiments/{at}"), it));
    let experiments = experiments.collect();
    let rules = config.personalizations.iter().enumerate();
    let personalizations = rules.map(|(at, it)| explaining.personalization(at, it)).collect();
    let features = decisions.features(&program).enumerate();
    let features =
        features.map(|(at, (key, value, answer))| explaining.feature(at, key, value, answer)).collect();
    object([
        ("now", Value::from(&*now.to_rfc3339())),
        ("experiments", Value::Array(experiments)),
        ("personalizations", Value::Array(personalizations)),
        ("features", Value::Array(features)),
        ("issues", Value::Array(issues)),
    ])
}

struct Explaining<'a> {
    config: &'a Config,
    looking: Looking<'a>,
    compiler: Compiler<'a>,
}

/// What an item says in the config that its compiled form no longer tells.
struct Written<'a> {
    base: &'a str,
    status: Status,
    start: Option<&'a str>,
    end: Option<&'a str>,
    when: Option<&'a Value>,
    prerequisites: &'a [Prerequisite],
}

impl<'a> Explaining<'a> {
    fn experiment(&mut self, base: &str, experiment: &'a Experiment) -> Value {
        let written = Written {
            base,
            status: experiment.status,
            start: experiment.start.as_deref(),
            end: experiment.end.as_deref(),
            when: experiment.when.as_ref(),
            prerequisites: &experiment.prerequisites,
        };
        self.item(&experiment.key, &written)
    }

    fn personalization(&mut self, at: usize, rule: &'a Personalization) -> Value {
        let written = Written {
            base: &format!("/personalizations/{at}"),
            status: rule.status,
            start: rule.start.as_deref(),
            end: rule.end.as_deref(),
            when: rule.when.as_ref(),
            prerequisites: &rule.prerequisites,
        };
        self.item(&rule.key, &written)
    }

    fn item(&mut self, key: &str, written: &Written<'_>) -> Value {
        let found = self.looking.answers.iter().find(|(item, _)| item.key() == key).copied();
        let Some((item, decision)) = found else {
            let live = written.status == Status::Running;
            let reason = if live { Reason::Unsupported } else { Reason::NotRunning };
            return object([
                ("key", key.into()),
                ("reason", reason.name().into()),
                ("exposure", false.into()),
                (
                    "gates",
                    Value::Array(vec![gate("status", live, [("status", status(written.status).into())])]),
                ),
            ]);
        };
        let variation = item.variations().get(decision.variation).map_or(Value::Null, |it| (&*it.key).into());
        object([
            ("key", key.into()),
            ("variation", variation),
            ("reason", decision.reason.name().into()),
            ("exposure", decision.reason.counts().into()),
            ("gates", Value::Array(self.gates(item, written))),
        ])
    }

    /// Every gate, in the order in which they are tried.
    fn gates(&mut self, item: &'a Item, written: &Written<'_>) -> Vec<Value> {
        let text = |text: Option<&str>| text.map_or(Value::Null, Value::from);
        let looking = &self.looking;
        let mut gates = looking.before_audience(item, [text(written.start), text(written.end)]);
        let when = self.compiler.when(written.base, written.when);
        let holds = when.holds(&self.context());
        if let Some(when) = written.when {
            let condition = self.condition(when);
            gates.push(gate("audience", truth(holds), [("when", condition)]));
        }
        gates.extend(written.prerequisites.iter().map(|it| self.prerequisite(it)));
        gates.extend(self.looking.after_audience(item));
        gates
    }

    fn prerequisite(&mut self, written: &Prerequisite) -> Value {
        let at = self.looking.program.features.iter().position(|feature| feature.key == written.feature);
        let answer = at.map(|at| (at, self.looking.deciding.feature(at)));
        let value = answer.map_or(Value::Null, |(at, answer)| self.looking.program.value(at, answer).clone());
        let attributes = Map::from_iter([("value".to_owned(), value.clone())]);
        let when = self.compiler.when("", Some(&written.when));
        let holds = when.holds(&self.context().about(&attributes));
        let open = match answer {
            Some((_, answer)) if answer.reason != Reason::Cyclic => truth(holds),
            _ => false.into(),
        };
        let looked =
            [("feature", (&*written.feature).into()), ("value", value), ("when", written.when.clone())];
        gate("prerequisite", open, looked)
    }

    fn feature(&mut self, at: usize, key: &str, value: &Value, answer: FeatureDecision) -> Value {
        let written = self.config.features.iter().enumerate().find(|(_, feature)| feature.key == key);
        let rules = written.map_or(&[][..], |(_, feature)| &feature.rules);
        let explained = rules.iter().enumerate().map(|(number, rule)| {
            let base = format!("/features/{at}/rules/{number}");
            let when = self.compiler.when(&base, rule.when.as_ref());
            let holds = when.holds(&self.context());
            let mut gates = Vec::new();
            if let Some(when) = &rule.when {
                gates.push(gate("audience", truth(holds), [("when", self.condition(when))]));
            }
            gates.extend(rule.prerequisites.iter().map(|it| self.prerequisite(it)));
            let inner = match (&rule.run, &rule.experiment) {
                (Some(run), _) => self.experiment(&format!("{base}/run"), run),
                (None, Some(key)) => (&**key).into(),
                (None, None) => Value::Null,
            };
            object([
                ("key", rule.key.as_deref().map_or(Value::Null, Value::from)),
                ("gates", Value::Array(gates)),
                ("experiment", inner),
            ])
        });
        let explained = explained.collect();
        object([
            ("key", key.into()),
            ("value", value.clone()),
            ("reason", answer.reason.name().into()),
            ("rule", answer.rule.map_or(Value::Null, |rule| Value::Number(rule as f64))),
            ("exposure", answer.item.is_some().into()),
            ("rules", Value::Array(explained)),
        ])
    }

    fn context(&self) -> Context<'a> {
        self.looking.context()
    }

    fn condition(&mut self, when: &Value) -> Value {
        let context = self.context();
        explain_condition(&mut self.compiler, self.config, &context, when, 0)
    }
}

fn status(status: Status) -> &'static str {
    match status {
        Status::Draft => "draft",
        Status::Running => "running",
        Status::Paused => "paused",
        Status::Stopped => "stopped",
    }
}
