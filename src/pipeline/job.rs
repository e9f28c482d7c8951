//! The move of one mailbox: what its stages share.

use std::cell::{Cell, RefCell};

use mock_server::time::Moment;
use mock_server::wire::id::{Id, MailboxKey};
use mock_server::wire::refusal::RefusalKind;

use super::export::Portion;
use super::join::Signal;
use super::ledger::Ledger;
use super::pace::machine::MailboxPace;
use super::planted::Bug;
use super::run::Run;
use crate::checkpoint::{Checkpoint, CheckpointError, Pair, Progress, SkippedItem};
use crate::event::{Cause, Event, Listener, Mark, SkipReason, Stage};
use crate::world::{Side, World};

/// Added to the request number when a mailbox is resumed, so that no number is given out twice although those of the
/// interrupted part are not known. No part between two saves makes that many requests.
const RESUME_STRIDE: u64 = 1 << 24;

/// Why a mailbox goes no further.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub(super) enum Setback {
    /// A call without which nothing goes on failed for good.
    Refused(RefusalKind),
    /// A server answered a call with something that does not belong to it.
    Confused,
    /// More items cannot be read than may be left behind.
    TooManyBad,
    /// More items are too large than may be left behind.
    TooManyLarge,
    /// The run was stopped or the window has closed.
    Closed,
}

/// The move of one mailbox.
pub(super) struct Job<'r, W, C, L> {
    pub(super) run: &'r Run<W, C, L>,
    pub(super) mailbox: MailboxKey,
    pub(super) signal: Signal,
    pub(super) paces: [RefCell<MailboxPace>; 2],
    /// Whether a call waits for the turn of this mailbox on a side.
    pub(super) queues: [Cell<bool>; 2],
    /// Until when a side has asked this mailbox to keep off because it is not well.
    pub(super) unwell: [Cell<Moment>; 2],
    /// How many calls wait on a side until another of this mailbox has ended.
    pub(super) crowds: [Cell<u32>; 2],
    pub(super) ledger: RefCell<Ledger>,
    pub(super) progress: RefCell<Progress>,
    pub(super) session: RefCell<Option<Id>>,
    /// Whether items that the target already holds may be missing from the pairs, because a run was interrupted.
    pub(super) unsure: Cell<bool>,
    /// Whether everything that was stored in the target is on record.
    pub(super) clean: Cell<bool>,
    /// Whether folders of the target may be gone, if it says that something is not there.
    pub(super) doubts_folders: Cell<bool>,
    /// Repeats left after failures that were no refusals by a limit.
    pub(super) budget: Cell<u32>,
    /// How many items are asked for with one call.
    pub(super) portion: Portion,
    numbers: Cell<u64>,
}

impl<'r, W: World, C: Checkpoint, L: Listener> Job<'r, W, C, L> {
    /// Takes a mailbox up where the checkpoint left it.
    pub(super) fn new(run: &'r Run<W, C, L>, mailbox: MailboxKey, progress: Option<Progress>) -> Self {
        let progress = progress.unwrap_or_default();
        let widest = run.plan.requests_per_mailbox.clamp(1, 16);
        let pace = |side| RefCell::new(MailboxPace::new(&run.plan.pace, side, widest));
        let first = if progress.open { progress.requests + RESUME_STRIDE } else { progress.requests };
        Self {
            run,
            mailbox,
            signal: Signal::default(),
            paces: [pace(Side::Source), pace(Side::Target)],
            queues: [Cell::new(false), Cell::new(false)],
            unwell: [Cell::new(Moment::START), Cell::new(Moment::START)],
            crowds: [Cell::new(0), Cell::new(0)],
            ledger: RefCell::new(Ledger::new(run.world.now())),
            unsure: Cell::new(progress.open && !run.errs(Bug::TrustAfterCrash)),
            clean: Cell::new(!progress.open),
            doubts_folders: Cell::new(false),
            progress: RefCell::new(progress),
            session: RefCell::new(None),
            budget: Cell::new(run.plan.retry.budget),
            portion: Portion::whole(),
            numbers: Cell::new(first),
        }
    }

