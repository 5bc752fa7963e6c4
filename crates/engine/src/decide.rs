//! Decides, gate by gate; the first closed gate is the answer.

use crate::code::{Code, Gated, Section};
use crate::codec::{Reader, Wire};
use crate::condition::{Context, Truth, holds};
use crate::hash::{HashVersion, bucket};
use crate::history::{Measure, Window};
use crate::index::{Nothing, Tells};
use crate::page::{Url, takes_part};
use crate::program::{Item, Program, runs_at};
use crate::reason::Reason;
use crate::sticky::{Found, Sticky, unit_hash};
use crate::unit::{self, holds as within, lets_in};
use crate::visitor::Visitor;
use splitlight_protocol::handover::Handed;
use splitlight_protocol::{Consent, Map, Timestamp, Value};

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

    /// The answers for items, in the order of the program.
    pub fn items(&self) -> &[Decision] {
        &self.items
    }

    /// The answers for features, in the order of the program.
    pub fn feature_decisions(&self) -> &[FeatureDecision] {
        &self.features
    }

    /// What the device should keep after this page view; `None` when it keeps all of it already.
    pub fn kept(&self, program: &Code, visitor: &Visitor) -> Option<Sticky> {
        if !program.asks_rare() {
            return None;
        }
        let mut sticky = visitor.facts.sticky.clone();
        let mut new = false;
        for (at, decision) in self.items.iter().enumerate() {
            let item = program.item(at);
            let (Some(rule), Reason::Assigned | Reason::Sticky) = (item.sticky, decision.reason) else {
                continue;
            };
            let known = [Some(item.unit), item.fallback].into_iter().flatten().find_map(|unit| {
                let unit = program.entry(Section::Units, unit as usize);
                let id = unit::id(&mut { unit }, visitor, program.digits)?;
                Some(unit_hash(&mut { unit }, &id))
            });
            if let Some(unit) = known {
                new |= sticky.keep(&item, rule, unit, decision.variation);
            }
        }
        new.then_some(sticky)
    }

    /// Takes over what the edge decided, so that the page never has two answers; what the edge deferred stays ours.
    pub fn adopt(&mut self, program: &Code, handed: &[Handed]) {
        for (at, decision) in self.items.iter_mut().enumerate() {
            let item = program.item(at);
            let Some(handed) = handed.iter().find(|handed| handed.key == item.key) else { continue };
            match (item.position(&handed.variation), Reason::from_name(&handed.reason)) {
                (_, Some(Reason::Deferred) | None) | (None, _) => {}
                (Some(variation), Some(reason)) => *decision = Decision { variation, reason },
            }
        }
    }
}

/// Decides every item and feature of a program, or of a [`Code`], for a visitor at a time. Cannot fail.
pub fn decide(program: &Code, visitor: &Visitor, now: Timestamp) -> Decisions {
    Deciding::new(program, visitor, now, Nothing).all()
}

/// One visitor's decisions while they are made.
pub(crate) struct Deciding<'a, T> {
    program: &'a Code,
    visitor: &'a Visitor,
    now: Timestamp,
    url: Url<'a>,
    /// The visitor's ids, in the order of the program's units.
    ids: Vec<Option<String>>,
    /// What an index tells of the visitor.
    told: T,
    answers: Vec<Option<FeatureDecision>>,
    /// Features that are being decided, the outermost first.
    open: Vec<usize>,
    /// How often a feature was found to depend on itself.
    cycles: usize,
}

impl<'a, T: Tells> Deciding<'a, T> {
    pub(crate) fn new(program: &'a Code, visitor: &'a Visitor, now: Timestamp, told: T) -> Self {
        let id = |at| unit::id(&mut program.entry(Section::Units, at), visitor, program.digits);
        let ids = (0..program.count(Section::Units)).map(id).collect();
        let answers = vec![None; program.count(Section::Features)];
        Self { program, visitor, now, url: visitor.url(), ids, told, answers, open: Vec::new(), cycles: 0 }
    }

    pub(crate) fn all(mut self) -> Decisions {
        let mut taken: Vec<(u32, bool)> = Vec::new();
        let mut items = Vec::with_capacity(self.program.count(Section::Items));
        let id = self.ids.first().and_then(Option::as_deref);
        let settled = id.map(|id| self.told.settle(id, self.now)).unwrap_or_default();
        for at in 0..self.program.count(Section::Items) {
            let (slot, decision) = if let Some(Some(settled)) = settled.get(at) {
                *settled
            } else {
                let item = self.program.item(at);
                let closed = |reason| Decision { variation: 0, reason };
                (item.slot, self.gates(at, &item).unwrap_or_else(closed))
            };
            items.push(slot.map_or(decision, |slot| in_slot(&mut taken, slot, decision)));
        }
        let mut features = Vec::new();
        if self.program.asks_rare() {
            features.extend((0..self.answers.len()).map(|at| self.feature(at)));
        }
        Decisions { items, features }
    }

