//! Segments: audiences that behavior alone decides, of which the device tells the edge by their numbers.

use crate::code::{Code, Section};
use crate::condition::{Condition, Context, Truth, holds};
use crate::history::Window;
use crate::program::Program;
use crate::score::Score;
use crate::visitor::Visitor;
use splitlight_protocol::Timestamp;

impl Code {
    /// The numbers of the segments that a visitor is in, from the lowest; `None` when no live rule asks for any.
    ///
    /// They mean something for this program only, and they are what [`Facts::segments`](crate::Facts::segments) takes
    /// where the history is not known.
    ///
    /// ```
    /// use splitlight_engine::{Facts, History, Visitor, compile, decide};
    /// use splitlight_protocol::{Map, Timestamp, config};
    /// let parsed = config::parse(r#"{ "version": 1, "project": "shop",
    ///   "audiences": [{ "key": "fans", "when": { "$history": { "event": "view", "within": "30d", "count": 1 } } }],
    ///   "personalizations": [{ "key": "hi", "when": { "$audience": "fans" }, "value": 1 }] }"#);
    /// let (program, now) = (compile(&parsed.config).program, Timestamp::from_ms(0));
    /// let mut history = History::default();
    /// history.record(&program, "view", &Map::new(), None, now);
    /// let device = Visitor::new(Facts { history: Some(history), ..Facts::default() });
    /// let segments = program.segments(&device, now);
    /// assert_eq!(segments, Some(vec![0]));
    ///
    /// let edge = Visitor::new(Facts { segments, ..Facts::default() });
    /// let (decisions, items) = (decide(&program, &edge, now), program.items().len());
    /// assert_eq!(decisions.iter(&program).filter(|(_, decision)| decision.reason.is_open()).count(), items);
    /// assert_eq!(items, 1);
    /// ```
    pub fn segments(&self, visitor: &Visitor, now: Timestamp) -> Option<Vec<u32>> {
        let context = Context::new(self, visitor, now);
        let is_in = |number: &u32| {
            let mut audience = self.entry(Section::Audiences, *number as usize);
            holds(&mut audience, &Context { audiences: *number as usize, ..context }) == Truth::True
        };
        let all = self.segments.iter().copied();
        (!self.segments.is_empty()).then(|| all.filter(is_in).collect())
    }
}

impl Program {
    /// The audiences that are segments, from the lowest number.
    pub(crate) fn segment_numbers(&self) -> Vec<u32> {
        let audiences = (0..).zip(&self.audiences);
        audiences.filter(|(_, audience)| self.is_behavior(audience)).map(|(number, _)| number).collect()
    }

    /// Whether nothing but what the visitor did, by days, decides an audience: its answer is the same on every page, and
    /// stays for hours.
    fn is_behavior(&self, condition: &Condition) -> bool {
        match condition {
            Condition::All(parts) | Condition::Any(parts) => {
                !parts.is_empty() && parts.iter().all(|part| self.is_behavior(part))
            }
            Condition::Not(part) => self.is_behavior(part),
            Condition::History { window, .. } => matches!(window, Window::Days(_)),
            Condition::Score(at, ..) => matches!(self.scores.get(*at as usize), Some(Score::Affinity(_))),
            // It can only be one before, so that this ends; and an audience of audiences is a segment by its parts.
            Condition::Audience(_)
            | Condition::Attribute(..)
            | Condition::Unsupported
            | Condition::Never
            | Condition::Near(_)
            | Condition::Local(_) => false,
        }
    }
}

impl Visitor {
    /// Whether the visitor is in a segment, as far as the device told.
    pub(crate) fn is_in_segment(&self, program: &Code, number: usize) -> Truth {
        let known = |segment: &&u32| **segment as usize == number;
        match (&self.facts.segments, program.segments.iter().find(known)) {
            (Some(segments), Some(segment)) => segments.contains(segment).into(),
            _ => Truth::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{Facts, History, Index, Reason, Visitor, compile, decide};
    use splitlight_protocol::{Map, Timestamp, Value, config};

    const CONFIG: &str = r#"{ "version": 1, "project": "shop", "audiences": [
        { "key": "fans", "when": { "$history": { "event": "view", "within": "30d", "count": { "$gte": 2 } } } },
        { "key": "idle", "when": { "$not": { "$history": { "event": "view", "within": "3d", "count": 1 } } } },
        { "key": "quick", "when": { "$history": { "event": "view", "within": "10m", "count": 1 } } },
        { "key": "here", "when": { "path": "/x", "$history": { "event": "view", "within": "3d", "count": 1 } } },
        { "key": "unasked", "when": { "$history": { "event": "buy", "within": "3d", "count": 1 } } } ],
      "personalizations": [
        { "key": "fans", "slot": "a", "when": { "$audience": "fans" }, "value": 1 },
        { "key": "idle", "slot": "b", "when": { "$audience": "idle" }, "value": 1 },
        { "key": "both", "slot": "c", "when": { "$or": [{ "$audience": "fans" }, { "$audience": "idle" }] }, "value": 1 },
        { "key": "quick", "slot": "d", "when": { "$audience": "quick" }, "value": 1 },
        { "key": "here", "slot": "e", "when": { "$audience": "here" }, "value": 1 } ] }"#;

    #[test]
    fn what_the_device_tells_is_what_it_would_decide() {
        let parsed = config::parse(CONFIG);
        assert_eq!(parsed.issues, []);
        let program = compile(&parsed.config).program;
        assert_eq!(program.items().len(), 5);
        let now = Timestamp::from_ms(1_795_219_200_000);
        for views in 0..3 {
            let mut history = History::default();
            for _ in 0..views {
                history.record(&program, "view", &Map::new(), None, now);
            }
            let attributes = || Map::from_iter([("path".to_owned(), Value::from("/x"))]);
            let facts = |history, segments| {
                let id = Some("v".to_owned());
                Visitor::new(Facts { id, history, segments, attributes: attributes(), ..Facts::default() })
            };
            let device = facts(Some(history), None);
            let told = program.segments(&device, now);
            let edge = facts(None, told.clone());
            let known = decide(&program, &device, now);
            let found = decide(&program, &edge, now);
            assert_eq!(Index::new(&program).decide(&program, &edge, now), found);
            for ((item, known), (_, found)) in known.iter(&program).zip(found.iter(&program)) {
                // What lapses within the hour, and what depends on the page, stays the browser's.
                let expected =
                    if ["quick", "here"].contains(&item.key()) { Reason::Deferred } else { known.reason };
                assert_eq!(found.reason, expected, "{} after {views} views, told {told:?}", item.key());
            }
            let silent = decide(&program, &facts(None, None), now);
            assert!(silent.iter(&program).all(|(_, decision)| decision.reason == Reason::Deferred));
        }
    }

    #[test]
    fn nobody_is_told_of_what_nobody_asks() {
        let program = compile(
            &config::parse(
                r#"{ "version": 1, "project": "shop", "audiences": [
            { "key": "fans", "when": { "$history": { "event": "view", "within": "30d", "count": 1 } } }] }"#,
            )
            .config,
        )
        .program;
        assert_eq!(program.segments(&Visitor::new(Facts::default()), Timestamp::from_ms(0)), None);
    }
}
