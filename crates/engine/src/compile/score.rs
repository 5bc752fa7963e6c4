//! Reads `$score`, and compiles the scores that are asked for.

use super::condition::{Scope, object};
use super::{Compiler, index};
use crate::condition::{Condition, Test};
use crate::hash::{OFFSET, fnv32a};
use crate::history::Meter;
use crate::score::{Ask, Input, Model, Node, Score};
use splitlight_protocol::config::{self, Affinity, Engagement, EventPoints, ModelFeature, Tiers};
use splitlight_protocol::issue::did_you_mean;
use splitlight_protocol::time::parse_span;
use splitlight_protocol::{Code, Issue, Map, Value};
use std::collections::BTreeMap;

const SHAPE: &str = "write { \"score\": \"lead\", \"value\": { \"$gte\": 40 } }";

/// The highest lead score.
const SCORE_MAX: f64 = 50.0;

impl Scope<'_, '_> {
    /// Reads what is written at `$score`.
    pub(super) fn score(&mut self, pointer: &str, written: &Value) -> Result<Condition, Issue> {
        let members = object(pointer, written, SHAPE)?;
        let key = members.get("score").and_then(Value::as_str);
        let key = key.ok_or_else(|| Issue::error(pointer, "`score` is missing", SHAPE))?;
        let Some(at) = self.scores.iter().position(|score| score.key == key) else {
            let known: Vec<&str> = self.scores.iter().map(|score| score.key.as_str()).collect();
            let fix = match did_you_mean(key, &known) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "add it to `scores`".to_owned(),
            };
            let issue = Issue::error(format!("{pointer}/score"), format!("there is no score `{key}`"), fix);
            return Err(issue.coded(Code::UnknownReference));
        };
        let score = &self.scores[at];
        let (mut ask, mut test) = (Ask::Value, None);
        for (name, value) in members.iter() {
            let here = format!("{pointer}/{name}");
            let asked = match name {
                "score" => continue,
                "of" if score.affinity.is_some() => {
                    let name = value.as_str();
                    ask = Ask::Of(
                        name.ok_or_else(|| Issue::error(here, "this is not a text", SHAPE))?.to_owned(),
                    );
                    continue;
                }
                "top" if score.affinity.is_some() => {
                    ask = Ask::Top;
                    self.test(&here, value)
                }
                "tier" if score.engagement.is_some() => {
                    let tiers = score.engagement.as_ref().map(|engagement| engagement.tiers);
                    tier(&here, tiers.unwrap_or_default(), value)?
                }
                "value" => self.test(&here, value),
                _ => {
                    let reason = format!("`{name}` cannot be asked of the score `{key}`");
                    return Err(Issue::error(here, reason, SHAPE));
                }
            };
            if test.replace(asked).is_some() {
                return Err(Issue::error(pointer, "more than one question", "write one of value, top, tier"));
            }
        }
        let test = test.ok_or_else(|| Issue::error(pointer, "there is no question", SHAPE))?;
        let used = self.used.iter().position(|used| *used == at).unwrap_or_else(|| {
            self.used.push(at);
            self.used.len() - 1
        });
        Ok(Condition::Score(index(used), ask, test))
    }

    fn meter(
        &mut self,
        pointer: &str,
        event: &str,
        filter: &BTreeMap<String, Value>,
        meter: Meter,
        of: &str,
    ) -> u32 {
        let tests = filter
            .iter()
            .map(|(name, value)| (name.clone(), self.test(&format!("{pointer}/where/{name}"), value)));
        let tests: Vec<(String, Test)> = tests.collect();
        let written: Vec<(&str, &Value)> =
            filter.iter().map(|(name, value)| (name.as_str(), value)).collect();
        // The score's name stays on the server.
        let of = fnv32a(OFFSET, of).to_string();
        self.track(event, &written, tests, |tracked| tracked.meter = meter, &of)
    }

    /// What a model looks at.
    fn input(&mut self, pointer: &str, feature: &ModelFeature) -> Result<Input, Issue> {
        let written = match feature {
            ModelFeature::Attribute(path) => {
                return Ok(Input::Attribute(path.split('.').map(str::to_owned).collect()));
            }
            ModelFeature::History { history } => history,
        };
        let fix = "write { \"event\": ..., \"within\": \"30d\", \"measure\": \"count\" }";
        let members = object(pointer, written, fix)?;
        let measure = members.get("measure").and_then(Value::as_str);
        let measure = measure.ok_or_else(|| Issue::error(pointer, "`measure` is missing", fix))?;
        let others = members.iter().filter(|(name, _)| *name != "measure");
        let others = others.map(|(name, value)| (name.to_owned(), value.clone()));
        // A test without operators passes always; only the number is wanted.
        let any = (measure.to_owned(), Value::Object(Map::new()));
        match self.history(pointer, &Value::Object(others.chain([any]).collect()))? {
            Condition::History { tracked, window, measure, .. } => {
                Ok(Input::History(tracked, window, measure))
            }
            _ => Err(Issue::error(pointer, "the question is not understood", fix)),
        }
    }
}

