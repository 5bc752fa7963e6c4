//! Personal details: a hundred made-up samples of each listed kind are masked, and what shops send is left alone.

use splitlight_protocol::personal::mask;

/// A small generator, so that the samples are the same everywhere.
struct Draw(u64);

impl Draw {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }

    fn text(&mut self, alphabet: &str, length: usize) -> String {
        let letters: Vec<char> = alphabet.chars().collect();
        (0..length)
            .map(|_| letters[usize::try_from(self.below(letters.len() as u64)).expect("small")])
            .collect()
    }

    fn pick<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[usize::try_from(self.below(of.len() as u64)).expect("small")]
    }
}

const DIGITS: &str = "0123456789";
const LOWER: &str = "abcdefghijklmnopqrstuvwxyz";
const HEX: &str = "0123456789abcdef";
const TOKEN: &str = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";

fn card(draw: &mut Draw) -> String {
    let mut digits = format!("{}{}", draw.pick(&["34", "4", "51", "60", "2221"]), draw.text(DIGITS, 15));
    digits.truncate(15);
    // The check digit is the one of ten that makes the sum right; `mask` is not asked.
    let odd = |text: &str| -> u32 {
        let doubled = |(index, c): (usize, char)| {
            let digit = c.to_digit(10).expect("digit") * if index % 2 == 1 { 2 } else { 1 };
            digit / 10 + digit % 10
        };
        text.chars().rev().enumerate().map(doubled).sum()
    };
    let check = (0..10).find(|check| odd(&format!("{digits}{check}")) % 10 == 0).expect("one of ten");
    let all = format!("{digits}{check}");
    let separator = draw.pick(&["", " ", "-"]);
    [&all[..4], &all[4..8], &all[8..12], &all[12..]].join(separator)
}

fn iban(draw: &mut Draw) -> String {
    let (country, account) = (draw.pick(&["ES", "DE", "FR"]), draw.text(DIGITS, 20));
    let number =
        format!("{account}{}", country.chars().map(|c| (c as u32 - 55).to_string()).collect::<String>());
    let remainder =
        format!("{number}00").chars().fold(0, |sum, c| (sum * 10 + c.to_digit(10).expect("digit")) % 97);
    format!("{country}{:02}{account}", 98 - remainder)
}

fn dni(draw: &mut Draw) -> String {
    let number = draw.below(100_000_000);
    let letter = "TRWAGMYFPDXBNJZSQVHLCKE".as_bytes()[usize::try_from(number % 23).expect("small")];
    format!("{number:08}{}", char::from(letter))
}

fn nir(draw: &mut Draw) -> String {
    let number: u64 = format!("{}{}", draw.pick(&["1", "2"]), draw.text(DIGITS, 12)).parse().expect("number");
    format!("{number}{:02}", 97 - number % 97)
}

type Maker = fn(&mut Draw) -> String;

const KINDS: [(&str, Maker); 20] = [
    ("email", |d| format!("{}.{}@{}.com", d.text(LOWER, 5), d.text(LOWER, 4), d.text(LOWER, 7))),
    ("email in an address", |d| format!("{}%40{}.co.uk", d.text(LOWER, 5), d.text(LOWER, 7))),
    ("card", card),
    ("iban", iban),
    ("phone", |d| format!("+{} {} {}", d.pick(&["34", "1", "44"]), d.text(DIGITS, 4), d.text(DIGITS, 5))),
    ("phone, US", |d| format!("({}) {}-{}", d.text(DIGITS, 3), d.text(DIGITS, 3), d.text(DIGITS, 4))),
    ("ipv4", |d| format!("{}.{}.{}.{}", d.below(256), d.below(256), d.below(256), d.below(256))),
    ("ipv6", |d| format!("2001:db8:{}::{}", d.text(HEX, 4), d.text(HEX, 3))),
    ("mac", |d| (0..6).map(|_| d.text(HEX, 2)).collect::<Vec<_>>().join(":")),
    ("ssn", |d| format!("{}-{}-{}", d.text(DIGITS, 3), d.text(DIGITS, 2), d.text(DIGITS, 4))),
    ("dni", dni),
    ("nino", |d| {
        format!("{}{}{}", d.pick(&["AB", "CE", "JG"]), d.text(DIGITS, 6), d.pick(&["A", "B", "C", "D"]))
    }),
    ("nir", nir),
    ("jwt", |d| format!("eyJ{}.eyJ{}.{}", d.text(TOKEN, 20), d.text(TOKEN, 30), d.text(TOKEN, 40))),
    ("bearer", |d| format!("Bearer {}", d.text(TOKEN, 32))),
    ("credentials", |d| format!("https://{}:{}@host.test/x", d.text(LOWER, 5), d.text(TOKEN, 8))),
    ("password", |d| format!("{}={}", d.pick(&["password", "token", "api_key"]), d.text(TOKEN, 9))),
    ("aws", |d| format!("AKIA{}", d.text("ABCDEFGHIJKLMNOP234567", 16))),
    ("github", |d| format!("ghp_{}", d.text("abcdefghijklmnopqrstuvwxyzABCDEF0123456789", 36))),
    ("private key", |d| format!("-----BEGIN RSA PRIVATE KEY-----\n{}", d.text(TOKEN, 64))),
];

#[test]
fn a_hundred_samples_of_each_kind_are_masked() {
    let mut draw = Draw(7);
    let mut missed = Vec::new();
    for (kind, make) in KINDS {
        for _ in 0..100 {
            let sample = make(&mut draw);
            for text in [sample.clone(), format!("to {sample}, please"), format!("é({sample})")] {
                if mask(&text).is_none_or(|masked| masked.contains(&sample)) {
                    missed.push(format!("{kind}: {text}"));
                }
            }
        }
    }
    assert!(missed.is_empty(), "{} missed, such as {:?}", missed.len(), &missed[..missed.len().min(5)]);
}

#[test]
fn what_shops_send_is_left_alone() {
    for text in [
        "Electronics",
        "order-2026-11-21-000123",
        "2026-11-21T09:00:00.000Z",
        "12:30:45",
        "1.2.3",
        "10.99 EUR",
        "019a2b3c-4d5e-7f60-8123-456789abcdef",
        "1795219200000",
        "SKU 12345678",
        "0012345678",
        "ab:cd",
        "C++ @ home",
        "a@b",
        "#ff00aa",
        "/products/lamp-40w/",
        "utm_source=mail",
        "token",
        "x=1&y=2",
        "naïve café ☕",
        "123 456 789",
        "50% off: 3 for 2",
        "user@localhost",
        "4111 1111 1111 1112",
        "https://host.test/a:b@c",
    ] {
        assert_eq!(mask(text), None, "{text}");
    }
}

#[test]
fn nothing_that_is_read_panics() {
    let mut draw = Draw(1);
    for _ in 0..20_000 {
        let text = draw.text("0123456789+-. @:%/=éABCXeyJtoken☕", 24);
        if let Some(masked) = mask(&text) {
            assert!(masked.contains('['), "{text}");
        }
    }
}
