//! What a config counts: its experiments and personalizations with their variations and metrics.

use serde::{Deserialize, Serialize};
use splitlight_protocol::config::{
    Config, Dimension, Experiment, Measure, Metric, MetricKind, Period, Personalization, Status,
};
use splitlight_protocol::event::PAGE_VIEW;
use splitlight_protocol::time::parse_span;
use splitlight_protocol::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// The variations of a personalization, control first; the engine gives its items the same.
pub(crate) const PERSONALIZATION: [&str; 2] = ["holdout", "shown"];

/// What a config counts: everything that is not a draft, so that late events of a stopped experiment still count.
///
/// A personalization is an experiment with the variations `holdout` and `shown`, and has every metric of the config.
///
/// ```
/// use splitlight_collector::Plan;
/// let config = splitlight_protocol::config::parse(r#"{ "version": 1, "project": "shop" }"#).config;
/// assert_eq!(Plan::from_bytes(&Plan::new(&config).to_bytes()), Some(Plan::new(&config)));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    pub(crate) tests: BTreeMap<String, Test>,
    pub(crate) metrics: Vec<Measured>,
    pub(crate) dimensions: Vec<Dimension>,
    pub(crate) funnels: Vec<Funnel>,
    /// The metrics and periods that some KPI asks for: indexes into the metrics.
    pub(crate) totals: BTreeSet<(Period, u32)>,
    pub(crate) cohorts: bool,
}

/// Something visitors are exposed to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Test {
    /// Keys, control first.
    pub(crate) variations: Vec<String>,
    /// Indexes into the plan's metrics.
    pub(crate) metrics: Vec<u32>,
}

/// Which events are meant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Asked {
    pub(crate) event: String,
    /// Property names and the digests of the wanted values; `None` wants the property to be missing or null.
    pub(crate) filter: Vec<(String, Option<u64>)>,
}

/// A metric, ready to match events.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Measured {
    pub(crate) key: String,
    pub(crate) kind: MetricKind,
    pub(crate) asked: Asked,
    pub(crate) measure: Measure,
    pub(crate) denominator: Option<(Asked, Measure)>,
    pub(crate) delay_ms: i64,
    pub(crate) window_ms: i64,
    pub(crate) lookback_ms: Option<i64>,
    pub(crate) cap: Option<i64>,
    /// Whether the distribution is kept, for a quantile or a cap that is one.
    pub(crate) is_sketched: bool,
}

/// A funnel, ready to match events.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Funnel {
    pub(crate) key: String,
    pub(crate) steps: Vec<Asked>,
    pub(crate) window_ms: i64,
}

impl Plan {
    /// What a config counts.
    pub fn new(config: &Config) -> Self {
        let metrics: Vec<Measured> = config.metrics.iter().map(Measured::new).collect();
        let mut tests = BTreeMap::new();
        for experiment in config.experiments.iter().filter(|e| e.status != Status::Draft) {
            tests.insert(experiment.key.clone(), experiment_test(experiment, &metrics));
        }
        for rule in config.personalizations.iter().filter(|p| p.status != Status::Draft) {
            tests.insert(rule.key.clone(), personalization_test(rule, &metrics));
        }
        let funnels = config.funnels.iter().map(|funnel| Funnel {
            key: funnel.key.clone(),
            steps: funnel.steps.iter().map(|step| Asked::new(&step.event, &step.filter)).collect(),
            window_ms: parse_span(&funnel.window).unwrap_or(0),
        });
        let totals = config.kpis.iter().filter_map(|kpi| {
            let (index, _) = (0_u32..).zip(&metrics).find(|(_, metric)| metric.key == kpi.metric)?;
            Some((kpi.period, index))
        });
        let dimensions: BTreeSet<Dimension> = config.dimensions.iter().copied().collect();
        Self {
            dimensions: dimensions.into_iter().collect(),
            funnels: funnels.collect(),
            totals: totals.collect(),
            cohorts: config.cohorts,
            tests,
            metrics,
        }
    }

    /// The compact form.
    pub fn to_bytes(&self) -> Vec<u8> {
        postcard::to_allocvec(self).unwrap_or_default()
    }

