//! Ids, ranges and namespaces around the engine's hash.

use super::payload::{Experiment, Filter};
use splitlight_engine::{HashVersion, bucket, number_text};
use splitlight_protocol::{Map, Value};

/// What is hashed: the attribute that was used, its value, and the text of it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Unit {
    pub(super) attribute: String,
    pub(super) value: Value,
    pub(super) text: String,
}

impl Unit {
    /// The visitor's id: the attribute (`id` when none is named), else the fallback.
    pub(super) fn of(attributes: &Map, attribute: Option<&str>, fallback: Option<&str>) -> Option<Self> {
        let named = |name: &str| {
            let value = attributes.get(name)?.clone();
            Some(Self { attribute: name.to_owned(), text: id_text(&value)?, value })
        };
        named(or_id(attribute)).or_else(|| fallback.and_then(named))
    }
}

/// The name of the attribute that is hashed.
pub(super) fn or_id(attribute: Option<&str>) -> &str {
    attribute.filter(|name| !name.is_empty()).unwrap_or("id")
}

/// The text of an id: only strings with something in them and numbers other than 0 are ids.
fn id_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()).filter(|text| !text.is_empty()),
        Value::Number(number) if *number != 0.0 && number.is_finite() => Some(number_text(*number)),
        _ => None,
    }
}

/// The place in `[0, 1)` of an id, `None` for a hash version that is not known.
///
/// ```
/// use splitlight_interop::growthbook::hash;
/// assert_eq!(hash("seed", "user-1", 2), Some(0.4232));
/// assert_eq!(hash("seed", "user-1", 3), None);
/// ```
pub fn hash(seed: &str, id: &str, version: i64) -> Option<f64> {
    match version {
        1 => Some(bucket(seed, id, HashVersion::V1)),
        2 => Some(bucket(seed, id, HashVersion::V2)),
        _ => None,
    }
}

/// `n` weights that are alike.
///
/// ```
/// use splitlight_interop::growthbook::equal_weights;
/// assert_eq!(equal_weights(2), [0.5, 0.5]);
/// ```
pub fn equal_weights(n: usize) -> Vec<f64> {
    vec![1.0 / n as f64; n]
}

/// The ranges of `n` variations: each begins where the weights before it end and takes its covered share.
///
/// Weights that are not one for each, or do not add up to 1 (±0.01), are replaced by equal ones.
///
/// ```
/// use splitlight_interop::growthbook::bucket_ranges;
/// assert_eq!(bucket_ranges(2, 0.5, None), [[0.0, 0.25], [0.5, 0.75]]);
/// ```
pub fn bucket_ranges(n: usize, coverage: f64, weights: Option<&[f64]>) -> Vec<[f64; 2]> {
    let whole = |weights: &[f64]| (0.99..=1.01).contains(&weights.iter().sum::<f64>());
    let weights = weights.filter(|weights| weights.len() == n && whole(weights));
    let coverage = coverage.clamp(0.0, 1.0);
    let mut start = 0.0;
    let range = |weight: &f64| {
        let range = [start, start + coverage * weight];
        start += weight;
        range
    };
    weights.map_or_else(|| equal_weights(n), <[f64]>::to_vec).iter().map(range).collect()
}

/// The first range that a hash is in.
///
/// ```
/// use splitlight_interop::growthbook::choose_variation;
/// assert_eq!(choose_variation(0.5, &[[0.0, 0.5], [0.5, 1.0]]), Some(1));
/// ```
pub fn choose_variation(n: f64, ranges: &[[f64; 2]]) -> Option<usize> {
    ranges.iter().position(|range| in_range(n, *range))
}

/// Whether an id is in a namespace's share, `(key, start, end)`.
///
/// ```
/// use splitlight_interop::growthbook::in_namespace;
/// assert!(in_namespace("1", &("namespace1".into(), 0.4, 1.0)));
/// ```
pub fn in_namespace(id: &str, (key, start, end): &(String, f64, f64)) -> bool {
    in_range(bucket(&format!("__{key}"), id, HashVersion::V1), [*start, *end])
}

fn in_range(n: f64, [start, end]: [f64; 2]) -> bool {
    (start..end).contains(&n)
}

/// Whether a filter keeps the visitor out: no id, or a hash that is in none of its ranges.
pub(super) fn keeps_out(filter: &Filter, attributes: &Map) -> bool {
    let unit = Unit::of(attributes, filter.attribute.as_deref(), None);
    let n = unit.and_then(|unit| hash(&filter.seed, &unit.text, filter.hash_version.unwrap_or(2)));
    n.is_none_or(|n| choose_variation(n, &filter.ranges).is_none())
}

impl Experiment {
    /// The seed of the hash: its own, or the key.
    pub(super) fn seed(&self) -> &str {
        self.seed.as_deref().filter(|seed| !seed.is_empty()).unwrap_or(&self.key)
    }

    /// The ranges as written, or those of coverage and weights.
    pub(super) fn ranges(&self) -> Vec<[f64; 2]> {
        self.ranges.clone().unwrap_or_else(|| {
            bucket_ranges(self.variations.len(), self.coverage.unwrap_or(1.0), self.weights.as_deref())
        })
    }
}

/// Whether a rule with a forced value is for this share of the visitors.
pub(super) fn rolled_out(
    experiment: &Experiment,
    range: Option<[f64; 2]>,
    feature: &str,
    unit: Option<&Unit>,
) -> bool {
    let share = match (range, experiment.coverage) {
        (None, None) => return true,
        (Some(range), _) => range,
        // What JavaScript's `n < coverage` says: also a hash of 0 is out when the coverage is 0.
        (None, Some(coverage)) => [0.0, coverage],
    };
    let seed = experiment.seed.as_deref().filter(|seed| !seed.is_empty()).unwrap_or(feature);
    let n = unit.and_then(|unit| hash(seed, &unit.text, experiment.hash_version.unwrap_or(1)));
    n.is_some_and(|n| in_range(n, share))
}
