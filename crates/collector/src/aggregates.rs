//! What is counted: sums of exact integers, so that adding has no order.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use splitlight_protocol::config::{Dimension, Period};
use splitlight_stats::Moments;
use std::collections::BTreeMap;

/// The day of sums over all days; see [`Aggregates::totals`].
pub const DAY_ALL: i32 = i32::MIN;

/// Which sum.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Key {
    /// The experiment's or personalization's key; `""` for what belongs to none.
    pub experiment: String,
    /// What is summed.
    pub what: What,
    /// The UTC day it happened on.
    pub day: i32,
}

/// What is summed; counts are in [`Moments::n`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum What {
    /// Visitors of a variation, on the day of their first exposure.
    Users(u32),
    /// A metric's sum and sum of squares in a variation, on the day of the event; `n` is 0.
    Metric(u32, String),
    /// Visitors who met more than one variation, on the day of the first.
    MultipleExposures,
    /// Exposures that the hash does not give.
    Quarantined,
    /// Events of machines.
    Bots,
    /// What else is summed of a metric in a variation; `n` is 0 but for buckets.
    Part(u32, String, Part),
    /// The same as above of the visitors of a variation whose dimension has a value, over all days; without a metric the
    /// visitors themselves.
    Slice(u32, Dimension, String, Option<(String, Part)>),
    /// Visitors who took so many steps of a funnel, at least; in a variation, or on the whole site, where the day is
    /// that of their first step.
    Step(Option<u32>, String, u8),
    /// Visitors of the whole site in a period, whose first day it is.
    Visitors(Period),
    /// A metric's sum and sum of squares over those visitors; `n` is 0.
    Total(Period, String),
    /// Visitors who were first seen in the week that begins on the day, and came in the week that is so many later.
    Cohort(u16),
    /// Events that senders could not keep.
    Dropped,
}

/// What is summed of the values that a visitor has in a metric: 0 its value, 1 the denominator of a ratio, and 2 and 3
/// the same two before the exposure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Part {
    /// A value and its square.
    Value(u8),
    /// The product of two values, as a sum.
    Product(u8, u8),
    /// The value without the cap, and its square.
    Uncapped,
    /// How many visitors have a value in a bucket of [`splitlight_stats::Sketch`], as `n`.
    Bucket(i16),
}

impl What {
    /// Where the part of a metric is summed for a variation, or for those of its visitors who have a dimension's value.
    pub fn part(variation: u32, slice: Option<(Dimension, &str)>, metric: &str, part: Part) -> Self {
        match slice {
            Some((dimension, value)) => {
                Self::Slice(variation, dimension, value.to_owned(), Some((metric.to_owned(), part)))
            }
            None if part == Part::Value(0) => Self::Metric(variation, metric.to_owned()),
            None => Self::Part(variation, metric.to_owned(), part),
        }
    }

    /// Where the visitors of a variation are counted.
    pub fn users(variation: u32, slice: Option<(Dimension, &str)>) -> Self {
        match slice {
            Some((dimension, value)) => Self::Slice(variation, dimension, value.to_owned(), None),
            None => Self::Users(variation),
        }
    }
}

/// Sums by [`Key`], without those that are zero, so that equal counts are equal bytes.
///
/// ```
/// use splitlight_collector::{Aggregates, Key, What};
/// use splitlight_stats::Moments;
/// let key = Key { experiment: "hero".into(), what: What::Users(0), day: 20_000 };
/// let mut aggregates = Aggregates::default();
/// aggregates.add(key.clone(), Moments { n: 1, ..Moments::default() });
/// assert_eq!(Aggregates::from_bytes(&aggregates.to_bytes()), Some(aggregates.clone()));
/// aggregates.add(key, Moments { n: -1, ..Moments::default() });
/// assert!(aggregates.is_empty());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Aggregates(BTreeMap<Key, Moments>);

impl Aggregates {
    /// Adds to one sum.
    pub fn add(&mut self, key: Key, moments: Moments) {
        if moments == Moments::default() {
            return;
        }
        let sum = self.0.get(&key).copied().unwrap_or_default().merge(moments);
        if sum == Moments::default() {
            self.0.remove(&key);
        } else {
            self.0.insert(key, sum);
        }
    }

    /// Adds all sums of another; commutative and associative.
    #[must_use]
    pub fn merge(mut self, other: &Self) -> Self {
        self.merge_in(other);
        self
    }

