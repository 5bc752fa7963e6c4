//! Decides, gate by gate; the first closed gate is the answer.

use crate::condition::{Condition, Context, Truth};
use crate::feature::{Prerequisite, Rule};
use crate::history::Measure;
use crate::index::Told;
use crate::page::takes_part;
use crate::program::{Cap, Item, ItemKind, Program, runs_at};
use crate::reason::Reason;
use crate::sticky::{Found, Sticky, unit_hash};
use crate::unit::{Filter, holds};
use crate::visitor::{Consent, Visitor};
use splitlight_protocol::handover::Handed;
use splitlight_protocol::{Map, Timestamp, Value};

/// The answer for one item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Index of the variation, 0 (control) when a gate was closed.
    pub variation: usize,
    /// Why.
    pub reason: Reason,
}

/// The answer for one feature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeatureDecision {
    /// Why.
    pub reason: Reason,
    /// Index of the rule that decided.
    pub rule: Option<usize>,
    /// Index of the item that gave the value, and of its variation: reading the feature is an exposure to it.
    pub item: Option<(usize, usize)>,
}

/// The answers for one page view, in the order of [`Program::items`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decisions {
    items: Vec<Decision>,
    features: Vec<FeatureDecision>,
}

impl Decisions {
    /// Items and their answers.
    pub fn iter<'a>(&'a self, program: &'a Program) -> impl Iterator<Item = (&'a Item, Decision)> {
        program.items.iter().zip(self.items.iter().copied())
    }

    /// Keys of the features, their values and the answers they come from.
    pub fn features<'a>(
        &'a self,
        program: &'a Program,
    ) -> impl Iterator<Item = (&'a str, &'a Value, FeatureDecision)> {
        let answers = self.features.iter().enumerate();
        answers.filter_map(|(at, answer)| {
            Some((&*program.features.get(at)?.key, program.value(at, *answer), *answer))
        })
    }

    /// The key of the variation to use for an item; `None` when the program has no such item.
    pub fn variation<'a>(&self, program: &'a Program, key: &str) -> Option<&'a str> {
        let at = program.items.iter().position(|item| item.key == key)?;
        program.items[at]
            .variations
            .get(self.items.get(at)?.variation)
            .map(|variation| variation.key.as_str())
    }

    /// The value of a feature; `None` when the program has no such feature.
    pub fn feature<'a>(&self, program: &'a Program, key: &str) -> Option<&'a Value> {
        let at = program.features.iter().position(|feature| feature.key == key)?;
        self.features.get(at).map(|answer| program.value(at, *answer))
    }

    /// What the device should keep after this page view; `None` when it keeps all of it already.
    pub fn kept(&self, program: &Program, visitor: &Visitor) -> Option<Sticky> {
        let mut sticky = visitor.sticky.clone();
        let mut new = false;
        for (item, decision) in self.iter(program) {
            let (Some(rule), Reason::Assigned | Reason::Sticky) = (item.sticky, decision.reason) else {
                continue;
            };
            let ids = [Some(item.unit), item.fallback].into_iter().flatten();
            let known = ids
                .filter_map(|at| program.units.get(at as usize))
                .filter_map(|unit| Some(unit_hash(unit, &unit.id(visitor, program.digits)?)));
            if let Some(unit) = known.take(1).next() {
                new |= sticky.keep(item, rule, unit, decision.variation);
            }
        }
        new.then_some(sticky)
    }

    /// Takes over what the edge decided, so that the page never has two answers; what the edge deferred stays ours.
    pub fn adopt(&mut self, program: &Program, handed: &[Handed]) {
        for (item, decision) in program.items.iter().zip(&mut self.items) {
            let Some(handed) = handed.iter().find(|handed| handed.key == item.key) else { continue };
            let variation = item.variations.iter().position(|variation| variation.key == handed.variation);
            match (variation, Reason::from_name(&handed.reason)) {
                (_, Some(Reason::Deferred) | None) | (None, _) => {}
                (Some(variation), Some(reason)) => *decision = Decision { variation, reason },
            }
        }
    }
}

/// Decides every item and feature of the program for a visitor at a time. Cannot fail.
pub fn decide(program: &Program, visitor: &Visitor, now: Timestamp) -> Decisions {
    Deciding::new(program, visitor, now, None).all()
}

