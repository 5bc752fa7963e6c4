//! The count: events become exact aggregates, and aggregates become results.
//!
//! A visitor's part of the aggregates is a pure function of the *set* of their valid events. So no order, repetition
//! or split of a log into batches and shards changes a byte of the [`Aggregates`] or of the results.
//!
//! ```
//! use splitlight_collector::{Batch, Fact, Plan, Received, Shard, memory::Memory};
//! use splitlight_protocol::{Timestamp, config, event::EventId};
//!
//! let config = config::parse(r#"{ "version": 1, "project": "shop",
//!   "metrics": [{ "key": "bought", "kind": "proportion", "event": "purchase" }],
//!   "experiments": [{ "key": "hero", "variations": [{ "key": "control" }, { "key": "bold" }],
//!     "metrics": { "primary": "bought" } }] }"#).config;
//! let mut shard = Shard::new(Memory::default());
//! let event = |id: u8, fact| Received { id: EventId::from_bytes([id; 16]), time: Timestamp::from_ms(0), fact };
//! let met = Fact::Exposure { experiment: "hero".into(), variation: "bold".into(), valid: true };
//! let batch = Batch {
//!     visitor: "v-1".into(),
//!     received: Timestamp::from_ms(0),
//!     events: vec![event(1, met.clone()), event(1, met)],
//!     ..Batch::default()
//! };
//! shard.apply(&Plan::new(&config), &[batch]).unwrap_or_else(|never| match never {});
//! let results = splitlight_collector::results(&config, &shard.storage().aggregates, Timestamp::from_ms(0), "hero");
//! assert_eq!(results.map(|results| results.total_users), Some(1));
//! ```
//!
//! | step | type |
//! |---|---|
//! | what a config counts | [`Plan`] |
//! | a checked event | [`Received`], [`correct_time`] |
//! | what results are broken down by | [`Said`] |
//! | what is kept of a visitor | [`VisitorState`] |
//! | what is counted | [`Aggregates`] |
//! | one transaction | [`Shard::apply`] over a [`Storage`] |
//! | the sum of the shards | [`Rollup`] |
//! | how much one sender may send | [`Quota`] |
//! | what it means | [`results()`], [`list`], [`timeseries`], [`funnel`], [`kpis`], [`cohorts`] |
//! | what a day, a week or a month changed, and what paid | [`report()`], [`markdown`] |
//! | what a verdict is made from | [`record`] |
//! | whether it ends an experiment | [`look`] |
//! | what is worth waking somebody for | [`alarms`] |

mod aggregates;
mod alerts;
mod analyze;
mod autostop;
mod calendar;
mod contribution;
mod log;
mod measure;
pub mod memory;
mod plan;
mod quota;
mod received;
mod report;
mod rollup;
mod shard;
mod traits;
mod visitor;

pub use aggregates::{Aggregates, DAY_ALL, Key, Part, What};
pub use alerts::{Alarms, Fired, Watched, alarms};
pub use analyze::{View, cohorts, csv, funnel, kpis, list, record, results, results_by, timeseries};
pub use autostop::{End, Look, look};
pub use calendar::{first_day, next_first_day};
pub use contribution::contribution;
pub use log::{Entry, Line, Logged};
pub use plan::Plan;
pub use quota::{Quota, Rate};
pub use received::{Batch, Fact, Received, Traits, correct_time};
pub use report::{markdown, report};
pub use rollup::{Rollup, Snapshot};
pub use shard::{Shard, Storage};
pub use traits::Said;
pub use visitor::{CONVERSIONS_MAX, Export, VALUE_ABS_MAX, VisitorState};
