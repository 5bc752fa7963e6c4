//! Decides, gate by gate; the first closed gate is the answer.

use crate::condition::Truth;
use crate::page::takes_part;
use crate::program::{Item, ItemKind, Program};
use crate::visitor::{Consent, Visitor};
use splitlight_protocol::Timestamp;
use splitlight_protocol::handover::Handed;

/// Why a visitor gets what they get.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The hash gave them this variation; meeting it is an exposure.
    Assigned,
    /// An address parameter asks for this variation; it never counts.
    Forced,
    /// Before the start or after the end.
    NotRunning,
    /// The visitor is a machine.
    Bot,
    /// The visitor has not agreed.
    NoConsent,
    /// Not on this page.
    Page,
    /// Nothing to hash.
    NoUnit,
    /// The layer gives this visitor to another experiment.
    Layer,
    /// The condition does not hold.
    Audience,
    /// Not covered.
    Coverage,
    /// A rule with a higher priority has the slot.
    Slot,
    /// Depends on something that is not known here, such as the history at the edge; the browser decides.
    Deferred,
}

impl Reason {
    /// Every reason, in the order of declaration.
    pub const ALL: [Self; 12] = [
        Self::Assigned,
        Self::Forced,
        Self::NotRunning,
        Self::Bot,
        Self::NoConsent,
        Self::Page,
        Self::NoUnit,
        Self::Layer,
        Self::Audience,
        Self::Coverage,
        Self::Slot,
        Self::Deferred,
    ];

    /// The reason's name in documents.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Assigned => "assigned",
            Self::Forced => "forced",
            Self::NotRunning => "not_running",
            Self::Bot => "bot",
            Self::NoConsent => "no_consent",
            Self::Page => "page",
            Self::NoUnit => "no_unit",
            Self::Layer => "layer",
            Self::Audience => "audience",
            Self::Coverage => "coverage",
            Self::Slot => "slot",
            Self::Deferred => "deferred",
        }
    }

    /// The reason with a name.
    ///
    /// ```
    /// use splitlight_engine::Reason;
    /// assert!(Reason::ALL.into_iter().all(|reason| Reason::from_name(reason.name()) == Some(reason)));
    /// ```
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.name() == name)
    }
}

/// The answer for one item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Index of the variation, 0 (control) when a gate was closed.
    pub variation: usize,
    /// Why.
    pub reason: Reason,
}

/// The answers for one page view, in the order of [`Program::items`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decisions(Vec<Decision>);

impl Decisions {
    /// Items and their answers.
    pub fn iter<'a>(&'a self, program: &'a Program) -> impl Iterator<Item = (&'a Item, Decision)> {
        program.items.iter().zip(self.0.iter().copied())
    }

    /// The key of the variation to use for an item; `None` when the program has no such item.
    pub fn variation<'a>(&self, program: &'a Program, key: &str) -> Option<&'a str> {
        let at = program.items.iter().position(|item| item.key == key)?;
        program.items[at].variations.get(self.0.get(at)?.variation).map(|variation| variation.key.as_str())
    }

    /// Takes over what the edge decided, so that the page never has two answers; what the edge deferred stays ours.
    pub fn adopt(&mut self, program: &Program, handed: &[Handed]) {
        for (item, decision) in program.items.iter().zip(&mut self.0) {
            let Some(handed) = handed.iter().find(|handed| handed.key == item.key) else { continue };
            let variation = item.variations.iter().position(|variation| variation.key == handed.variation);
            match (variation, Reason::from_name(&handed.reason)) {
                (_, Some(Reason::Deferred) | None) | (None, _) => {}
                (Some(variation), Some(reason)) => *decision = Decision { variation, reason },
            }
        }
    }
}

/// Decides every item of the program for a visitor at a time. Cannot fail.
pub fn decide(program: &Program, visitor: &Visitor, now: Timestamp) -> Decisions {
    let mut taken: Vec<(u32, bool)> = Vec::new();
    let decide_one = |item: &Item| {
        let decision = decide_item(program, item, visitor, now);
        let ItemKind::Personalization { slot } = item.kind else { return decision };
        if let Some((_, deferred)) = taken.iter().find(|(other, _)| *other == slot) {
            let reason = if *deferred { Reason::Deferred } else { Reason::Slot };
            // A gate of its own that is closed says more than a slot that is taken.
            let open = matches!(decision.reason, Reason::Assigned | Reason::Forced | Reason::Deferred);
            return if open { Decision { variation: 0, reason } } else { decision };
        }
        if matches!(decision.reason, Reason::Assigned | Reason::Forced | Reason::Deferred) {
            taken.push((slot, decision.reason == Reason::Deferred));
        }
        decision
    };
    Decisions(program.items.iter().map(decide_one).collect())
}

fn decide_item(program: &Program, item: &Item, visitor: &Visitor, now: Timestamp) -> Decision {
    match gates(program, item, visitor, now) {
        Ok(decision) => decision,
        Err(reason) => Decision { variation: 0, reason },
    }
}

fn gates(program: &Program, item: &Item, visitor: &Visitor, now: Timestamp) -> Result<Decision, Reason> {
    if item.start.is_some_and(|start| now < start) || item.end.is_some_and(|end| end <= now) {
        return Err(Reason::NotRunning);
    }
    if visitor.bot {
        return Err(Reason::Bot);
    }
    if visitor.consent != Consent::Granted && !item.is_constant() {
        return Err(Reason::NoConsent);
    }
    if !takes_part(&item.pages, &visitor.url) {
        return Err(Reason::Page);
    }
    if let Some(variation) = forced(item, visitor) {
        return Ok(Decision { variation, reason: Reason::Forced });
    }
    if !item.is_constant() {
        let id = visitor.id.as_deref().ok_or(Reason::NoUnit)?;
        if !item.in_layer(id) {
            return Err(Reason::Layer);
        }
    }
    match item.when.holds(program, visitor, now) {
        Truth::True => {}
        Truth::False => return Err(Reason::Audience),
        Truth::Unknown => return Err(Reason::Deferred),
    }
    let variation = match visitor.id.as_deref() {
        Some(id) => item.covered(id).ok_or(Reason::Coverage)?,
        None => 1,
    };
    Ok(Decision { variation, reason: Reason::Assigned })
}

/// The variation that `?<key>=<index or variation key>` asks for.
fn forced(item: &Item, visitor: &Visitor) -> Option<usize> {
    let wanted = visitor.url.parameter(&item.key)?;
    item.variations
        .iter()
        .position(|variation| variation.key == wanted)
        .or_else(|| wanted.parse().ok().filter(|index| *index < item.variations.len()))
}
