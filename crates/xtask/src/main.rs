//! The tasks of this repository: `cargo xtask <task>`.

mod error;
mod interrupt;
mod paths;
mod run;
mod setup;
mod bindgen;

fn main() { let _ = setup::all(); let _ = bindgen::worker(&paths::target().join("wasm32-unknown-unknown/edge/splitlight_worker.wasm"), &paths::worker()); let _=interrupt::listen(); }
