//! What a simulation says.

use super::false_positives::{FalsePositives, Rate, measure};
use super::tally::{Counts, Tally};
use crate::config::Read;
use crate::random::Random;
use crate::table;
use serde::Serialize;
use splitlight_engine::{Item, ItemKind};
use splitlight_protocol::config::{Config, Experiment};
use splitlight_stats::sample_ratio;
use std::collections::BTreeMap;

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Report<'a> {
    /// Gives the same simulation again.
    seed: u64,
    visitors: u64,
    views: u64,
    experiments: Vec<Split<'a>>,
    slots: Vec<Slot<'a>>,
}

/// How an experiment divides those who take part.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Split<'a> {
    key: &'a str,
    /// Visitors who take part.
    visitors: u64,
    variations: Vec<Variation<'a>>,
    /// Chance of a split at least as uneven when the config's shares hold; missing when parts of the audience have
    /// shares of their own.
    #[serde(skip_serializing_if = "Option::is_none")]
    sample_ratio: Option<Ratio>,
    /// Visitors who do not take part, by the gate that was closed.
    closed: &'a BTreeMap<&'static str, u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    false_positives: Option<FalsePositives>,
}

#[derive(Debug, Serialize)]
struct Variation<'a> {
    key: &'a str,
    visitors: u64,
    /// Of those who take part.
    share: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    expected: Option<f64>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Ratio {
    p_value: f64,
    /// Whether the split is not what the config says.
    mismatch: bool,
}

/// Who fills a slot.
#[derive(Debug, Serialize)]
struct Slot<'a> {
    key: &'a str,
    /// Views in which a rule filled it.
    filled: u64,
    /// Views in which more than one rule would have.
    contested: u64,
    rules: Vec<Rule<'a>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Rule<'a> {
    key: &'a str,
    /// Views in which it filled the slot.
    won: u64,
    /// Of these, views that keep the original page, so that the rule can be measured.
    held_out: u64,
    /// Views in which it would have and another rule went first.
    lost: u64,
    lost_to: BTreeMap<&'a str, u64>,
}

impl<'a> Report<'a> {
    pub(super) fn new(read: &'a Read, tally: &'a Tally, seed: u64, runs: u32, random: &mut Random) -> Self {
        let items: Vec<(&Item, &Counts)> = read.program.items().iter().zip(&tally.items).collect();
        let experiments = items.iter().filter_map(|(item, counts)| {
            let written =
                experiment(read.config(), item.key()).filter(|_| item.kind() == ItemKind::Experiment)?;
            let false_positives = measure(read.config(), written, runs, random);
            Some(split(item, counts, written, false_positives))
        });
        Self {
            seed,
            visitors: tally.visitors,
            views: tally.views,
            experiments: experiments.collect(),
            slots: slots(read.config(), tally, &items),
        }
    }

    pub(super) fn text(&self) -> String {
        let mut text = format!("{} visitors, {} page views, seed {}\n", self.visitors, self.views, self.seed);
        for split in &self.experiments {
            text.push_str(&split.text(self.visitors));
        }
        for slot in &self.slots {
            text.push_str(&slot.text());
        }
        text
    }
}

impl Split<'_> {
    fn text(&self, all: u64) -> String {
        let closed: Vec<String> =
            self.closed.iter().map(|(reason, visitors)| format!("{reason} {visitors}")).collect();
        let others = if closed.is_empty() { "" } else { "; of the others: " };
        let closed = others.to_owned() + &closed.join(", ");
        let mut text =
            format!("\nexperiment {}: {} of {all} visitors take part{closed}\n", self.key, self.visitors);
        let rows: Vec<[String; 4]> = self
            .variations
            .iter()
            .map(|it| {
                let expected = it.expected.map(|share| format!("expected {}", percent(share)));
                let (share, expected) = (percent(it.share), expected.unwrap_or_default());
                [format!("  {}", it.key), it.visitors.to_string(), share, expected]
            })
            .collect();
        text.push_str(&table::columns(&rows));
        if let Some(ratio) = &self.sample_ratio {
            let verdict = if ratio.mismatch { ": not what the config says" } else { "" };
            text.push_str(
                &["  sample ratio: p = ", &format!("{:.4}", ratio.p_value), verdict, "\n"].concat(),
            );
        }
        if let Some(found) = &self.false_positives {
            text.push_str(&found.text());
        }
        text
    }
}

