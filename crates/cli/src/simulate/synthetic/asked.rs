//! What conditions and scores ask about.

use super::{Asked, OTHER, Synthetic};
use splitlight_protocol::config::{Config, Model, ModelFeature, Score};
use splitlight_protocol::limits::CONDITION_DEPTH_MAX;
use splitlight_protocol::time::{DAY_MS, parse_span};
use splitlight_protocol::{Map, Value};

/// More events than this say nothing more about a rule that asks for even more of them.
const WANTED_MAX: f64 = 50.0;

/// So many events of a kind move a score.
const POINTS: usize = 3;

/// How long ago the events of the present session are.
const SESSION_MS: i64 = 10 * 60_000;

impl Synthetic {
    pub(super) fn when(&mut self, config: &Config, when: Option<&Value>, depth: usize) {
        let Some(Value::Object(members)) = when.filter(|_| depth <= CONDITION_DEPTH_MAX) else { return };
        for (name, value) in members.iter() {
            match (name, value) {
                ("$and" | "$or" | "$nor", Value::Array(items)) => {
                    for item in items {
                        self.when(config, Some(item), depth + 1);
                    }
                }
                ("$not", inner) => self.when(config, Some(inner), depth + 1),
                ("$history", asked) => self.history(asked),
                ("$score", asked) => self.liked(config, asked),
                ("$near", near) => {
                    for axis in ["latitude", "longitude"] {
                        if let Some(degrees) = near.at(&[axis]) {
                            self.values(&format!("geo.{axis}"), core::slice::from_ref(degrees));
                        }
                    }
                }
                _ if name.starts_with('$') => {}
                (path, test) => self.test(config, path, test, depth),
            }
        }
    }

    fn test(&mut self, config: &Config, path: &str, test: &Value, depth: usize) {
        let Value::Object(operators) = test else { return self.values(path, core::slice::from_ref(test)) };
        for (operator, value) in operators.iter() {
            match (operator, value) {
                ("$in" | "$nin" | "$ini" | "$nini", Value::Array(items)) => {
                    self.values(path, items);
                }
                ("$lt" | "$lte" | "$gt" | "$gte", Value::Number(number)) => {
                    self.values(path, &[-1.0, 0.0, 1.0].map(|step| Value::Number(number + step)));
                }
                ("$all" | "$alli", list) => self.values(path, core::slice::from_ref(list)),
                ("$inGroup" | "$notInGroup", Value::String(key)) => {
                    let group = config.audiences.iter().find(|audience| audience.key == *key);
                    let values = group.and_then(|group| group.values.as_deref()).unwrap_or_default();
                    self.values(path, values);
                }
                ("$not", inner) if depth <= CONDITION_DEPTH_MAX => self.test(config, path, inner, depth + 1),
                ("$eq" | "$ne" | "$veq" | "$vne" | "$vlt" | "$vlte" | "$vgt" | "$vgte", value) => {
                    self.values(path, core::slice::from_ref(value));
                }
                // What a pattern or a list has to be like cannot be told; such an attribute is something else, or none.
                _ => {
                    self.attributes.entry(path.to_owned()).or_default();
                }
            }
        }
    }

    /// What a score is made of.
    pub(super) fn score(&mut self, config: &Config, score: &Score) {
        if let Some(engagement) = &score.engagement {
            for points in &engagement.events {
                let within_ms = parse_span(&points.half_life).unwrap_or(DAY_MS).saturating_mul(2);
                let properties = equal(points.filter.iter().map(|(name, value)| (name.as_str(), value)));
                self.event(Asked { name: points.event.clone(), properties, within_ms, wanted: POINTS });
            }
            for points in &engagement.fit {
                self.when(config, Some(&points.when), 0);
            }
        }
        let features = match &score.model {
            Some(Model::Logistic(model)) => &model.features[..],
            Some(Model::Gbt(model)) => &model.features,
            None => &[],
        };
        for feature in features {
            match feature {
                ModelFeature::Attribute(path) => self.values(path, &[0.0, 1.0].map(Value::Number)),
                ModelFeature::History { history } => self.history(history),
            }
        }
    }

    /// Interest in the values that a question about an affinity names, and in another one.
    fn liked(&mut self, config: &Config, written: &Value) {
        let key = written.at(&["score"]).and_then(Value::as_str);
        let score = config.scores.iter().find(|score| Some(&*score.key) == key);
        let Some(affinity) = score.and_then(|score| score.affinity.as_ref()) else { return };
        let mut names = vec![OTHER];
        for value in ["of", "top"].into_iter().filter_map(|name| written.at(&[name])) {
            match value {
                Value::String(name) => names.push(name),
                Value::Object(operators) => {
                    names.extend(operators.iter().flat_map(|(_, value)| match value {
                        Value::Array(items) => items.iter().filter_map(Value::as_str).collect(),
                        other => other.as_str().into_iter().collect::<Vec<&str>>(),
                    }));
                }
                _ => {}
            }
        }
        for name in names {
            let mut properties = equal(affinity.filter.iter().map(|(name, value)| (name.as_str(), value)));
            properties.insert(affinity.property.clone(), Value::from(name));
            self.event(Asked { name: affinity.event.clone(), properties, within_ms: DAY_MS, wanted: POINTS });
        }
    }

    fn history(&mut self, written: &Value) {
        let text = |name: &str| written.at(&[name]).and_then(Value::as_str);
        let Some(name) = text("event") else { return };
        let questions = ["count", "sum", "distinctDays"].into_iter().filter_map(|name| written.at(&[name]));
        let numbers = questions.flat_map(|test| match test {
            Value::Object(operators) => operators.iter().filter_map(|(_, value)| value.as_f64()).collect(),
            other => other.as_f64().into_iter().collect::<Vec<f64>>(),
        });
        let most = numbers.fold(1.0, f64::max).min(WANTED_MAX);
        let properties = match written.at(&["where"]) {
            Some(Value::Object(members)) => equal(members.iter()),
            _ => Map::new(),
        };
        let within_ms = match text("within") {
            // A session of a few minutes has no pause that would end it.
            Some("session") => SESSION_MS,
            other => other.and_then(parse_span).unwrap_or(DAY_MS),
        };
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "1 to WANTED_MAX")]
        let wanted = most as usize;
        self.event(Asked { name: name.to_owned(), properties, within_ms, wanted });
    }

    fn event(&mut self, asked: Asked) {
        if !self.events.contains(&asked) {
            self.events.push(asked);
        }
    }
}

/// Properties that an event has to have; only equality says which.
fn equal<'v>(tests: impl Iterator<Item = (&'v str, &'v Value)>) -> Map {
    let equal = tests.filter(|(_, value)| !matches!(value, Value::Object(_)));
    equal.map(|(name, value)| (name.to_owned(), value.clone())).collect()
}
