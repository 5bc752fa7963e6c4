//! The count: events become exact aggregates, and aggregates become results.
