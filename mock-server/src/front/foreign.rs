//! Requests that do not say which they are: the server numbers them in the order of their arrival, and knows those again
//! that come again.

use std::collections::{BTreeMap, VecDeque};

use xxhash_rust::xxh3::{Xxh3, xxh3_64};

use crate::draw::mix;
use crate::wire::call::{FIRST_FOREIGN, RequestIdentity};
use crate::wire::id::MailboxKey;

/// How many requests are remembered by name; the oldest is forgotten first. Assumed: clients repeat a request within
/// minutes.
const REMEMBERED: usize = 16_384;

/// What a request is known by that may come again: the id that its client gave it, and every word of it. Clients that give
/// all their requests one id are not taken to repeat themselves, unless they do.
#[derive(Copy, Clone, Debug)]
pub(super) struct Name(u64);

impl Name {
    /// The name of a request with an id, which consists of these parts.
    pub(super) fn of(id: &str, parts: [&[u8]; 3]) -> Self {
        let mut hash = Xxh3::new();
        for part in [id.as_bytes()].into_iter().chain(parts) {
            hash.update(&xxh3_64(part).to_le_bytes());
        }
        Self(hash.digest())
    }

    /// The name of the next piece of work that the request is.
    pub(super) fn next(&mut self) -> Self {
        self.0 = mix(self.0);
        *self
    }
}

/// What was numbered so far.
#[derive(Debug, Default)]
pub(super) struct Foreign {
    /// How many requests concerned each mailbox.
    mailboxes: BTreeMap<MailboxKey, u64>,
    /// How many batches there were. Their entries count with their mailboxes, they themselves do not.
    batches: u64,
    /// Which each of the latest is, and how often it came, by the mailbox that it concerned and its name.
    attempts: BTreeMap<(MailboxKey, u64), (u64, u32)>,
    /// The latest, in the order in which they came first.
    latest: VecDeque<(MailboxKey, u64)>,
}

impl Foreign {
    /// Which request the next one is that concerns a mailbox. One that comes again is the same as before, but has a place of
    /// its own: what hits every n-th request would otherwise hit it as often as it comes.
    pub(super) fn next(&mut self, mailbox: MailboxKey, name: Option<Name>) -> RequestIdentity {
        let place = count(self.mailboxes.entry(mailbox).or_default());
        self.identity(place, mailbox, name)
    }

    /// Which batch the next one is.
    pub(super) fn batch(&mut self, name: Option<Name>) -> RequestIdentity {
        let place = count(&mut self.batches);
        // No mailbox has this number.
        self.identity(place, MailboxKey(u32::MAX), name)
    }

    fn identity(&mut self, place: u64, mailbox: MailboxKey, name: Option<Name>) -> RequestIdentity {
        let (first, attempt) = name.map_or((place, 0), |name| self.attempt(place, (mailbox, name.0)));
        let since = u32::try_from(place - first).unwrap_or(u32::MAX);
        RequestIdentity { request: FIRST_FOREIGN + first, attempt, since }
    }

    /// The place at which a request came first, and how often it came before.
    fn attempt(&mut self, place: u64, known: (MailboxKey, u64)) -> (u64, u32) {
        if let Some((first, attempts)) = self.attempts.get_mut(&known) {
            *attempts = attempts.saturating_add(1);
            return (*first, *attempts);
        }
        if self.latest.len() == REMEMBERED
            && let Some(oldest) = self.latest.pop_front()
        {
            self.attempts.remove(&oldest);
        }
        self.attempts.insert(known, (place, 0));
        self.latest.push_back(known);
        (place, 0)
    }
}

/// Counts one more; returns how many there were.
fn count(counted: &mut u64) -> u64 {
    let before = *counted;
    *counted += 1;
    before
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(id: &str, path: &str) -> Name {
        Name::of(id, [b"GET", path.as_bytes(), b""])
    }

    #[test]
    fn a_request_that_comes_again_is_the_same_at_another_place() {
        let mut foreign = Foreign::default();
        let mut check = |mailbox, name: Option<Name>, expected: (u64, u32, u64)| {
            let identity = foreign.next(MailboxKey(mailbox), name);
            let found = (identity.request - FIRST_FOREIGN, identity.attempt, identity.place());
            assert_eq!(found, expected, "{mailbox} {name:?}");
        };
        check(1, None, (0, 0, 0));
        check(1, None, (1, 0, 1));
        check(1, Some(name("a", "/x")), (2, 0, 2));
        check(1, Some(name("a", "/x")), (2, 1, 3));
        check(1, Some(name("a", "/x")), (2, 2, 4));
        check(1, Some(name("b", "/x")), (5, 0, 5));
        check(1, Some(name("a", "/y")), (6, 0, 6));
        check(1, Some(name("a", "/x")), (2, 3, 7));
        check(2, Some(name("a", "/x")), (0, 0, 0));
        assert_eq!(foreign.batch(None).request, FIRST_FOREIGN);
    }

    #[test]
    fn the_oldest_names_are_forgotten() {
        let mut foreign = Foreign::default();
        let numbered = |number: usize| Some(name(&number.to_string(), "/x"));
        for number in 0..REMEMBERED + 5 {
            foreign.next(MailboxKey(0), numbered(number));
        }
        assert_eq!((foreign.attempts.len(), foreign.latest.len()), (REMEMBERED, REMEMBERED));
        assert_eq!(foreign.next(MailboxKey(0), numbered(5)).attempt, 1);
        assert_eq!(foreign.next(MailboxKey(0), numbered(4)).attempt, 0);
    }
}
