//! Working off a pass: exports, imports and deletions of one mailbox, side by side.
//!
//! Every worker takes whatever is next: of the oldest round first, it imports what has arrived, exports ahead while
//! little is waiting, deletes when there is nothing else. Where nothing is left to begin, it helps to prepare the next
//! round ([`super::pass`]). What has been exported and not yet imported is bounded by bytes.

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::VecDeque;
use std::ops::Range;
use std::rc::Rc;

use mock_server::wire::call::Content;
use mock_server::wire::id::Id;

use super::changes::{Copied, Item, Work};
use super::job::{Job, Setback};
use super::join::workers;
use super::pass::{Ask, Asked, Marks, Page, Pass};
use crate::checkpoint::{Checkpoint, Pair};
use crate::event::{Event, Listener, Mark};
use crate::world::{Side, World};

/// How many exports' worth of bytes may be on their way between the two sides (assumed: one being stored, one waiting
/// and two being fetched).
const EXPORTS_ON_THE_WAY: u64 = 4;

/// Exported items that are to be stored with one request.
pub(super) enum Parcel {
    /// One item, for a protocol that imports one at a time.
    One {
        /// The request.
        request: u64,
        /// Position of the item in the work.
        place: usize,
        /// Its content.
        content: Content,
    },
    /// Several, for a protocol that imports many at a time.
    Many {
        /// The request.
        request: u64,
        /// Positions in the work, and contents.
        contents: Vec<(usize, Content)>,
    },
}

/// A round that is being copied.
pub(super) struct Copying<'p> {
    /// The work.
    pub(super) work: Work,
    /// The pages that it came from.
    pub(super) pages: Vec<Page>,
    /// The items that its pages name, once somebody asked.
    pub(super) named: OnceCell<Marks>,
    next_export: Cell<usize>,
    next_delete: Cell<usize>,
    exporting: Cell<u32>,
    /// Tasks that were taken and have not ended well.
    under_way: Cell<u32>,
    /// Bytes of all rounds of the pass that are on their way between the two sides.
    on_the_way: &'p Cell<u64>,
    ready: RefCell<VecDeque<Parcel>>,
    copied: RefCell<Copied>,
}

/// What a worker does next.
pub(super) enum Task<'p> {
    /// Asks the source for some items.
    Export(Rc<Copying<'p>>, usize),
    /// Stores what has arrived.
    Import(Rc<Copying<'p>>, Parcel),
    /// Deletes some items.
    Delete(Rc<Copying<'p>>, usize),
    /// Asks for a page of the next round.
    Ask(Ask),
    /// Plans the next round.
    Plan(Box<Asked>),
    /// Something may follow; if only calls in progress on a side are in the way, on which.
    Wait(Option<Side>),
    /// Nothing follows.
    Leave,
}

impl<W: World, C: Checkpoint, L: Listener> Job<'_, W, C, L> {
    /// Does work that is no part of a pass.
    pub(super) async fn copy(&self, work: Work) -> Result<(), Setback> {
        let on_the_way = Cell::new(0);
        let pass = Pass::new(Vec::new(), &on_the_way);
        let tasks = work.items.len() + work.deletes.len().div_ceil(work.delete_batch);
        pass.begin(Copying::new(work, Vec::new(), &on_the_way));
        self.work_off(&pass, tasks).await
    }

    /// Does all that there is to do, by as many workers as may call at once, or fewer.
    pub(super) async fn work_off(&self, pass: &Pass<'_>, most: usize) -> Result<(), Setback> {
        workers(&self.run.world, &self.signal, self.width().min(most), |_| self.work(pass)).await;
        pass.setback.get().map_or(Ok(()), Err)
    }

    async fn work(&self, pass: &Pass<'_>) {
        loop {
            let outcome = match self.next_task(pass) {
                Task::Export(round, number) => {
                    let outcome = self.export(&round, number).await;
                    round.exporting.set(round.exporting.get() - 1);
                    round.arrived(round.planned_bytes(number));
                    self.ended(pass, round, outcome)
                }
                Task::Import(round, Parcel::One { request, place, content }) => {
                    let size = u64::from(content.size);
                    let outcome = self.import_one(&round, request, place, content).await;
                    round.arrived(size);
                    self.ended(pass, round, outcome)
                }
                Task::Import(round, Parcel::Many { request, contents }) => {
                    let size: u64 = contents.iter().map(|(_, content)| u64::from(content.size)).sum();
                    let outcome = self.import_many(&round, request, contents).await;
                    round.arrived(size);
                    self.ended(pass, round, outcome)
                }
                Task::Delete(round, number) => {
                    let outcome = self.delete(&round, number).await;
                    self.ended(pass, round, outcome)
                }
                Task::Ask(ask) => match self.ask_page(pass, ask).await {
                    // Nobody waits for a page before the last one.
                    Ok(false) => continue,
                    outcome => outcome.map(|_| ()),
                },
                Task::Plan(asked) => Box::pin(self.plan_round(pass, asked)).await,
                Task::Wait(None) => {
                    self.signal.raised().await;
                    continue;
                }
                Task::Wait(Some(side)) => {
                    let since = self.now();
                    self.signal.raised_and(|| self.has_room(side)).await;
                    self.charge_since(self.holds_back(side, since), since);
                    continue;
                }
                Task::Leave => return,
            };
            if let Err(setback) = outcome {
                pass.setback.set(Some(setback));
            }
            self.signal.raise();
        }
    }

    /// A task of a round has ended.
    fn ended(&self, pass: &Pass<'_>, round: Rc<Copying<'_>>, outcome: Result<(), Setback>) -> Result<(), Setback> {
        // One that failed never counts as ended, nor does its round.
        outcome?;
        round.under_way.set(round.under_way.get() - 1);
        drop(round);
        self.keep_ended(pass)
    }

    fn next_task<'p>(&self, pass: &Pass<'p>) -> Task<'p> {
        if pass.setback.get().is_some() || self.run.is_stopped() {
            if pass.setback.get().is_none() {
                pass.setback.set(Some(Setback::Closed));
            }
            return Task::Leave;
        }
        let (mut begun, mut exporting, mut crowded) = (true, false, None);
        for round in pass.under_way.borrow().iter() {
            match self.take(round) {
                Ok(task) => {
                    round.under_way.set(round.under_way.get() + 1);
                    return task;
                }
                Err(side) => crowded = crowded.or(side),
            }
            begun &= round.is_begun();
            exporting |= round.exporting.get() > 0;
        }
        match if begun { self.prepare(pass) } else { Task::Wait(crowded) } {
            Task::Leave if exporting => Task::Wait(None),
            task => task,
        }
    }

    /// What can be begun of a round now. Otherwise, on which side there are too many calls in progress, if that is why.
    fn take<'p>(&self, round: &Rc<Copying<'p>>) -> Result<Task<'p>, Option<Side>> {
        let mut crowded = None;
        let mut has_room = |side| {
            let room = self.has_room(side);
            crowded = crowded.or((!room).then_some(side));
            room
        };
        let work = &round.work;
        let export = round.next_export.get();
        let limit = self.run.plan.batch.export_bytes.saturating_mul(EXPORTS_ON_THE_WAY);
        let few = round.ready.borrow().len() < self.width();
        if export < work.exports.len() && few && (round.exporting.get() == 0 || round.ready.borrow().is_empty()) {
            let bytes = round.planned_bytes(export);
            let on_the_way = round.on_the_way.get();
            if (on_the_way == 0 || on_the_way + bytes <= limit) && has_room(Side::Source) {
                round.next_export.set(export + 1);
                round.exporting.set(round.exporting.get() + 1);
                round.on_the_way.set(on_the_way + bytes);
                return Ok(Task::Export(Rc::clone(round), export));
            }
        }
        let mut ready = round.ready.borrow_mut();
        if !ready.is_empty()
            && has_room(Side::Target)
            && let Some(parcel) = ready.pop_front()
        {
            return Ok(Task::Import(Rc::clone(round), parcel));
        }
        let delete = round.next_delete.get();
        if ready.is_empty() && delete * work.delete_batch < work.deletes.len() && has_room(Side::Target) {
            round.next_delete.set(delete + 1);
            return Ok(Task::Delete(Rc::clone(round), delete));
        }
        Err(crowded)
    }

    /// An item has arrived in the target.
    pub(super) fn stored(&self, copying: &Copying<'_>, place: usize, target: Id, adds: bool) {
        let item = &copying.work.items[place];
        self.unskip(&item.source);
        if item.replace.is_some() {
            self.mark(Mark::Replaced);
        }
        let mut copied = copying.copied.borrow_mut();
        copied.pairs.push(Pair { source: item.source.clone(), target });
        if adds {
            copied.balance.push((item.folder, 1));
        }
    }

    pub(super) fn note_copied(&self, items: u32, bytes: u64) {
        if items > 0 {
            self.note(&Event::ItemsCopied { mailbox: self.mailbox, items, bytes });
        }
    }
}

