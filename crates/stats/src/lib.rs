//! The mathematics of experiments, on additive moments.
