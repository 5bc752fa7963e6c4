//! A sketch of the visitors' values: counts in buckets of 1 % width, from which every quantile can be read.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::special::normal_quantile;
use crate::{NotEnoughData, Quantile, Sample};

/// Relative error of a value that is read from a sketch.
pub const SKETCH_ERROR: f64 = 0.01;

/// `ln((1 + e) / (1 - e))` with `e` of [`SKETCH_ERROR`]: the width of a bucket in logarithms.
const LN_GAMMA: f64 = 0.020_000_666_706_669_435;

/// Order statistics fewer buckets apart than this are within the error of the sketch.
const BUCKETS_MIN: i32 = 2;

/// Counts of values in buckets, a plain sum like the moments: merging is exact, commutative and associative.
///
/// A bucket holds the values from `g^(i-1)` (excluded) to `g^i`, `g = 1.01 / 0.99`, and any of them is within 1 % of
/// `2 g^i / (g + 1)` (`DDSketch`; Masson, Rim and Lee 2019). Zero and negative values have buckets of their own. All of
/// `i64` fits in 4,370 buckets; money of real shops takes a few hundred. A count may be negative: a visitor whose total
/// grew leaves one bucket for another, so that a sketch is kept from increments as the moments are.
///
/// ```
/// use splitlight_stats::Sketch;
///
/// let orders: Sketch = (1..=1_000).collect();
/// let median = orders.quantile(0.5).ok_or("empty")?;
/// assert!((median / 500.0 - 1.0).abs() < 0.011);
/// # Ok::<(), &str>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Sketch(BTreeMap<i16, i64>);

/// A cap further away than any value by far, whose square is still finite.
const CAP_MAX: f64 = 1e100;

impl Sketch {
    /// Adds `count` visitors with this value, in minor units, or takes them away.
    ///
    /// ```
    /// use splitlight_stats::Sketch;
    ///
    /// let mut sketch = Sketch::default();
    /// sketch.add(250, 1);
    /// // The visitor spends another 100.
    /// sketch.add(250, -1);
    /// sketch.add(350, 1);
    /// assert_eq!(sketch, [350].into_iter().collect());
    /// ```
    pub fn add(&mut self, value: i64, count: i64) {
        self.add_to(bucket(value), count);
    }

    fn add_to(&mut self, bucket: i16, count: i64) {
        let sum = self.0.get(&bucket).copied().unwrap_or(0).wrapping_add(count);
        // Without empty buckets equal sketches are equal bytes.
        if sum == 0 {
            self.0.remove(&bucket);
        } else {
            self.0.insert(bucket, sum);
        }
    }

    /// The bucket of a value, for those who keep the counts themselves.
    ///
    /// ```
    /// use splitlight_stats::Sketch;
    ///
    /// let mut kept = Sketch::default();
    /// kept.add_bucket(Sketch::bucket(250), 1);
    /// assert_eq!(kept, [250].into_iter().collect());
    /// ```
    pub fn bucket(value: i64) -> i16 {
        bucket(value)
    }

    /// Adds `count` visitors to a [`Self::bucket`], or takes them away.
    pub fn add_bucket(&mut self, bucket: i16, count: i64) {
        self.add_to(bucket, count);
    }

    /// Adds two sets of visitors that do not overlap; commutative and associative for every input.
    ///
    /// ```
    /// use splitlight_stats::Sketch;
    ///
    /// let (monday, tuesday): (Sketch, Sketch) = ((1..5).collect(), (5..9).collect());
    /// assert_eq!(monday.merge(&tuesday), (1..9).collect());
    /// ```
    #[must_use]
    pub fn merge(mut self, other: &Self) -> Self {
        for (bucket, count) in &other.0 {
            self.add_to(*bucket, *count);
        }
        self
    }

    /// Visitors in it.
    pub fn n(&self) -> i64 {
        self.0.values().fold(0, |sum, count| sum.wrapping_add(*count))
    }

    /// The value that a share `level` of the visitors does not exceed, within 1 % of the order statistic; `None` for an
    /// empty sketch, one with negative counts, or a level outside of 0 and 1.
    ///
    /// ```
    /// use splitlight_stats::Sketch;
    ///
    /// let sketch: Sketch = [0, 0, 0, 1_000].into_iter().collect();
    /// assert_eq!(sketch.quantile(0.75), Some(0.0));
    /// ```
    pub fn quantile(&self, level: f64) -> Option<f64> {
        let n = self.checked_n()?;
        let rank = libm::ceil(level * n).clamp(1.0, n);
        let found = (0.0..=1.0).contains(&level).then(|| self.at(rank))?;
        found.map(|(bucket, _)| middle(bucket))
    }

