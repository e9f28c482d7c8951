//! Fetching items from the source in batches. Items that an answer refused on their own are asked for again.

use std::cell::Cell;
use std::collections::VecDeque;

use mock_server::time::Span;
use mock_server::wire::answer::Answer;
use mock_server::wire::call::{Call, Content, Protocol};
use mock_server::wire::id::Id;
use mock_server::wire::refusal::{ItemError, ItemErrorKind, Refusal, RefusalKind};

use super::ask::{Step, Tries};
use super::batch::cut;
use super::copy::{Copying, Parcel};
use super::job::{Job, Setback};
use crate::checkpoint::Checkpoint;
use crate::event::{Event, Listener, SkipReason};
use crate::world::{Side, World};

/// How long items that a limit refused within an answer are asked for again, in rounds (assumed; each round waits as
/// long as the server asks, or twice as long as the one before).
pub(super) const MOST_BUSY_ROUNDS: u32 = 200;

/// After how many answers that did not come in time items are asked for in smaller parts (assumed: one may be chance).
const SLOW_TIMEOUTS: u32 = 2;

/// How many parts of the size that is asked for at most must be answered before twice as many items are asked for again
/// (assumed). It doubles whenever that was too many.
const FIRST_TRIAL: u32 = 8;

/// Whether it helps to ask for fewer items at a time.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
enum Parts {
    /// Nobody knows.
    Untried,
    /// A part was answered in time.
    Useful,
    /// Not even one item of a batch that was divided was.
    Useless,
}

/// How many items the source is asked for with one call, because it did not answer larger ones in time.
pub(super) struct Portion {
    parts: Cell<Parts>,
    /// At most so many.
    most: Cell<usize>,
    /// How many calls for so many were answered in a row.
    answered: Cell<u32>,
    /// How many must be before it is more.
    trial: Cell<u32>,
    /// Whether it became more and nobody knows yet whether that is too many.
    grown: Cell<bool>,
}

impl Portion {
    /// As many as a batch holds.
    pub(super) const fn whole() -> Self {
        Self {
            parts: Cell::new(Parts::Untried),
            most: Cell::new(usize::MAX),
            answered: Cell::new(0),
            trial: Cell::new(FIRST_TRIAL),
            grown: Cell::new(false),
        }
    }

    /// Whether it may help to ask for fewer than so many.
    fn may_divide(&self, items: usize) -> bool {
        items > 1 && self.parts.get() != Parts::Useless
    }

    /// So many items did not come in time.
    fn divide(&self, items: usize) {
        self.most.set(self.most.get().min(items.div_ceil(2)));
        self.answered.set(0);
        if self.grown.replace(false) {
            self.trial.set(self.trial.get().saturating_mul(2));
        }
    }

    /// So many items came in time.
    fn answered(&self, items: usize) {
        // A larger call that was under way before says nothing of parts.
        if items > self.most.get() || self.most.get() == usize::MAX {
            return;
        }
        self.parts.set(Parts::Useful);
        if items < self.most.get() {
            return;
        }
        self.answered.set(self.answered.get() + 1);
        if self.answered.get() >= self.trial.get() {
            self.most.set(self.most.get().saturating_mul(2));
            self.answered.set(0);
            self.grown.set(true);
        }
    }

    /// The only item that was asked for did not come in time, for good. If it is part of a batch that was divided, the size
    /// of calls is not what is wrong.
    fn gave_up_one(&self, divided: bool) {
        if divided && self.parts.get() == Parts::Untried {
            self.parts.set(Parts::Useless);
            self.most.set(usize::MAX);
        }
    }
}

/// Which items of an answer are to be asked for again, and when.
#[derive(Default)]
pub(super) struct Again {
    /// Positions in the work.
    pub(super) places: Vec<usize>,
    pub(super) wait: Option<Span>,
    pub(super) limited: bool,
}

impl Again {
    /// Notes an item.
    pub(super) fn add(&mut self, place: usize, error: ItemError) {
        self.places.push(place);
        self.wait = self.wait.max(error.retry_after);
        self.limited |= matches!(error.kind, ItemErrorKind::Busy);
    }