    fn gates(&mut self, at: usize, item: &Gated<'_>) -> Result<Decision, Reason> {
        if !runs_at(item.start, item.end, self.now) {
            return Err(Reason::NotRunning);
        }
        if self.visitor.facts.bot {
            return Err(Reason::Bot);
        }
        let constant = item.constant;
        if !agreed(item, self.visitor.facts.consent) {
            return Err(Reason::NoConsent);
        }
        if !takes_part(&mut { item.pages }, &self.url, self.program) {
            return Err(Reason::Page);
        }
        if let Some(variation) = forced(item, self.visitor, &self.url) {
            return Ok(Decision { variation, reason: Reason::Forced });
        }
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
        if self.program.asks_rare() && self.held_out(item) {
            return Err(Reason::Holdout);
        }
        let layered = !constant && self.program.asks_rare();
        if layered && !self.passes_filters(item.filters, item.unit, item.fallback) {
            return Err(Reason::Layer);
        }
        if !self.told.may_hold(at) {
            return Err(Reason::Audience);
        }
        self.holds(&mut { item.when }, None, Reason::Audience)?;
        if self.program.asks_rare() {
            self.prerequisites(item.prerequisites).map_err(|(reason, _)| reason)?;
        }
        self.capped(item.caps)?;
        let variation = match self.id(item) {
            Some(id) => item.covered(&mut self.ranges(item).1, id).ok_or(Reason::Coverage)?,
            None => 1,
        };
        Ok(Decision { variation, reason: Reason::Assigned })
    }

    /// That whatever is hashed for an item is known here.
    pub(crate) fn units_known(&self, item: &Gated<'_>) -> Result<(), Reason> {
        if !self.visitor.is_partial() {
            return Ok(());
        }
        let unknown = |unit: u32| unit != 0 && self.id_of(unit, None).is_none();
        let mut any = unknown(item.unit);
        let mut holdouts = item.holdouts;
        for _ in 0..holdouts.length() {
            let holdout = self.program.holdout(holdouts.index());
            any |= unknown(holdout.unit);
        }
        let mut filters = item.filters;
        for _ in 0..filters.length() {
            lets_in(&mut filters, &mut |unit| {
                any |= unit.is_some_and(unknown);
                None
            });
        }
        if any { Err(Reason::Deferred) } else { Ok(()) }
    }

    /// That an item was not shown as often as it may be.
    fn capped(&self, mut caps: Reader<'_>) -> Result<(), Reason> {
        for _ in 0..caps.length() {
            let (shown, times) = self.shown(&mut caps);
            if shown? >= f64::from(times) {
                return Err(Reason::Cap);
            }
        }
        Ok(())
    }

    /// How often an item was shown within the window of the cap that is next, and how often it may be.
    pub(crate) fn shown(&self, cap: &mut Reader<'_>) -> (Result<f64, Reason>, u32) {
        let (tracked, window, times) = (cap.index(), Window::read(cap), u32::read(cap));
        let shown = match (&self.visitor.facts.history, self.program.tracked(tracked)) {
            (None, _) => Err(Reason::Deferred),
            (_, Err(_)) => Err(Reason::Unsupported),
            (Some(history), Ok(tracked)) => Ok(history.ask(&tracked, window, Measure::Count, self.now)),
        };
        (shown, times)
    }

    /// The id that is hashed for an item.
    pub(crate) fn id(&self, item: &Gated<'_>) -> Option<&str> {
        self.id_of(item.unit, item.fallback)
    }

    pub(crate) fn id_of(&self, unit: u32, fallback: Option<u32>) -> Option<&str> {
        let id = |unit: u32| self.ids.get(unit as usize)?.as_deref();
        id(unit).or_else(|| id(fallback?))
    }

    pub(crate) fn sticky(&self, item: &Gated<'_>) -> Found {
        let (Some(rule), true) = (item.sticky, self.program.asks_rare()) else { return Found::Nothing };
        let mut found = Found::Nothing;
        // The own unit's variation goes before the fallback's, and an old one of either excludes.
        for at in [item.fallback, Some(item.unit)].into_iter().flatten() {
            let Some(id) = self.id_of(at, None) else { continue };
            let unit = unit_hash(&mut self.program.entry(Section::Units, at as usize), id);
            match self.visitor.facts.sticky.find(item, rule, unit) {
                Found::Nothing => {}
                Found::Blocked => return Found::Blocked,
                kept @ Found::Variation(_) => found = kept,
            }
        }
        found
    }

    fn held_out(&self, item: &Gated<'_>) -> bool {
        let mut holdouts = item.holdouts;
        (0..holdouts.length()).any(|_| {
            let holdout = self.program.holdout(holdouts.index());
            self.id_of(holdout.unit, None).is_some_and(|id| holdout.holds(id))
        })
    }

    fn passes_filters(&self, mut filters: Reader<'_>, unit: u32, fallback: Option<u32>) -> bool {
        let mut id = |other: Option<u32>| match other {
            Some(unit) => self.id_of(unit, None),
            None => self.id_of(unit, fallback),
        };
        (0..filters.length()).all(|_| lets_in(&mut filters, &mut id))
    }