    /// The quantile with the order statistics around it, ready to be compared.
    ///
    /// Order statistics are interpolated within their buckets. Where they fall in neighboring buckets, which says little
    /// about their distance, they are taken for a smaller `n_star`, as [`Quantile`] allows.
    ///
    /// # Errors
    /// [`NotEnoughData::TooFewVisitors`] for an empty sketch, [`NotEnoughData::InvalidSettings`] for a level outside of 0
    /// and 1, [`NotEnoughData::ImpossibleMoments`] for negative counts.
    ///
    /// ```
    /// use splitlight_stats::Sketch;
    ///
    /// let sketch: Sketch = (1..=10_000).collect();
    /// let p90 = sketch.order_statistics(0.9)?;
    /// assert!(p90.lower < p90.value && p90.value < p90.upper);
    /// # Ok::<(), splitlight_stats::NotEnoughData>(())
    /// ```
    pub fn order_statistics(&self, level: f64) -> Result<Quantile, NotEnoughData> {
        if !(0.0 < level && level < 1.0) {
            return Err(NotEnoughData::InvalidSettings);
        }
        if self.0.is_empty() {
            return Err(NotEnoughData::TooFewVisitors);
        }
        let n = self.checked_n().ok_or(NotEnoughData::ImpossibleMoments)?;
        let spread = normal_quantile(0.975) * libm::sqrt(level * (1.0 - level));
        let mut n_star = n;
        loop {
            let half = spread / libm::sqrt(n_star);
            let (low, high) = (level - half, level + half);
            let ends = (self.at_level(low, n), self.at_level(high, n));
            let apart = i32::from(ends.1.0) - i32::from(ends.0.0);
            let next = libm::floor(0.5 * n_star);
            // The ranks must stay above the first and below the last.
            let room = (1.0 - level).min(level);
            let further = next * room * room > spread * spread;
            if apart >= BUCKETS_MIN || !further {
                #[expect(
                    clippy::cast_possible_truncation,
                    reason = "n is a count of visitors, which an i64 holds"
                )]
                let whole = |n: f64| n as i64;
                let value = self.at_level(level, n).1;
                return Ok(Quantile {
                    n: whole(n),
                    n_star: whole(n_star),
                    level,
                    value,
                    lower: ends.0.1,
                    upper: ends.1.1,
                });
            }
            n_star = next;
        }
    }

    /// Size, mean and variance of the values, each capped at `cap`, read from the buckets; `None` as for
    /// [`Self::quantile`], and for a cap that is no number or beyond 1e100.
    ///
    /// The mean is within 1 %, so that a cap may be chosen after the fact; [`Capped`](crate::Capped) is exact and needs
    /// the cap before.
    ///
    /// ```
    /// use splitlight_stats::Sketch;
    ///
    /// let sketch: Sketch = [100, 100, 9_000].into_iter().collect();
    /// let capped = sketch.capped(400.0).ok_or("empty")?;
    /// assert!((capped.mean / 200.0 - 1.0).abs() < 0.01);
    /// # Ok::<(), &str>(())
    /// ```
    pub fn capped(&self, cap: f64) -> Option<Sample> {
        let n = self.checked_n()?;
        if cap.is_nan() || cap.abs() > CAP_MAX {
            return None;
        }
        let values = || self.0.iter().map(|(bucket, count)| (middle(*bucket).min(cap), *count as f64));
        let mean = values().map(|(value, count)| value * (count / n)).sum::<f64>();
        let squares = values().map(|(value, count)| (value - mean) * (value - mean) * count).sum::<f64>();
        Some(Sample { n, mean, variance: if n > 1.0 { squares / (n - 1.0) } else { 0.0 } })
    }

    /// The compact form: canonical, so equal sketches are equal bytes; about 3 bytes a bucket.
    ///
    /// ```
    /// use splitlight_stats::Sketch;
    ///
    /// let sketch: Sketch = (-50..5_000).collect();
    /// assert_eq!(Sketch::from_bytes(&sketch.to_bytes()), Some(sketch));
    /// ```
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut last = i64::from(i16::MIN);
        for (bucket, count) in &self.0 {
            let bucket = i64::from(*bucket);
            push(&mut bytes, (bucket - last).cast_unsigned());
            // Small magnitudes of either sign are short.
            push(&mut bytes, ((count << 1) ^ (count >> 63)).cast_unsigned());
            last = bucket;
        }
        bytes
    }

    /// Reads [`Self::to_bytes`]; `None` when the bytes are something else.
    ///
    /// ```
    /// assert_eq!(splitlight_stats::Sketch::from_bytes(&[1]), None);
    /// ```
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let mut rest = bytes.iter();
        let (mut sketch, mut last) = (Self::default(), i64::from(i16::MIN));
        while !rest.as_slice().is_empty() {
            let (step, written) = (pull(&mut rest)?, pull(&mut rest)?);
            let count = (written >> 1).cast_signed() ^ -(written & 1).cast_signed();
            last = last.checked_add_unsigned(step)?;
            let bucket = i16::try_from(last).ok()?;
            if count == 0 || sketch.0.insert(bucket, count).is_some() || bucket.unsigned_abs() > BUCKET_MAX {
                return None;
            }
        }
        // A number may be written with more bytes than it needs, and then it is not what we write.
        (sketch.to_bytes() == bytes).then_some(sketch)
    }

    /// The visitors, where every bucket has some.
    fn checked_n(&self) -> Option<f64> {
        let counts = || self.0.values();
        let n = counts().try_fold(0_i64, |sum, count| sum.checked_add(*count))?;
        (n > 0 && counts().all(|count| *count > 0)).then_some(n as f64)
    }

    /// The bucket of the value with this rank, from 1, and how far into it the rank is, 0 to 1.
    fn at(&self, rank: f64) -> Option<(i16, f64)> {
        let mut below = 0.0;
        for (bucket, count) in &self.0 {
            let count = *count as f64;
            if rank <= below + count {
                return Some((*bucket, (rank - below) / count));
            }
            below += count;
        }
        None
    }

    /// The bucket and the interpolated value at a level, with those of the first and last value beyond the ends.
    fn at_level(&self, level: f64, n: f64) -> (i16, f64) {
        let rank = (level * n).clamp(1.0, n);
        self.at(rank).map_or((0, 0.0), |(bucket, into)| (bucket, interpolated(bucket, into)))
    }
}

