//! The documents of Splitlight: config, events, results and limits.
