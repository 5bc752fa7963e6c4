//! 256-bit integers, because the product of two sums of money does not fit in 128 bits.

/// A signed integer in two's complement: `high * 2^128 + low`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wide {
    high: i128,
    low: u128,
}

impl Wide {
    /// The exact product; it fits whatever the factors are.
    pub(crate) fn product(a: i128, b: i128) -> Self {
        let (high, low) = unsigned_product(a.unsigned_abs(), b.unsigned_abs());
        // At most 2^254, so the sign bit is free.
        let size = Self { high: high.cast_signed(), low };
        if (a < 0) == (b < 0) { size } else { size.negated() }
    }

    /// The exact difference of two products.
    pub(crate) fn minus(self, other: Self) -> Self {
        let (low, borrow) = self.low.overflowing_sub(other.low);
        Self { high: self.high.wrapping_sub(other.high).wrapping_sub(i128::from(borrow)), low }
    }

    /// Whether it is below zero.
    pub(crate) fn is_negative(self) -> bool {
        self.high < 0
    }

    /// The nearest `f64`, up to one unit in its last place.
    pub(crate) fn to_f64(self) -> f64 {
        if self.is_negative() {
            return -self.negated().to_f64();
        }
        self.high as f64 * 2f64.powi(128) + self.low as f64
    }

    fn negated(self) -> Self {
        Self { high: 0, low: 0 }.minus(self)
    }
}

fn unsigned_product(a: u128, b: u128) -> (u128, u128) {
    const LOW: u128 = u64::MAX as u128;
    let (a_high, a_low) = (a >> 64, a & LOW);
    let (b_high, b_low) = (b >> 64, b & LOW);
    let (first, second) = (a_high * b_low, a_low * b_high);
    let (middle, carry) = first.overflowing_add(second);
    let (low, low_carry) = (a_low * b_low).overflowing_add(middle << 64);
    let high = a_high * b_high + (middle >> 64) + (u128::from(carry) << 64) + u128::from(low_carry);
    (high, low)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_keep_every_bit() {
        assert_eq!(unsigned_product(u128::MAX, u128::MAX), (u128::MAX - 1, 1));
        assert_eq!(unsigned_product(1 << 127, 6), (3, 0));
        assert_eq!(Wide::product(i128::MIN, i128::MIN), Wide { high: 1 << 126, low: 0 });
        assert_eq!(Wide::product(-3, 5), Wide { high: -1, low: u128::MAX - 14 });
        assert!((Wide::product(-3, 5).to_f64() + 15.0).abs() < 1e-9);
    }

    #[test]
    fn differences_borrow() {
        let (one, large) = (Wide::product(1, 1), Wide::product(1 << 100, 1 << 100));
        assert!((large.minus(one).minus(large).to_f64() + 1.0).abs() < 1e-9);
        assert!(one.minus(large).is_negative());
    }
}
