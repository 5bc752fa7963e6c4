//! What is counted: sums of exact integers, so that adding has no order.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
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