impl<'p> Copying<'p> {
    /// A round of which nothing has begun.
    pub(super) fn new(mut work: Work, pages: Vec<Page>, on_the_way: &'p Cell<u64>) -> Self {
        let mut pairs = std::mem::take(&mut work.pairs);
        pairs.reserve_exact(work.items.len());
        let copied = Copied { pairs, balance: std::mem::take(&mut work.balance) };
        Self {
            work,
            pages,
            named: OnceCell::new(),
            next_export: Cell::new(0),
            next_delete: Cell::new(0),
            exporting: Cell::new(0),
            under_way: Cell::new(0),
            on_the_way,
            ready: RefCell::default(),
            copied: RefCell::new(copied),
        }
    }

    /// Whether nothing is left to begin, apart from what is being fetched.
    fn is_begun(&self) -> bool {
        self.next_export.get() == self.work.exports.len()
            && self.ready.borrow().is_empty()
            && self.next_delete.get() * self.work.delete_batch >= self.work.deletes.len()
    }

    /// Whether all of it was done.
    pub(super) fn is_over(&self) -> bool {
        self.under_way.get() == 0 && self.is_begun()
    }

    /// What copying it came to.
    pub(super) fn take_copied(&self) -> Copied {
        self.copied.take()
    }

    /// Number of the request that exports a batch; the requests that store its items follow it.
    pub(super) fn export_request(&self, number: usize) -> u64 {
        self.work.first + (self.work.exports[number].start + number) as u64
    }

    /// The items of an export.
    pub(super) fn export_range(&self, number: usize) -> Range<usize> {
        self.work.exports[number].clone()
    }

    fn planned_bytes(&self, number: usize) -> u64 {
        self.work.items[self.export_range(number)].iter().map(Item::planned_bytes).sum()
    }

    fn arrived(&self, bytes: u64) {
        self.on_the_way.set(self.on_the_way.get() - bytes);
    }

    /// Hands contents of `bytes` bytes over to be stored.
    pub(super) fn hand_over(&self, parcel: Parcel, bytes: u64) {
        self.on_the_way.set(self.on_the_way.get() + bytes);
        self.ready.borrow_mut().push_back(parcel);
    }

    /// The item at a position of the work.
    pub(super) fn item(&self, place: usize) -> &Item {
        &self.work.items[place]
    }
}
