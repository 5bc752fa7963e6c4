//! Kept variations: a unit stays in the variation it met first, when weights or the audience change later.

use crate::code::Gated;
use crate::codec::{Reader, wire_struct};
use crate::hash::{OFFSET, fnv32a};
use crate::list::leave_out;
use crate::template::whole;

/// What an item says about kept variations.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct StickyRule {
    pub(crate) version: u32,
    pub(crate) min_version: u32,
}

wire_struct!(StickyRule { version, min_version });

/// The variations that a device keeps.
///
/// As text it fits a cookie: groups of four separated by `!`, which no key contains: a hash of unit and id, the
/// experiment, the bucket version, the variation.
///
/// ```
/// use splitlight_engine::Sticky;
/// let kept = Sticky::parse("91!hero!0!bold!!hurt");
/// assert_eq!(kept.to_text(), "91!hero!0!bold", "what is no group of four is dropped");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sticky(Vec<Kept>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Kept {
    /// Hash of the unit's name and id, so that a shared device keeps people apart without storing their ids.
    unit: u32,
    experiment: String,
    version: u32,
    variation: String,
}

/// What is kept for an item.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Found {
    Nothing,
    Variation(usize),
    /// One from before the version that excludes.
    Blocked,
}

/// Kept variations on one device: a cookie holds 4 KB, and 100 of them are at most 3.
const KEPT_MAX: usize = 100;

impl Sticky {
    /// Reads what [`Self::to_text`] wrote; anything else keeps nothing.
    pub fn parse(text: &str) -> Self {
        let part = |bytes: &[u8]| core::str::from_utf8(bytes).unwrap_or_default().to_owned();
        let mut parts = text.as_bytes().split(|byte| *byte == b'!').map(part);
        let mut kept = Vec::new();
        while let (Some(unit), Some(experiment), Some(version), Some(variation)) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        {
            let Some((unit, version)) = number(&unit).zip(number(&version)) else { break };
            if kept.len() < KEPT_MAX {
                kept.push(Kept { unit, experiment, version, variation });
            }
        }
        Self(kept)
    }

    /// The text for the device's cookie.
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        for kept in &self.0 {
            if !text.is_empty() {
                text.push('!');
            }
            push_number(&mut text, kept.unit);
            text.push('!');
            text.push_str(&kept.experiment);
            text.push('!');
            push_number(&mut text, kept.version);
            text.push('!');
            text.push_str(&kept.variation);
        }
        text
    }

    /// What is kept for an item and a unit's id.
    pub(crate) fn find(&self, item: &Gated<'_>, rule: StickyRule, unit: u32) -> Found {
        let mut found = Found::Nothing;
        for kept in self.0.iter().filter(|kept| kept.unit == unit && kept.experiment == item.key) {
            if kept.version < rule.min_version {
                return Found::Blocked;
            }
            let at = item.position(&kept.variation);
            if let Some(at) = at.filter(|_| kept.version == rule.version) {
                found = Found::Variation(at);
            }
        }
        found
    }

    /// Keeps a variation; says whether that is new.
    pub(crate) fn keep(&mut self, item: &Gated<'_>, rule: StickyRule, unit: u32, variation: usize) -> bool {
        let Some(variation) = item.variation(variation) else { return false };
        let same = |kept: &&mut Kept| {
            kept.unit == unit && kept.experiment == item.key && kept.version == rule.version
        };
        if let Some(kept) = self.0.iter_mut().find(same) {
            let new = kept.variation != variation.key;
            variation.key.clone_into(&mut kept.variation);
            return new;
        }
        if self.0.len() >= KEPT_MAX {
            leave_out(&mut self.0, 0);
        }
        self.0.push(Kept {
            unit,
            experiment: item.key.to_owned(),
            version: rule.version,
            variation: variation.key.to_owned(),
        });
        true
    }
}

/// The name of the unit that is next and an id, as [`Sticky`] stores them.
pub(crate) fn unit_hash(unit: &mut Reader<'_>, id: &str) -> u32 {
    let name = match unit.byte() {
        1 => fnv32a(OFFSET, "visitor"),
        2 => fnv32a(OFFSET, "user"),
        _ => (0..unit.length()).fold(OFFSET, |hash, _| fnv32a(hash, unit.text())),
    };
    fnv32a(name, id)
}

fn number(text: &str) -> Option<u32> {
    if text.is_empty() {
        return None;
    }
    text.bytes().try_fold(0_u32, |number, byte| {
        let digit = byte.checked_sub(b'0').filter(|digit| *digit < 10)?;
        number.checked_mul(10)?.checked_add(u32::from(digit))
    })
}

fn push_number(text: &mut String, number: u32) {
    text.push_str(&whole(number.into()).unwrap_or_default());
}
