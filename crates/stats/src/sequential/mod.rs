//! Other ways to look at any time: uniform boundaries, sequential probability ratio tests, and linear models.
//!
//! [`always_valid`](crate::always_valid) is the one that experiments use; these are for other data and for comparison
//! with other platforms.

mod boundary;
mod linear_model;
mod ratio_test;

pub use boundary::{Boundary, bernoulli_interval, stitched_bound};
pub use linear_model::LinearModel;
pub use ratio_test::{mixture_ratio_test, statsig_test};
