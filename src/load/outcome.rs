//! A run of a load as a whole, for reports.

use mock_server::time::Span;

use super::tally::Tally;
use super::verdict::Spoiled;

/// What a run was, and what came of it.
#[derive(Clone, PartialEq, Debug)]
pub struct Outcome {
    /// Where the load went.
    pub target: String,
    /// What was sent when, for people.
    pub demand: String,
    /// `HTTP/1.1` or `HTTP/2`.
    pub http: &'static str,
    /// Connections.
    pub connections: u32,
    /// Requests at a time on a connection.
    pub streams: u32,
    /// Threads.
    pub workers: u32,
    /// The seed of all draws.
    pub seed: u64,
    /// Counts and latencies.
    pub tally: Tally,
    /// For how long requests that count were due.
    pub measured: Span,
    /// How much later than intended a request may be sent without being called late.
    pub tolerance: Span,
    /// Whether the run was ended before its time.
    pub interrupted: bool,
    /// Where the generator spoiled its own run, if it did.
    pub spoiled: Option<Spoiled>,
}

impl Outcome {
    /// Answers per second.
    #[must_use]
    pub fn answers_per_second(&self) -> f64 {
        let seconds = self.measured.as_seconds();
        if seconds > 0.0 { self.tally.answered as f64 / seconds } else { 0.0 }
    }
}
