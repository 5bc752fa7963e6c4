//! The decision: compiles a config to a program and decides for a visitor at a time.
