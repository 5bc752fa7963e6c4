//! The core of the script tag: decides for this visitor, and says what that means for the page.
//!
//! The loader (`www/loader`) is its only caller. It starts the core once per page, edits the document, keeps what may be
//! kept and sends events: code that calls the browser all the time is half as large in JavaScript, and one guard around
//! every call keeps a failure of ours from the page. What is decided, and whether it may change while the page is open,
//! is decided here.
//!
//! Bytes go in and bytes come out, so that there is no glue and nothing is asked of JavaScript while something is decided:
//! the loader writes a value at the address that [`room`] gives and reads one at the address it gets, in the form of
//! [`splitlight_engine::bytes`].

mod answer;
mod core;
mod handover;
mod standing;

pub use core::{decide_page, remember, room, start};

#[cfg(target_family = "wasm")]
#[global_allocator]
static ALLOCATOR: lol_alloc::LockedAllocator<lol_alloc::FreeListAllocator> =
    lol_alloc::LockedAllocator::new(lol_alloc::FreeListAllocator::new());
