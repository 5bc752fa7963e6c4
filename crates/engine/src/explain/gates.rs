//! The gates that a program tells, for explanations of a config and of a program.

use crate::bucket;
use crate::code::Gated;
use crate::codec::{Reader, Wire};
use crate::condition::Context;
use crate::decide::{Deciding, Decision, Decisions};
use crate::index::Nothing;
use crate::page::takes_part;
use crate::program::{Item, ItemKind, Program};
use crate::sticky::Found;
use crate::unit::{Filter, Unit};
use crate::visitor::Visitor;
use splitlight_protocol::{Timestamp, Value};

/// What is looked at for every gate.
pub(super) struct Looking<'a> {
    pub(super) program: &'a Program,
    visitor: &'a Visitor,
    now: Timestamp,
    pub(super) answers: Vec<(&'a Item, Decision)>,
    pub(super) deciding: Deciding<'a, Nothing>,
}

impl<'a> Looking<'a> {
    pub(super) fn new(
        program: &'a Program,
        visitor: &'a Visitor,
        now: Timestamp,
        decisions: &'a Decisions,
    ) -> Self {
        let answers = decisions.iter(program).collect();
        Self { program, visitor, now, answers, deciding: Deciding::new(program, visitor, now, Nothing) }
    }

    pub(super) fn context(&self) -> Context<'a> {
        Context::new(self.program, self.visitor, self.now)
    }

    /// The gates that are tried before the condition, in their order; `schedule` is when it starts and ends.
    pub(super) fn before_audience(&self, item: &'a Item, schedule: [Value; 2]) -> Vec<Value> {
        let [start, end] = schedule;
        let code = self.code(item);
        let (constant, url) = (code.constant, self.visitor.url());
        let mut gates = vec![
            gate("schedule", item.runs_at(self.now), [("start", start), ("end", end)]),
            gate("bot", !self.visitor.facts.bot, []),
            gate("consent", crate::decide::agreed(&code, self.visitor.facts.consent), []),
            gate("page", takes_part(&mut { code.pages }, &url, self.program), [("path", url.path().into())]),
        ];
        if let Some(variation) = crate::decide::forced(&code, self.visitor, &url) {
            let key = item.variations().get(variation).map_or(Value::Null, |it| (&*it.key).into());
            gates.push(gate("forced", true, [("variation", key)]));
        }
        let id = self.deciding.id(&code);
        if !constant {
            let unit = self.unit(item.unit);
            let open: Value = match self.deciding.units_known(&code) {
                Ok(()) => id.is_some().into(),
                Err(_) => "unknown".into(),
            };
            gates.push(gate("unit", open, [("unit", unit), ("id", id.map_or(Value::Null, Value::from))]));
        }
        gates.extend(self.sticky(item));
        gates.extend(self.holdouts(item));
        gates.extend(item.filters.iter().map(|filter| self.filter(item, filter)));
        gates
    }

    /// The gates that are tried after the condition, but for prerequisites.
    pub(super) fn after_audience(&self, item: &'a Item) -> Vec<Value> {
        let code = self.code(item);
        let mut caps = code.caps;
        let mut gates: Vec<Value> = (0..caps.length()).map(|_| self.cap(&mut caps)).collect();
        if let Some(id) = self.deciding.id(&code) {
            gates.push(self.coverage(item, id));
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
        let (open, kept) = match self.deciding.sticky(&self.code(item)) {
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
            Some(gate("holdout", place >= holdout.share, looked))
        });
        gates.collect()
    }

    fn filter(&self, item: &Item, filter: &Filter) -> Value {
        let id = match filter.unit {
            Some(unit) => self.deciding.id_of(unit, None),
            None => self.deciding.id(&self.code(item)),
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
        let code = self.code(item);
        let (leaf, mut mine) = self.deciding.ranges(&code);
        let looked = [
            ("seed", (&*item.seed).into()),
            ("bucket", item.bucket(id).into()),
            ("ranges", ranges(&Vec::read(&mut { mine }))),
            ("leaf", leaf.map_or(Value::Null, |leaf| Value::Number(leaf as f64))),
        ];
        gate("coverage", code.covered(&mut mine, id).is_some(), looked)
    }

    fn cap(&self, cap: &mut Reader<'_>) -> Value {
        let (shown, times) = self.deciding.shown(cap);
        let open = shown.map_or("unknown".into(), |shown| Value::Bool(shown < f64::from(times)));
        let looked =
            [("shown", shown.map_or(Value::Null, Value::Number)), ("times", Value::Number(times.into()))];
        gate("cap", open, looked)
    }

    /// An item as the gates see it.
    fn code(&self, item: &Item) -> Gated<'a> {
        let at = self.answers.iter().position(|(other, _)| other.key() == item.key());
        self.program.code.item(at.unwrap_or(usize::MAX))
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
}

fn ranges(ranges: &[(f64, f64)]) -> Value {
    let pair = |(from, to): &(f64, f64)| Value::Array(vec![(*from).into(), (*to).into()]);
    Value::Array(ranges.iter().map(pair).collect())
}

pub(super) fn gate<const N: usize>(name: &str, open: impl Into<Value>, looked: [(&str, Value); N]) -> Value {
    let head = [("gate".to_owned(), name.into()), ("open".to_owned(), open.into())];
    let looked = looked.into_iter().map(|(name, value)| (name.to_owned(), value));
    Value::Object(head.into_iter().chain(looked).collect())
}

pub(super) fn object<const N: usize>(members: [(&str, Value); N]) -> Value {
    Value::Object(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}
