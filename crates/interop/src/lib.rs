//! Documents of other platforms: read, evaluated as their own SDKs do, brought in and written out.
//!
//! What a platform's SDK decides is decided here by [`splitlight_engine`]: the hash, the conditions and the addresses
//! are the engine's, this crate only knows the other platform's documents and the order of its gates.

pub mod growthbook;