    /// Whether the condition that is next holds for the visitor, or for other attributes; if it does not, the reason, or
    /// that it is not to be known here.
    fn holds(&self, when: &mut Reader<'_>, attributes: Option<&Map>, closed: Reason) -> Result<(), Reason> {
        let context = Context::new(self.program, self.visitor, self.now);
        let asked = match attributes {
            Some(attributes) => holds(when, &context.about(attributes)),
            None => holds(when, &context),
        };
        match asked {
            Truth::True => Ok(()),
            Truth::Unknown => Err(Reason::Deferred),
            Truth::Unsupported => Err(Reason::Unsupported),
            Truth::False => Err(closed),
        }
    }

    /// The ranges for the first part of the audience that the visitor is in, and its leaf.
    pub(crate) fn ranges<'i>(&self, item: &Gated<'i>) -> (Option<i64>, Reader<'i>) {
        if !self.program.asks_rare() {
            return (None, item.ranges);
        }
        let mut contexts = item.contexts;
        for _ in 0..contexts.length() {
            let leaf = i64::read(&mut contexts);
            let own = self.holds(&mut contexts, None, Reason::Audience).is_ok();
            let ranges = contexts.part();
            if own {
                return (Some(leaf), ranges);
            }
        }
        (None, item.ranges)
    }

    /// Whether other features are what they have to be; if not, why, and whether that ends a feature.
    fn prerequisites(&mut self, mut all: Reader<'_>) -> Result<(), (Reason, bool)> {
        for _ in 0..all.length() {
            let at = all.index();
            let mut when = all;
            all.part();
            let gate = bool::read(&mut all);
            if at >= self.answers.len() {
                return Err((Reason::Prerequisite, gate));
            }
            let answer = self.feature(at);
            if matches!(answer.reason, Reason::Cyclic | Reason::Deferred) {
                return Err((answer.reason, true));
            }
            let (_, value) = self.program.feature(at, answer);
            let mut attributes = Map::new();
            attributes.set("value", &Value::read(&mut Reader::new(value)));
            self.holds(&mut when, Some(&attributes), Reason::Prerequisite)
                .map_err(|reason| (reason, gate || reason == Reason::Deferred))?;
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
        let mut feature = self.program.entry(Section::Features, at);
        feature.text();
        feature.part();
        for index in 0..feature.length() {
            feature.part();
            match self.rule(feature.part()) {
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
    fn rule(&mut self, mut rule: Reader<'_>) -> Result<Option<(usize, usize)>, (Reason, bool)> {
        let rule = &mut rule;
        let skip = |reason| (reason, reason == Reason::Deferred);
        if !runs_at(Wire::read(rule), Wire::read(rule), self.now) {
            return Err(skip(Reason::NotRunning));
        }
        self.prerequisites(rule.part())?;
        let filters = rule.part();
        let mut when = *rule;
        rule.part();
        let unit = u32::read(rule);
        if !self.passes_filters(filters, unit, None) {
            return Err(skip(Reason::Layer));
        }
        self.holds(&mut when, None, Reason::Audience).map_err(skip)?;
        if let Some(at) = Option::<u32>::read(rule) {
            let at = at as usize;
            let decision = self.gates(at, &self.program.item(at)).map_err(skip)?;
            return Ok(Some((at, decision.variation)));
        }
        // A rollout is a seed, a version and a range.
        if bool::read(rule) {
            let none =
                if self.visitor.facts.partial && unit != 0 { Reason::Deferred } else { Reason::NoUnit };
            let id = self.id_of(unit, None).ok_or(skip(none))?;
            let place = bucket(rule.text(), id, HashVersion::read(rule));
            if !within(Wire::read(rule), place) {
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

/// Whether the visitor agreed to the purpose of an item, if that needs it.
pub(crate) fn agreed(item: &Gated<'_>, consent: Consent) -> bool {
    item.constant || if item.slot.is_some() { consent.personalizes() } else { consent.measures() }
}

/// The variation that a preview link or `?<key>=<index or variation key>` asks for.
pub(crate) fn forced(item: &Gated<'_>, visitor: &Visitor, url: &Url<'_>) -> Option<usize> {
    let preview =
        visitor.facts.forced.iter().find(|(key, _)| *key == item.key).map(|(_, wanted)| wanted.as_str());
    preview.or_else(|| url.parameter(item.key)).and_then(|wanted| named(item, wanted))
}

/// The variation that a key or an index names.
pub(crate) fn named(item: &Gated<'_>, wanted: &str) -> Option<usize> {
    item.position(wanted).or_else(|| leading_number(wanted).filter(|index| *index < item.count()))
}

/// The number a text begins with, as JavaScript's `parseInt` reads it.
fn leading_number(text: &str) -> Option<usize> {
    let digits = text.bytes().map_while(|byte| byte.checked_sub(b'0').filter(|digit| *digit < 10));
    digits.fold(None, |number: Option<usize>, digit| {
        Some(number.unwrap_or(0).saturating_mul(10).saturating_add(usize::from(digit)))
    })
}
