//! What a fault rule is: which calls it matches, and what it does to them.

use super::also::Also;
use super::trick::{Door, Saying, Trick};
use crate::draw::Distribution;
use crate::time::{Moment, Span};
use crate::wire::operation::Operation;
use crate::wire::refusal::{ItemError, RefusalKind};

/// Which calls a rule concerns. Every condition must hold.
#[derive(Clone, PartialEq, Debug)]
pub struct Match {
    /// The operations; all if empty.
    pub operations: Vec<Operation>,
    /// Mailboxes from the first to the last of this range, by key; all if absent.
    pub mailboxes: Option<(u32, u32)>,
    /// Only from this moment on.
    pub from: Moment,
    /// Only before this moment.
    pub until: Moment,
    /// Only every n-th matching call of a mailbox, counted in the order in which the mailbox's client numbers its
    /// requests, or in that of their arrival if it does not; every call if absent.
    pub nth: Option<u64>,
    /// The share of matching calls that are hit, from 0 to 1.
    pub rate: f64,
    /// Only attempts below this number (0 is the first attempt); all if absent. With 1 a repeated call always passes. A
    /// client that does not number its requests repeats one by sending the same words under the same
    /// `client-request-id`; whatever else it sends are first attempts.
    pub attempts_below: Option<u32>,
    /// Further conditions.
    pub also: Also,
}

impl Default for Match {
    /// Every call.
    fn default() -> Self {
        Self {
            operations: Vec::new(),
            mailboxes: None,
            from: Moment::START,
            until: Moment::NEVER,
            nth: None,
            rate: 1.0,
            attempts_below: None,
            also: Also::default(),
        }
    }
}

/// What a rule does to a call.
#[derive(Clone, PartialEq, Debug)]
pub enum Act {
    /// Refuse it; nothing is done.
    Refuse {
        /// What the client sees.
        kind: RefusalKind,
        /// The HTTP status.
        status: u16,
        /// The wait that is announced, if any.
        retry_after: Option<Span>,
    },
    /// Answer later than usual.
    Delay(Distribution),
    /// Reset the connection before anything is done.
    Reset,
    /// Do the work, then cut the answer off half-way.
    Truncate,
    /// Do the work, then reset the connection instead of answering.
    LoseAnswer,
    /// The source items in the call cannot be read: the same share of *items* is corrupt, whatever the call.
    CorruptItem,
    /// Refuse it in any words; nothing is done.
    Say(Saying),
    /// Play a trick on it or on its answer.
    Trick(Trick),
    /// Leave items of the call undone and say so in the answer, each with this probability: the share of *items* that
    /// are hit is the rate. A call of a single item that has no list of results is refused.
    FailItem(ItemError),
    /// Let the connection fail before a request can be sent.
    Unreachable(Door),
    /// Take the token that it shows as expired, from now on. A token that is shown for the first time is spared, so that
    /// whoever gets another can go on. Without tokens, as in virtual time, nothing happens.
    ExpireToken,
    /// Take the token that it shows as revoked, from now on; else like `ExpireToken`.
    RevokeToken,
    /// Tokens that are given out meanwhile are good for this long. Which calls the rule concerns does not matter.
    ShortenToken(Span),
}

/// One fault rule.
#[derive(Clone, PartialEq, Debug)]
pub struct FaultRule {
    /// Its name in scenarios and reports.
    pub name: String,
    /// Which calls it concerns.
    pub matches: Match,
    /// What it does.
    pub act: Act,
}
