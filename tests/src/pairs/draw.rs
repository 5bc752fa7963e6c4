//! Chance from a seed: splitmix64, in integers of fixed width, so that every runtime draws the same.

/// A source of numbers that a seed determines.
pub(crate) struct Draw(u64);

impl Draw {
    /// The source of one pair, unlike that of any other.
    pub(crate) fn new(seed: u64, number: u64) -> Self {
        let mut draw = Self(seed.wrapping_mul(0x2545_f491_4f6c_dd1d) ^ number);
        draw.0 = draw.next();
        draw
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below another one.
    pub(super) fn below(&mut self, end: u64) -> u64 {
        self.next() % end.max(1)
    }

    /// Whether something that happens so many times in a hundred happens now.
    pub(super) fn percent(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    pub(super) fn pick<'a, T: ?Sized>(&mut self, from: &[&'a T]) -> &'a T {
        let at = self.below(from.len() as u64);
        from[usize::try_from(at).unwrap_or(0)]
    }

    /// Some texts with a comma between them.
    pub(super) fn list(&mut self, most: u64, mut one: impl FnMut(&mut Self) -> String) -> String {
        let count = self.below(most + 1);
        let items: Vec<String> = (0..count).map(|_| one(self)).collect();
        items.join(",")
    }
}

/// Numbers on which runtimes and readers of JSON could disagree.
const ODD: [&str; 22] = [
    "0",
    "-0.0",
    "1",
    "-1",
    "0.1",
    "0.30000000000000004",
    "1e21",
    "1e-7",
    "5e-324",
    "2.2250738585072014e-308",
    "1.7976931348623157e308",
    "9007199254740991",
    "9007199254740993",
    "-9007199254740992",
    "4294967296",
    "2147483648",
    "-2147483649",
    "0.5",
    "1.5",
    "1e2",
    "123456789012345680000",
    "3.0000000000000004",
];

/// A number in JSON.
pub(super) fn number(draw: &mut Draw) -> String {
    match draw.below(10) {
        0..4 => draw.below(6).to_string(),
        4..6 => draw.pick(&ODD).to_owned(),
        6 => format!("-{}", draw.below(1000)),
        7 => format!("{}.{}", draw.below(100), draw.below(1_000_000)),
        8 => format!("{}e{}", draw.next() >> 11, draw.below(40)),
        _ => format!("{}.{}e-{}", draw.below(10), draw.next() >> 20, draw.below(300)),
    }
}

const WORDS: [&str; 26] = [
    "",
    "a",
    "A",
    "b",
    "pro",
    "PRO",
    "free",
    "ES",
    "FR",
    "Madrid",
    "Electronics",
    "1",
    "0",
    "true",
    "null",
    "é",
    "É",
    "ﬀ",
    "İ",
    "ß",
    "日本",
    "😀",
    "\u{ffff}",
    "a😀b",
    "1.2.3",
    "2.0.0-beta.1",
];

/// A text as JavaScript could hold it, without quotes.
pub(super) fn word(draw: &mut Draw) -> &'static str {
    draw.pick(&WORDS)
}

/// A text in JSON.
pub(super) fn text(draw: &mut Draw) -> String {
    format!("\"{}\"", word(draw))
}

/// Anything but a list or an object, in JSON.
pub(super) fn scalar(draw: &mut Draw) -> String {
    match draw.below(8) {
        0 => "null".to_owned(),
        1 => draw.pick(&["true", "false"]).to_owned(),
        2..5 => number(draw),
        _ => text(draw),
    }
}

/// Anything, in JSON.
pub(super) fn value(draw: &mut Draw, depth: u32) -> String {
    match draw.below(10) {
        0 if depth > 0 => format!("[{}]", draw.list(3, |draw| value(draw, depth - 1))),
        1 if depth > 0 => {
            let (one, other) = (value(draw, depth - 1), value(draw, depth - 1));
            format!("{{\"k\":{one},\"é\":{other}}}")
        }
        _ => scalar(draw),
    }
}

/// A share from 0 to 1, in JSON.
pub(super) fn share(draw: &mut Draw) -> String {
    match draw.below(6) {
        0 => "0".to_owned(),
        1 => "1".to_owned(),
        2 => "0.5".to_owned(),
        _ => format!("0.{:04}", draw.below(10_000)),
    }
}

/// A part of `[0, 1)`, in JSON.
pub(super) fn range(draw: &mut Draw) -> String {
    let from = draw.below(10_000);
    let to = from + draw.below(10_001 - from);
    let place = |at: u64| if at == 10_000 { "1".to_owned() } else { format!("0.{at:04}") };
    format!("[{},{}]", place(from), place(to))
}
