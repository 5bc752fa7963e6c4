//! The Cloudflare Worker: edge rewriting, intake, shards, rollup and the results API.
