//! The core of the decide-only build: which variations a visitor has, and nothing else.
//!
//! It is a crate of its own because a module keeps whatever any function of it may call indirectly. Its only caller is
//! `www/loader/decide.js`.

use core::cell::RefCell;
use splitlight_engine::{Consent, Reason, lean};
use splitlight_protocol::Timestamp;
use wasm_bindgen::prelude::wasm_bindgen;

#[cfg(target_family = "wasm")]
#[global_allocator]
static ALLOCATOR: lol_alloc::LockedAllocator<lol_alloc::FreeListAllocator> =
    lol_alloc::LockedAllocator::new(lol_alloc::FreeListAllocator::new());

thread_local! {
    static INPUT: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

#[wasm_bindgen]
extern "C" {
    /// Takes an answer: where the bytes of the item's key, the variation's and the reason are, each with its length, and how
    /// many changes the variation has.
    fn tell(
        key: usize,
        key_length: usize,
        variation: usize,
        variation_length: usize,
        reason: usize,
        reason_length: usize,
        changes: usize,
    );
}

/// Makes room for so many bytes of input, and gives the address to write them to.
#[wasm_bindgen]
pub fn room(length: usize) -> usize {
    INPUT.with_borrow_mut(|input| {
        *input = vec![0; length];
        input.as_ptr().addr()
    })
}

/// Decides at a time in milliseconds since 1970 what little code can tell, and tells it.
///
/// The input is the program and then the facts, as [`lean::decide`] takes them. Nothing is told of what is deferred, of a
/// personalization that is not in force, and of a visitor who agreed to nothing.
#[wasm_bindgen]
pub fn choose(program_length: usize, measures: bool, personalizes: bool, now: f64) {
    let consent = match (measures, personalizes) {
        (true, true) => Consent::Granted,
        (true, false) => Consent::Measurement,
        (false, true) => Consent::Personalization,
        (false, false) => return,
    };
    #[expect(clippy::cast_possible_truncation, reason = "a clock's milliseconds, and the cast saturates")]
    let now = Timestamp::from_ms(now as i64);
    INPUT.with_borrow(|input| {
        let Some((program, facts)) = input.split_at_checked(program_length) else { return };
        lean::decide(program, facts, consent, now, &mut |answer| {
            if answer.reason == Reason::Deferred || answer.is_personalization && !answer.reason.is_open() {
                return;
            }
            let place = |text: &str| (text.as_ptr().addr(), text.len());
            let [key, variation, reason] = [answer.key, answer.variation, answer.reason.name()].map(place);
            tell(key.0, key.1, variation.0, variation.1, reason.0, reason.1, answer.changes);
        });
    });
}
