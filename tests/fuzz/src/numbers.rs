//! Numbers that nobody expects, drawn from the bytes of an input.

/// Numbers that a formula may trip over: the ends of ranges, and the limits of what is counted.
const HOSTILE: [f64; 32] = [
    0.0,
    -0.0,
    1.0,
    -1.0,
    0.5,
    0.05,
    0.025,
    0.95,
    2.0,
    10.0,
    100.0,
    1e6,
    1e9,
    1e12,
    1e15,
    9_007_199_254_740_992.0,
    1e18,
    1e150,
    1e-150,
    1e300,
    1e-300,
    -1e300,
    5e-324,
    f64::MIN_POSITIVE,
    f64::MAX,
    f64::MIN,
    f64::EPSILON,
    1.0 - f64::EPSILON,
    1.0 + f64::EPSILON,
    f64::INFINITY,
    f64::NEG_INFINITY,
    f64::NAN,
];

/// Reads numbers until the bytes end, and zeros from then on.
pub struct Numbers<'a>(&'a [u8]);

impl<'a> Numbers<'a> {
    /// The numbers of an input.
    pub fn new(input: &'a [u8]) -> Self {
        Self(input)
    }

    /// The next byte.
    pub fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    fn bits(&mut self, bytes: u32) -> u128 {
        (0..bytes).fold(0, |bits, _| bits << 8 | u128::from(self.byte()))
    }

    /// Any number at all, more often one that means trouble, or one of a usual size.
    pub fn any(&mut self) -> f64 {
        let kind = self.byte();
        match kind {
            0..=127 => HOSTILE[usize::from(kind % 32)],
            128..=159 => f64::from_bits(self.bits(8) as u64),
            160..=191 => (self.bits(4) as i32 as f64) / 1000.0,
            192..=223 => self.bits(2) as f64 / 65_536.0,
            _ => self.bits(3) as f64,
        }
    }

    /// A whole number of any size.
    pub fn int(&mut self) -> i64 {
        let kind = self.byte();
        match kind {
            0..=31 => i64::from(kind) - 3,
            32..=63 => i64::MAX - i64::from(kind - 32),
            64..=95 => i64::MIN + i64::from(kind - 64),
            96..=159 => self.bits(8) as i64,
            _ => self.bits(3) as i64,
        }
    }

    /// The same without a sign.
    pub fn count(&mut self) -> u64 {
        self.int() as u64
    }

    /// A sum of any size.
    pub fn sum(&mut self) -> i128 {
        match self.byte() {
            0..=15 => i128::MAX,
            16..=31 => i128::MIN,
            32..=63 => self.bits(16) as i128,
            64..=127 => i128::from(self.int()) * i128::from(self.int()),
            _ => i128::from(self.int()),
        }
    }

    /// Up to `most` numbers.
    pub fn list(&mut self, most: u8) -> Vec<f64> {
        let length = self.byte() % (most + 1);
        (0..length).map(|_| self.any()).collect()
    }

    /// Whether.
    pub fn coin(&mut self) -> bool {
        self.byte() % 2 == 1
    }
}

/// Panics unless it is a number; infinity is one.
#[track_caller]
pub fn number(x: f64) {
    assert!(!x.is_nan(), "this is no number");
}

/// Panics unless it is a finite number.
#[track_caller]
pub fn finite(x: f64) {
    assert!(x.is_finite(), "{x} is not finite");
}

/// Panics unless it is between 0 and 1.
#[track_caller]
pub fn share(x: f64) {
    assert!((0.0..=1.0).contains(&x), "{x} is no share");
}

/// Panics unless the lower end is not above the upper one.
#[track_caller]
pub fn interval((low, high): (f64, f64)) {
    assert!(low <= high, "{low} to {high} is no interval");
}
