//! How long calls take, and how long they wait for a free server.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::config::{Cost, Costs};
use crate::draw::{Distribution, Hashes, Purpose};
use crate::time::{Moment, Span};
use crate::wire::answer::Answer;
use crate::wire::call::{Call, RequestIdentity};
use crate::wire::id::MailboxKey;
use crate::wire::operation::Operation;

/// The work that a call was, in what its cost depends on.
#[derive(Copy, Clone, PartialEq, Eq, Default, Debug)]
pub struct Work {
    /// Items that the call moved or removed. Items that are merely listed are not worked on: a page of a listing costs
    /// what its call costs.
    pub items: u64,
    /// Bytes of item content that it carried or returned.
    pub content_bytes: u64,
}

impl Work {
    /// The work of a call. Listings and calls that concern folders, users or switches work on no item; an item that a
    /// call both names and returns counts once.
    #[must_use]
    #[inline]
    pub fn of(call: &Call, answer: Option<&Answer>) -> Self {
        let items = match call {
            Call::ImportItem { .. } | Call::CreateMessage { .. } => 1,
            Call::GetItems { items } | Call::ExportItems { items } | Call::DeleteItems { items } => items.len() as u64,
            Call::UploadItems { uploads } => uploads.len() as u64,
            _ => 0,
        };
        Self { items, content_bytes: call.content_bytes() + answer.map_or(0, Answer::content_bytes) }
    }
}

/// The costs of a server, ready to be drawn.
#[derive(Clone, Debug)]
pub struct CostTable {
    hashes: Hashes,
    by_operation: Vec<Cost>,
}

impl CostTable {
    /// The table of a configuration.
    #[must_use]
    pub fn new(seed: u64, costs: &Costs) -> Self {
        Self {
            hashes: Hashes::new(seed, Purpose::Service),
            by_operation: Operation::ALL.into_iter().map(|operation| costs.of(operation).clone()).collect(),
        }
    }

    /// The service time of a call.
    #[must_use]
    #[inline]
    pub fn served(&self, mailbox: MailboxKey, operation: Operation, identity: RequestIdentity, work: Work) -> Span {
        let cost = &self.by_operation[operation as usize];
        let word = || self.hashes.of(u64::from(mailbox.0), identity.request, u64::from(identity.attempt));
        let call = if let Distribution::Constant(span) = cost.call { span } else { cost.call.draw(word()) };
        let transfer = (u128::from(cost.per_mebibyte.0) * u128::from(work.content_bytes)) >> 20;
        call + cost.per_item * work.items + Span(u64::try_from(transfer).unwrap_or(u64::MAX))
    }
}

/// The servers that work on calls, in the order of their arrival.
#[derive(Clone, Debug)]
pub struct Queue {
    /// How many servers are free; none if their number is not limited.
    free: Option<u32>,
    /// When each of the others will be.
    busy: BinaryHeap<Reverse<Moment>>,
}

impl Queue {
    /// A number of idle servers; at least one if limited.
    #[must_use]
    pub fn new(servers: Option<u32>) -> Self {
        Self { free: servers.map(|count| count.max(1)), busy: BinaryHeap::new() }
    }

    /// Puts a call that arrives at `now`, which must not be earlier than that of the call before, into the queue; work on
    /// it may begin at `start`, which may be later, and takes `served`. Returns how long it waits from `start` on.
    #[inline]
    pub fn enter(&mut self, now: Moment, start: Moment, served: Span) -> Span {
        let Some(free) = &mut self.free else { return Span::ZERO };
        while self.busy.peek().is_some_and(|Reverse(end)| *end <= now) {
            self.busy.pop();
            *free += 1;
        }
        let begun = if *free > 0 {
            *free -= 1;
            start
        } else {
            self.busy.pop().map_or(start, |Reverse(end)| end.max(start))
        };
        self.busy.push(Reverse(begun + served));
        begun.since(start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_wait_for_the_server_that_is_free_first() {
        let mut queue = Queue::new(Some(2));
        assert_eq!(queue.enter(Moment(0), Moment(0), Span(10)), Span(0));
        assert_eq!(queue.enter(Moment(0), Moment(0), Span(4)), Span(0));
        assert_eq!(queue.enter(Moment(1), Moment(1), Span(4)), Span(3));
        assert_eq!(queue.enter(Moment(1), Moment(1), Span(1)), Span(7));
        assert_eq!(queue.enter(Moment(20), Moment(20), Span(1)), Span(0));
    }

    #[test]
    fn unlimited_servers_never_let_wait() {
        let mut queue = Queue::new(None);
        assert!((0..100).all(|_| queue.enter(Moment(5), Moment(5), Span(10)) == Span::ZERO));
    }
}