/// One visitor's decisions while they are made.
pub(crate) struct Deciding<'a> {
    program: &'a Program,
    visitor: &'a Visitor,
    now: Timestamp,
    /// The visitor's ids, in the order of the program's units.
    ids: Vec<Option<String>>,
    /// What an index tells of the visitor.
    told: Option<Told<'a>>,
    answers: Vec<Option<FeatureDecision>>,
    /// Features that are being decided, the outermost first.
    open: Vec<usize>,
    /// How often a feature was found to depend on itself.
    cycles: usize,
}

impl<'a> Deciding<'a> {
    pub(crate) fn new(
        program: &'a Program,
        visitor: &'a Visitor,
        now: Timestamp,
        told: Option<Told<'a>>,
    ) -> Self {
        let ids = program.units.iter().map(|unit| unit.id(visitor, program.digits)).collect();
        let answers = vec![None; program.features.len()];
        Self { program, visitor, now, ids, told, answers, open: Vec::new(), cycles: 0 }
    }

    pub(crate) fn all(mut self) -> Decisions {
        let mut taken: Vec<(u32, bool)> = Vec::new();
        let mut items = Vec::with_capacity(self.program.items.len());
        let id = self.ids.first().and_then(Option::as_deref);
        let settled = self.told.as_ref().zip(id).map(|(told, id)| told.settle(self.program, id, self.now));
        let settled = settled.unwrap_or_default();
        for (at, item) in self.program.items.iter().enumerate() {
            let mut decision = settled.get(at).copied().flatten().unwrap_or_else(|| self.item(at, item));
            if let ItemKind::Personalization { slot } = item.kind {
                decision = in_slot(&mut taken, slot, decision);
            }
            items.push(decision);
        }
        let features = (0..self.program.features.len()).map(|at| self.feature(at)).collect();
        Decisions { items, features }
    }

    fn item(&mut self, at: usize, item: &Item) -> Decision {
        match self.gates(at, item) {
            Ok(decision) => decision,
            Err(reason) => Decision { variation: 0, reason },
        }
    }

    fn gates(&mut self, at: usize, item: &Item) -> Result<Decision, Reason> {
        if !item.runs_at(self.now) {
            return Err(Reason::NotRunning);
        }
        if self.visitor.bot {
            return Err(Reason::Bot);
        }
        if self.visitor.consent != Consent::Granted && !item.is_constant() {
            return Err(Reason::NoConsent);
        }
        if !takes_part(&item.pages, &self.visitor.url) {
            return Err(Reason::Page);
        }
        if let Some(variation) = forced(item, self.visitor) {
            return Ok(Decision { variation, reason: Reason::Forced });
        }
        let constant = item.is_constant();
        if !constant {
            self.units_known(item)?;
            if self.id(item).is_none() {
                return Err(Reason::NoUnit);
            }
        }
        match self.sticky(item) {
            Found::Variation(variation) => return Ok(Decision { variation, reason: Reason::Sticky }),
            Found::Blocked => return Err(Reason::Blocked),
            Found::Nothing => {}
        }
        if self.held_out(item) {
            return Err(Reason::Holdout);
        }
        if !constant && !self.passes_filters(&item.filters, item.unit, item.fallback) {
            return Err(Reason::Layer);
        }
        if !self.may_hold(at) {
            return Err(Reason::Audience);
        }
        self.holds(&item.when, Reason::Audience)?;
        self.prerequisites(&item.prerequisites).map_err(|(reason, _)| reason)?;
        self.capped(item)?;
        let variation = match self.id(item) {
            Some(id) => item.covered(self.ranges(item), id).ok_or(Reason::Coverage)?,
            None => 1,
        };
        Ok(Decision { variation, reason: Reason::Assigned })
    }

    /// That whatever is hashed for an item is known here.
    pub(crate) fn units_known(&self, item: &Item) -> Result<(), Reason> {
        let holdouts = item.holdouts.iter().filter_map(|at| self.program.holdouts.get(*at as usize));
        let others = item.filters.iter().filter_map(|filter| filter.unit);
        let mut units = holdouts.map(|holdout| holdout.unit).chain(others).chain([item.unit]);
        if self.visitor.partial && units.any(|unit| unit != 0 && self.id_of(unit, None).is_none()) {
            return Err(Reason::Deferred);
        }
        Ok(())
    }

