//! Numbers as JavaScript writes them, because ids and versions may be numbers and are hashed and compared as texts.

use core::cmp::Ordering;

/// A number as JavaScript's `String(number)` writes it: the shortest digits that read back as the same number.
///
/// The digits are Steele and White's (1990, "How to print floating-point numbers accurately"), which needs a tenth of
/// the code of the standard library's formatting; the layout is that of ECMA-262 §6.1.6.1.20.
///
/// ```
/// use splitlight_engine::number_text;
/// assert_eq!([1.0, -0.5, 1e21, 1.5e-7, 1e-6].map(number_text), ["1", "-0.5", "1e+21", "1.5e-7", "0.000001"]);
/// ```
pub fn number_text(number: f64) -> String {
    let mut text = String::new();
    if number.is_nan() {
        text.push_str("NaN");
        return text;
    }
    if number < 0.0 {
        text.push('-');
    }
    if number.is_infinite() {
        text.push_str("Infinity");
    } else if number == 0.0 {
        text.push('0');
    } else {
        let (digits, point) = shortest(number.abs());
        lay_out(&digits, point, &mut text);
    }
    text
}

/// Two to a power, to four units in the last place, with the same bits everywhere.
///
/// The Taylor series of `e^x` up to the fourteenth power for what is left of a whole exponent, which is a half at most.
pub(crate) fn exp2(power: f64) -> f64 {
    if power.is_nan() || power > 1023.0 {
        return if power.is_nan() { power } else { f64::INFINITY };
    }
    if power < -1022.0 {
        return 0.0;
    }
    let whole = (power + 0.5).floor();
    let rest = (power - whole) * core::f64::consts::LN_2;
    let (mut term, mut sum, mut factor) = (1.0, 1.0, 1.0);
    while factor < 15.0 {
        term *= rest / factor;
        sum += term;
        factor += 1.0;
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "1 to 2046")]
    let exponent = (whole + 1023.0) as u64;
    sum * f64::from_bits(exponent << 52)
}

/// Digits and where the point is: `0.d1d2d3… × 10^point`.
fn lay_out(digits: &[u8], point: i32, text: &mut String) {
    let zeros = |count: i32, text: &mut String| (0..count).for_each(|_| text.push('0'));
    let count = i32::try_from(digits.len()).unwrap_or(0);
    let scientific = !(-5..=21).contains(&point);
    if !scientific && point <= 0 {
        text.push_str("0.");
        zeros(-point, text);
    }
    let whole = if scientific { 1 } else { point };
    for (at, digit) in (0..).zip(digits) {
        if at == whole && at > 0 {
            text.push('.');
        }
        text.push(char::from(b'0' + digit));
    }
    if scientific {
        let exponent = point - 1;
        text.push_str(if exponent < 0 { "e-" } else { "e+" });
        let exponent = exponent.unsigned_abs();
        for divisor in [100, 10, 1] {
            if exponent >= divisor {
                text.push(char::from(b'0' + u8::try_from(exponent / divisor % 10).unwrap_or(0)));
            }
        }
    } else {
        zeros(point - count, text);
    }
}

/// The shortest digits of a positive number, and the place of the point before the first.
fn shortest(number: f64) -> (Vec<u8>, i32) {
    let bits = number.to_bits();
    let (field, fraction) = (bits >> 52 & 0x7ff, bits & 0xf_ffff_ffff_ffff);
    let mantissa = if field == 0 { fraction } else { fraction | 1 << 52 };
    let exponent = i32::try_from(field.max(1)).unwrap_or(0) - 1075;
    // The gap below a power of two is half of that above.
    let narrow = u32::from(fraction == 0 && field > 1);
    let even = mantissa % 2 == 0;
    let (up, down) = (exponent.max(0).unsigned_abs(), (-exponent).max(0).unsigned_abs());
    let mut rest = Big::new(mantissa).times_power_of_two(up + 1 + narrow);
    let mut scale = Big::new(1).times_power_of_two(down + 1 + narrow);
    let mut above = Big::new(1).times_power_of_two(up + narrow);
    let mut below = Big::new(1).times_power_of_two(up);
    let reaches = |order: Ordering| order == Ordering::Greater || (even && order == Ordering::Equal);
    let mut point = 0;
    while reaches(rest.plus(&above).compare(&scale)) {
        scale.times(10);
        point += 1;
    }
    loop {
        let (mut more, mut higher) = (rest.clone(), above.clone());
        more.times(10);
        higher.times(10);
        if reaches(more.plus(&higher).compare(&scale)) {
            break;
        }
        (rest, above) = (more, higher);
        below.times(10);
        point -= 1;
    }
    let mut digits = Vec::new();
    loop {
        for big in [&mut rest, &mut above, &mut below] {
            big.times(10);
        }
        let mut digit = 0;
        while rest.compare(&scale) != Ordering::Less {
            rest.minus(&scale);
            digit += 1;
        }
        let low = reaches(below.compare(&rest));
        let high = reaches(rest.plus(&above).compare(&scale));
        if !low && !high {
            digits.push(digit);
            continue;
        }
        // Both ends are near enough: the nearer one.
        let round_up = high && (!low || rest.plus(&rest).compare(&scale) != Ordering::Less);
        digits.push(digit + u8::from(round_up));
        return (digits, point);
    }
}

