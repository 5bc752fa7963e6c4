//! Negations, which also hold for visitors who lack the attribute.

use super::{rules, running};
use crate::attributes::from_page;
use crate::compile::{Compiler, build};
use crate::condition::find;
use crate::condition::{Context, Truth};
use crate::history::History;
use crate::program::Program;
use crate::visitor::{Facts, Visitor};
use splitlight_protocol::config::{Config, Status};
use splitlight_protocol::limits::CONDITION_DEPTH_MAX;
use splitlight_protocol::{Code, Issue, Map, Timestamp, Value};
use std::collections::BTreeMap;

/// Looks at the conditions of everything that runs, and of all audiences.
pub(super) fn conditions(config: &Config, issues: &mut Vec<Issue>) {
    let (mut program, compiler) = build(config);
    // A condition on the session is what makes a device remember it.
    (program.code.asks_sessions, program.code.asks_touches) = (true, true);
    let page = from_page("https://shop.test/", "", "Mozilla/5.0", "en");
    let mut history = History::default();
    history.visit(&program, "https://shop.test/", "", Timestamp::default());
    let anybody = Visitor::new(Facts { attributes: page, history: Some(history), ..Facts::default() });
    let nobody = Visitor::new(Facts::default());
    let (negated, found) = (BTreeMap::new(), Vec::new());
    let mut looking = Looking { config, program: &program, compiler, nobody, anybody, negated, found };
    for (at, audience) in config.audiences.iter().enumerate() {
        looking.when(&format!("/audiences/{at}/when"), audience.when.as_ref());
    }
    for running in running(config) {
        looking.when(&format!("{}/when", running.base), running.experiment.when.as_ref());
        for (at, context) in running.experiment.contexts.iter().enumerate() {
            looking.when(&format!("{}/contexts/{at}/when", running.base), Some(&context.when));
        }
    }
    for (at, rule) in config.personalizations.iter().enumerate() {
        if rule.status == Status::Running {
            looking.when(&format!("/personalizations/{at}/when"), rule.when.as_ref());
        }
    }
    for (base, rule) in rules(config) {
        looking.when(&format!("{base}/when"), rule.when.as_ref());
    }
    issues.extend(looking.found.into_iter().map(|(pointer, path)| {
        let reason = format!("also holds for visitors without `{path}`");
        let fix = format!("add {{ \"{path}\": {{ \"$exists\": true }} }} if they are not meant");
        Issue::warning(pointer, reason, fix).coded(Code::MissingAttribute)
    }));
}

struct Looking<'c, 'l> {
    config: &'c Config,
    program: &'l Program,
    compiler: Compiler<'c>,
    /// Who has no attribute at all.
    nobody: Visitor,
    /// Who has what every visitor has on a page.
    anybody: Visitor,
    /// Paths that a negated audience holds without, by the audience's key.
    negated: BTreeMap<&'c str, Vec<&'c str>>,
    /// Pointers to negations, and the paths they hold without.
    found: Vec<(String, &'c str)>,
}

/// Attributes that are known to be there where a part of a condition is tried: other parts ask for them.
type Guards<'c> = Vec<&'c str>;

impl<'c> Looking<'c, '_> {
    fn when(&mut self, pointer: &str, when: Option<&'c Value>) {
        if let Some(Value::Object(members)) = when {
            self.members(pointer, members, false, &Guards::new(), 0);
        }
    }

    /// All members have to hold; under a negation, one that does not is enough, so they guard each other only without.
    fn members(&mut self, pointer: &str, members: &'c Map, negated: bool, outer: &Guards<'c>, depth: usize) {
        if depth > CONDITION_DEPTH_MAX {
            return;
        }
        let mut guards = outer.clone();
        if !negated {
            self.guard(members, &mut guards, depth);
        }
        for (name, value) in members.iter() {
            let here = format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1"));
            match (name, value) {
                ("$and" | "$or" | "$nor", Value::Array(items)) => {
                    for (at, item) in items.iter().enumerate() {
                        let Value::Object(members) = item else { continue };
                        // `$nor` is the negation of `$or`.
                        let negated = negated != (name == "$nor");
                        self.members(&format!("{here}/{at}"), members, negated, &guards, depth + 1);
                    }
                }
                ("$not", Value::Object(members)) => {
                    self.members(&here, members, !negated, &guards, depth + 1);
                }
                ("$audience", Value::String(key)) if negated => self.audience(&here, key, &guards),
                _ if name.starts_with('$') => {}
                (path, test) => self.attribute(&here, path, test, negated, &guards),
            }
        }
    }

