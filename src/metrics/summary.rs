//! What a run comes to. Summaries merge: the order does not matter.

use hdrhistogram::Histogram;
use mock_server::time::{Moment, Span};
use mock_server::wire::operation::Operation;
use mock_server::wire::refusal::RefusalKind;

use crate::event::{Cause, Verification};

/// What a run comes to.
#[derive(Clone, Debug)]
pub struct Summary {
    /// When the last mailbox ended.
    pub makespan: Moment,
    /// How the mailboxes fared.
    pub mailboxes: MailboxCounts,
    /// When each completed mailbox was done, in milliseconds since the run began.
    pub completions: Histogram<u32>,
    /// Items copied and left behind.
    pub items: ItemCounts,
    /// Calls by operation; entry n belongs to `Operation::ALL[n]`.
    pub requests: Vec<OperationCounts>,
    /// Refusals by kind; entry n belongs to `RefusalKind::ALL[n]`.
    pub refusals: [u64; RefusalKind::ALL.len()],
    /// Lane time by cause, in the order of [`Cause::ALL`].
    pub charged: [Span; Cause::ALL.len()],
    /// What the comparison of both sides found, over all mailboxes.
    pub verification: Verification,
    /// Items left behind, by reason.
    pub skipped: Vec<(String, u64)>,
    /// Bytes of request bodies.
    pub sent_bytes: u64,
    /// Bytes of answers.
    pub received_bytes: u64,
}

/// How the mailboxes of a run fared.
#[derive(Copy, Clone, PartialEq, Eq, Default, Debug)]
pub struct MailboxCounts {
    /// All of them.
    pub total: u64,
    /// Moved and verified.
    pub completed: u64,
    /// Of the completed, those that were done before the window closed; all of them if there is no window.
    pub in_time: u64,
    /// Given up, the source in use as before.
    pub failed: u64,
    /// Given up between the two sides.
    pub half_switched: u64,
    /// Not finished when the window closed or the run ended.
    pub unfinished: u64,
}

impl MailboxCounts {
    /// Of the completed, those that were done after the window closed.
    #[must_use]
    pub const fn late(&self) -> u64 {
        self.completed - self.in_time
    }
}

/// Items copied and left behind.
#[derive(Copy, Clone, PartialEq, Eq, Default, Debug)]
pub struct ItemCounts {
    /// Items that arrived at the target.
    pub copied: u64,
    /// Their bytes.
    pub copied_bytes: u64,
    /// Items left behind with a reason.
    pub skipped: u64,
    /// Their bytes.
    pub skipped_bytes: u64,
}

/// Calls of one operation.
#[derive(Clone, Debug)]
pub struct OperationCounts {
    /// The operation.
    pub operation: Operation,
    /// Calls that ended, refused ones included.
    pub count: u64,
    /// Time between asking and hearing, in microseconds.
    pub latency: Histogram<u32>,
}