    /// That an item was not shown as often as it may be.
    fn capped(&self, item: &Item) -> Result<(), Reason> {
        for cap in &item.caps {
            if self.shown(cap)? >= f64::from(cap.times) {
                return Err(Reason::Cap);
            }
        }
        Ok(())
    }

    /// How often an item was shown within the window of a cap.
    pub(crate) fn shown(&self, cap: &Cap) -> Result<f64, Reason> {
        let history = self.visitor.history.as_ref().ok_or(Reason::Deferred)?;
        let tracked = self.program.tracked(cap.tracked).map_err(|_| Reason::Unsupported)?;
        Ok(history.ask(tracked, cap.window, Measure::Count, self.now))
    }

    /// The id that is hashed for an item.
    pub(crate) fn id(&self, item: &Item) -> Option<&str> {
        self.id_of(item.unit, item.fallback)
    }

    pub(crate) fn id_of(&self, unit: u32, fallback: Option<u32>) -> Option<&str> {
        let id = |unit: u32| self.ids.get(unit as usize)?.as_deref();
        id(unit).or_else(|| id(fallback?))
    }

    pub(crate) fn sticky(&self, item: &Item) -> Found {
        let Some(rule) = item.sticky else { return Found::Nothing };
        let mut found = Found::Nothing;
        // The own unit's variation goes before the fallback's, and an old one of either excludes.
        for at in [item.fallback, Some(item.unit)].into_iter().flatten() {
            let (Some(unit), Some(Some(id))) =
                (self.program.units.get(at as usize), self.ids.get(at as usize))
            else {
                continue;
            };
            match self.visitor.sticky.find(item, rule, unit_hash(unit, id)) {
                Found::Nothing => {}
                Found::Blocked => return Found::Blocked,
                kept @ Found::Variation(_) => found = kept,
            }
        }
        found
    }

    fn held_out(&self, item: &Item) -> bool {
        let holdouts = item.holdouts.iter().filter_map(|at| self.program.holdouts.get(*at as usize));
        holdouts.into_iter().any(|holdout| self.id_of(holdout.unit, None).is_some_and(|id| holdout.holds(id)))
    }

    fn passes_filters(&self, filters: &[Filter], unit: u32, fallback: Option<u32>) -> bool {
        filters.iter().all(|filter| {
            let id = match filter.unit {
                Some(unit) => self.id_of(unit, None),
                None => self.id_of(unit, fallback),
            };
            id.is_some_and(|id| filter.holds(id))
        })
    }

    fn may_hold(&self, at: usize) -> bool {
        self.told.as_ref().is_none_or(|told| told.may_hold(at))
    }

    /// Whether a condition holds for the visitor; if it does not, the reason, or that it is not to be known here.
    fn holds(&self, when: &Condition, closed: Reason) -> Result<(), Reason> {
        self.holds_for(when, None, closed)
    }

    fn holds_for(&self, when: &Condition, attributes: Option<&Map>, closed: Reason) -> Result<(), Reason> {
        let context = Context::new(self.program, self.visitor, self.now);
        let asked = match attributes {
            Some(attributes) => when.holds(&context.about(attributes)),
            None => when.holds(&context),
        };
        match asked {
            Truth::True => Ok(()),
            Truth::Unknown => Err(Reason::Deferred),
            Truth::Unsupported => Err(Reason::Unsupported),
            Truth::False => Err(closed),
        }
    }

