//! The engine as a WebAssembly module without imports: bytes in, bytes out, and nothing asked of the host.
//!
//! A host writes what it has at the address that [`room`] gives, calls [`load`] once with a program and [`decide`] for
//! every visitor, and reads the answer at the address it gets. `portable.mjs` beside this crate does that in JavaScript
//! in a page of code; every other language needs no more.
//!
//! Texts and lists have their length before them, as a LEB128 number. A value is a byte for its type and then: nothing
//! for 0 null, 1 false and 2 true; 3 a double, lowest byte first; 4 a text in UTF-8; 5 a list; 6 an object, as a list of
//! a text and a value each.

mod answer;
mod bytes;
mod tools;
mod visitor;

use core::cell::RefCell;
use splitlight_engine::{Index, Program};
use splitlight_protocol::{Timestamp, Value};
use wasm_bindgen::prelude::wasm_bindgen;

#[cfg(target_family = "wasm")]
#[global_allocator]
static ALLOCATOR: talc::wasm::WasmDynamicTalc = talc::wasm::new_wasm_dynamic_allocator();

/// What an instance of the module holds: one program, and the bytes that go in and out.
#[derive(Default)]
struct Instance {
    program: Program,
    index: Option<Index>,
    input: Vec<u8>,
    output: Vec<u8>,
}

thread_local! {
    static INSTANCE: RefCell<Instance> = RefCell::default();
}

/// Makes room for so many bytes of input, and gives the address to write them to. It is valid until the next call.
#[wasm_bindgen]
pub fn room(bytes: usize) -> usize {
    INSTANCE.with_borrow_mut(|instance| {
        instance.input.resize(bytes, 0);
        instance.input.as_ptr().addr()
    })
}

/// Takes the input as a program; says whether it is one of this release. Without one there is nothing to decide.
#[wasm_bindgen]
pub fn load() -> bool {
    INSTANCE.with_borrow_mut(|instance| match Program::from_bytes(&instance.input) {
        Ok(program) => {
            instance.program = program;
            instance.index = None;
            true
        }
        Err(_) => false,
    })
}

/// Makes deciding for many visitors faster, for the price of deciding for some ten of them.
///
/// The small build does not have it.
#[wasm_bindgen]
pub fn index() {
    INSTANCE.with_borrow_mut(|instance| instance.index = Some(Index::new(&instance.program)));
}

/// The address of an answer that names everything there is to decide about.
///
/// An answer is its length in four bytes, lowest first, and then here: a list of items (a text for the key, a byte that is
/// 0 for an experiment and 1 for a personalization, a list of texts for the variations), a list of texts for the
/// features, and a list of texts for the reasons.
#[wasm_bindgen]
pub fn names() -> usize {
    INSTANCE.with_borrow_mut(|instance| {
        answer::names(&instance.program, &mut instance.output);
        instance.output.as_ptr().addr()
    })
}

/// Decides everything for the visitor who is the input, at a time in milliseconds since 1970, and gives the address of
/// the answer, or 0 when the input is not a visitor.
///
/// The input is a byte of flags (1 no consent, 2 asked for consent, 4 a machine, 8 the history is known, 16 the page will
/// know more, 32 the offset is known, 64 consent to measurement only, 128 to personalization only) and then the texts for id, user, address and kept variations, the history's bytes
/// with their length, the attributes as an object, the minutes the visitor's clock is ahead of UTC in two bytes, and the
/// list of what a verified preview link asks for, a text for the item and one for the variation. An empty text is none.
///
/// The answer is its length in four bytes, then two bytes per item (which variation, which reason), then per feature a
/// byte for the reason, the position of the item that gave the value plus one as LEB128, or 0, and the value; then a text
/// for what the device has to keep now, empty when it keeps it already.
#[wasm_bindgen]
pub fn decide(now_ms: f64) -> usize {
    let now = moment(now_ms);
    INSTANCE.with_borrow_mut(|instance| {
        let Some(visitor) = visitor::read(&instance.input) else { return 0 };
        let decisions = match &instance.index {
            Some(index) => index.decide(&instance.program, &visitor, now),
            None => splitlight_engine::decide(&instance.program, &visitor, now),
        };
        answer::decisions(&instance.program, &visitor, &decisions, &mut instance.output);
        instance.output.as_ptr().addr()
    })
}

#[expect(clippy::cast_possible_truncation, reason = "milliseconds are whole, and the cast saturates")]
fn moment(ms: f64) -> Timestamp {
    Timestamp::from_ms(ms as i64)
}

/// Explains every decision about the visitor who is the input, as in [`decide`]; gives the address of a value.
///
/// Only the build with tools has this and what follows. An answer is its length in four bytes, lowest first, and a value
/// or bytes; the address is 0 when the input is not as expected.
#[wasm_bindgen]
pub fn explain(now_ms: f64) -> usize {
    tell(|it| tools::explanation(&it.program, &it.input, moment(now_ms)))
}

/// What a page and its request say, from the texts for address, referrer, user agent and language: the address of an
/// object with `attributes` and `isBot`.
#[wasm_bindgen]
pub fn page() -> usize {
    tell(|it| tools::page(&it.input))
}

/// Remembers an event at a time. The input is the history's bytes with their length, a text for the event's name, an object
/// of properties, and its value as a number or null; gives the address of the history's new bytes.
#[wasm_bindgen]
pub fn remember(now_ms: f64) -> usize {
    give(|it| tools::remembered(&it.program, &it.input, moment(now_ms)))
}

/// Counts a page view at a time. The input is the history's bytes with their length and the texts for address and referrer;
/// gives the address of the history's new bytes.
#[wasm_bindgen]
pub fn visit(now_ms: f64) -> usize {
    give(|it| tools::visited(&it.program, &it.input, moment(now_ms)))
}

/// What a history holds, from its bytes with their length: the address of a value.
#[wasm_bindgen]
pub fn history() -> usize {
    tell(|it| tools::told(&it.program, &it.input))
}

fn tell(answer: impl FnOnce(&Instance) -> Option<Value>) -> usize {
    give(|it| {
        let mut bytes = Vec::new();
        splitlight_engine::bytes::value(&answer(it)?, &mut bytes);
        Some(bytes)
    })
}

fn give(answer: impl FnOnce(&Instance) -> Option<Vec<u8>>) -> usize {
    INSTANCE.with_borrow_mut(|instance| {
        let Some(bytes) = answer(instance) else { return 0 };
        answer::answer(&mut instance.output, |out| out.extend_from_slice(&bytes));
        instance.output.as_ptr().addr()
    })
}
