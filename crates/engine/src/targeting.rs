//! A condition by itself, for who has no config around it.

use crate::compile::build;
use crate::condition::{Condition, Context, Truth};
use crate::program::Program;
use crate::visitor::{Facts, Visitor};
use splitlight_protocol::config::{Audience, Config};
use splitlight_protocol::{Issue, Map, Timestamp, Value};

/// A condition, compiled with the audiences it may refer to.
///
/// ```
/// use splitlight_engine::Targeting;
/// use splitlight_protocol::{Map, Value};
/// let when: Value = serde_json::from_str(r#"{ "email": { "$regex": "@shop\\.test$" } }"#)?;
/// let (targeting, issues) = Targeting::compile(&when, &[]);
/// assert!(issues.is_empty());
/// let staff = Map::from_iter([("email".to_owned(), Value::from("me@shop.test"))]);
/// assert_eq!(targeting.holds(&staff), Some(true));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Targeting {
    program: Program,
    when: Condition,
}

impl Targeting {
    /// Compiles a condition; the issues say what of it, or of the audiences, is not understood.
    pub fn compile(when: &Value, audiences: &[Audience]) -> (Self, Vec<Issue>) {
        let config = Config { audiences: audiences.to_vec(), ..Config::default() };
        let (program, mut compiler) = build(&config);
        let when = compiler.when("", Some(when));
        (Self { program, when }, compiler.issues().to_vec())
    }

    /// Whether it holds for someone with these attributes; `None` when that depends on what is not understood, or on
    /// a history, which is not given here.
    pub fn holds(&self, attributes: &Map) -> Option<bool> {
        let nobody = Visitor::new(Facts::default());
        let now = Timestamp::from_ms(0);
        let context = Context::new(&self.program, &nobody, now).about(attributes);
        match self.when.holds(&context) {
            Truth::True => Some(true),
            Truth::False => Some(false),
            Truth::Unknown | Truth::Unsupported => None,
        }
    }
}