impl FalsePositives {
    fn text(&self) -> String {
        let rows = [
            ["  A/A, at the end".to_owned(), self.fixed.text(), self.runs()],
            ["  A/A, always valid".to_owned(), self.always_valid.text(), "at any of 10 looks".to_owned()],
        ];
        table::columns(&rows)
    }

    fn runs(&self) -> String {
        let (runs, visitors, allowed) = (self.runs, self.visitors, percent(self.allowed));
        format!("of {runs} runs of {visitors} visitors find a difference, {allowed} may")
    }
}

impl Rate {
    fn text(&self) -> String {
        format!("{:.1} ± {:.1} %", self.rate * 100.0, self.standard_error * 100.0)
    }
}

impl Slot<'_> {
    fn text(&self) -> String {
        let rows: Vec<[String; 4]> = self
            .rules
            .iter()
            .map(|rule| {
                let lost: Vec<String> =
                    rule.lost_to.iter().map(|(key, views)| format!("{views} to {key}")).collect();
                let lost = if lost.is_empty() { String::new() } else { format!(" ({})", lost.join(", ")) };
                [
                    format!("  {}", rule.key),
                    format!("won {}", rule.won),
                    format!("held out {}", rule.held_out),
                    format!("lost {}{lost}", rule.lost),
                ]
            })
            .collect();
        let (filled, contested) = (self.filled, self.contested);
        let head = format!("\nslot {}: filled in {filled} views, contested in {contested}\n", self.key);
        head + &table::columns(&rows)
    }
}

fn split<'a>(
    item: &'a Item,
    counts: &'a Counts,
    written: &Experiment,
    false_positives: Option<FalsePositives>,
) -> Split<'a> {
    let total: u64 = counts.visitors.iter().sum();
    let expected = shares(written);
    let ratio = expected.as_ref().map(|shares| sample_ratio(&counts.visitors, shares));
    let variations = item.variations().iter().zip(&counts.visitors).enumerate();
    let variations = variations.map(|(at, (variation, visitors))| Variation {
        key: &variation.key,
        visitors: *visitors,
        share: if total == 0 { 0.0 } else { *visitors as f64 / total as f64 },
        expected: expected.as_ref().and_then(|shares| shares.get(at)).copied(),
    });
    Split {
        key: item.key(),
        visitors: total,
        variations: variations.collect(),
        sample_ratio: ratio.map(|ratio| Ratio { p_value: ratio.p_value, mismatch: ratio.flagged }),
        closed: &counts.closed,
        false_positives,
    }
}

/// The share of each variation among those who take part, when it is one for everybody.
fn shares(experiment: &Experiment) -> Option<Vec<f64>> {
    if !experiment.contexts.is_empty() {
        return None;
    }
    let Some(ranges) = &experiment.ranges else { return Some(experiment.weights()) };
    let total: f64 = ranges.iter().map(|range| range[1] - range[0]).sum();
    (total > 0.0).then(|| ranges.iter().map(|range| (range[1] - range[0]) / total).collect())
}

/// An experiment of the config, or of a rule of a feature.
fn experiment<'c>(config: &'c Config, key: &str) -> Option<&'c Experiment> {
    let rules = config.features.iter().flat_map(|feature| &feature.rules);
    let runs = rules.filter_map(|rule| rule.run.as_deref());
    config.experiments.iter().chain(runs).find(|experiment| experiment.key == key)
}

fn slots<'a>(config: &'a Config, tally: &Tally, items: &[(&'a Item, &'a Counts)]) -> Vec<Slot<'a>> {
    let mut slots: BTreeMap<u32, Slot<'a>> = BTreeMap::new();
    for (item, counts) in items {
        let ItemKind::Personalization { slot: number } = item.kind() else { continue };
        let written = config.personalizations.iter().find(|rule| rule.key == item.key());
        let key = written.and_then(|rule| rule.slot.as_deref()).unwrap_or(item.key());
        let slot = slots.entry(number).or_insert_with(|| {
            let (filled, contested) =
                tally.slots.get(&number).map_or((0, 0), |slot| (slot.filled, slot.contested));
            Slot { key, filled, contested, rules: Vec::new() }
        });
        let lost_to = counts.lost_to.iter().filter_map(|(at, views)| Some((items.get(*at)?.0.key(), *views)));
        slot.rules.push(Rule {
            key: item.key(),
            won: counts.won,
            held_out: counts.held_out,
            lost: counts.lost_to.values().sum(),
            lost_to: lost_to.collect(),
        });
    }
    slots.into_values().collect()
}

fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}
