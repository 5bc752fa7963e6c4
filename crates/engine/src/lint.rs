//! Finds what a config may say but hardly means: rules that never win, variations nobody gets, layers that overlap.

mod layer;
mod missing;
mod sample;
mod schedule;
mod share;
mod slot;

use crate::compile::window;
use splitlight_protocol::config::{Config, Experiment, Rule, Status};
use splitlight_protocol::{Code, Issue, Timestamp};

/// What a config is judged by, beside itself.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Setting {
    /// The moment at which a schedule is over or not.
    pub now: Timestamp,
    /// How many visitors the site has a day, where that is known: nothing is said about sample sizes without it.
    pub visitors_per_day: Option<f64>,
}

/// What a config says that its author hardly means, as warnings whose pointers index the config as given.
///
/// What keeps an item from running is for [`compile`](crate::compile()) to say; this looks at running items only.
///
/// ```
/// use splitlight_engine::{Setting, lint};
/// use splitlight_protocol::Code;
/// let parsed = splitlight_protocol::config::parse(r##"{ "version": 1, "project": "shop", "personalizations": [
///   { "key": "all", "slot": "hero", "changes": [{ "selector": "h1", "text": "Hi" }] },
///   { "key": "late", "slot": "hero", "priority": 1, "changes": [{ "selector": "h1", "text": "Ho" }] }] }"##);
/// let issues = lint(&parsed.config, &Setting::default());
/// assert_eq!(issues.len(), 1);
/// assert_eq!((issues[0].code, &*issues[0].pointer), (Code::SlotNeverWon, "/personalizations/1"));
/// ```
pub fn lint(config: &Config, setting: &Setting) -> Vec<Issue> {
    let experiments = running(config);
    let mut issues = Vec::new();
    for running in &experiments {
        share::experiment(running, &mut issues);
        schedule::experiment(running, setting, &mut issues);
        sample::experiment(config, running, setting, &mut issues);
        if running.experiment.metrics.primary.is_none() {
            let fix = "name the metric that decides before the experiment starts";
            let pointer = format!("{}/metrics/primary", running.base);
            let issue = Issue::warning(pointer, "no metric decides this experiment", fix);
            issues.push(issue.coded(Code::NoPrimaryMetric));
        }
    }
    layer::layers(&experiments, &mut issues);
    share::rules(config, &mut issues);
    share::holdouts(config, &mut issues);
    schedule::rules(config, setting, &mut issues);
    slot::personalizations(config, setting, &mut issues);
    missing::conditions(config, &mut issues);
    issues
}

/// A running experiment, wherever it is written.
struct Running<'c> {
    /// Pointer to it.
    base: String,
    experiment: &'c Experiment,
    window: Window,
}

/// First moment, inclusive, and last moment, exclusive, as numbers that can be compared: no bound is an infinite one.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Window {
    from: Timestamp,
    until: Timestamp,
}

impl Window {
    const ALWAYS: Self = Self { from: Timestamp::from_ms(i64::MIN), until: Timestamp::from_ms(i64::MAX) };

    /// The window as written; one that is not understood is for `compile` to say, and no other rule looks at it.
    fn read(config: &Config, start: Option<&str>, end: Option<&str>) -> Option<Self> {
        let (from, until) = window("", start, end, &config.timezone).ok()?;
        let always = Self::ALWAYS;
        Some(Self { from: from.unwrap_or(always.from), until: until.unwrap_or(always.until) })
    }

    fn meets(self, other: Self) -> bool {
        self.from.max(other.from) < self.until.min(other.until)
    }
}

/// The running experiments of the config, and those that run only in a rule of a feature.
fn running(config: &Config) -> Vec<Running<'_>> {
    let own = config.experiments.iter().enumerate();
    let own = own.map(|(at, experiment)| (format!("/experiments/{at}"), experiment));
    let inner = rules(config).filter_map(|(base, rule)| Some((format!("{base}/run"), rule.run.as_deref()?)));
    let live = own.chain(inner).filter(|(_, experiment)| experiment.status == Status::Running);
    live.filter_map(|(base, experiment)| {
        let window = Window::read(config, experiment.start.as_deref(), experiment.end.as_deref())?;
        Some(Running { base, experiment, window })
    })
    .collect()
}

/// Every rule of every feature, with a pointer to it.
fn rules(config: &Config) -> impl Iterator<Item = (String, &Rule)> {
    config.features.iter().enumerate().flat_map(|(feature, written)| {
        let rules = written.rules.iter().enumerate();
        rules.map(move |(rule, written)| (format!("/features/{feature}/rules/{rule}"), written))
    })
}
