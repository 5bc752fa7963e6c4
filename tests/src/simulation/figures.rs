//! The figures of the documentation, from what was simulated.

use super::chart::Chart;
use super::{LOOKS, Method, Outcome, Scenario};

/// Width and height of one panel, and the room around it.
const PANEL: (f64, f64) = (300.0, 170.0);
const MARGIN: (f64, f64) = (52.0, 46.0);

/// The largest share that the curves show.
const SHARE_MAX: f64 = 0.7;

/// What was simulated of one scenario: without an effect, with one, and with several to be covered.
pub struct Simulated {
    /// The scenario.
    pub scenario: Scenario,
    /// Without an effect.
    pub null: Outcome,
    /// With the effect that one look would find in four of five experiments.
    pub effect: Outcome,
    /// True lifts, and what happened with each.
    pub covered: Vec<(f64, Outcome)>,
}

/// File names and drawings.
pub fn figures(simulated: &[Simulated]) -> Vec<(&'static str, String)> {
    vec![
        ("false-positives.svg", false_positives(simulated)),
        ("power.svg", power(simulated)),
        ("coverage.svg", coverage(simulated)),
    ]
}

/// How often "significant" was ever said without an effect, look by look.
fn false_positives(simulated: &[Simulated]) -> String {
    let (width, height) = (2.0 * (PANEL.0 + MARGIN.0) + 36.0, 2.0 * (PANEL.1 + MARGIN.1) + 40.0);
    let mut chart =
        Chart::new(width, height, "Experiments without an effect that were ever called significant");
    for (index, one) in simulated.iter().enumerate() {
        let left = MARGIN.0 + (index % 2) as f64 * (PANEL.0 + MARGIN.0);
        let top = 24.0 + (index / 2) as f64 * (PANEL.1 + MARGIN.1);
        let x = |look: usize| left + PANEL.0 * look as f64 / LOOKS as f64;
        let y = |share: f64| top + PANEL.1 * (1.0 - share / SHARE_MAX);
        chart.text(left, top - 8.0, "t", "start", one.scenario.name);
        for percent in [0, 20, 40, 60] {
            let at = y(f64::from(percent) / 100.0);
            chart.line("g", (left, at), (left + PANEL.0, at));
            chart.text(left - 6.0, at + 4.0, "", "end", &format!("{percent} %"));
        }
        chart.line("m", (left, y(0.05)), (left + PANEL.0, y(0.05)));
        chart.text(left + PANEL.0 + 4.0, y(0.05) + 4.0, "", "start", "5 %");
        for (place, method) in Method::ALL.iter().enumerate() {
            if *method == Method::FixedOnce {
                continue;
            }
            let curve = one.null.curve(*method);
            let points = curve.iter().enumerate().map(|(look, share)| (x(look + 1), y(*share)));
            chart.path(&format!("c{place}"), points.step_by(3));
        }
        chart.text(left + PANEL.0, top + PANEL.1 + 15.0, "", "end", "100 looks");
    }
    legend(&mut chart, height - 12.0, |method| method != Method::FixedOnce);
    chart.svg()
}

/// The names of the methods in their colors, in two lines.
fn legend(chart: &mut Chart, bottom: f64, shown: impl Fn(Method) -> bool) {
    let shown = Method::ALL.iter().enumerate().filter(|(_, method)| shown(**method));
    for (index, (place, method)) in shown.enumerate() {
        let (x, y) = (MARGIN.0 + (index % 3) as f64 * 215.0, bottom - 18.0 + (index / 3) as f64 * 18.0);
        chart.dot(&format!("c{place}"), x, y - 4.0);
        chart.text(x + 9.0, y, "", "start", method.name());
    }
}

/// How often an effect was found, by method and scenario.
fn power(simulated: &[Simulated]) -> String {
    let rows = [Method::FixedOnce, Method::GroupSequential, Method::AlwaysValid, Method::DeltaSequential];
    let all: Vec<(&str, Vec<f64>)> = simulated
        .iter()
        .map(|one| (one.scenario.name, rows.iter().map(|method| one.effect.ever(*method)).collect()))
        .collect();
    let classes: Vec<(String, &str)> = rows
        .iter()
        .map(|method| {
            let place = Method::ALL.iter().position(|other| other == method).unwrap_or(0);
            (format!("c{place}"), method.name())
        })
        .collect();
    dots("Experiments whose effect was found within 100 looks", &all, &classes, (0.0, 1.0, 5), None)
}

/// How often the interval of the lift held the true lift at all looks.
fn coverage(simulated: &[Simulated]) -> String {
    let all: Vec<(&str, Vec<f64>)> = simulated
        .iter()
        .map(|one| (one.scenario.name, one.covered.iter().map(|(_, outcome)| outcome.coverage()).collect()))
        .collect();
    let lifts = simulated.first().map(|one| one.covered.as_slice()).unwrap_or_default();
    let names: Vec<String> = lifts
        .iter()
        .map(|(lift, _)| {
            if *lift == 0.0 { "no true lift".to_owned() } else { format!("true lift {:+.0} %", 100.0 * lift) }
        })
        .collect();
    let places = [2, 3, 1, 0];
    let classes: Vec<(String, &str)> =
        names.iter().enumerate().map(|(i, name)| (format!("c{}", places[i % 4]), name.as_str())).collect();
    let title = "Experiments whose lift interval held the true lift at all 100 looks";
    dots(title, &all, &classes, (0.94, 1.0, 6), Some(0.95))
}

/// A row of dots for each scenario on a common scale.
fn dots(
    title: &str,
    rows: &[(&str, Vec<f64>)],
    classes: &[(String, &str)],
    (low, high, ticks): (f64, f64, u32),
    mark: Option<f64>,
) -> String {
    let (left, right, step) = (210.0, 34.0, 30.0);
    let bottom = 34.0 + step * rows.len() as f64;
    let width = 2.0 * (PANEL.0 + MARGIN.0) + 16.0;
    let mut chart = Chart::new(width, bottom + 62.0, title);
    chart.text(14.0, 18.0, "t", "start", title);
    let x = |share: f64| left + (width - left - right) * (share - low) / (high - low);
    for tick in 0..=ticks {
        let share = low + (high - low) * f64::from(tick) / f64::from(ticks);
        chart.line("g", (x(share), 32.0), (x(share), bottom));
        chart.text(x(share), bottom + 15.0, "", "middle", &format!("{:.0} %", 100.0 * share));
    }
    if let Some(mark) = mark {
        chart.line("m", (x(mark), 32.0), (x(mark), bottom));
    }
    for (index, (name, shares)) in rows.iter().enumerate() {
        let y = 48.0 + step * index as f64;
        chart.text(14.0, y + 4.0, "", "start", name);
        chart.line("g", (left, y), (width - right, y));
        for (share, (class, _)) in shares.iter().zip(classes) {
            chart.dot(class, x(share.clamp(low, high)), y);
        }
    }
    let mut from = 14.0;
    for (class, name) in classes {
        let y = bottom + 44.0;
        chart.dot(class, from + 4.0, y - 4.0);
        chart.text(from + 13.0, y, "", "start", name);
        // About the width of the words and some room.
        from += 34.0 + 6.4 * name.chars().count() as f64;
    }
    chart.svg()
}
