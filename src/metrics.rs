//! Counts, latencies, time by cause: folds over events that end in a [`summary::Summary`].
//!
//! Knows nothing of who made the events.

pub mod beside;
pub mod collect;
pub mod merge;
pub mod summary;