    /// The first of `count` request numbers. They are given out before calls are made at the same time, so that they do
    /// not depend on the order of answers.
    pub(super) fn reserve(&self, count: usize) -> u64 {
        let first = self.numbers.get();
        self.numbers.set(first + count as u64);
        first
    }

    /// How many calls may be made at once.
    pub(super) fn width(&self) -> usize {
        self.run.plan.requests_per_mailbox.clamp(1, 16) as usize
    }

    pub(super) fn now(&self) -> Moment {
        self.run.world.now()
    }

    pub(super) fn note(&self, event: &Event) {
        self.run.listener.note(self.run.world.now(), event);
    }

    /// Tells that a place was reached that is reached only sometimes.
    #[cold]
    pub(super) fn mark(&self, mark: Mark) {
        self.note(&Event::Reached { mailbox: self.mailbox, mark });
    }

    /// Begins a stage; what was not charged since the last one counts as the pipeline's own time.
    pub(super) fn enter(&self, stage: Stage) {
        self.settle();
        self.note(&Event::StageEntered { mailbox: self.mailbox, stage });
    }

    /// Ends a phase of the ledger.
    pub(super) fn settle(&self) {
        self.ledger.borrow_mut().settle(self.now());
    }

    /// Charges the time from `since` until now.
    pub(super) fn charge_since(&self, cause: Cause, since: Moment) {
        self.ledger.borrow_mut().charge(cause, self.now().since(since));
    }

    /// Why calls to a side are held back from a moment on.
    pub(super) fn holds_back(&self, side: Side, since: Moment) -> Cause {
        if since < self.unwell[side as usize].get() { Cause::BackOff } else { throttle(side) }
    }

    /// Keeps the progress.
    pub(super) fn save(&self, pairs: &[Pair]) -> Result<(), Setback> {
        let mut progress = self.progress.borrow_mut();
        progress.requests = self.numbers.get();
        self.run.checkpoint.save(self.mailbox, &progress, pairs).map_err(|error| self.break_off(error))
    }

    /// The checkpoint failed: the run cannot go on truthfully.
    pub(super) fn break_off(&self, error: CheckpointError) -> Setback {
        self.run.break_off(error);
        Setback::Closed
    }

    /// Leaves an item behind and checks the limits.
    pub(super) fn skip(&self, folder: u32, item: &Id, size: u32, reason: SkipReason) -> Result<(), Setback> {
        let large = reason == SkipReason::TooLarge;
        let mut progress = self.progress.borrow_mut();
        if let Some(known) = progress.skipped.iter_mut().find(|skipped| skipped.item == *item) {
            // Some changes are told without a size.
            let size = if size > 0 { size } else { known.size };
            *known = SkippedItem { folder, item: item.clone(), size, large };
        } else {
            progress.skipped.push(SkippedItem { folder, item: item.clone(), size, large });
            self.note(&Event::ItemSkipped { mailbox: self.mailbox, reason, bytes: u64::from(size) });
        }
        let count = progress.skipped.iter().filter(|skipped| skipped.large == large).count() as u64;
        let plan = &self.run.plan;
        match large {
            true if count > u64::from(plan.large_item_limit) => Err(Setback::TooManyLarge),
            false if count > u64::from(plan.bad_item_limit) => Err(Setback::TooManyBad),
            _ => Ok(()),
        }
    }

    /// An item that was left behind has been copied after all, or is gone.
    pub(super) fn unskip(&self, item: &Id) {
        let mut progress = self.progress.borrow_mut();
        if !progress.skipped.is_empty() {
            progress.skipped.retain(|skipped| skipped.item != *item);
        }
    }
}

/// Which side's limits a time is charged to.
pub(super) const fn throttle(side: Side) -> Cause {
    match side {
        Side::Source => Cause::SourceThrottle,
        Side::Target => Cause::TargetThrottle,
    }
}
