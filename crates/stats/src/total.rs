//! An exact integer sum that is never wrong: it knows when it does not fit.

use core::fmt;
use core::ops::{Add, AddAssign, Neg};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// An exact integer sum: 128 bits, and how often they overflowed.
///
/// Adding is commutative and associative for every input, because the carry is part of the number; so an overflow that
/// a later correction undoes leaves no trace, and one that stays is known: [`Total::value`] is `None` then and an
/// analysis answers [`NotEnoughData::TooLarge`](crate::NotEnoughData::TooLarge).
///
/// As JSON it is a number up to 2^53 and a string of digits beyond, as which no reader rounds it.
///
/// ```
/// use splitlight_stats::Total;
///
/// let most = Total::from(i128::MAX);
/// assert_eq!((most + Total::from(1)).value(), None);
/// assert_eq!((most + Total::from(1) + Total::from(-1)).value(), Some(i128::MAX));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Total {
    /// Times 2^128.
    carry: i32,
    low: u128,
}

impl Total {
    /// The sum, where it fits in 128 bits.
    ///
    /// ```
    /// assert_eq!(splitlight_stats::Total::from(-7).value(), Some(-7));
    /// ```
    pub fn value(self) -> Option<i128> {
        let value = self.low.cast_signed();
        (self.carry == if value < 0 { -1 } else { 0 }).then_some(value)
    }

    /// The nearest `f64`.
    ///
    /// ```
    /// assert_eq!(splitlight_stats::Total::from(-7).to_f64(), -7.0);
    /// ```
    pub fn to_f64(self) -> f64 {
        match self.value() {
            Some(value) => value as f64,
            None => f64::from(self.carry) * 2f64.powi(128) + self.low as f64,
        }
    }
}

impl From<i128> for Total {
    fn from(value: i128) -> Self {
        Self { carry: if value < 0 { -1 } else { 0 }, low: value.cast_unsigned() }
    }
}

impl From<i64> for Total {
    fn from(value: i64) -> Self {
        i128::from(value).into()
    }
}

impl From<i32> for Total {
    fn from(value: i32) -> Self {
        i128::from(value).into()
    }
}

impl Add for Total {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        let (low, carry) = self.low.overflowing_add(other.low);
        // Billions of overflows would be needed to wrap the carry.
        Self { carry: self.carry.wrapping_add(other.carry).wrapping_add(i32::from(carry)), low }
    }
}

impl Neg for Total {
    type Output = Self;

    fn neg(self) -> Self {
        let (low, borrow) = 0_u128.overflowing_sub(self.low);
        Self { carry: self.carry.wrapping_neg().wrapping_sub(i32::from(borrow)), low }
    }
}

impl AddAssign for Total {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl AddAssign<i128> for Total {
    fn add_assign(&mut self, other: i128) {
        *self += Self::from(other);
    }
}

impl PartialEq<i128> for Total {
    fn eq(&self, other: &i128) -> bool {
        *self == Self::from(*other)
    }
}

/// Beyond this, readers of JSON that have only floats would round.
const NUMBER_MAX: i128 = 1 << 53;

impl Serialize for Total {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if !serializer.is_human_readable() {
            // The carry beyond the sign, so that a sum that fits is its own short form and a zero.
            let value = Self::from(self.low.cast_signed());
            return (self.low.cast_signed(), self.carry.wrapping_sub(value.carry)).serialize(serializer);
        }
        match self.value() {
            Some(value) if value.abs() <= NUMBER_MAX => serializer.serialize_i128(value),
            Some(value) => serializer.collect_str(&value),
            None => serializer.collect_str(&format_args!("{}*2^128+{}", self.carry, self.low)),
        }
    }
}

impl<'de> Deserialize<'de> for Total {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            return deserializer.deserialize_any(Written);
        }
        let (value, beyond): (i128, i32) = Deserialize::deserialize(deserializer)?;
        let Self { carry, low } = value.into();
        Ok(Self { carry: carry.wrapping_add(beyond), low })
    }
}

/// Reads a number or a string of digits.
struct Written;

impl de::Visitor<'_> for Written {
    type Value = Total;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a whole number, or one in a string")
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Total, E> {
        Ok(value.into())
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Total, E> {
        Ok(i128::from(value).into())
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Total, E> {
        let wrong = || E::invalid_value(de::Unexpected::Str(text), &self);
        match text.split_once("*2^128+") {
            None => text.parse::<i128>().map(Total::from).map_err(|_| wrong()),
            Some((carry, low)) => match (carry.parse(), low.parse()) {
                (Ok(carry), Ok(low)) => Ok(Total { carry, low }),
                _ => Err(wrong()),
            },
        }
    }
}
