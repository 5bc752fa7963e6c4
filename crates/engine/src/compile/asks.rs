//! What the live items ask for, so that nothing else is downloaded or remembered.

use crate::condition::{Condition, Test};
use crate::history::{Meter, Window};
use crate::program::{Program, Tracked};
use crate::score::{Input, Score};
use crate::unit::Unit;

/// Blanks what nothing live refers to, and notes whether anything asks about sessions and how the visitor came.
pub(super) fn keep_asked(program: &mut Program) {
    let mut asked = Asked {
        audiences: vec![false; program.audiences.len()],
        tracked: vec![false; program.tracked.len()],
        scores: vec![false; program.scores.len()],
        sessions: false,
        touches: false,
    };
    asked.everything(program);
    program.code.asks_sessions = asked.sessions;
    program.code.asks_touches = asked.touches;
    // Blank and not removed, because others are referred to by their place.
    for (audience, _) in program.audiences.iter_mut().zip(asked.audiences).filter(|(_, asked)| !asked) {
        *audience = Condition::Never;
    }
    for (tracked, _) in program.tracked.iter_mut().zip(asked.tracked).filter(|(_, asked)| !asked) {
        let (key, event) = (String::new(), String::new());
        *tracked = Tracked { key, event, filter: Vec::new(), days: 0, minutes: false, meter: Meter::None };
    }
    for (score, _) in program.scores.iter_mut().zip(asked.scores).filter(|(_, asked)| !asked) {
        *score = Score::Unsupported;
    }
}

struct Asked {
    audiences: Vec<bool>,
    tracked: Vec<bool>,
    scores: Vec<bool>,
    sessions: bool,
    touches: bool,
}

impl Asked {
    fn everything(&mut self, program: &Program) {
        for item in &program.items {
            self.condition(program, &item.when);
            item.prerequisites.iter().for_each(|prerequisite| self.condition(program, &prerequisite.when));
            item.contexts.iter().for_each(|context| self.condition(program, &context.when));
            for cap in &item.caps {
                self.history(program, cap.tracked, cap.window);
            }
            for change in item.variations.iter().flat_map(|variation| &variation.changes) {
                change.paths().iter().for_each(|path| self.path(path));
            }
        }
        for rule in program.features.iter().flat_map(|feature| &feature.rules) {
            self.condition(program, &rule.when);
            rule.prerequisites.iter().for_each(|prerequisite| self.condition(program, &prerequisite.when));
        }
        for unit in &program.units {
            if let Unit::Attribute(path) = unit {
                self.path(path);
            }
        }
    }

    fn condition(&mut self, program: &Program, condition: &Condition) {
        match condition {
            Condition::All(parts) | Condition::Any(parts) => {
                for part in parts {
                    self.condition(program, part);
                }
            }
            Condition::Not(part) => self.condition(program, part),
            Condition::Attribute(path, test) => {
                self.path(path);
                self.test(program, test);
            }
            Condition::Audience(at) => {
                let at = *at as usize;
                if let (Some(false), Some(audience)) = (self.audiences.get(at), program.audiences.get(at)) {
                    self.audiences[at] = true;
                    self.condition(program, audience);
                }
            }
            Condition::History { tracked, window, .. } => self.history(program, *tracked, *window),
            Condition::Score(at, ..) => self.score(program, *at as usize),
            Condition::Unsupported | Condition::Never | Condition::Near(_) | Condition::Local(_) => {}
        }
    }

    /// Conditions within tests may refer to audiences.
    fn test(&mut self, program: &Program, test: &Test) {
        match test {
            Test::All(tests) | Test::Any(tests) => tests.iter().for_each(|test| self.test(program, test)),
            Test::Not(test) | Test::Member(test) | Test::Element(test) | Test::Size(test) => {
                self.test(program, test);
            }
            Test::Fields(condition) => self.condition(program, condition),
            _ => {}
        }
    }

    fn score(&mut self, program: &Program, at: usize) {
        let (Some(asked), Some(score)) = (self.scores.get_mut(at), program.scores.get(at)) else { return };
        if core::mem::replace(asked, true) {
            return;
        }
        match score {
            Score::Unsupported => {}
            Score::Affinity(tracked) => {
                self.sessions = true;
                self.history(program, *tracked, Window::Days(0));
            }
            Score::Engagement(tracked, fit, _) => {
                for tracked in tracked {
                    self.history(program, *tracked, Window::Days(0));
                }
                for (when, _) in fit {
                    self.condition(program, when);
                }
            }
            Score::Model(model) => {
                for input in &model.inputs {
                    match input {
                        Input::Attribute(path) => self.path(path),
                        Input::History(tracked, window, _) => self.history(program, *tracked, *window),
                    }
                }
            }
        }
    }

    fn history(&mut self, program: &Program, tracked: u32, window: Window) {
        self.sessions |= window == Window::Session;
        let at = tracked as usize;
        if let (Some(asked), Some(tracked)) = (self.tracked.get_mut(at), program.tracked.get(at))
            && !core::mem::replace(asked, true)
        {
            tracked.filter.iter().for_each(|(_, test)| self.test(program, test));
        }
    }

    fn path(&mut self, path: &[String]) {
        match path.first().map(String::as_str) {
            Some("session") => self.sessions = true,
            Some("firstTouch" | "lastTouch") => {
                self.sessions = true;
                self.touches = true;
            }
            _ => {}
        }
    }
}

/// Whether a condition asks for a score, also through audiences.
pub(super) fn asks_score(condition: &Condition, audiences: &[Condition]) -> bool {
    let test = |test: &Test| test_asks_score(test, audiences);
    match condition {
        Condition::All(parts) | Condition::Any(parts) => parts.iter().any(|part| asks_score(part, audiences)),
        Condition::Not(part) => asks_score(part, audiences),
        Condition::Attribute(_, it) | Condition::History { test: it, .. } => test(it),
        Condition::Audience(at) => {
            audiences.get(*at as usize).is_some_and(|audience| asks_score(audience, audiences))
        }
        Condition::Score(..) => true,
        Condition::Unsupported | Condition::Never | Condition::Near(_) | Condition::Local(_) => false,
    }
}

fn test_asks_score(test: &Test, audiences: &[Condition]) -> bool {
    match test {
        Test::All(tests) | Test::Any(tests) => tests.iter().any(|test| test_asks_score(test, audiences)),
        Test::Not(test) | Test::Member(test) | Test::Element(test) | Test::Size(test) => {
            test_asks_score(test, audiences)
        }
        Test::Fields(condition) => asks_score(condition, audiences),
        _ => false,
    }
}
