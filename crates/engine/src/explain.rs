//! Why a visitor gets what they get: every gate of every item, whether or not an earlier one was closed.

mod condition;

use crate::bucket;
use crate::compile::{Compiler, build};
use crate::condition::Context;
use crate::decide::{Deciding, Decision, FeatureDecision};
use crate::page::takes_part;
use crate::program::{Cap, Item, ItemKind, Program};
use crate::reason::Reason;
use crate::sticky::Found;
use crate::unit::{Filter, Unit};
use crate::visitor::{Consent, Visitor};
use condition::{explain as explain_condition, truth};
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
    let answers: Vec<(&Item, Decision)> = decisions.iter(&program).collect();
    let deciding = Deciding::new(&program, visitor, now, None);
    let mut explaining = Explaining { config, program: &program, visitor, now, answers, deciding, compiler };
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
    program: &'a Program,
    visitor: &'a Visitor,
    now: Timestamp,
    answers: Vec<(&'a Item, Decision)>,
    deciding: Deciding<'a>,
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
        let found = self.answers.iter().find(|(item, _)| item.key() == key).copied();
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

    /// Every gate, in the order in which [`Deciding`] tries them.
    fn gates(&mut self, item: &'a Item, written: &Written<'_>) -> Vec<Value> {
        let constant = item.is_constant();
        let text = |text: Option<&str>| text.map_or(Value::Null, Value::from);
        let mut gates = vec![
            gate(
                "schedule",
                item.runs_at(self.now),
                [("start", text(written.start)), ("end", text(written.end))],
            ),
            gate("bot", !self.visitor.bot, []),
            gate("consent", constant || self.visitor.consent == Consent::Granted, []),
            gate(
                "page",
                takes_part(&item.pages, &self.visitor.url),
                [("path", self.visitor.url.path().into())],
            ),
        ];
        if let Some(variation) = crate::decide::forced(item, self.visitor) {
            let key = item.variations().get(variation).map_or(Value::Null, |it| (&*it.key).into());
            gates.push(gate("forced", true, [("variation", key)]));
        }
        let id = self.deciding.id(item).map(str::to_owned);
        if !constant {
            let unit = self.unit(item.unit);
            let open: Value = match self.deciding.units_known(item) {
                Ok(()) => id.is_some().into(),
                Err(_) => "unknown".into(),
            };
            gates.push(gate("unit", open, [("unit", unit), ("id", text(id.as_deref()))]));
        }
        gates.extend(self.sticky(item));
        gates.extend(self.holdouts(item));
        gates.extend(item.filters.iter().map(|filter| self.filter(item, filter)));
        let when = self.compiler.when(written.base, written.when);
        let holds = when.holds(&self.context());
        if let Some(when) = written.when {
            let condition = self.condition(when);
            gates.push(gate("audience", truth(holds), [("when", condition)]));
        }
        gates.extend(written.prerequisites.iter().map(|it| self.prerequisite(it)));
        gates.extend(item.caps.iter().map(|cap| self.cap(cap)));
        if let Some(id) = id {
            gates.push(self.coverage(item, &id));
        }
        gates.extend(self.slot(item));
        gates
    }

    fn unit(&self, at: u32) -> Value {
        match self.program.units.get(at as usize) {
            Some(Unit::Visitor) | None => "visitor".into(),
            Some(Unit::User) => "user".into(),
            Some(Unit::Attribute(path)) => (&*path.join(".")).into(),
        }
    }

    fn sticky(&self, item: &Item) -> Option<Value> {
        item.sticky?;
        let (open, kept) = match self.deciding.sticky(item) {
            Found::Nothing => (true, Value::Null),
            Found::Blocked => (false, "older than minBucketVersion".into()),
            Found::Variation(at) => {
                (true, item.variations().get(at).map_or(Value::Null, |variation| (&*variation.key).into()))
            }
        };
        Some(gate("sticky", open, [("kept", kept)]))
    }

    fn holdouts(&self, item: &Item) -> Vec<Value> {
        let holdouts = item.holdouts.iter().filter_map(|at| self.program.holdouts.get(*at as usize));
        let gates = holdouts.filter_map(|holdout| {
            let id = self.deciding.id_of(holdout.unit, None)?;
            let place = bucket(&holdout.key, id, crate::HashVersion::V2);
            let looked = [
                ("holdout", (&*holdout.key).into()),
                ("bucket", place.into()),
                ("share", holdout.share.into()),
            ];
            Some(gate("holdout", !holdout.holds(id), looked))
        });
        gates.collect()
    }

    fn filter(&self, item: &Item, filter: &Filter) -> Value {
        let id = match filter.unit {
            Some(unit) => self.deciding.id_of(unit, None),
            None => self.deciding.id(item),
        };
        let place = id.map(|id| bucket(&filter.seed, id, filter.hash_version));
        let open = id.is_some_and(|id| filter.holds(id));
        let looked = [
            ("layer", (&*filter.seed).into()),
            ("bucket", place.map_or(Value::Null, Value::from)),
            ("ranges", ranges(&filter.ranges)),
        ];
        gate("layer", open, looked)
    }

    fn coverage(&self, item: &Item, id: &str) -> Value {
        let mine = self.deciding.ranges(item);
        let context = item.contexts.iter().find(|context| core::ptr::eq(context.ranges.as_slice(), mine));
        let looked = [
            ("seed", (&*item.seed).into()),
            ("bucket", item.bucket(id).into()),
            ("ranges", ranges(mine)),
            ("leaf", context.map_or(Value::Null, |context| Value::Number(context.leaf as f64))),
        ];
        gate("coverage", item.covered(mine, id).is_some(), looked)
    }

    fn cap(&self, cap: &Cap) -> Value {
        let shown = self.deciding.shown(cap);
        let open = shown.map_or("unknown".into(), |shown| Value::Bool(shown < f64::from(cap.times)));
        let looked =
            [("shown", shown.map_or(Value::Null, Value::Number)), ("times", Value::Number(cap.times.into()))];
        gate("cap", open, looked)
    }

    /// Who filled the slot of a personalization, and why the others did not.
    fn slot(&self, item: &Item) -> Option<Value> {
        let ItemKind::Personalization { slot } = item.kind() else { return None };
        let rivals = self.answers.iter().filter(|(other, _)| other.kind() == item.kind());
        let winner = rivals.clone().find(|(_, decision)| decision.reason.is_open());
        let lost = rivals.filter(|(_, decision)| !decision.reason.is_open());
        let lost = lost.map(|(other, decision)| {
            object([("key", other.key().into()), ("reason", decision.reason.name().into())])
        });
        let open = winner.is_some_and(|(winner, _)| winner.key() == item.key());
        let looked = [
            ("slot", f64::from(slot).into()),
            ("winner", winner.map_or(Value::Null, |(winner, _)| winner.key().into())),
            ("lost", Value::Array(lost.collect())),
        ];
        Some(gate("slot", open, looked))
    }

    fn prerequisite(&mut self, written: &Prerequisite) -> Value {
        let at = self.program.features.iter().position(|feature| feature.key == written.feature);
        let answer = at.map(|at| (at, self.deciding.feature(at)));
        let value = answer.map_or(Value::Null, |(at, answer)| self.program.value(at, answer).clone());
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
        Context::new(self.program, self.visitor, self.now)
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

fn ranges(ranges: &[(f64, f64)]) -> Value {
    let pair = |(from, to): &(f64, f64)| Value::Array(vec![(*from).into(), (*to).into()]);
    Value::Array(ranges.iter().map(pair).collect())
}

fn gate<const N: usize>(name: &str, open: impl Into<Value>, looked: [(&str, Value); N]) -> Value {
    let head = [("gate".to_owned(), name.into()), ("open".to_owned(), open.into())];
    let looked = looked.into_iter().map(|(name, value)| (name.to_owned(), value));
    Value::Object(head.into_iter().chain(looked).collect())
}

fn object<const N: usize>(members: [(&str, Value); N]) -> Value {
    Value::Object(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}
