//! The guide for people who write configs; it is text and examples, and nothing that runs.
#![doc = ""]
#![doc = include_str!("../guide/start.md")]

#[doc = include_str!("../guide/conditions.md")]
pub mod conditions {}

#[doc = include_str!("../guide/personalization.md")]
pub mod personalization {}

#[doc = include_str!("../guide/schedules.md")]
pub mod schedules {}

#[doc = include_str!("../guide/scores.md")]
pub mod scores {}

#[doc = include_str!("../guide/units.md")]
pub mod units {}

#[doc = include_str!("../guide/pages.md")]
pub mod pages {}

#[doc = include_str!("../guide/features.md")]
pub mod features {}

#[doc = include_str!("../guide/explaining.md")]
pub mod explaining {}