impl FromIterator<i64> for Sketch {
    fn from_iter<T: IntoIterator<Item = i64>>(values: T) -> Self {
        let mut sketch = Self::default();
        for value in values {
            sketch.add(value, 1);
        }
        sketch
    }
}

impl Serialize for Sketch {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(&self.0)
    }
}

impl<'de> Deserialize<'de> for Sketch {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut sketch = Self::default();
        for (bucket, count) in Vec::<(i16, i64)>::deserialize(deserializer)? {
            if bucket.unsigned_abs() > BUCKET_MAX {
                return Err(de::Error::custom(format_args!("there is no bucket {bucket}")));
            }
            sketch.add_to(bucket, count);
        }
        Ok(sketch)
    }
}

/// The bucket of the largest magnitude, `2^63`.
const BUCKET_MAX: u16 = 2185;

/// The bucket of a value: 0 for 0, from 1 for 1 and up, below 0 for negative values.
fn bucket(value: i64) -> i16 {
    let size = value.unsigned_abs();
    if size == 0 {
        return 0;
    }
    let index = libm::ceil(libm::log(size as f64) / LN_GAMMA) + 1.0;
    #[expect(
        clippy::cast_possible_truncation,
        reason = "at most ln(2^63) / LN_GAMMA + 1, which is BUCKET_MAX"
    )]
    let index = index as i16;
    if value < 0 { -index } else { index }
}

/// The value that stands for a bucket.
fn middle(bucket: i16) -> f64 {
    let size = f64::from(bucket.abs());
    // 2 g^i / (g + 1) is g^i (1 - e).
    let value = if size > 0.0 { libm::exp((size - 1.0) * LN_GAMMA) * (1.0 - SKETCH_ERROR) } else { 0.0 };
    if bucket < 0 { -value } else { value }
}

/// The value that is a part of the way from the lower to the upper end of a bucket.
fn interpolated(bucket: i16, into: f64) -> f64 {
    let (below, above) = edges(bucket);
    below + (above - below) * into
}

/// The lower and upper end of a bucket, by value.
fn edges(bucket: i16) -> (f64, f64) {
    let size = f64::from(bucket.abs());
    if size <= 0.0 {
        return (0.0, 0.0);
    }
    let (near, far) = (libm::exp((size - 2.0) * LN_GAMMA), libm::exp((size - 1.0) * LN_GAMMA));
    // The bucket of 1 has nothing but 1.
    let near = if size <= 1.0 { far } else { near };
    if bucket < 0 { (-far, -near) } else { (near, far) }
}

/// Seven bits a byte, the lowest first.
fn push(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    bytes.push(number.to_le_bytes()[0]);
}

fn pull(bytes: &mut core::slice::Iter<'_, u8>) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let byte = *bytes.next()?;
        let part = u64::from(byte & 0x7f);
        if shift == 63 && part > 1 {
            return None;
        }
        number |= part << shift;
        if byte < 0x80 {
            return Some(number);
        }
    }
    None
}