    /// Reads [`Self::to_bytes`]; `None` when the bytes are something else.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        postcard::from_bytes(bytes).ok()
    }

    /// Whether there is such an experiment or personalization.
    pub fn has(&self, key: &str) -> bool {
        self.tests.contains_key(key)
    }

    /// Whether it matters on which days a visitor came.
    pub(crate) fn asks_days(&self) -> bool {
        self.cohorts || !self.totals.is_empty()
    }

    /// Digests of the properties that somebody asks about, or `None` when nobody counts the event.
    pub(crate) fn asked(&self, event: &str, properties: &Map) -> Option<Vec<(String, u64)>> {
        let metrics = self
            .metrics
            .iter()
            .flat_map(|metric| metric.denominator.iter().map(|(asked, _)| asked).chain([&metric.asked]));
        let asking = metrics.chain(self.funnels.iter().flat_map(|funnel| &funnel.steps));
        let mut is_asked = false;
        let mut names: BTreeSet<&String> = BTreeSet::new();
        for asked in asking.filter(|asked| asked.event == event) {
            is_asked = true;
            names.extend(asked.filter.iter().map(|(name, _)| name));
        }
        let kept = names
            .into_iter()
            .filter_map(|name| properties.get(name).and_then(digest).map(|digest| (name.clone(), digest)));
        is_asked.then(|| kept.collect())
    }
}

impl Asked {
    fn new(event: &str, filter: &BTreeMap<String, Value>) -> Self {
        let filter = filter.iter().map(|(name, wanted)| (name.clone(), digest(wanted))).collect();
        Self { event: event.to_owned(), filter }
    }
}

impl Measured {
    fn new(metric: &Metric) -> Self {
        // `config::parse` has refused spans that are none; an empty window would count nothing.
        let ms = |span: &String| parse_span(span).unwrap_or(0);
        let percentile = metric.cap.and_then(|cap| cap.percentile);
        Self {
            key: metric.key.clone(),
            kind: metric.kind,
            asked: match metric.kind {
                MetricKind::Bounce => Asked::new(PAGE_VIEW, &metric.filter),
                _ => Asked::new(&metric.event, &metric.filter),
            },
            measure: metric.value,
            denominator: metric.denominator.as_ref().map(|it| (Asked::new(&it.event, &it.filter), it.value)),
            delay_ms: metric.delay.as_ref().map_or(0, ms),
            window_ms: ms(&metric.window),
            lookback_ms: metric.lookback.as_ref().map(ms),
            cap: metric.cap.and_then(|cap| cap.value),
            is_sketched: metric.kind == MetricKind::Quantile || percentile.is_some(),
        }
    }
}

fn experiment_test(experiment: &Experiment, metrics: &[Measured]) -> Test {
    let roles = &experiment.metrics;
    let named: BTreeSet<&String> =
        roles.primary.iter().chain(&roles.secondary).chain(&roles.guardrails).collect();
    Test {
        variations: experiment.variations.iter().map(|variation| variation.key.clone()).collect(),
        metrics: (0_u32..)
            .zip(metrics)
            .filter(|(_, metric)| named.contains(&metric.key))
            .map(|(index, _)| index)
            .collect(),
    }
}

fn personalization_test(_rule: &Personalization, metrics: &[Measured]) -> Test {
    Test {
        variations: PERSONALIZATION.map(str::to_owned).to_vec(),
        metrics: (0_u32..).zip(metrics).map(|(index, _)| index).collect(),
    }
}

/// A property's value in 8 bytes, so that a visitor's state is small and holds no text a visitor typed.
///
/// FNV-1a 64 over a tagged form in which equal values have equal bytes; missing and null have none.
fn digest(value: &Value) -> Option<u64> {
    fn bytes(hash: u64, bytes: &[u8]) -> u64 {
        bytes.iter().fold(hash, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3))
    }
    fn value_of(hash: u64, value: &Value) -> u64 {
        match value {
            Value::Null => bytes(hash, b"0"),
            Value::Bool(truth) => bytes(hash, if *truth { b"t" } else { b"f" }),
            // Minus zero equals zero.
            Value::Number(number) => bytes(bytes(hash, b"n"), &(number + 0.0).to_bits().to_le_bytes()),
            Value::String(text) => bytes(bytes(bytes(hash, b"s"), text.as_bytes()), b"\0"),
            Value::Array(items) => bytes(items.iter().fold(bytes(hash, b"["), value_of), b"]"),
            Value::Object(map) => {
                let member = |hash, (name, value): (&str, &Value)| {
                    value_of(bytes(bytes(hash, name.as_bytes()), b"\0"), value)
                };
                bytes(map.iter().fold(bytes(hash, b"{"), member), b"}")
            }
        }
    }
    (*value != Value::Null).then(|| value_of(0xcbf2_9ce4_8422_2325, value))
}