    /// Why the items are left behind after so many rounds; nothing if they are asked for again. `attempts` is for how many
    /// rounds they are where no limit refused them.
    pub(super) fn given_up(&self, round: u32, attempts: u32) -> Option<SkipReason> {
        let (most, kind) =
            if self.limited { (MOST_BUSY_ROUNDS, ItemErrorKind::Busy) } else { (attempts, ItemErrorKind::Omitted) };
        (round >= most).then_some(SkipReason::Item(kind))
    }
}

/// Refusals that concern what a call carries rather than who makes it: the items are left behind, the mailbox goes on.
pub(super) fn concerns_items(refusal: Refusal) -> bool {
    refusal.kind.is_transient()
        || matches!(
            refusal.kind,
            RefusalKind::Invalid | RefusalKind::Conflict | RefusalKind::NotFound | RefusalKind::OtherStatus
        )
}

/// The reason on record for an item whose call was refused for good (HTTP 413 is "content too large"; RFC 9110, 15.5.14).
pub(super) fn reason_of(refusal: Refusal) -> SkipReason {
    if refusal.status == 413 { SkipReason::TooLarge } else { SkipReason::GaveUp(refusal.kind) }
}

impl<W: World, C: Checkpoint, L: Listener> Job<'_, W, C, L> {
    /// Fetches one batch and hands its contents over. One that the source does not answer in time is asked for in parts.
    pub(super) async fn export(&self, copying: &Copying<'_>, number: usize) -> Result<(), Setback> {
        let request = copying.export_request(number);
        let mut next_parcel = request + 1;
        let mut tries = Tries::new(Side::Source, request);
        let mut left: VecDeque<usize> = copying.export_range(number).collect();
        let mut divided = false;
        while !left.is_empty() {
            let count = left.len().min(self.portion.most.get());
            divided |= count < left.len();
            let part: Vec<usize> = left.drain(..count).collect();
            if let Some(slow) = self.export_part(copying, &mut tries, &mut next_parcel, (part, divided)).await? {
                self.portion.divide(slow.len());
                slow.into_iter().rev().for_each(|place| left.push_front(place));
            }
            tries.begin_anew();
        }
        Ok(())
    }

    /// Fetches some items with one call, of a batch that may have been divided. Gives them back if they are too many for
    /// one call, by the time it takes.
    async fn export_part(
        &self,
        copying: &Copying<'_>,
        tries: &mut Tries,
        next_parcel: &mut u64,
        (mut wanted, divided): (Vec<usize>, bool),
    ) -> Result<Option<Vec<usize>>, Setback> {
        let mut round = 0;
        loop {
            let items: Vec<Id> = wanted.iter().map(|&place| copying.item(place).source.clone()).collect();
            let call = Call::ExportItems { items };
            let contents = loop {
                let step = self.attempt(tries, &call).await;
                let parts = self.portion.may_divide(wanted.len());
                match step {
                    Step::Done(Answer::Contents(contents)) => break contents,
                    Step::Done(_) => return Err(Setback::Confused),
                    Step::Repeat { .. } if parts && tries.timeouts() >= SLOW_TIMEOUTS => return Ok(Some(wanted)),
                    Step::Repeat { .. } => {}
                    // Too long an answer is cut off somewhere, or given up as no answer at all.
                    Step::GaveUp(Refusal {
                        kind: RefusalKind::TimedOut | RefusalKind::Truncated | RefusalKind::Malformed,
                        ..
                    }) if parts => return Ok(Some(wanted)),
                    Step::GaveUp(refusal) if concerns_items(refusal) => {
                        if refusal.kind == RefusalKind::TimedOut && wanted.len() == 1 {
                            self.portion.gave_up_one(divided);
                        }
                        return self.leave_behind(copying, &wanted, reason_of(refusal)).map(|()| None);
                    }
                    Step::GaveUp(refusal) => return Err(Setback::Refused(refusal.kind)),
                }
            };
            self.portion.answered(wanted.len());
            let again = self.sort_out(copying, &wanted, contents, next_parcel)?;
            self.signal.raise();
            if again.places.is_empty() {
                return Ok(None);
            }
            round += 1;
            if let Some(reason) = again.given_up(round, self.run.plan.retry.attempts) {
                return self.leave_behind(copying, &again.places, reason).map(|()| None);
            }
            self.pause(Side::Source, tries.request(), round - 1, again.wait, again.limited).await;
            wanted = again.places;
        }
    }

    /// Hands over what arrived and tells what has to be asked for again.
    fn sort_out(
        &self,
        copying: &Copying<'_>,
        wanted: &[usize],
        contents: Vec<Result<Content, ItemError>>,
        next_parcel: &mut u64,
    ) -> Result<Again, Setback> {
        let mut again = Again::default();
        let mut arrived = Vec::with_capacity(wanted.len());
        let missing = std::iter::repeat(Err(ItemError { kind: ItemErrorKind::Omitted, retry_after: None }));
        for (&place, content) in wanted.iter().zip(contents.into_iter().chain(missing)) {
            let item = copying.item(place);
            match content {
                Ok(content) if content.size > self.run.plan.largest_item_bytes => {
                    self.skip(item.folder, &item.source, content.size, SkipReason::TooLarge)?;
                }
                Ok(content) => arrived.push((place, content)),
                Err(error) => {
                    self.note(&Event::ItemRefused { mailbox: self.mailbox, kind: error.kind });
                    match error.kind {
                        kind if kind.is_transient() => again.add(place, error),
                        // Deleted since it was listed: the next sync will say so.
                        ItemErrorKind::NotFound => {}
                        ItemErrorKind::TooLarge => {
                            self.skip(item.folder, &item.source, item.size, SkipReason::TooLarge)?;
                        }
                        kind => self.skip(item.folder, &item.source, item.size, SkipReason::Item(kind))?,
                    }
                }
            }
        }
        self.pack(copying, arrived, next_parcel);
        Ok(again)
    }

    /// Makes parcels of what arrived together, each the load of one request to the target.
    fn pack(&self, copying: &Copying<'_>, arrived: Vec<(usize, Content)>, next_parcel: &mut u64) {
        let mut request = || {
            *next_parcel += 1;
            *next_parcel - 1
        };
        if self.run.protocol(Side::Target) == Protocol::Graph {
            for (place, content) in arrived {
                let size = u64::from(content.size);
                copying.hand_over(Parcel::One { request: request(), place, content }, size);
            }
            return;
        }
        let plan = &self.run.plan.batch;
        let batches =
            cut(arrived.iter().map(|(_, content)| u64::from(content.size)), plan.upload_items, plan.upload_bytes);
        let mut arrived = arrived.into_iter();
        for batch in batches {
            let contents: Vec<(usize, Content)> = arrived.by_ref().take(batch.len()).collect();
            let size = contents.iter().map(|(_, content)| u64::from(content.size)).sum();
            copying.hand_over(Parcel::Many { request: request(), contents }, size);
        }
    }

    /// Leaves items behind for one reason.
    pub(super) fn leave_behind(
        &self,
        copying: &Copying<'_>,
        places: &[usize],
        reason: SkipReason,
    ) -> Result<(), Setback> {
        for &place in places {
            let item = copying.item(place);
            self.skip(item.folder, &item.source, item.size, reason)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_item_that_never_comes_says_nothing_of_parts_unless_it_is_one() {
        let portion = Portion::whole();
        portion.gave_up_one(false);
        assert!(portion.may_divide(2));
        portion.divide(2);
        portion.gave_up_one(true);
        assert!(!portion.may_divide(2));
        assert_eq!(portion.most.get(), usize::MAX);
    }

    #[test]
    fn only_parts_show_that_parts_are_of_use() {
        let portion = Portion::whole();
        portion.answered(10);
        portion.divide(10);
        portion.answered(10);
        assert_eq!(portion.parts.get(), Parts::Untried);
        portion.answered(3);
        assert_eq!(portion.parts.get(), Parts::Useful);
        portion.gave_up_one(true);
        assert!(portion.may_divide(2), "some parts come, so one that does not is alone");
    }

    #[test]
    fn parts_grow_again_and_ever_more_slowly_where_they_are_too_large() {
        let portion = Portion::whole();
        portion.divide(20);
        let grow = || {
            let most = portion.most.get();
            (1..100).find(|_| {
                portion.answered(most);
                portion.most.get() > most
            })
        };
        assert_eq!((grow(), portion.most.get()), (Some(FIRST_TRIAL), 20));
        portion.divide(20);
        assert_eq!((grow(), portion.most.get()), (Some(2 * FIRST_TRIAL), 20));
        assert_eq!((grow(), portion.most.get()), (Some(2 * FIRST_TRIAL), 40));
        // The last part of a batch is smaller and shows nothing.
        portion.answered(39);
        assert_eq!(portion.answered.get(), 0);
    }
}
