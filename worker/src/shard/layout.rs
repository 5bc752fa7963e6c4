//! Which shard a visitor is in, also after shards were added.
//!
//! A project's layout is how many shards it had, one number for each time that some were added; the project object keeps
//! it. By every new number the new shards take their even share of the visitors from all others and nobody else moves.
//! Who was known before stays where they are: a new shard that does not know a visitor asks the one that had them.

use serde::{Deserialize, Serialize};

/// How many shards a project had, oldest first; each number is greater than the one before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Layout(Vec<u32>);

/// Where a visitor's home is by a layout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Homes {
    /// By the newest number of shards.
    pub(crate) now: u32,
    /// By the earlier ones, nearest first, without those that it shares with the next.
    pub(crate) earlier: Vec<u32>,
}

impl Layout {
    /// The layout written by [`Self::text`], with more shards if so many are asked for; fewer would lose visitors.
    pub(crate) fn grown(text: &str, shards: u32) -> Self {
        let mut numbers: Vec<u32> = text.split(',').filter_map(|number| number.parse().ok()).collect();
        if numbers.last().is_none_or(|last| *last < shards) {
            numbers.push(shards.max(1));
        }
        Self(numbers)
    }

    /// The numbers, separated by commas.
    pub(crate) fn text(&self) -> String {
        self.0.iter().map(u32::to_string).collect::<Vec<_>>().join(",")
    }

    /// How many shards there are now.
    pub(crate) fn count(&self) -> u32 {
        self.0.last().copied().unwrap_or(1)
    }

    /// A visitor's homes.
    ///
    /// The first is FNV-1a 64 over the id's UTF-8 bytes, modulo the first number. It must never change, nor may a number
    /// that is in a layout: a visitor in two shards would be two visitors.
    pub(crate) fn homes(&self, visitor: &str) -> Homes {
        let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        let hash = visitor.bytes().fold(0xcbf2_9ce4_8422_2325, step);
        let first = self.0.first().copied().unwrap_or(1);
        let mut homes = Homes { now: modulo(hash, first), earlier: Vec::new() };
        for pair in self.0.windows(2) {
            let [before, after] = [pair[0], pair[1]];
            // Of all places only the new ones are taken, so that each shard keeps an even share.
            let drawn = modulo(mixed(hash, after), after);
            if drawn >= before {
                homes.earlier.insert(0, homes.now);
                homes.now = drawn;
            }
        }
        homes
    }
}

fn modulo(hash: u64, shards: u32) -> u32 {
    u32::try_from(hash % u64::from(shards.max(1))).unwrap_or(0)
}

/// Another draw for each number of shards (the finalizer of `SplitMix64`), independent of the ones before.
fn mixed(hash: u64, shards: u32) -> u64 {
    let mut mixed = hash ^ u64::from(shards).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_visitor_stays_in_their_shard() {
        // FNV-1a 64 of "" and "a" (draft-eastlake-fnv), modulo 1000.
        let layout = Layout::grown("", 1000);
        let homes = |now| Homes { now, earlier: Vec::new() };
        assert_eq!(layout.homes(""), homes(modulo(0xcbf2_9ce4_8422_2325, 1000)));
        assert_eq!(layout.homes("a"), homes(modulo(0xaf63_dc4c_8601_ec8c, 1000)));
    }

    #[test]
    fn a_layout_grows_and_never_shrinks() {
        let layout = Layout::grown("", 2);
        assert_eq!(Layout::grown(&layout.text(), 2), layout);
        let grown = Layout::grown(&layout.text(), 5);
        assert_eq!((grown.text().as_str(), grown.count()), ("2,5", 5));
        assert_eq!(Layout::grown("2,5", 3).text(), "2,5");
        assert_eq!(Layout::grown("", 0).count(), 1);
    }

    #[test]
    fn new_shards_take_an_even_share_and_nobody_else_moves() {
        let layouts = ["2", "2,4", "2,4,5", "2,4,5,16"].map(|text| Layout::grown(text, 0));
        let mut shares = vec![0_u32; 16];
        for number in 0..16_000 {
            let visitor = format!("v-{number}");
            let homes = layouts.each_ref().map(|layout| layout.homes(&visitor));
            for (pair, before) in homes.windows(2).zip(&layouts) {
                if pair[1].now == pair[0].now {
                    assert_eq!(pair[1], pair[0]);
                } else {
                    assert!(pair[1].now >= before.count(), "moved among shards that were there");
                    assert_eq!(pair[1].earlier[0], pair[0].now);
                    assert_eq!(pair[1].earlier[1..], pair[0].earlier);
                }
            }
            shares[homes[3].now as usize] += 1;
        }
        assert!(shares.iter().all(|share| (850..1150).contains(share)), "{shares:?}");
    }
}
