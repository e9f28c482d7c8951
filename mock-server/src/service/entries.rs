//! Batches of errands: like [batches of calls](super::batch), but for clients that may say which entries wait for which,
//! and whose entries are read, and work on mailboxes of their own, one by one.
//!
//! An entry starts when those that it waits for are done and one of the places inside the batch is free. The entries that
//! it comes after do not count against it where a limit counts requests in progress.

use super::batch::{PLACES, Unsettled, hand_on, perceived};
use super::core::{Passed, Service};
use super::errand::{Errand, Handler, Performed, broken};
use super::refusals;
use super::reply::{Spent, Spoil};
use crate::fault::plan::Strike;
use crate::mailbox::content::Content;
use crate::time::Moment;
use crate::wire::refusal::Refusal;

/// The entries of one batch.
#[derive(Debug)]
pub struct Entries {
    now: Moment,
    /// Whether all are in work at once and none after another.
    at_once: bool,
    /// What each place inside the batch has done so far.
    places: [Spent; PLACES],
    /// How the time until the end of each entry was spent; for the last one, until it may start.
    ends: Vec<Spent>,
    unsettled: Vec<Unsettled>,
}

impl Entries {
    /// A batch of so many entries, of which some wait for others or none does.
    #[must_use]
    pub fn new(now: Moment, entries: usize, wait: bool) -> Self {
        let at_once = entries <= PLACES && !wait;
        Self { now, at_once, places: [Spent::default(); PLACES], ends: Vec::new(), unsettled: Vec::new() }
    }

    /// Begins the next entry, which waits for these.
    pub fn begin(&mut self, waits_for: &[usize]) {
        let ends = waits_for.iter().filter_map(|entry| self.ends.get(*entry));
        let begin = ends.max_by_key(|spent| spent.total()).copied().unwrap_or_default();
        self.ends.push(begin);
    }

    /// The place that works on an entry: the one that was free last when the entry may start, so that entries that come
    /// after each other share one; the one that is free first if none is yet.
    fn place(&self, begin: Spent) -> usize {
        let free = |place: &usize| self.places[*place].total();
        let idle = (0..PLACES).rev().filter(|place| free(place) <= begin.total()).max_by_key(free);
        idle.or_else(|| (0..PLACES).min_by_key(free)).unwrap_or(0)
    }
}

impl<C: Content> Service<C> {
    /// What the fault rules say to a batch as a whole; no limit counts it.
    pub fn open_batch(&mut self, now: Moment, errand: &Errand) -> Performed {
        self.begin(errand.protocol, || 1);
        let fault = self.judge_whole(now, &errand.asked(), errand.identity);
        let mut spent = Spent { delayed: fault.delay, ..Spent::default() };
        let (outcome, spoil) = match fault.strike {
            Some(Strike::Refuse(refusal)) => (Err(refusal), broken(refusal.kind)),
            Some(Strike::Reset) => (Err(refusals::CONNECTION_RESET), Some(Spoil::Reset)),
            Some(Strike::Say { refusal, rule }) => {
                self.speak(rule, &refusal);
                (Err(refusal), None)
            }
            Some(Strike::LoseAnswer) => (Ok(()), Some(Spoil::Reset)),
            Some(Strike::Truncate) => (Ok(()), Some(Spoil::Truncate)),
            Some(Strike::Trick(trick)) => {
                spent.delayed += self.play(trick);
                (Ok(()), super::trick::spoiled(fault.strike).map(|(_, spoil)| spoil))
            }
            None => (Ok(()), None),
        };
        Performed { outcome, ready: now + spent.total(), spent, spoil }
    }

    /// Has the work of an entry done that has [begun](Entries::begin). There is no connection of its own to be broken:
    /// its client reads what went wrong.
    ///
    /// # Errors
    ///
    /// If a limit or a fault refused it, or its answer is lost.
    pub fn perform_entry(
        &mut self,
        entries: &mut Entries,
        errand: &Errand,
        work: &mut Handler<'_, C>,
    ) -> Result<(), Refusal> {
        let now = entries.now;
        let begin = entries.ends.last().copied().unwrap_or_default();
        let place = entries.place(begin);
        let free = entries.places[place];
        let mut spent = if free.total() < begin.total() { begin } else { free };
        let passed = self.run(now, now + spent.total(), errand, work);
        let Passed { outcome, spent: own, strike, admitted } = passed;
        spent += own;
        entries.places[place] = spent;
        if let Some(end) = entries.ends.last_mut() {
            *end = spent;
        }
        if let Some(served) = admitted {
            entries.unsettled.push(Unsettled { asked: errand.asked(), served, place, ready: now + spent.total() });
            if entries.at_once {
                self.settle_entries(&mut entries.unsettled);
            }
        }
        perceived(outcome, strike).map_err(|refusal| match broken(refusal.kind) {
            Some(_) => refusals::ENTRY_NOT_DELIVERED,
            None => refusal,
        })
    }

    /// Ends a batch, and tells how the time until the end of its last entry is spent.
    pub fn close_batch(&mut self, mut entries: Entries) -> Spent {
        hand_on(&mut entries.unsettled, entries.now);
        self.settle_entries(&mut entries.unsettled);
        entries.places.into_iter().max_by_key(|place| place.total()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Span;

    /// Works on entries of a second each, which wait for those that are named, and tells where each is worked on and when
    /// it ends.
    fn check(waits: &[&[usize]], expected: &[(usize, u64)]) {
        let mut entries = Entries::new(Moment::START, waits.len(), true);
        let found: Vec<_> = waits
            .iter()
            .map(|waits_for| {
                entries.begin(waits_for);
                let begin = entries.ends.last().copied().unwrap_or_default();
                let place = entries.place(begin);
                let start = begin.total().max(entries.places[place].total());
                let end = Spent { served: start + Span::seconds(1), ..Spent::default() };
                entries.places[place] = end;
                *entries.ends.last_mut().expect("one has begun") = end;
                (place, end.total().0 / Span::seconds(1).0)
            })
            .collect();
        assert_eq!(found, expected, "{waits:?}");
    }

    #[test]
    fn entries_start_when_what_they_wait_for_is_done_and_a_place_is_free() {
        let none: &[usize] = &[];
        check(&[none; 6], &[(0, 1), (1, 1), (2, 1), (3, 1), (0, 2), (1, 2)]);
        check(&[&[], &[0], &[1], &[2]], &[(0, 1), (0, 2), (0, 3), (0, 4)]);
        check(&[&[], &[], &[0, 1], &[]], &[(0, 1), (1, 1), (0, 2), (2, 1)]);
        check(&[&[], &[0], &[], &[], &[]], &[(0, 1), (0, 2), (1, 1), (2, 1), (3, 1)]);
    }
}
