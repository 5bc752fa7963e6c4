//! Config to program: everything that can be decided before a visitor comes is decided here.

mod asks;
mod audience;
mod condition;
mod feature;
mod history;
mod item;
mod place;
pub(crate) mod regex;
mod schedule;
mod score;
mod time;

pub(crate) use schedule::window;
pub use time::utc_offset;

use crate::code::Code;
use crate::condition::Condition;
use crate::program::{Program, Tracked};
use crate::unit::{Holdout, Unit};
use audience::Audiences;
use condition::Scope;
use splitlight_protocol::config::{Config, UNIT, UNIT_USER};
use splitlight_protocol::{Issue, Value};

/// A program and what is wrong with the config it came from.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Compiled {
    /// Every live item that could be understood.
    pub program: Program,
    /// Why others could not; each is left out of the program, which closes it.
    pub issues: Vec<Issue>,
}

/// Compiles a config. Never fails: an item that cannot be understood is left out and listed.
///
/// Pointers of issues index the config as given.
pub fn compile(config: &Config) -> Compiled {
    let (mut program, compiler) = build(config);
    asks::keep_asked(&mut program);
    let slim = program.has_nothing_rare();
    Compiled { program: program.with_code(slim), issues: compiler.issues }
}

/// The program, and the compiler with what it knows, for who has parts of the same config to compile.
pub(crate) fn build(config: &Config) -> (Program, Compiler<'_>) {
    let units = vec![Unit::Visitor];
    let audiences = Audiences::new(&config.audiences);
    let (tracked, used, issues) = (Vec::new(), Vec::new(), Vec::new());
    let mut compiler = Compiler { config, audiences, tracked, used, units, issues };
    compiler.compile_audiences();
    let (mut items, experiments) = compiler.experiments();
    let features = compiler.features(&mut items, &experiments);
    items.extend(compiler.personalizations());
    let holdouts = config.holdouts.iter().map(|holdout| Holdout {
        key: holdout.key.clone(),
        share: holdout.share,
        unit: compiler.unit(&holdout.unit),
    });
    let holdouts = holdouts.collect();
    let scores = compiler.scores();
    let audiences = compiler.audiences.compiled().to_vec();
    let (tracked, units) = (compiler.tracked.clone(), compiler.units.clone());
    let program =
        Program { audiences, tracked, items, features, holdouts, units, scores, code: Code::default() };
    // Who asks it may ask conditions that are not in it.
    (program.with_code(false), compiler)
}

pub(crate) struct Compiler<'a> {
    config: &'a Config,
    audiences: Audiences<'a>,
    tracked: Vec<Tracked>,
    /// The config's scores that are asked for, by their places, in the order of the program.
    used: Vec<usize>,
    units: Vec<Unit>,
    issues: Vec<Issue>,
}

impl<'a> Compiler<'a> {
    /// Also those that nothing refers to, so that their defects are listed.
    fn compile_audiences(&mut self) {
        for at in 0..self.config.audiences.len() {
            self.scope().audience_at(&format!("/audiences/{at}"), at);
        }
    }

    fn scope(&mut self) -> Scope<'_, 'a> {
        Scope {
            audiences: &mut self.audiences,
            tracked: &mut self.tracked,
            scores: &self.config.scores,
            used: &mut self.used,
            timezone: &self.config.timezone,
            issues: &mut self.issues,
        }
    }

    /// The index of a unit in the program.
    fn unit(&mut self, written: &str) -> u32 {
        let unit = match written {
            UNIT => Unit::Visitor,
            UNIT_USER => Unit::User,
            path => Unit::Attribute(path.split('.').map(str::to_owned).collect()),
        };
        let at = self.units.iter().position(|known| *known == unit).unwrap_or_else(|| {
            self.units.push(unit);
            self.units.len() - 1
        });
        index(at)
    }

    /// What could not be compiled so far.
    pub(crate) fn issues(&self) -> &[Issue] {
        &self.issues
    }

    /// The condition written at `<base>/when`.
    pub(crate) fn when(&mut self, base: &str, when: Option<&Value>) -> Condition {
        match when {
            Some(when) => self.scope().condition(&format!("{base}/when"), when),
            None => Condition::everybody(),
        }
    }

    fn window(&mut self, base: &str, start: Option<&str>, end: Option<&str>) -> Option<schedule::Window> {
        schedule::window(base, start, end, &self.config.timezone)
            .map_err(|issue| self.issues.push(issue))
            .ok()
    }
}

/// A position as programs store it; no section of a config has as many items.
fn index(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}