/// The range of a tier.
fn tier(pointer: &str, tiers: Tiers, value: &Value) -> Result<Test, Issue> {
    const NAMES: [&str; 4] = ["hot", "warm", "cold", "disqualified"];
    let [hot, warm, cold] = [tiers.hot, tiers.warm, tiers.cold].map(f64::from);
    let (from, below) = match value.as_str() {
        Some("hot") => (hot, SCORE_MAX + 1.0),
        Some("warm") => (warm, hot),
        Some("cold") => (cold, warm),
        Some("disqualified") => (0.0, cold),
        other => {
            let fix = match did_you_mean(other.unwrap_or_default(), &NAMES) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("write one of {}", NAMES.join(", ")),
            };
            return Err(Issue::error(pointer, "this is not a tier", fix));
        }
    };
    Ok(Test::All(vec![Test::GreaterOrEqual(Value::Number(from)), Test::Less(Value::Number(below))]))
}

impl Compiler<'_> {
    /// The scores that conditions ask for, in the order in which they do.
    pub(super) fn scores(&mut self) -> Vec<Score> {
        let config = self.config;
        let mut compiled = Vec::new();
        // What a score needs asks for no score, so that none is added on the way.
        for at in self.used.clone() {
            let Some(score) = config.scores.get(at) else { continue };
            let before = self.issues.len();
            let built = self.score(&format!("/scores/{at}"), score);
            // A part that is not understood would make it another score.
            compiled.push(if self.issues.len() > before { Score::Unsupported } else { built });
        }
        self.check_unused_scores();
        compiled
    }

    /// Reads the scores that nothing asks for, only to say what is wrong with them.
    fn check_unused_scores(&mut self) {
        let config = self.config;
        let tracked = self.tracked.len();
        for (at, score) in
            config.scores.iter().enumerate().filter(|(at, _)| !self.used.contains(at)).collect::<Vec<_>>()
        {
            self.score(&format!("/scores/{at}"), score);
        }
        self.tracked.truncate(tracked);
    }

    fn score(&mut self, base: &str, score: &config::Score) -> Score {
        match (&score.affinity, &score.engagement, &score.model) {
            (Some(affinity), _, _) => self.affinity(&format!("{base}/affinity"), affinity, &score.key),
            (_, Some(engagement), _) => {
                self.engagement(&format!("{base}/engagement"), engagement, &score.key)
            }
            (_, _, Some(config::Model::Logistic(model))) => Score::Model(Model {
                inputs: self.inputs(base, &model.features),
                bias: model.bias,
                weights: model.weights.clone(),
                trees: Vec::new(),
            }),
            (_, _, Some(config::Model::Gbt(model))) => Score::Model(Model {
                inputs: self.inputs(base, &model.features),
                bias: model.bias,
                weights: Vec::new(),
                trees: model.trees.iter().map(tree).collect(),
            }),
            (None, None, None) => Score::Unsupported,
        }
    }

    fn affinity(&mut self, base: &str, written: &Affinity, key: &str) -> Score {
        let meter = Meter::Affinity { property: written.property.clone() };
        Score::Affinity(self.scope().meter(base, &written.event, &written.filter, meter, key))
    }

    fn engagement(&mut self, base: &str, written: &Engagement, key: &str) -> Score {
        let events = written.events.iter().enumerate();
        let events = events.map(|(at, event): (usize, &EventPoints)| {
            let half_life = parse_span(&event.half_life).unwrap_or(1);
            let meter = Meter::Points { points: event.points, half_life };
            let twice =
                written.events[..at].iter().filter(|it| it.event == event.event && it.filter == event.filter);
            // The same event with another half-life is kept apart.
            let of = format!("{key}\u{1}{}", twice.count());
            self.scope().meter(&format!("{base}/events/{at}"), &event.event, &event.filter, meter, &of)
        });
        let events = events.collect();
        let fit = written.fit.iter().enumerate().map(|(at, fit)| {
            let here = format!("{base}/fit/{at}");
            let when = self.when(&here, Some(&fit.when));
            if super::asks::asks_score(&when, self.audiences.compiled()) {
                let fix = "write a condition without `$score`";
                self.issues.push(Issue::error(format!("{here}/when"), "a score may not ask for scores", fix));
            }
            (when, fit.points)
        });
        let fit = fit.collect();
        Score::Engagement(events, fit, written.scale)
    }

    fn inputs(&mut self, base: &str, features: &[ModelFeature]) -> Vec<Input> {
        let mut inputs = Vec::with_capacity(features.len());
        for (at, feature) in features.iter().enumerate() {
            let here = format!("{base}/model/features/{at}/$history");
            match self.scope().input(&here, feature) {
                Ok(input) => inputs.push(input),
                Err(issue) => self.issues.push(issue),
            }
        }
        inputs
    }
}

/// A tree as the config writes it, whose checks have seen to it that every index is one.
fn tree(written: &config::Tree) -> Vec<Node> {
    let place = |at: i32| u32::try_from(at).unwrap_or(u32::MAX);
    let nodes = written.f.iter().enumerate().map(|(at, feature)| match u32::try_from(*feature) {
        Ok(feature) => Node::Split(feature, written.t[at], place(written.l[at]), place(written.r[at])),
        Err(_) => Node::Leaf(written.v[at]),
    });
    nodes.collect()
}
