//! Sample sizes that the traffic cannot reach before the end.

use super::share::length;
use super::{Running, Setting, Window};
use splitlight_protocol::config::{Config, Experiment};
use splitlight_protocol::time::DAY_MS;
use splitlight_protocol::{Code, Issue};

/// Counts as if every day's visitors were new, everybody were in the audience and nobody left, so that a plan that is
/// called out of reach is.
pub(super) fn experiment(config: &Config, running: &Running<'_>, setting: &Setting, issues: &mut Vec<Issue>) {
    let Some(visitors) = setting.visitors_per_day else { return };
    let Window { from, until } = running.window;
    if until == Window::ALWAYS.until || until <= setting.now {
        return;
    }
    // Who never wrote a start is judged by what is left.
    let from = if from == Window::ALWAYS.from { setting.now } else { from };
    let days = (until.ms().saturating_sub(from.ms())) as f64 / DAY_MS as f64;
    let a_day = visitors * part(config, running.experiment);
    let (reached, planned) = ((a_day * days).floor(), running.experiment.analysis.sample_size);
    if reached >= planned as f64 {
        return;
    }
    let reason = format!(
        "at most {reached} visitors take part in the {} days until the end, {planned} are planned",
        (days * 10.0).round() / 10.0
    );
    let fix = if a_day > 0.0 {
        let needed = (planned as f64 / a_day).ceil();
        format!(
            "let it run for {needed} days, cover more visitors, or plan a smaller sample for a larger effect"
        )
    } else {
        "cover more visitors".to_owned()
    };
    let pointer = format!("{}/analysis/sampleSize", running.base);
    issues.push(Issue::warning(pointer, reason, fix).coded(Code::SampleSize));
}

/// The share of all units that takes part, whoever the audience is.
fn part(config: &Config, experiment: &Experiment) -> f64 {
    let covered = experiment.ranges.as_deref().map_or(experiment.coverage, length);
    let layer = experiment.layer.as_ref().map_or(1.0, |layer| layer.range[1] - layer.range[0]);
    let filters: f64 = experiment.filters.iter().map(|filter| length(&filter.ranges)).product();
    let holdouts = config.holdouts.iter().filter(|holdout| !holdout.except.contains(&experiment.key));
    let spared: f64 = holdouts.map(|holdout| 1.0 - holdout.share).product();
    covered * layer * filters * spared
}
