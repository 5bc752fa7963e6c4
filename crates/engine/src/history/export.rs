//! The history as a document that a person can read, for a page about privacy.

use super::History;
use super::ring::Bucket;
use crate::program::Program;
use splitlight_protocol::{Map, Timestamp, Value};

impl History {
    /// Everything that is stored: `events`, and if anything asks for them `session`, `firstTouch` and `lastTouch`.
    ///
    /// An event is `{ "event", "only", "days", "minutes", "values" }`; each bucket is `{ "from", "count", "sum" }`, from
    /// when on in UTC. `only` tells apart what one event is kept for more than once; what the program does not ask about
    /// has none. `values` are points and interests, `{ "of", "value" }`.
    ///
    /// ```
    /// use splitlight_engine::{History, compile};
    /// use splitlight_protocol::{Map, Timestamp, config};
    /// let parsed = config::parse(r##"{ "version": 1, "project": "shop", "personalizations": [{ "key": "p",
    ///   "when": { "$history": { "event": "buy", "within": "30d", "sum": { "$gte": 3 } } },
    ///   "changes": [{ "selector": "h1", "text": "Hi" }] }] }"##);
    /// let program = compile(&parsed.config).program;
    /// let mut history = History::default();
    /// history.record(&program, "buy", &Map::new(), Some(5), Timestamp::from_ms(0));
    /// assert_eq!(serde_json::to_string(&history.export(&program)).unwrap(), concat!(
    ///   r#"{"events":[{"days":[{"count":1,"from":"1970-01-01T00:00:00.000Z","sum":5}],"#,
    ///   r#""event":"buy","minutes":[],"only":[],"values":[]}]}"#));
    /// history.forget();
    /// assert_eq!(history, History::default());
    /// ```
    pub fn export(&self, program: &Program) -> Value {
        let rings = self.rings.iter().map(|ring| {
            let tracked = program.tracked.iter().find(|tracked| tracked.key == ring.key);
            let event = ring.key.split('\u{1}').next().unwrap_or_default();
            let only = tracked.map_or(&[][..], |tracked| &tracked.filter);
            object([
                ("event", event.into()),
                ("only", Value::Array(only.iter().map(|(name, _)| name.as_str().into()).collect())),
                ("days", buckets(&ring.days, splitlight_protocol::time::DAY_MS)),
                ("minutes", buckets(&ring.minutes, 60_000)),
                ("values", Value::Array(ring.values.iter().map(value).collect())),
            ])
        });
        let mut all = Map::new();
        all.set("events", &Value::Array(rings.collect()));
        self.describe(&mut all);
        Value::Object(all)
    }
}

fn buckets(buckets: &[Bucket], unit_ms: i64) -> Value {
    let bucket = |bucket: &Bucket| {
        let from = Timestamp::from_ms(i64::from(bucket.at) * unit_ms).to_rfc3339();
        let (count, sum) = (f64::from(bucket.count), bucket.sum as f64);
        object([("from", Value::String(from)), ("count", Value::Number(count)), ("sum", Value::Number(sum))])
    };
    Value::Array(buckets.iter().map(bucket).collect())
}

fn value((of, value): &(String, f64)) -> Value {
    object([("of", of.as_str().into()), ("value", Value::Number(*value))])
}

fn object<const N: usize>(members: [(&str, Value); N]) -> Value {
    Value::Object(Map::from_iter(members.map(|(name, value)| (name.to_owned(), value))))
}
