//! Counts, latencies, time by cause: folds over events that end in a [`summary::Summary`].
//!
//! Knows nothing of who made the events.

pub mod summary;
