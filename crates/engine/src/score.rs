//! Scores, compiled: numbers about a visitor.

use crate::codec::{wire_enum, wire_struct};
use crate::condition::{Condition, Context, Truth};
use crate::history::{Measure, Window};
use crate::number::exp2;
use core::f64::consts::LOG2_E;
use splitlight_protocol::Value;

/// A number about a visitor.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Score {
    /// Something this release does not know.
    Unsupported,
    /// Interests, by their index in the program's tracked events.
    Affinity(u32),
    /// Points that decay, points for who they are, and the scale.
    Engagement(Vec<u32>, Vec<(Condition, f64)>, f64),
    Model(Model),
}

/// A trained model: inputs, weights for those of a logistic regression, and trees.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Model {
    pub(crate) inputs: Vec<Input>,
    pub(crate) bias: f64,
    pub(crate) weights: Vec<f64>,
    pub(crate) trees: Vec<Vec<Node>>,
}

/// What a model looks at.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Input {
    Attribute(Vec<String>),
    History(u32, Window, Measure),
}

/// A node of a tree, whose children come after it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Node {
    Leaf(f64),
    /// Feature, threshold, and the children's places.
    Split(u32, f64, u32, u32),
}

/// What is asked of a score.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Ask {
    /// The number; of interests the highest.
    Value,
    /// The interest in one value.
    Of(String),
    /// The value of most interest.
    Top,
}

wire_enum!(Score {
    0 => Unsupported,
    1 => Affinity(tracked),
    2 => Engagement(tracked, fit, scale),
    3 => Model(model),
});
wire_struct!(Model { inputs, bias, weights, trees });
wire_enum!(Input { 0 => Attribute(path), 1 => History(tracked, window, measure) });
wire_enum!(Node { 0 => Leaf(value), 1 => Split(feature, threshold, left, right) });
wire_enum!(Ask { 0 => Value, 1 => Of(name), 2 => Top });

impl Score {
    /// The answer.
    ///
    /// # Errors
    /// Why there is none.
    pub(crate) fn ask(&self, ask: &Ask, context: &Context<'_>) -> Result<Value, Truth> {
        match self {
            Self::Unsupported => Err(Truth::Unsupported),
            Self::Affinity(tracked) => {
                let (values, left) = meter(*tracked, context)?;
                let mut found: Option<(&str, f64)> = None;
                for (name, value) in values {
                    let value = value * left;
                    // The interest that is above all others; of equal ones the older.
                    if match ask {
                        Ask::Of(wanted) => name == wanted,
                        _ => found.is_none_or(|(_, best)| value > best),
                    } {
                        found = Some((name, value));
                    }
                }
                Ok(match (ask, found) {
                    (Ask::Top, None) => Value::Null,
                    (Ask::Top, Some((name, _))) => name.into(),
                    (_, found) => Value::Number(found.map_or(0.0, |(_, value)| value)),
                })
            }
            Self::Engagement(tracked, fit, scale) => {
                let mut raw = 0.0;
                for tracked in tracked {
                    let (values, left) = meter(*tracked, context)?;
                    raw += values.first().map_or(0.0, |(_, points)| points * left);
                }
                // A score may not ask for scores, which could come back to itself.
                let inner = Context { in_score: true, ..*context };
                for (when, points) in fit {
                    match when.holds(&inner) {
                        Truth::True => raw += points,
                        Truth::False => {}
                        unknown => return Err(unknown),
                    }
                }
                Ok(Value::Number(1.0 + (49.0 * (1.0 - exp(-raw.max(0.0) / scale)) + 0.5).floor()))
            }
            Self::Model(model) => model.probability(context).map(Value::Number),
        }
    }
}

/// What a meter showed last, and the part of it that is left.
type Shown<'a> = (&'a [(String, f64)], f64);

fn meter<'a>(tracked: u32, context: &Context<'a>) -> Result<Shown<'a>, Truth> {
    let history = context.visitor.history.as_ref().ok_or(Truth::Unknown)?;
    let tracked = context.program.tracked(tracked)?;
    Ok(history.values(tracked, context.now))
}

impl Model {
    fn probability(&self, context: &Context<'_>) -> Result<f64, Truth> {
        let mut inputs = Vec::with_capacity(self.inputs.len());
        for input in &self.inputs {
            inputs.push(input.number(context)?);
        }
        let mut sum = self.bias;
        for (weight, input) in self.weights.iter().zip(&inputs) {
            sum += weight * input;
        }
        for tree in &self.trees {
            sum += leaf(tree, &inputs);
        }
        Ok(1.0 / (1.0 + exp(-sum)))
    }
}

/// What a tree adds; a damaged one, which may have no way to a leaf, adds nothing.
fn leaf(tree: &[Node], inputs: &[f64]) -> f64 {
    let mut at = 0;
    // A way that only leads on has at most as many steps as there are nodes.
    for _ in tree {
        match tree.get(at as usize) {
            Some(Node::Leaf(value)) => return *value,
            Some(Node::Split(feature, threshold, left, right)) => {
                let input = inputs.get(*feature as usize).copied().unwrap_or(0.0);
                at = if single(input) <= *threshold { *left } else { *right };
            }
            None => break,
        }
    }
    0.0
}

/// As a 32-bit float has it, because the libraries that train trees compare those.
#[expect(clippy::cast_possible_truncation, reason = "rounding to a 32-bit float is what is wanted")]
fn single(number: f64) -> f64 {
    f64::from(number as f32)
}

impl Input {
    fn number(&self, context: &Context<'_>) -> Result<f64, Truth> {
        match self {
            Self::Attribute(path) => Ok(match context.attribute(path)? {
                Value::Number(number) => *number,
                Value::Bool(true) => 1.0,
                _ => 0.0,
            }),
            Self::History(tracked, window, measure) => {
                let history = context.visitor.history.as_ref().ok_or(Truth::Unknown)?;
                Ok(history.ask(context.program.tracked(*tracked)?, *window, *measure, context.now))
            }
        }
    }
}

fn exp(power: f64) -> f64 {
    exp2(power * LOG2_E)
}
