//! Random payloads and visitors: our evaluation against that of GrowthBook's own crate.
