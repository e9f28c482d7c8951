//! How long a bench measures.

use std::time::Duration;

use criterion::Criterion;

/// Short: the whole of `cargo bench` is to end within minutes; the quickest of these runs thousands of times in it.
pub(crate) fn short() -> Criterion {
    Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1))
}
