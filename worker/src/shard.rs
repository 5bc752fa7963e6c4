//! The shard object.
