//! The rollup object.