/// A whole number of any size, least significant part first, without zeros at the end.
#[derive(Clone)]
struct Big(Vec<u32>);

impl Big {
    fn new(number: u64) -> Self {
        let mut big = Self(Vec::new());
        let mut rest = number;
        while rest > 0 {
            big.0.push((rest & 0xffff_ffff) as u32);
            rest >>= 32;
        }
        big
    }

    fn times(&mut self, factor: u32) {
        let mut carry = 0;
        for part in &mut self.0 {
            let product = u64::from(*part) * u64::from(factor) + carry;
            *part = (product & 0xffff_ffff) as u32;
            carry = product >> 32;
        }
        if carry > 0 {
            self.0.push((carry & 0xffff_ffff) as u32);
        }
    }

    fn times_power_of_two(mut self, power: u32) -> Self {
        for _ in 0..power / 16 {
            self.times(1 << 16);
        }
        self.times(1 << (power % 16));
        self
    }

    fn plus(&self, other: &Self) -> Self {
        let mut sum = Vec::new();
        let mut carry = 0;
        for at in 0..self.0.len().max(other.0.len()) {
            let part = |big: &Self| u64::from(big.0.get(at).copied().unwrap_or(0));
            carry += part(self) + part(other);
            sum.push((carry & 0xffff_ffff) as u32);
            carry >>= 32;
        }
        if carry > 0 {
            sum.push((carry & 0xffff_ffff) as u32);
        }
        Self(sum)
    }

    /// Takes away another number that is not greater.
    fn minus(&mut self, other: &Self) {
        let mut borrowed = 0;
        for (at, part) in self.0.iter_mut().enumerate() {
            let (once, first) = part.overflowing_sub(other.0.get(at).copied().unwrap_or(0));
            let (twice, second) = once.overflowing_sub(borrowed);
            borrowed = u32::from(first || second);
            *part = twice;
        }
        while self.0.last() == Some(&0) {
            self.0.pop();
        }
    }

    fn compare(&self, other: &Self) -> Ordering {
        self.0.len().cmp(&other.0.len()).then_with(|| self.0.iter().rev().cmp(other.0.iter().rev()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn corners_are_as_in_javascript() {
        for (number, text) in [
            (5e-324, "5e-324"),
            (f64::MAX, "1.7976931348623157e+308"),
            (1e20, "100000000000000000000"),
            (123_456_789_012_345_680_000.0, "123456789012345680000"),
            (1.2345e-6, "0.0000012345"),
            (-0.0, "0"),
            (2.0_f64.powi(-1022), "2.2250738585072014e-308"),
            (9_007_199_254_740_993.0, "9007199254740992"),
        ] {
            assert_eq!(number_text(number), text);
        }
    }

    proptest! {
        #[test]
        fn the_digits_are_the_shortest(bits in any::<u64>()) {
            let number = f64::from_bits(bits);
            prop_assume!(number.is_finite());
            let text = number_text(number);
            prop_assert_eq!(text.parse::<f64>(), Ok(if number == 0.0 { 0.0 } else { number }));
            let digits = |text: &str| -> String {
                let mantissa = text.split('e').next().unwrap_or_default();
                let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
                digits.trim_start_matches('0').trim_end_matches('0').to_owned()
            };
            prop_assert_eq!(digits(&text), digits(&format!("{number:e}")));
        }
    }
}
