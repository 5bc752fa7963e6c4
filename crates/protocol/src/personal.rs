//! Personal details in what pages send: found by their form or by their name, and masked before anything is stored.
//!
//! | mask | what it stands for |
//! |---|---|
//! | `[email]` | an address with `@`, also as `%40` |
//! | `[card]` | 13 to 19 digits of a payment card, spaces and dashes allowed, by their check digit |
//! | `[iban]` | an account number, by its check digits |
//! | `[phone]` | `+` and 8 to 15 digits, or `555-123-4567` and its like |
//! | `[ip]` | an IPv4 or IPv6 address |
//! | `[mac]` | a hardware address |
//! | `[ssn]` | a US social security number, `123-45-6789` |
//! | `[dni]` | a Spanish DNI or NIE, by its letter |
//! | `[nino]` | a UK national insurance number |
//! | `[nir]` | a French social security number, by its key |
//! | `[jwt]` | a JSON web token |
//! | `[authorization]` | `Bearer` or `Basic` with its value |
//! | `[credentials]` | user and password in an address, `//user:password@` |
//! | `[password]` | what follows `password=`, `token=`, `secret=`, `api_key=`, `session=` and their like |
//! | `[key]` | keys of AWS, Google, GitHub, Slack, Stripe and Splitlight, and private keys in PEM |
//! | `[masked]` | any value of a property whose name says so: see [`is_personal_name`] |
//!
//! No list finds everything: what a site does not send needs no mask.

mod number;
mod token;

use crate::value::{Map, Value};

/// Finds the end of what it knows, when it begins at a position. A position is never within a word.
type Detector = fn(&[u8], usize) -> Option<usize>;

/// In the order in which they are tried; what is longer and surer goes first.
const DETECTORS: [(&str, Detector); 19] = [
    ("[key]", token::private_key),
    ("[jwt]", token::jwt),
    ("[authorization]", token::authorization),
    ("[credentials]", token::credentials),
    ("[password]", token::assignment),
    ("[key]", token::vendor_key),
    ("[email]", token::email),
    ("[mac]", token::mac),
    ("[ip]", token::ipv6),
    ("[ip]", token::ipv4),
    ("[iban]", number::iban),
    ("[ssn]", number::ssn),
    ("[phone]", number::phone_international),
    ("[card]", number::card),
    ("[nir]", number::nir),
    ("[phone]", number::phone_national),
    ("[dni]", number::dni),
    ("[dni]", number::nie),
    ("[nino]", number::nino),
];

/// Names of properties whose values are never kept, in lower case without `_`, `-`, `.` and spaces.
const NAMES: [&str; 34] = [
    "accesstoken",
    "address",
    "apikey",
    "authorization",
    "birthdate",
    "birthday",
    "cardnumber",
    "creditcard",
    "cvc",
    "cvv",
    "dateofbirth",
    "dni",
    "dob",
    "email",
    "emailaddress",
    "firstname",
    "fullname",
    "iban",
    "ip",
    "ipaddress",
    "lastname",
    "mail",
    "mobile",
    "nie",
    "passport",
    "passwd",
    "password",
    "phone",
    "phonenumber",
    "pwd",
    "secret",
    "ssn",
    "surname",
    "telephone",
];

/// Whether a property of this name holds a personal detail, whatever its value looks like.
///
/// ```
/// use splitlight_protocol::personal::is_personal_name;
/// assert!(is_personal_name("E-Mail") && is_personal_name("first_name"));
/// assert!(!is_personal_name("category"));
/// ```
pub fn is_personal_name(name: &str) -> bool {
    let plain: String =
        name.chars().filter(|c| !matches!(c, '_' | '-' | '.' | ' ')).flat_map(char::to_lowercase).collect();
    NAMES.binary_search(&plain.as_str()).is_ok()
}

/// A text with its personal details masked, or `None` when it has none.
///
/// ```
/// use splitlight_protocol::personal::mask;
/// assert_eq!(mask("for ana@example.com, +34 600 000 000").as_deref(), Some("for [email], [phone]"));
/// assert_eq!(mask("order 1795219200000 of 2 lamps"), None);
/// ```
pub fn mask(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let mut masked = String::new();
    let mut kept = 0;
    let mut at = 0;
    while at < bytes.len() {
        let found = (at == 0 || !is_word(bytes[at - 1]) || !is_word(bytes[at]))
            .then(|| DETECTORS.iter().find_map(|(name, find)| Some((name, find(bytes, at)?))))
            .flatten();
        let Some((name, end)) = found else {
            at += 1;
            continue;
        };
        // Every detector begins and ends at an ASCII byte or at the end.
        masked.push_str(text.get(kept..at).unwrap_or_default());
        masked.push_str(name);
        (kept, at) = (end, end);
    }
    if kept == 0 {
        return None;
    }
    masked.push_str(text.get(kept..).unwrap_or_default());
    Some(masked)
}

/// The properties of an event with their personal details masked, names and numbers included.
///
/// ```
/// use splitlight_protocol::{Map, Value, personal::masked};
/// let read = |text: &str| match serde_json::from_str(text) { Ok(Value::Object(map)) => map, _ => Map::new() };
/// let sent = read(r#"{ "phone": 600000000, "note": ["call ana@example.com"], "color": "red" }"#);
/// assert_eq!(masked(sent), read(r#"{ "phone": "[masked]", "note": ["call [email]"], "color": "red" }"#));
/// ```
pub fn masked(properties: Map) -> Map {
    if properties.is_empty() {
        return properties;
    }
    let member = |(name, value): (&str, &Value)| {
        let kept = if is_personal_name(name) { Value::from("[masked]") } else { masked_value(value) };
        (mask(name).unwrap_or_else(|| name.to_owned()), kept)
    };
    properties.iter().map(member).collect()
}

fn masked_value(value: &Value) -> Value {
    match value {
        Value::String(text) => mask(text).map_or_else(|| value.clone(), |text| Value::from(text.as_str())),
        Value::Number(number) if number::is_card(*number) => Value::from("[card]"),
        Value::Array(items) => Value::Array(items.iter().map(masked_value).collect()),
        Value::Object(map) => Value::Object(masked(map.clone())),
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    }
}

/// Letters and digits, also those of other alphabets.
const fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte >= 0x80
}

/// The end, when no word goes on there.
fn ended(bytes: &[u8], end: usize) -> Option<usize> {
    bytes.get(end).is_none_or(|next| !is_word(*next)).then_some(end)
}

/// How many bytes from a position on are of a kind.
fn run(bytes: &[u8], at: usize, fits: impl Fn(u8) -> bool) -> usize {
    bytes.get(at..).unwrap_or_default().iter().take_while(|byte| fits(**byte)).count()
}