    /// [`Self::merge`] in place.
    pub fn merge_in(&mut self, other: &Self) {
        for (key, moments) in &other.0 {
            self.add(key.clone(), *moments);
        }
    }

    /// What has to be added to `before` to get this.
    #[must_use]
    pub fn minus(mut self, before: &Self) -> Self {
        for (key, moments) in &before.0 {
            self.add(key.clone(), moments.negated());
        }
        self
    }

    /// The same sums over all days, under [`DAY_ALL`].
    #[must_use]
    pub fn totals(&self) -> Self {
        let mut totals = Self::default();
        for (key, moments) in &self.0 {
            totals.add(Key { day: DAY_ALL, ..key.clone() }, *moments);
        }
        totals
    }

    /// The same sums over all days, but for visitors, whose first day tells how long an experiment runs.
    #[must_use]
    pub fn over_all_days(&self) -> Self {
        let mut sums = Self::default();
        for (key, moments) in &self.0 {
            let day = if matches!(key.what, What::Users(_)) { key.day } else { DAY_ALL };
            sums.add(Key { day, ..key.clone() }, *moments);
        }
        sums
    }

    /// The sums of each day; those over all days are under [`DAY_ALL`].
    pub fn by_day(&self) -> BTreeMap<i32, Self> {
        let mut days: BTreeMap<i32, Self> = BTreeMap::new();
        for (key, moments) in &self.0 {
            days.entry(key.day).or_default().add(key.clone(), *moments);
        }
        days
    }

    /// The sums until the end of a day, as they were then.
    #[must_use]
    pub fn until(&self, day: i32) -> Self {
        Self(self.0.iter().filter(|(key, _)| key.day <= day).map(|(key, sum)| (key.clone(), *sum)).collect())
    }

    /// One sum, zero when nothing was added.
    pub fn at(&self, key: &Key) -> Moments {
        self.0.get(key).copied().unwrap_or_default()
    }

    /// A sum over all days.
    pub fn over_days(&self, experiment: &str, what: &What) -> Moments {
        let from = Key { experiment: experiment.to_owned(), what: what.clone(), day: i32::MIN };
        let to = Key { day: i32::MAX, ..from.clone() };
        self.0.range(from..=to).fold(Moments::default(), |sum, (_, moments)| sum.merge(*moments))
    }

    /// The day of an experiment's first visitor, where sums are kept by day.
    pub fn first_day(&self, experiment: &str) -> Option<i32> {
        let from = Key { experiment: experiment.to_owned(), what: What::Users(0), day: i32::MIN };
        let all = self.0.range(from..).map(|(key, _)| key);
        let users = all.take_while(|key| key.experiment == experiment && matches!(key.what, What::Users(_)));
        users.map(|key| key.day).filter(|day| *day != DAY_ALL).min()
    }

    /// The buckets of a metric's distribution in a variation, and how many visitors are in each.
    pub fn buckets(
        &self,
        experiment: &str,
        variation: u32,
        metric: &str,
    ) -> impl Iterator<Item = (i16, i64)> {
        let key = |bucket, day| Key {
            experiment: experiment.to_owned(),
            what: What::Part(variation, metric.to_owned(), Part::Bucket(bucket)),
            day,
        };
        let range = self.0.range(key(i16::MIN, i32::MIN)..=key(i16::MAX, i32::MAX));
        range.filter_map(|(key, sum)| match key.what {
            What::Part(_, _, Part::Bucket(bucket)) => Some((bucket, sum.n)),
            _ => None,
        })
    }

    /// The values of a dimension that visitors of an experiment have, with how many have them.
    pub fn slices(&self, experiment: &str, dimension: Dimension) -> BTreeMap<String, i64> {
        let key = |dimension, variation, day| Key {
            experiment: experiment.to_owned(),
            what: What::Slice(variation, dimension, String::new(), None),
            day,
        };
        let mut values: BTreeMap<String, i64> = BTreeMap::new();
        let range = self.0.range(key(Dimension::Country, 0, i32::MIN)..);
        for (key, sum) in range.take_while(|(key, _)| key.experiment == experiment) {
            if let What::Slice(_, known, value, None) = &key.what
                && *known == dimension
            {
                *values.entry(value.clone()).or_default() += sum.n;
            }
        }
        values
    }

