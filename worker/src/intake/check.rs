//! A batch, checked: times corrected, and every exposure compared with what the hash gives the visitor.

use serde::{Serialize, Serializer};
use splitlight_collector::{self as collector, Fact, Received, Said, Traits, correct_time};
use splitlight_engine::Program;
use splitlight_engine::attributes::{browser, device};
use splitlight_protocol::event::{Batch, Event, EventId, Kind, Outcome, Refused};
use splitlight_protocol::{Timestamp, personal};

/// What the request says of its sender.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sender<'a> {
    /// A machine, or a page that may never be seen: its events are only counted, and reported as quarantined.
    pub(crate) is_bot: bool,
    /// A visitor without our signature where only signed ones count.
    pub(crate) is_unsigned: bool,
    /// ISO 3166-1 alpha-2, or nothing.
    pub(crate) country: &'a str,
    /// As the browser calls itself, or nothing.
    pub(crate) user_agent: &'a str,
}

impl Sender<'_> {
    /// What results can be broken down by; only exposures ask for it.
    fn traits(&self, batch: &Batch) -> Traits {
        let is_exposure = |event: &Event| matches!(event.kind, Kind::Exposure { .. });
        if !batch.events.iter().any(is_exposure) {
            return Traits::new();
        }
        let agent = Some(self.user_agent).filter(|agent| !agent.is_empty());
        let said = Said {
            country: Some(self.country),
            device: agent.map(device),
            browser: agent.map(browser),
            referrer: batch.referrer.as_deref(),
            medium: batch.medium.as_deref(),
            returning: batch.returning,
        };
        said.traits()
    }
}

/// A checked batch, for the shard, and what is known already of the events that do not go there.
pub(crate) struct Checked {
    pub(crate) batch: collector::Batch,
    pub(crate) fates: Fates,
}

/// Every event in the order of the batch; the shard says what became of those without an outcome.
pub(crate) struct Fates(Vec<Fate>);

/// What became of an event; written as `[id, outcome]` or, of what is no event, `[id or null, "invalid", why]`.
#[derive(Debug, PartialEq)]
pub(crate) struct Fate {
    id: Option<EventId>,
    pub(crate) outcome: Option<Outcome>,
    why: Option<String>,
}

impl Serialize for Fate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.why {
            Some(why) => (&self.id, &self.outcome, why).serialize(serializer),
            None => (&self.id, &self.outcome).serialize(serializer),
        }
    }
}

impl Checked {
    /// Checks a batch, without the events that were refused when it was read.
    pub(crate) fn new(
        batch: Batch,
        refused: Vec<Refused>,
        program: &Program,
        received: Timestamp,
        sender: Sender<'_>,
    ) -> Self {
        let traits = sender.traits(&batch);
        let mut events = Vec::with_capacity(batch.events.len());
        let mut fates = Vec::with_capacity(batch.events.len() + refused.len());
        let is_bot = sender.is_bot || batch.automated;
        let bots = if is_bot { u32::try_from(batch.events.len()).unwrap_or(u32::MAX) } else { 0 };
        for event in batch.events {
            let (id, time) = (event.id, correct_time(event.time, batch.sent_at, received));
            let outcome = match time {
                _ if is_bot => Some(Outcome::Quarantined),
                _ if sender.is_unsigned => Some(Outcome::Unsigned),
                None => Some(Outcome::TooOld),
                Some(time) => {
                    events.push(Received { id, time, fact: fact(event, program, &batch.visitor) });
                    None
                }
            };
            fates.push(Fate { id: Some(id), outcome, why: None });
        }
        // They are in the order of their places, so each finds those before it in theirs.
        for Refused { index, id, error } in refused {
            let fate = Fate { id, outcome: Some(Outcome::Invalid), why: Some(error.to_string()) };
            fates.insert(index.min(fates.len()), fate);
        }
        Self {
            batch: collector::Batch {
                visitor: batch.visitor,
                received,
                consent: batch.consent,
                traits,
                events,
                bots,
            },
            fates: Fates(fates),
        }
    }

