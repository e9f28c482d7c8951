//! Copying a round's work: exports, imports and deletions of one mailbox, side by side.
//!
//! Every worker takes whatever is next: it imports what has arrived, exports ahead while little is waiting, deletes when
//! there is nothing else. What has been exported and not yet imported is bounded by bytes.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::ops::Range;

use mock_server::wire::call::{Content, Protocol};
use mock_server::wire::id::Id;

use super::changes::{Copied, Item, Work};
use super::job::{Job, Setback};
use super::join::workers;
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

/// The state that the workers share.
pub(super) struct Copying<'w> {
    /// The work.
    pub(super) work: &'w Work,
    next_export: Cell<usize>,
    next_delete: Cell<usize>,
    exporting: Cell<u32>,
    on_the_way: Cell<u64>,
    ready: RefCell<VecDeque<Parcel>>,
    copied: RefCell<Copied>,
    setback: Cell<Option<Setback>>,
}

enum Task {
    Export(usize),
    Import(Parcel),
    Delete(usize),
    Wait,
    Leave,
}

impl<W: World, C: Checkpoint, L: Listener> Job<'_, W, C, L> {
    /// Does a round's work.
    pub(super) async fn copy(&self, work: &Work) -> Result<Copied, Setback> {
        if work.items.is_empty() && work.deletes.is_empty() {
            return Ok(Copied { balance: work.balance.clone(), ..Copied::default() });
        }
        if !work.items.is_empty() && self.run.protocol(Side::Target) == Protocol::Graph {
            self.open_session().await?;
        }
        let copying = Copying {
            work,
            next_export: Cell::new(0),
            next_delete: Cell::new(0),
            exporting: Cell::new(0),
            on_the_way: Cell::new(0),
            ready: RefCell::default(),
            copied: RefCell::new(Copied { pairs: Vec::with_capacity(work.items.len()), balance: work.balance.clone() }),
            setback: Cell::new(None),
        };
        let tasks = work.items.len() + work.deletes.len().div_ceil(work.delete_batch);
        let copying = &copying;
        workers(&self.run.world, &self.signal, self.width().min(tasks), |_| self.copy_worker(copying)).await;
        match copying.setback.get() {
            Some(setback) => Err(setback),
            None => Ok(copying.copied.take()),
        }
    }

    async fn copy_worker(&self, copying: &Copying<'_>) {
        loop {
            let outcome = match self.next_task(copying) {
                Task::Export(number) => {
                    let outcome = self.export(copying, number).await;
                    copying.exporting.set(copying.exporting.get() - 1);
                    copying.arrived(copying.planned_bytes(number));
                    outcome
                }
                Task::Import(Parcel::One { request, place, content }) => {
                    let size = u64::from(content.size);
                    let outcome = self.import_one(copying, request, place, content).await;
                    copying.arrived(size);
                    outcome
                }
                Task::Import(Parcel::Many { request, contents }) => {
                    let size: u64 = contents.iter().map(|(_, content)| u64::from(content.size)).sum();
                    let outcome = self.import_many(copying, request, contents).await;
                    copying.arrived(size);
                    outcome
                }
                Task::Delete(number) => self.delete(copying, number).await,
                Task::Wait => {
                    self.signal.raised().await;
                    continue;
                }
                Task::Leave => return,
            };
            if let Err(setback) = outcome {
                copying.setback.set(Some(setback));
            }
            self.signal.raise();
        }
    }

    fn next_task(&self, copying: &Copying<'_>) -> Task {
        if copying.setback.get().is_some() || self.run.is_stopped() {
            if copying.setback.get().is_none() {
                copying.setback.set(Some(Setback::Closed));
            }
            return Task::Leave;
        }
        let work = copying.work;
        let export = copying.next_export.get();
        let limit = self.run.plan.batch.export_bytes.saturating_mul(EXPORTS_ON_THE_WAY);
        let few = copying.ready.borrow().len() < self.width();
        if export < work.exports.len() && few && (copying.exporting.get() == 0 || copying.ready.borrow().is_empty()) {
            let bytes = copying.planned_bytes(export);
            let on_the_way = copying.on_the_way.get();
            if on_the_way == 0 || on_the_way + bytes <= limit {
                copying.next_export.set(export + 1);
                copying.exporting.set(copying.exporting.get() + 1);
                copying.on_the_way.set(on_the_way + bytes);
                return Task::Export(export);
            }
        }
        if let Some(parcel) = copying.ready.borrow_mut().pop_front() {
            return Task::Import(parcel);
        }
        let delete = copying.next_delete.get();
        if delete * work.delete_batch < work.deletes.len() {
            copying.next_delete.set(delete + 1);
            return Task::Delete(delete);
        }
        if copying.exporting.get() > 0 || export < work.exports.len() { Task::Wait } else { Task::Leave }
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

impl Copying<'_> {
    /// Number of the request that exports a batch; the requests that store its items follow it.
    pub(super) fn export_request(&self, number: usize) -> u64 {
        self.work.first + (self.work.exports[number].start + number) as u64
    }

    /// The items of an export.
    pub(super) fn export_range(&self, number: usize) -> Range<usize> {
        self.work.exports[number].clone()
    }

    fn planned_bytes(&self, number: usize) -> u64 {
        self.work.items[self.export_range(number)].iter().map(|item| u64::from(item.size)).sum()
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
