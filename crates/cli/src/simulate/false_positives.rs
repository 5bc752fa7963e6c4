//! How often an experiment with nothing to find finds something, with the hash of this very config.

use crate::random::Random;
use serde::Serialize;
use splitlight_engine::{Facts, Program, Visitor, compile, decide};
use splitlight_protocol::Timestamp;
use splitlight_protocol::config::{Config, Experiment, UNIT};
use splitlight_stats::{Kind, Method, Moments, compare};

/// Visitors who take part in a run, about.
const VISITORS: f64 = 1000.0;

/// Draws for a run; an experiment that few take part in has smaller runs.
const DRAWS_MAX: f64 = 20_000.0;

/// The share of visitors who convert, whatever they saw.
const CONVERSION: f64 = 0.2;

/// How often a run is looked at while it grows.
const LOOKS: usize = 10;

/// What came of running an experiment without a difference again and again, each time with other visitors.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct FalsePositives {
    pub(super) runs: u32,
    /// Visitors who took part in a run, on average.
    pub(super) visitors: u64,
    /// The rate that the confidence of the config allows.
    pub(super) allowed: f64,
    /// The classical test, looked at once, at the end.
    pub(super) fixed: Rate,
    /// The test that decides, looked at again and again.
    pub(super) always_valid: Rate,
}

/// A share of the runs.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Rate {
    pub(super) rate: f64,
    pub(super) standard_error: f64,
}

/// Runs an experiment `runs` times; `None` when nobody takes part or there are no runs.
pub(super) fn measure(
    config: &Config,
    experiment: &Experiment,
    runs: u32,
    random: &mut Random,
) -> Option<FalsePositives> {
    let program = alone(config, experiment);
    let pilot = (0..2000).filter(|_| assigned(&program, random).is_some()).count() as f64 / 2000.0;
    if pilot <= 0.0 || runs == 0 {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "bounded by DRAWS_MAX")]
    let draws = (VISITORS / pilot).min(DRAWS_MAX) as usize;
    let variations = experiment.variations.len();
    // The plan of a comparison is for its two variations.
    let planned = (draws as f64 * pilot * 2.0 / variations as f64).max(2.0);
    let confidence = experiment.analysis.confidence;
    let run = Run { program: &program, variations, draws, planned, confidence };
    let (mut fixed, mut always_valid, mut visitors) = (0_u32, 0_u32, 0_u64);
    for _ in 0..runs {
        let outcome = run.once(random);
        fixed += u32::from(outcome.fixed);
        always_valid += u32::from(outcome.always_valid);
        visitors += outcome.visitors;
    }
    let rate = |found: u32| {
        let rate = f64::from(found) / f64::from(runs);
        Rate { rate, standard_error: (rate * (1.0 - rate) / f64::from(runs)).sqrt() }
    };
    Some(FalsePositives {
        runs,
        visitors: visitors / u64::from(runs),
        // Without the rounding of the subtraction.
        allowed: ((1.0 - confidence) * 1e9).round() / 1e9,
        fixed: rate(fixed),
        always_valid: rate(always_valid),
    })
}

/// The experiment as it hashes, without what else decides who takes part.
fn alone(config: &Config, experiment: &Experiment) -> Program {
    let mut experiment = experiment.clone();
    UNIT.clone_into(&mut experiment.unit);
    experiment.fallback_unit = None;
    for filter in &mut experiment.filters {
        filter.unit = None;
    }
    experiment.contexts.clear();
    experiment.prerequisites.clear();
    experiment.pages.clear();
    (experiment.when, experiment.start, experiment.end) = (None, None, None);
    let mut holdouts = config.holdouts.clone();
    for holdout in &mut holdouts {
        UNIT.clone_into(&mut holdout.unit);
    }
    let timezone = config.timezone.clone();
    compile(&Config { timezone, experiments: vec![experiment], holdouts, ..Config::default() }).program
}

/// The variation of a new visitor who takes part.
fn assigned(program: &Program, random: &mut Random) -> Option<usize> {
    let visitor = Visitor::new(Facts { id: Some(random.id()), ..Facts::default() });
    let decisions = decide(program, &visitor, Timestamp::default());
    let (_, decision) = decisions.iter(program).next()?;
    decision.reason.is_open().then_some(decision.variation)
}

struct Run<'a> {
    program: &'a Program,
    variations: usize,
    draws: usize,
    planned: f64,
    confidence: f64,
}

/// What a run found, though there is nothing to find.
struct Outcome {
    fixed: bool,
    always_valid: bool,
    visitors: u64,
}

impl Run<'_> {
    fn once(&self, random: &mut Random) -> Outcome {
        let mut counts = vec![(0_u32, 0_u32); self.variations];
        let mut outcome = Outcome { fixed: false, always_valid: false, visitors: 0 };
        for look in 1..=LOOKS {
            for _ in self.draws * (look - 1) / LOOKS..self.draws * look / LOOKS {
                let converts = random.share() < CONVERSION;
                if let Some(counts) = assigned(self.program, random).and_then(|at| counts.get_mut(at)) {
                    counts.0 += 1;
                    counts.1 += u32::from(converts);
                    outcome.visitors += 1;
                }
            }
            let planned_total = self.planned;
            outcome.always_valid |= self.finds(&counts, Method::AlwaysValid { planned_total });
        }
        // The first variation only, so that every run is one chance to be wrong.
        outcome.fixed = self.finds(&counts, Method::Welch);
        outcome
    }

    /// Whether the comparison of the first variation with control finds a difference.
    fn finds(&self, counts: &[(u32, u32)], method: Method<'_>) -> bool {
        let moments =
            |at: usize| counts.get(at).map(|(n, sum)| Moments::conversions((*n).into(), (*sum).into()));
        let (Some(control), Some(variation)) = (moments(0), moments(1)) else { return false };
        let result = compare(&control, &variation, Kind::Proportion, method, self.confidence);
        result.is_ok_and(|comparison| comparison.p_value < 1.0 - self.confidence)
    }
}
