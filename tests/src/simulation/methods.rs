//! The ways to call an experiment, ours and those that are compared with them.

use super::{LOOKS, Scenario};
use splitlight_stats::always_valid::Plan;
use splitlight_stats::bayes::NormalPosterior;
use splitlight_stats::{
    Alternative, Comparison, Contrast, Direction, Estimate, Measured, Method as Test, Moments, compare,
    group_sequential,
};
use std::sync::LazyLock;

/// The false positive rate of every method.
const ALPHA: f64 = 0.05;

/// Planned looks of the group sequential test.
const PLANNED: usize = 14;

/// A rule that may say "significant".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Ours: the always-valid test of the difference, tightest at the planned end.
    AlwaysValid,
    /// Ours: fourteen planned looks with the spending of O'Brien and Fleming.
    GroupSequential,
    /// Welch's test at the end alone.
    FixedOnce,
    /// Welch's test at every look.
    FixedAlways,
    /// The same confidence sequence on the lift with the delta method's error, tuned to 5,000 visitors.
    DeltaSequential,
    /// Chance to win above 95 % or below 5 %, with a flat prior.
    ChanceToWin,
}

impl Method {
    /// All of them, in the order of the figures.
    pub const ALL: [Self; 6] = [
        Self::AlwaysValid,
        Self::GroupSequential,
        Self::FixedOnce,
        Self::FixedAlways,
        Self::DeltaSequential,
        Self::ChanceToWin,
    ];

    /// How it is called in the figures.
    pub fn name(self) -> &'static str {
        match self {
            Self::AlwaysValid => "always valid (ours)",
            Self::GroupSequential => "14 planned looks (ours)",
            Self::FixedOnce => "t-test, one look",
            Self::FixedAlways => "t-test, every look",
            Self::DeltaSequential => "sequential, delta-method lift",
            Self::ChanceToWin => "chance to win > 95 %",
        }
    }

    /// Whether it calls the experiment at this look.
    pub(super) fn finds(self, scenario: &Scenario, look: &Look) -> bool {
        match self {
            Self::AlwaysValid => look.always_valid.is_some_and(|result| result.p_value < ALPHA),
            Self::GroupSequential => look.planned().is_some_and(|bound| {
                look.difference.is_some_and(|difference| difference.z().is_ok_and(|z| z.abs() >= bound))
            }),
            Self::FixedOnce => look.index + 1 == LOOKS && look.fixed(scenario),
            Self::FixedAlways => look.fixed(scenario),
            Self::DeltaSequential => look.lift.is_some_and(|lift| {
                let test = DELTA.test(&lift, (look.control.n + look.variation.n) as f64);
                test.is_ok_and(|test| test.p_value < ALPHA)
            }),
            Self::ChanceToWin => look.lift.is_some_and(|lift| {
                let chance = NormalPosterior::new(&lift, None)
                    .map_or(0.5, |posterior| posterior.chance_to_win(Direction::Increase));
                !(0.05..=0.95).contains(&chance)
            }),
        }
    }
}

static DELTA: LazyLock<Plan> =
    LazyLock::new(|| Plan::new(ALPHA, 5_000.0, Alternative::TwoSided).expect("a plan"));

static PLANS: LazyLock<group_sequential::Plan> = LazyLock::new(|| {
    let parts: Vec<f64> = (1..=PLANNED).map(|look| (index_of(look) + 1) as f64 / LOOKS as f64).collect();
    let spending = group_sequential::Spending::OBrienFleming;
    group_sequential::Plan::new(ALPHA, spending, &parts, Alternative::TwoSided).expect("a plan")
});

/// Which of the hundred looks a planned one is.
fn index_of(planned: usize) -> usize {
    planned * LOOKS / PLANNED - 1
}

/// What there is to see at one look.
pub(super) struct Look {
    index: usize,
    control: Moments,
    variation: Moments,
    difference: Option<Estimate>,
    lift: Option<Estimate>,
    pub(super) always_valid: Option<Comparison>,
}

impl Look {
    pub(super) fn new(scenario: &Scenario, index: usize, control: &Moments, variation: &Moments) -> Self {
        let kind = scenario.kind();
        let contrast = match (Measured::plain(control, kind), Measured::plain(variation, kind)) {
            (Ok(control), Ok(variation)) => Some(Contrast::between(&control, &variation)),
            _ => None,
        };
        let method = Test::AlwaysValid { planned_total: scenario.planned_total() };
        Self {
            index,
            control: *control,
            variation: *variation,
            difference: contrast.and_then(|contrast| contrast.absolute().ok()).map(|effect| effect.estimate),
            lift: contrast.and_then(|contrast| contrast.relative().ok()).map(|effect| effect.estimate),
            always_valid: compare(control, variation, kind, method, 1.0 - ALPHA).ok(),
        }
    }

    fn fixed(&self, scenario: &Scenario) -> bool {
        compare(&self.control, &self.variation, scenario.kind(), Test::Welch, 1.0 - ALPHA)
            .is_ok_and(|result| result.p_value < ALPHA)
    }

    /// The bound, if a look was planned here.
    fn planned(&self) -> Option<f64> {
        let planned = (1..=PLANNED).position(|planned| index_of(planned) == self.index)?;
        PLANS.looks().get(planned).map(|look| look.bound)
    }
}