    /// Whether there is anything for the shard to do.
    pub(crate) fn asks_shard(&self) -> bool {
        !self.batch.events.is_empty() || self.batch.bots > 0
    }
}

impl Fates {
    /// What became of every event, with the shard's answers in their order.
    pub(crate) fn settle(mut self, answers: &[(EventId, Outcome)]) -> Vec<Fate> {
        let open = self.0.iter_mut().filter(|fate| fate.outcome.is_none());
        for (fate, (_, outcome)) in open.zip(answers) {
            fate.outcome = Some(*outcome);
        }
        self.0
    }
}

fn fact(event: Event, program: &Program, visitor: &str) -> Fact {
    match event.kind {
        Kind::Exposure { experiment, variation } => {
            let valid = is_possible(program, visitor, &experiment, &variation);
            Fact::Exposure { experiment, variation, valid }
        }
        Kind::Conversion { name, value, properties } => {
            Fact::Conversion { name, value, properties: personal::masked(properties) }
        }
        Kind::PageView => Fact::PageView,
        Kind::Dropped { reason, count } => Fact::Dropped { reason, count },
    }
}

/// Whether the hash gives this visitor this variation, where the visitor's id alone tells.
fn is_possible(program: &Program, visitor: &str, experiment: &str, variation: &str) -> bool {
    let Some(item) = program.item(experiment) else { return false };
    if !item.is_assigned_by_visitor() {
        return item.variations().iter().any(|known| known.key == variation);
    }
    let assigned = item.assignment(visitor).and_then(|index| item.variations().get(index));
    assigned.is_some_and(|assigned| assigned.key == variation)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_variation_of_the_hash_is_possible() {
        let config = splitlight_protocol::config::parse(
            r#"{ "version": 1, "project": "p", "experiments": [
            { "key": "hero", "variations": [{ "key": "control" }, { "key": "bold" }] }] }"#,
        );
        let program = splitlight_engine::compile(&config.config).program;
        let possible = ["control", "bold", "calm"].map(|key| is_possible(&program, "v-1", "hero", key));
        assert_eq!(possible.iter().filter(|possible| **possible).count(), 1);
        assert!(!is_possible(&program, "v-1", "gone", "control"));
    }

    #[test]
    fn outcomes_keep_the_order_of_the_batch() {
        let events = r#"{ "id": "019a2b3c-4d5e-7f60-8123-456789abcde0", "kind": "page_view", "time": -2592000001 },
            { "id": "019a2b3c-4d5e-7f60-8123-456789abcde9", "kind": "nothing", "time": 0 },
            { "id": "019a2b3c-4d5e-7f60-8123-456789abcde1", "kind": "page_view", "time": 0 }"#;
        let body = format!(r#"{{ "key": "k", "visitor": "v-1", "sentAt": 0, "events": [{events}] }}"#);
        let check = |sender: Sender<'_>| {
            let (batch, refused) = Batch::sift(body.as_bytes()).expect("two are events");
            Checked::new(batch, refused, &Program::default(), Timestamp::from_ms(0), sender)
        };
        let person = check(Sender::default());
        let id = person.batch.events[0].id;
        let fates = person.fates.settle(&[(id, Outcome::Duplicate)]);
        let outcomes: Vec<_> = fates.iter().filter_map(|fate| fate.outcome).collect();
        assert_eq!(outcomes, [Outcome::TooOld, Outcome::Invalid, Outcome::Duplicate]);
        let text = serde_json::to_string(&fates[1]).expect("JSON");
        assert!(
            text.starts_with(r#"["019a2b3c-4d5e-7f60-8123-456789abcde9","invalid","/events/1"#),
            "{text}"
        );
        let bot = check(Sender { is_bot: true, ..Sender::default() });
        assert_eq!((bot.batch.bots, bot.batch.events.len()), (2, 0));
        let unsigned = check(Sender { is_unsigned: true, ..Sender::default() });
        assert!(!unsigned.asks_shard());
        assert_eq!(unsigned.fates.settle(&[])[0].outcome, Some(Outcome::Unsigned));
    }
}
