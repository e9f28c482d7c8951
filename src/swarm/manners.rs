//! Whether a client keeps the waits that it is asked for.
//!
//! A refusal by a limit that names a wait closes the way: for calls of the same mailbox to the same server, for the
//! calls of all mailboxes if the limit is that of the app, and only for calls that carry content if the limit is one of
//! uploads. A refusal for too many calls at once closes it for that call alone: the others are as many as are allowed.
//! A server that is not well (503) closes it for the mailbox, too; other failures with a wait close it for the same request.
//! What a process heard before it died binds only the process that heard it.

use std::cell::RefCell;
use std::collections::BTreeMap;

use mock_server::time::{Moment, Span};
use mock_server::wire::answer::Answer;
use mock_server::wire::call::Call;
use mock_server::wire::id::MailboxKey;
use mock_server::wire::refusal::{ItemErrorKind, Refusal, RefusalKind};

use crate::engine::virtual_time::watch::Watch;
use crate::world::{Outcome, Route, Side};

/// Which calls have to wait.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Whom {
    /// Every call to a server.
    All(Side),
    /// The calls of a mailbox.
    Mailbox(Side, MailboxKey),
    /// Its calls that carry content.
    Uploads(Side, MailboxKey),
    /// One request.
    Request(Side, MailboxKey, u64),
}

/// What was seen of a client.
#[derive(Copy, Clone, PartialEq, Eq, Default, Debug)]
pub struct Seen {
    /// Calls made.
    pub calls: u64,
    /// Calls that were refused, entries of batches and items that were refused on their own included.
    pub refusals: u64,
    /// Calls made before the end of a wait that the client was asked for.
    pub early: u64,
    /// By how much the worst of them was too early.
    pub worst: Span,
}

/// Watches how a client behaves.
#[derive(Default)]
pub struct Manners {
    waits: RefCell<BTreeMap<Whom, Moment>>,
    seen: RefCell<Seen>,
}

impl Manners {
    /// What was seen.
    #[must_use]
    pub fn seen(&self) -> Seen {
        *self.seen.borrow()
    }

    fn close(&self, whom: Whom, until: Moment) {
        let mut waits = self.waits.borrow_mut();
        let end = waits.entry(whom).or_insert(until);
        *end = (*end).max(until);
    }

    fn refused(&self, at: Moment, route: &Route, refusal: &Refusal) {
        self.seen.borrow_mut().refusals += 1;
        let Some(wait) = refusal.retry_after.filter(|wait| *wait > Span::ZERO) else { return };
        let (side, mailbox) = (route.side, route.mailbox);
        let whom = match refusal.kind {
            RefusalKind::AppLimit => Whom::All(side),
            RefusalKind::UploadLimit => Whom::Uploads(side, mailbox),
            // Fewer at once may go meanwhile: what is refused is this call, not the mailbox.
            RefusalKind::ConcurrencyLimit | RefusalKind::ConnectionCount => Whom::Request(side, mailbox, route.request),
            kind if kind.is_throttle() || kind == RefusalKind::Unavailable => Whom::Mailbox(side, mailbox),
            _ => Whom::Request(side, mailbox, route.request),
        };
        self.close(whom, at + wait);
    }

    fn left_out(&self, at: Moment, route: &Route, kind: ItemErrorKind, wait: Option<Span>) {
        self.seen.borrow_mut().refusals += 1;
        if let (ItemErrorKind::Busy, Some(wait)) = (kind, wait) {
            self.close(Whom::Mailbox(route.side, route.mailbox), at + wait);
        }
    }

    fn hears_answer(&self, at: Moment, route: &Route, answer: &Answer) {
        match answer {
            Answer::Batch(entries) => {
                for entry in entries {
                    match entry {
                        Ok(answer) => self.hears_answer(at, route, answer),
                        Err(refusal) => self.refused(at, route, refusal),
                    }
                }
            }
            Answer::Contents(items) => {
                for error in items.iter().filter_map(|item| item.as_ref().err()) {
                    self.left_out(at, route, error.kind, error.retry_after);
                }
            }
            Answer::Uploaded(items) => {
                for error in items.iter().filter_map(|item| item.as_ref().err()) {
                    self.left_out(at, route, error.kind, error.retry_after);
                }
            }
            Answer::Deleted(items) => {
                for error in items.iter().filter_map(|item| item.as_ref().err()) {
                    self.left_out(at, route, error.kind, error.retry_after);
                }
            }
            _ => {}
        }
    }
}

impl Watch for Manners {
    fn begins(&self) {
        self.waits.borrow_mut().clear();
    }

    fn asks(&self, at: Moment, route: &Route, call: &Call) {
        let (side, mailbox) = (route.side, route.mailbox);
        let concerned = [
            Some(Whom::All(side)),
            Some(Whom::Mailbox(side, mailbox)),
            Some(Whom::Uploads(side, mailbox)).filter(|_| call.content_bytes() > 0),
            Some(Whom::Request(side, mailbox, route.request)),
        ];
        let waits = self.waits.borrow();
        let end = concerned.iter().flatten().filter_map(|whom| waits.get(whom)).max();
        let mut seen = self.seen.borrow_mut();
        seen.calls += 1;
        if let Some(end) = end.filter(|end| **end > at) {
            seen.early += 1;
            seen.worst = seen.worst.max(end.since(at));
        }
    }

    fn hears(&self, at: Moment, route: &Route, _call: &Call, outcome: &Outcome) {
        match &outcome.result {
            Ok(answer) => self.hears_answer(at, route, answer),
            Err(refusal) => self.refused(at, route, refusal),
        }
    }
}
