//! Runs the vectors of tests/vectors natively, in workerd and in Chromium.
