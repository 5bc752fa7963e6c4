//! HTML in, personalized HTML out, streaming.
