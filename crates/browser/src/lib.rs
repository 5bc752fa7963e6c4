//! The core of the script tag: decides for this visitor, and says what that means for the page.
//!
//! The loader (`www/loader`) is its only caller. It starts [`Splitlight`] once per page, edits the document, keeps what
//! may be kept and sends events: code that calls the browser all the time is half as large in JavaScript, and one
//! guard around every call keeps a failure of ours from the page. What is decided, and whether it may change while the
//! page is open, is decided here.

mod answer;
mod clock;
mod core;
mod handover;
mod standing;
mod value;

pub use core::Splitlight;

#[cfg(target_family = "wasm")]
#[global_allocator]
static ALLOCATOR: talc::wasm::WasmDynamicTalc = talc::wasm::new_wasm_dynamic_allocator();
