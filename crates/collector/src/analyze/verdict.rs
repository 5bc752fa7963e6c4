//! The verdict in words: `stats` decides, and here it is said so that people can act on it.

use super::subject::Subject;
use splitlight_protocol::config::Config;
use splitlight_protocol::results::{Srm, Verdict, VerdictKind};
use splitlight_stats::LiftInterval;
use splitlight_stats::verdict::{self as stats, Badge, Decision, MetricReading, Reason};

/// A decision and what it is told with.
pub(super) struct Told<'a> {
    pub(super) config: &'a Config,
    pub(super) subject: &'a Subject<'a>,
    pub(super) decision: &'a Decision,
    pub(super) srm: &'a Srm,
    pub(super) users: &'a [u64],
}

impl Told<'_> {
    /// The decision as the API says it.
    pub(super) fn verdict(&self) -> Verdict {
        let (kind, variation) = match &self.decision.verdict {
            stats::Verdict::Continue => (VerdictKind::Continue, None),
            stats::Verdict::Ship { variation } => (VerdictKind::Ship, Some(variation.as_str())),
            stats::Verdict::Stop { variation } => (VerdictKind::Stop, variation.as_deref()),
            stats::Verdict::Inconclusive => (VerdictKind::Inconclusive, None),
        };
        Verdict {
            kind,
            variation: variation.map(str::to_owned),
            code: self.decision.reason.name().to_owned(),
            reason: self.reason(variation.unwrap_or_default()),
        }
    }

    fn reason(&self, variation: &str) -> String {
        let planned = self.subject.sample_size;
        let primary = self.metric(|metric| metric.role == stats::Role::Primary);
        let name = primary.map_or("", |metric| self.name(metric));
        let found = |metric: Option<&MetricReading>| {
            metric.and_then(|metric| self.finding(metric, variation)).unwrap_or_default()
        };
        match self.decision.reason {
            Reason::BrokenSplit => self.broken_split(),
            _ if self.is_alone() => "Every visitor gets the same, so there is nothing to compare with. \
                Set a `holdout` above 0 and below 1 to measure the lift."
                .to_owned(),
            Reason::Winner => format!("{variation} is better than control: {}.", found(primary)),
            Reason::Harm => {
                let harmed = self
                    .metric(|metric| metric.role != stats::Role::Secondary && is_worse(metric, variation));
                format!("{variation} does harm: {}.", found(harmed))
            }
            Reason::NothingToDecide => {
                "There is no primary metric to decide by. Name one in `metrics.primary`.".to_owned()
            }
            Reason::TooEarly => {
                "The plan asks for more days or visitors before anything is decided.".to_owned()
            }
            Reason::Guardrail => format!(
                "{name} is better, but a guardrail is worse, or not yet sure to be within its margin."
            ),
            Reason::NoDifference => format!(
                "All {planned} planned visitors are in, and {name} shows no difference that chance would not explain."
            ),
            Reason::NotYet => {
                let missing = self.decision.visitors_missing;
                let visitors = if missing <= 1.0 { "visitor is" } else { "visitors are" };
                format!(
                    "{missing} of {planned} planned {visitors} missing, and {name} shows no difference yet \
                     that chance would not explain."
                )
            }
        }
    }

    /// A personalization without a holdout.
    fn is_alone(&self) -> bool {
        let weights = self.subject.variations.iter().map(|variation| variation.weight);
        self.subject.is_personalization && weights.into_iter().any(|weight| weight <= 0.0)
    }

    fn metric(&self, is_it: impl Fn(&MetricReading) -> bool) -> Option<&MetricReading> {
        self.decision.metrics.iter().find(|metric| is_it(metric))
    }

    fn name<'n>(&'n self, metric: &'n MetricReading) -> &'n str {
        let written = self.config.metrics.iter().find(|written| written.key == metric.key);
        written.and_then(|written| written.name.as_deref()).unwrap_or(&metric.key)
    }

    fn broken_split(&self) -> String {
        let counts: Vec<String> = self.users.iter().map(u64::to_string).collect();
        let weights: Vec<String> =
            self.subject.variations.iter().map(|variation| percent(variation.weight)).collect();
        format!(
            "Do not trust these numbers: {} visitors do not fit the planned split of {} (p {}). \
             Find out why a variation loses visitors before you read anything else.",
            counts.join(" / "),
            weights.join(" / "),
            p_value(self.srm.p_value.unwrap_or(0.0)),
        )
    }

    /// The lift where there is one, else the difference, with its interval and p-value.
    fn finding(&self, metric: &MetricReading, variation: &str) -> Option<String> {
        let reading = metric.variations.iter().find(|known| known.variation == variation)?;
        let comparison = reading.comparison.as_ref()?;
        let lift = (comparison.lift, comparison.lift_interval);
        let (estimate, low, high) = if let (Some(lift), LiftInterval::Bounded(low, high)) = lift {
            (signed_percent(lift), signed_percent(low), signed_percent(high))
        } else {
            let (low, high) = comparison.difference_interval;
            (signed(comparison.difference), signed(low), signed(high))
        };
        let p_value = p_value(reading.p_value?);
        Some(format!("{} {estimate} ({low} to {high}, p {p_value})", self.name(metric)))
    }
}

fn is_worse(metric: &MetricReading, variation: &str) -> bool {
    metric.variations.iter().any(|reading| reading.variation == variation && reading.badge == Badge::Worse)
}

fn percent(share: f64) -> String {
    format!("{} %", (share * 1000.0).round() / 10.0)
}

fn signed_percent(share: f64) -> String {
    format!("{:+.1} %", share * 100.0)
}

fn signed(number: f64) -> String {
    format!("{number:+.4}")
}

fn p_value(p: f64) -> String {
    if p < 0.0001 { "< 0.0001".to_owned() } else { format!("= {p:.4}") }
}