    /// The ranges for the first part of the audience that the visitor is in.
    pub(crate) fn ranges<'i>(&self, item: &'i Item) -> &'i [(f64, f64)] {
        let mut contexts = item.contexts.iter();
        let own = contexts.find(|context| self.holds(&context.when, Reason::Audience).is_ok());
        own.map_or(&item.ranges, |context| &context.ranges)
    }

    /// Whether other features are what they have to be; if not, why, and whether that ends a feature.
    fn prerequisites(&mut self, all: &[Prerequisite]) -> Result<(), (Reason, bool)> {
        for prerequisite in all {
            let at = prerequisite.feature as usize;
            if at >= self.answers.len() {
                return Err((Reason::Prerequisite, prerequisite.gate));
            }
            let answer = self.feature(at);
            if matches!(answer.reason, Reason::Cyclic | Reason::Deferred) {
                return Err((answer.reason, true));
            }
            let value = self.program.value(at, answer).clone();
            let attributes = Map::from_iter([("value".to_owned(), value)]);
            self.holds_for(&prerequisite.when, Some(&attributes), Reason::Prerequisite)
                .map_err(|reason| (reason, prerequisite.gate || reason == Reason::Deferred))?;
        }
        Ok(())
    }

    pub(crate) fn feature(&mut self, at: usize) -> FeatureDecision {
        if let Some(Some(answer)) = self.answers.get(at) {
            return *answer;
        }
        if self.open.contains(&at) {
            self.cycles += 1;
            return FeatureDecision { reason: Reason::Cyclic, rule: None, item: None };
        }
        self.open.push(at);
        let cycles = self.cycles;
        let answer = self.rules(at);
        self.open.pop();
        // Within a cycle the answer depends on where the question came from, so it is not remembered.
        if let Some(slot) = self.answers.get_mut(at).filter(|_| self.cycles == cycles) {
            *slot = Some(answer);
        }
        answer
    }

    fn rules(&mut self, at: usize) -> FeatureDecision {
        let feature = &self.program.features[at];
        for (index, rule) in feature.rules.iter().enumerate() {
            match self.rule(rule) {
                Ok(item) => {
                    let reason = if item.is_some() { Reason::Assigned } else { Reason::Rule };
                    return FeatureDecision { reason, rule: Some(index), item };
                }
                Err((reason, true)) => return FeatureDecision { reason, rule: Some(index), item: None },
                Err((_, false)) => {}
            }
        }
        FeatureDecision { reason: Reason::Default, rule: None, item: None }
    }

    /// The item that gives the value, nothing when the rule does itself, or why it does not, and whether that ends
    /// the feature.
    fn rule(&mut self, rule: &Rule) -> Result<Option<(usize, usize)>, (Reason, bool)> {
        let skip = |reason| (reason, reason == Reason::Deferred);
        if !runs_at(rule.start, rule.end, self.now) {
            return Err(skip(Reason::NotRunning));
        }
        self.prerequisites(&rule.prerequisites)?;
        if !self.passes_filters(&rule.filters, rule.unit, None) {
            return Err(skip(Reason::Layer));
        }
        self.holds(&rule.when, Reason::Audience).map_err(skip)?;
        if let Some(at) = rule.item {
            let at = at as usize;
            let item = self.program.items.get(at).ok_or(skip(Reason::Unsupported))?;
            let decision = self.gates(at, item).map_err(skip)?;
            return Ok(Some((at, decision.variation)));
        }
        if let Some(rollout) = &rule.rollout {
            let none = if self.visitor.partial && rule.unit != 0 { Reason::Deferred } else { Reason::NoUnit };
            let id = self.id_of(rule.unit, None).ok_or(skip(none))?;
            let place = crate::bucket(&rollout.seed, id, rollout.hash_version);
            if !holds(rollout.range, place) {
                return Err(skip(Reason::Coverage));
            }
        }
        Ok(None)
    }
}

/// The answer for a slot: the first that is open fills it.
fn in_slot(taken: &mut Vec<(u32, bool)>, slot: u32, decision: Decision) -> Decision {
    // A gate of its own that is closed says more than a slot that is taken.
    if !decision.reason.is_open() && decision.reason != Reason::Deferred {
        return decision;
    }
    if let Some((_, deferred)) = taken.iter().find(|(other, _)| *other == slot) {
        Decision { variation: 0, reason: if *deferred { Reason::Deferred } else { Reason::Slot } }
    } else {
        taken.push((slot, decision.reason == Reason::Deferred));
        decision
    }
}

/// The variation that a preview link or `?<key>=<index or variation key>` asks for.
pub(crate) fn forced(item: &Item, visitor: &Visitor) -> Option<usize> {
    let preview = visitor.forced.iter().find(|(key, _)| *key == item.key).map(|(_, wanted)| wanted.as_str());
    let wanted = preview.or_else(|| visitor.url.parameter(&item.key))?;
    let named = item.variations.iter().position(|variation| variation.key == wanted);
    named.or_else(|| leading_number(wanted).filter(|index| *index < item.variations.len()))
}

/// The number a text begins with, as JavaScript's `parseInt` reads it.
fn leading_number(text: &str) -> Option<usize> {
    let digits = text.bytes().map_while(|byte| byte.checked_sub(b'0').filter(|digit| *digit < 10));
    digits.fold(None, |number: Option<usize>, digit| {
        Some(number.unwrap_or(0).saturating_mul(10).saturating_add(usize::from(digit)))
    })
}