    /// A negated audience holds for everybody who lacks what it asks about. The audience itself is fine; what is odd is
    /// its negation, which is here.
    fn audience(&mut self, pointer: &str, key: &'c str, guards: &Guards<'c>) {
        if !self.negated.contains_key(key) {
            // Each is looked at once; one that refers to itself meets this while it is.
            self.negated.insert(key, Vec::new());
            let around = core::mem::take(&mut self.found);
            let audience = self.config.audiences.iter().find(|audience| audience.key == key);
            if let Some(path) = audience.and_then(|audience| audience.attribute.as_deref()) {
                self.say("", path, &Guards::new());
            }
            if let Some(Value::Object(members)) = audience.and_then(|audience| audience.when.as_ref()) {
                self.members("", members, true, &Guards::new(), 0);
            }
            let inside = core::mem::replace(&mut self.found, around);
            self.negated.insert(key, inside.into_iter().map(|(_, path)| path).collect());
        }
        let paths = self.negated.get(key).into_iter().flatten();
        if let Some(path) = paths.copied().find(|path| !guards.contains(path)) {
            self.say(pointer, path, guards);
        }
    }

    fn attribute(&mut self, pointer: &str, path: &'c str, test: &Value, negated: bool, guards: &Guards<'c>) {
        let passes = if negated { Truth::False } else { Truth::True };
        if self.without(path, test) == passes && !is_about_absence(test) {
            self.say(pointer, path, guards);
        }
    }

    fn say(&mut self, pointer: &str, path: &'c str, guards: &Guards<'c>) {
        let names: Vec<String> = path.split('.').map(str::to_owned).collect();
        if find(self.anybody.attributes(), &names).is_none() && !guards.contains(&path) {
            self.found.push((pointer.to_owned(), path));
        }
    }

    /// The attributes that members ask for, so that who lacks one is out already.
    fn guard(&mut self, members: &'c Map, guards: &mut Guards<'c>, depth: usize) {
        for (name, value) in members.iter() {
            match (name, value) {
                ("$and", Value::Array(items)) if depth < CONDITION_DEPTH_MAX => {
                    for item in items {
                        if let Value::Object(members) = item {
                            self.guard(members, guards, depth + 1);
                        }
                    }
                }
                _ if name.starts_with('$') => {}
                (path, test) if self.without(path, test) == Truth::False => guards.push(path),
                _ => {}
            }
        }
    }

    /// Whether a test holds for who lacks the attribute, as the engine itself says.
    fn without(&mut self, path: &str, test: &Value) -> Truth {
        let alone = Value::Object(Map::from_iter([(path.to_owned(), test.clone())]));
        let context = Context::new(self.program, &self.nobody, Timestamp::default());
        self.compiler.when("", Some(&alone)).holds(&context)
    }
}

/// Whether the test says itself what it thinks of a missing value: it asks for existence or for `null`.
fn is_about_absence(test: &Value) -> bool {
    let Value::Object(operators) = test else { return *test == Value::Null };
    operators.iter().any(|(name, value)| match (name, value) {
        ("$exists", _) | ("$eq" | "$ne", Value::Null) => true,
        ("$in" | "$nin" | "$ini" | "$nini", Value::Array(items)) => items.contains(&Value::Null),
        ("$type", Value::String(kind)) => kind == "null",
        ("$not", inner) => is_about_absence(inner),
        _ => false,
    })
}
