//! Scores, compiled: numbers about a visitor.

use crate::code::Section;
use crate::codec::{Reader, Wire, wire_enum, wire_parts, wire_struct};
use crate::condition::{self, Condition, Context, Truth, asked};
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

wire_parts!(Score {
    0 => Unsupported,
    1 => Affinity(tracked),
    2 => Engagement(tracked, fit, scale),
    3 => Model(model),
});
wire_struct!(Model { inputs, bias, weights, trees });
wire_enum!(Input { 0 => Attribute(path), 1 => History(tracked, window, measure) });
wire_enum!(Node { 0 => Leaf(value), 1 => Split(feature, threshold, left, right) });
wire_enum!(Ask { 0 => Value, 1 => Of(name), 2 => Top });

/// The answer to the question that is next: the score's place, and what is asked of it.
///
/// # Errors
/// Why there is none.
pub(crate) fn ask(from: &mut Reader<'_>, context: &Context<'_>) -> Result<Value, Truth> {
    let (at, ask) = (from.index(), Ask::read(from));
    // A score may not ask for scores, which could come back to itself.
    if context.in_score {
        return Err(Truth::Unsupported);
    }
    let context = &Context { in_score: true, ..*context };
    let mut score = context.code.entry(Section::Scores, at);
    let mut score = score.part();
    match score.byte() {
        1 => affinity(&mut score, &ask, context),
        2 => {
            let mut raw = 0.0;
            for _ in 0..score.length() {
                let (values, left) = meter(&mut score, context)?;
                raw += values.first().map_or(0.0, |(_, points)| points * left);
            }
            for _ in 0..score.length() {
                let (holds, points) = (condition::holds(&mut score, context), f64::read(&mut score));
                match holds {
                    Truth::True => raw += points,
                    Truth::False => {}
                    unknown => return Err(unknown),
                }
            }
            let scale = f64::read(&mut score);
            Ok(Value::Number(1.0 + (49.0 * (1.0 - exp(-raw.max(0.0) / scale)) + 0.5).floor()))
        }
        3 => probability(&mut score, context).map(Value::Number),
        _ => Err(Truth::Unsupported),
    }
}

/// The number or name that is asked of interests.
fn affinity(score: &mut Reader<'_>, ask: &Ask, context: &Context<'_>) -> Result<Value, Truth> {
    let (values, left) = meter(score, context)?;
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

/// What a meter showed last, and the part of it that is left.
type Shown<'a> = (&'a [(String, f64)], f64);

fn meter<'a>(score: &mut Reader<'_>, context: &Context<'a>) -> Result<Shown<'a>, Truth> {
    let tracked = score.index();
    let history = context.visitor.facts.history.as_ref().ok_or(Truth::Unknown)?;
    Ok(history.values(&context.code.tracked(tracked)?, context.now))
}

/// The probability that a model gives.
fn probability(model: &mut Reader<'_>, context: &Context<'_>) -> Result<f64, Truth> {
    let mut inputs = Vec::new();
    for _ in 0..model.length() {
        inputs.push(match model.byte() {
            0 => match context.attribute(model)? {
                Value::Number(number) => *number,
                Value::Bool(true) => 1.0,
                _ => 0.0,
            },
            _ => asked(model, context)?,
        });
    }
    let mut sum = f64::read(model);
    let mut inputs_left = inputs.iter();
    for _ in 0..model.length() {
        let weight = f64::read(model);
        sum += inputs_left.next().map_or(0.0, |input| weight * input);
    }
    for _ in 0..model.length() {
        sum += leaf(&Vec::read(model), &inputs);
    }
    Ok(1.0 / (1.0 + exp(-sum)))
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

fn exp(power: f64) -> f64 {
    exp2(power * LOG2_E)
}
