//! A digest of answers: FNV-1a with 64 bits, over bytes that mean the same in every runtime.

use splitlight_engine::{Change, Edit, Template};
use splitlight_protocol::{Map, Value};

const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const PRIME: u64 = 0x0100_0000_01b3;

/// A digest of what was added so far.
pub(super) struct Digest(u64);

impl Digest {
    pub(super) const fn new() -> Self {
        Self(OFFSET)
    }

    pub(super) const fn finish(&self) -> u64 {
        self.0
    }

    pub(super) fn byte(&mut self, byte: u8) {
        self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(PRIME);
    }

    pub(super) fn number(&mut self, number: u64) {
        for byte in number.to_le_bytes() {
            self.byte(byte);
        }
    }

    /// The length goes first, so that no two lists of texts are alike.
    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        for byte in bytes {
            self.byte(*byte);
        }
    }

    pub(super) fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    pub(super) fn value(&mut self, value: &Value) {
        match value {
            Value::Null => self.byte(0),
            Value::Bool(truth) => self.byte(1 + u8::from(*truth)),
            Value::Number(number) => {
                self.byte(3);
                self.number(number.to_bits());
            }
            Value::String(text) => {
                self.byte(4);
                self.text(text);
            }
            Value::Array(items) => {
                self.byte(5);
                self.number(items.len() as u64);
                for item in items {
                    self.value(item);
                }
            }
            Value::Object(map) => {
                self.byte(6);
                self.number(map.len() as u64);
                for (name, value) in map.iter() {
                    self.text(name);
                    self.value(value);
                }
            }
        }
    }

    /// An edit with the visitor's attributes filled in.
    pub(super) fn change(&mut self, change: &Change, attributes: &Map) {
        let html = |template: &Template| template.html(attributes);
        self.text(&change.selector);
        match &change.edit {
            Edit::Text(template) => self.text(&template.text(attributes)),
            Edit::Html(template) | Edit::Insert(_, template) => self.text(&html(template)),
            Edit::Attribute(name, value) => {
                self.text(name);
                self.text(&value.as_ref().map(html).unwrap_or_default());
            }
            Edit::Class(add, remove) => add.iter().chain(remove).for_each(|class| self.text(class)),
            Edit::Remove => self.byte(7),
            Edit::Css(css) => self.text(css),
            Edit::Move(position, target) => {
                self.byte(*position as u8);
                self.text(target);
            }
        }
    }
}
