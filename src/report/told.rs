//! What is told of a run: its sums, what was beside it, and whether clients kept to their goals.

use mock_server::journal::judge::goal::Verdict;

use crate::metrics::beside::Beside;
use crate::metrics::summary::Summary;

/// What is told of a run.
#[derive(Copy, Clone, Debug)]
pub struct Told<'a> {
    /// `virtual`, `live` or `replay`.
    pub world: &'static str,
    /// The sums.
    pub summary: &'a Summary,
    /// What was beside the wave.
    pub beside: &'a Beside,
    /// Whether clients kept to the goals of the scenario; empty if it states none.
    pub goals: &'a [Verdict],
}
