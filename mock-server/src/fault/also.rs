//! Further conditions of a rule: who calls, which share of mailboxes, and bursts in time.

use crate::draw::{Purpose, hash, unit};
use crate::time::{Moment, Span};
use crate::wire::call::{Protocol, RequestIdentity};
use crate::wire::id::MailboxKey;
use crate::wire::operation::Operation;

/// Who makes a call, as far as rules ask.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct Who {
    /// The app.
    pub app: u32,
    /// The protocol.
    pub protocol: Protocol,
}

/// A request that rules may hit.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct Target {
    /// When it arrived.
    pub now: Moment,
    /// The mailbox concerned.
    pub mailbox: MailboxKey,
    /// The kind of call.
    pub operation: Operation,
    /// Which request it is.
    pub identity: RequestIdentity,
    /// Who makes it. Rules that ask hit nobody if that is not known.
    pub who: Option<Who>,
}

/// Further conditions of a rule. Every one must hold; by default there are none.
#[derive(Clone, PartialEq, Default, Debug)]
pub struct Also {
    /// The protocols; all if empty.
    pub protocols: Vec<Protocol>,
    /// The apps; all if empty.
    pub apps: Vec<u32>,
    /// A cohort: this share of the mailboxes, from 0 to 1, drawn once for each; all if absent.
    pub cohort: Option<f64>,
    /// Only in bursts; always if absent.
    pub bursts: Option<Bursts>,
    /// Whether the rule hits all attempts of a request or none of them, instead of each on its own.
    pub whole_request: bool,
}

/// Times in which a rule hits, between times in which it does not. Time is cut into stretches; each is bad with the same
/// probability, whatever the others are. The rate of hits is the share times the rule's rate.
#[derive(Copy, Clone, PartialEq, Debug)]
pub struct Bursts {
    /// The length of a stretch.
    pub length: Span,
    /// The share of stretches that are bad, from 0 to 1.
    pub share: f64,
    /// Whether each mailbox has bursts of its own.
    pub by_mailbox: bool,
}

impl Bursts {
    /// Whether a moment is in a bad stretch.
    #[must_use]
    pub fn hold(&self, seed: u64, now: Moment, mailbox: MailboxKey) -> bool {
        let stretch = now.0 / self.length.0.max(1);
        let whose = if self.by_mailbox { u64::from(mailbox.0) + 1 } else { 0 };
        unit(hash(seed, Purpose::FaultBurst, stretch, whose, 0)) < self.share
    }
}

impl Also {
    /// Whether there are no further conditions.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether they hold for a call; `seed` is the rule's own.
    #[must_use]
    pub fn hold(&self, seed: u64, now: Moment, mailbox: MailboxKey, operation: Operation, who: Option<Who>) -> bool {
        let protocol =
            self.protocols.is_empty() || who.is_some_and(|who| operation.is_in(&self.protocols, who.protocol));
        let app = self.apps.is_empty() || who.is_some_and(|who| self.apps.contains(&who.app));
        let drawn = || unit(hash(seed, Purpose::FaultCohort, u64::from(mailbox.0), 0, 0));
        protocol
            && app
            && self.cohort.is_none_or(|share| drawn() < share)
            && self.bursts.is_none_or(|bursts| bursts.hold(seed, now, mailbox))
    }
}