    /// The sums of several values of a dimension, under one name.
    #[must_use]
    pub fn joined(&self, experiment: &str, dimension: Dimension, values: &[String], name: &str) -> Self {
        let mut joined = Self::default();
        for (key, sum) in &self.0 {
            let What::Slice(variation, known, value, metric) = &key.what else { continue };
            if key.experiment == experiment && *known == dimension && values.contains(value) {
                let what = What::Slice(*variation, dimension, name.to_owned(), metric.clone());
                joined.add(Key { experiment: experiment.to_owned(), what, day: key.day }, *sum);
            }
        }
        joined
    }

    /// The sums of one experiment.
    #[must_use]
    pub fn of(&self, experiment: &str) -> Self {
        // `Users(0)` is the first kind and the empty day the first day, so this is where an experiment begins.
        let from = Key { experiment: experiment.to_owned(), what: What::Users(0), day: i32::MIN };
        let of = self.0.range(from..).take_while(|(key, _)| key.experiment == experiment);
        Self(of.map(|(key, moments)| (key.clone(), *moments)).collect())
    }

    /// The keys of the experiments that have a sum here.
    pub fn experiments(&self) -> impl Iterator<Item = &str> {
        let mut last = None;
        self.0.keys().map(|key| key.experiment.as_str()).filter(move |key| last.replace(*key) != Some(*key))
    }

    /// The sums, by key.
    pub fn iter(&self) -> impl Iterator<Item = (&Key, &Moments)> {
        self.0.iter()
    }

    /// Whether every sum is zero.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The compact form; equal sums are equal bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        postcard::to_allocvec(self).unwrap_or_default()
    }

    /// Reads [`Self::to_bytes`]; `None` when the bytes are something else.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let newest: Option<Self> = postcard::from_bytes(bytes).ok();
        newest.or_else(|| postcard::from_bytes(bytes).ok().map(|FirstForm(aggregates)| aggregates))
    }
}

/// Sums as the first schema wrote them.
#[derive(Deserialize)]
struct FirstForm(#[serde(deserialize_with = "first_form")] Aggregates);

/// A sum as the first schema wrote it, without carries: shorter, so that it never reads as the present form.
#[derive(Deserialize)]
struct FirstMoments(i64, i128, i128);

impl FirstMoments {
    fn read(self) -> Moments {
        Moments::new(self.0, self.1, self.2)
    }
}

/// Reads sums in the form of the first schema.
pub(crate) fn first_form<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Aggregates, D::Error> {
    let rows = Vec::<(Key, FirstMoments)>::deserialize(deserializer)?;
    let mut aggregates = Aggregates::default();
    for (key, moments) in rows {
        aggregates.add(key, moments.read());
    }
    Ok(aggregates)
}

impl Key {
    /// The key as bytes, for a storage.
    pub fn to_bytes(&self) -> Vec<u8> {
        postcard::to_allocvec(self).unwrap_or_default()
    }

    /// Reads [`Self::to_bytes`].
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        postcard::from_bytes(bytes).ok()
    }
}

/// A sum as bytes, for a storage.
pub(crate) fn moments_to_bytes(moments: &Moments) -> Vec<u8> {
    postcard::to_allocvec(moments).unwrap_or_default()
}

/// Reads [`moments_to_bytes`].
pub(crate) fn moments_from_bytes(bytes: &[u8]) -> Option<Moments> {
    let newest: Option<Moments> = postcard::from_bytes(bytes).ok();
    newest.or_else(|| postcard::from_bytes(bytes).ok().map(FirstMoments::read))
}

impl Aggregates {
    /// One sum of a storage's row as key and value bytes; an absent sum is written as zero.
    pub fn row(&self, key: &Key) -> (Vec<u8>, Vec<u8>) {
        (key.to_bytes(), moments_to_bytes(&self.at(key)))
    }

    /// Adds a storage's row; `None` when it is not one of [`Self::row`].
    pub fn add_row(&mut self, key: &[u8], moments: &[u8]) -> Option<()> {
        self.add(Key::from_bytes(key)?, moments_from_bytes(moments)?);
        Some(())
    }
}

impl Serialize for Aggregates {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter())
    }
}

impl<'de> Deserialize<'de> for Aggregates {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let rows = Vec::<(Key, Moments)>::deserialize(deserializer)?;
        let mut aggregates = Self::default();
        for (key, moments) in rows {
            aggregates.add(key, moments);
        }
        Ok(aggregates)
    }
}
