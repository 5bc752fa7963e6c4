//! A batch, checked: times corrected, and every exposure compared with what the hash gives the visitor.

use splitlight_collector::{self as collector, Fact, Received, correct_time};
use splitlight_engine::Program;
use splitlight_protocol::event::{Batch, Event, EventId, Kind, Outcome};
use splitlight_protocol::{Timestamp, personal};

/// A checked batch, for the shard, and what is known already of the events that do not go there.
pub(super) struct Checked {
    pub(super) batch: collector::Batch,
    /// Every event in the order of the batch; the shard says what became of those without an outcome.
    fates: Vec<(EventId, Option<Outcome>)>,
}

impl Checked {
    /// Checks a batch; events of a machine are only counted, and reported as quarantined.
    pub(super) fn new(batch: &Batch, program: &Program, received: Timestamp, is_bot: bool) -> Self {
        let mut events = Vec::with_capacity(batch.events.len());
        let mut fates = Vec::with_capacity(batch.events.len());
        for event in &batch.events {
            let time = correct_time(event.time, batch.sent_at, received);
            let fate = match time {
                _ if is_bot => Some(Outcome::Quarantined),
                None => Some(Outcome::TooOld),
                Some(time) => {
                    let fact = fact(event, program, &batch.visitor);
                    events.push(Received { id: event.id, time, fact });
                    None
                }
            };
            fates.push((event.id, fate));
        }
        let bots = if is_bot { u32::try_from(batch.events.len()).unwrap_or(u32::MAX) } else { 0 };
        let (visitor, consent) = (batch.visitor.clone(), batch.consent);
        Self { batch: collector::Batch { visitor, received, consent, events, bots }, fates }
    }

    /// Whether there is anything for the shard to do.
    pub(super) fn asks_shard(&self) -> bool {
        !self.batch.events.is_empty() || self.batch.bots > 0
    }

    /// The outcome of every event, with the shard's answers in their order.
    pub(super) fn outcomes(&self, answers: &[(EventId, Outcome)]) -> Vec<(EventId, Outcome)> {
        let mut answers = answers.iter().map(|(_, outcome)| *outcome);
        let outcome = |fate: Option<Outcome>| fate.or_else(|| answers.next()).unwrap_or(Outcome::Accepted);
        let ids = self.fates.iter().map(|(id, _)| *id);
        ids.zip(self.fates.iter().map(|(_, fate)| *fate).map(outcome)).collect()
    }
}

fn fact(event: &Event, program: &Program, visitor: &str) -> Fact {
    match &event.kind {
        Kind::Exposure { experiment, variation } => Fact::Exposure {
            experiment: experiment.clone(),
            variation: variation.clone(),
            valid: is_possible(program, visitor, experiment, variation),
        },
        Kind::Conversion { name, value, properties } => Fact::Conversion {
            name: name.clone(),
            value: *value,
            properties: personal::masked(properties.clone()),
        },
        Kind::PageView => Fact::PageView,
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

    fn batch(events: &str) -> Batch {
        let body = format!(r#"{{ "key": "k", "visitor": "v-1", "sentAt": 0, "events": [{events}] }}"#);
        Batch::parse(body.as_bytes()).expect("valid")
    }

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
            { "id": "019a2b3c-4d5e-7f60-8123-456789abcde1", "kind": "page_view", "time": 0 }"#;
        let batch = batch(events);
        let checked = Checked::new(&batch, &Program::default(), Timestamp::from_ms(0), false);
        assert_eq!(checked.batch.events.len(), 1);
        let outcomes = checked.outcomes(&[(batch.events[1].id, Outcome::Duplicate)]);
        let outcomes: Vec<Outcome> = outcomes.into_iter().map(|(_, outcome)| outcome).collect();
        assert_eq!(outcomes, [Outcome::TooOld, Outcome::Duplicate]);
        let bot = Checked::new(&batch, &Program::default(), Timestamp::from_ms(0), true);
        assert_eq!((bot.batch.bots, bot.batch.events.len()), (2, 0));
    }
}
