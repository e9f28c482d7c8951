//! From the changes of a round to the work they make.

use std::collections::BTreeSet;
use std::hash::{BuildHasherDefault, Hasher};
use std::ops::Range;

use mock_server::draw::mix;
use mock_server::wire::answer::{ChangeKind, ItemChange};
use mock_server::wire::call::Protocol;
use mock_server::wire::id::Id;

use super::batch::cut;
use super::job::{Job, Setback};
use super::pass::{Open, Page};
use super::planted::Bug;
use crate::checkpoint::{Checkpoint, Pair};
use crate::event::{Listener, Mark, SkipReason};
use crate::world::{Side, World};

/// Bytes of an item whose size the source does not tell (assumed: the mean of NHSmail, 2.3 PB in 31 billion items; decides
/// only how items are exported together).
const UNTOLD_BYTES: u64 = 75_000;

/// An item to copy.
pub(super) struct Item {
    /// Position of its folder in the progress.
    pub(super) folder: u32,
    /// The item in the source.
    pub(super) source: Id,
    /// Its size in bytes, as the listing told it; zero if it did not.
    pub(super) size: u32,
    /// The target item to replace.
    pub(super) replace: Option<Id>,
    /// Whether the target may hold it although no pair is on record, so that it must be looked for.
    pub(super) look: bool,
    /// Whether the target folder holds one item more when it is stored.
    pub(super) adds: bool,
}

impl Item {
    /// The bytes that are reckoned with before it is fetched.
    pub(super) fn planned_bytes(&self) -> u64 {
        if self.size == 0 { UNTOLD_BYTES } else { u64::from(self.size) }
    }
}

/// What a list of changes says of one item.
#[derive(Copy, Clone)]
struct Mentions<'c> {
    /// The place of the last of its changes, which alone is still true.
    last: usize,
    /// The last that tells its identity and size: that an item was read is told without them.
    described: Option<&'c ItemChange>,
    /// Whether the first says that it was made.
    made: bool,
}

/// The last change of each item, as it is told in full, and whether the first says that it was made.
pub(super) fn latest(changes: &[ItemChange]) -> impl Iterator<Item = (&ItemChange, bool)> {
    // Where references ascend, as they often do in a listing, nothing is told twice.
    let mentioned = (!changes.is_sorted_by(|one, next| one.item < next.item)).then(|| mentions(changes));
    changes.iter().enumerate().filter_map(move |(place, change)| {
        let Some(mentioned) = &mentioned else { return Some((change, change.kind == ChangeKind::Create)) };
        let Mentions { last, described, made } = *mentioned.get(&change.item)?;
        let full = if change.kind == ChangeKind::Delete { change } else { described.unwrap_or(change) };
        (last == place).then_some((full, made))
    })
}

fn mentions(changes: &[ItemChange]) -> IdMap<&Id, Mentions<'_>> {
    let mut items: IdMap<&Id, Mentions<'_>> = IdMap::default();
    items.reserve(changes.len());
    for (place, change) in changes.iter().enumerate() {
        let first = Mentions { last: place, described: None, made: change.kind == ChangeKind::Create };
        let mentions = items.entry(&change.item).or_insert(first);
        mentions.last = place;
        mentions.described = change.key.map(|_| change).or(mentions.described);
    }
    items
}

/// The work of one round.
#[derive(Default)]
pub(super) struct Work {
    /// Items to copy.
    pub(super) items: Vec<Item>,
    /// How they are exported together.
    pub(super) exports: Vec<Range<usize>>,
    /// Number of the first request of the exports and imports.
    pub(super) first: u64,
    /// Items to delete in the target, with the position of their folder and whether they count in its balance.
    pub(super) deletes: Vec<(u32, Id)>,
    /// How many of them go into one call.
    pub(super) delete_batch: usize,
    /// Number of the first request that deletes.
    pub(super) first_delete: u64,
    /// Pairs that need no copying.
    pub(super) pairs: Vec<Pair>,
    /// By how much the number of items changes in folders, apart from items copied.
    pub(super) balance: Vec<(u32, i64)>,
}

/// What copying a round's work came to.
#[derive(Default)]
pub(super) struct Copied {
    /// Which target item belongs to which source item.
    pub(super) pairs: Vec<Pair>,
    /// By how much the number of items changed in folders.
    pub(super) balance: Vec<(u32, i64)>,
}

/// A fixed hasher for references: their order is never looked at.
#[derive(Default)]
pub(super) struct IdHasher(u64);

impl Hasher for IdHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.write_u64(u64::from_le_bytes(word));
        }
    }

    fn write_u64(&mut self, word: u64) {
        self.0 = mix(self.0.rotate_left(5) ^ word);
    }

    fn write_isize(&mut self, word: isize) {
        self.write_u64(word as u64);
    }

    fn write_u8(&mut self, byte: u8) {
        self.0 = self.0.wrapping_mul(31).wrapping_add(u64::from(byte));
    }
}

/// A map by reference with a fixed hasher, never iterated.
pub(super) type IdMap<K, V> = hashbrown::HashMap<K, V, BuildHasherDefault<IdHasher>>;

impl<W: World, C: Checkpoint, L: Listener> Job<'_, W, C, L> {
    /// Decides what the pages of a round mean for the target. Asks nobody but the checkpoint.
    pub(super) fn plan_work(&self, round: &mut [Open], pages: &[Page]) -> Result<Work, Setback> {
        let mut work = Work::default();
        for (open, page) in round.iter_mut().zip(pages) {
            if !page.changes.is_empty() {
                self.plan_page(open, page, &mut work)?;
            }
            if page.complete {
                self.plan_leftovers(open, &mut work)?;
            }
        }
        let batch = &self.run.plan.batch;
        let sizes = work.items.iter().map(Item::planned_bytes);
        work.exports = cut(sizes, batch.export_items, batch.export_bytes);
        work.first = self.reserve(work.items.len() + work.exports.len());
        self.number_deletes(&mut work);
        Ok(work)
    }

    /// Gives the calls that delete what is planned their sizes and numbers.
    pub(super) fn number_deletes(&self, work: &mut Work) {
        let batch = &self.run.plan.batch;
        work.delete_batch = match self.run.protocol(Side::Target) {
            Protocol::Graph => batch.batch_calls,
            Protocol::Ews => batch.upload_items,
        }
        .max(1) as usize;
        work.first_delete = self.reserve(work.deletes.len().div_ceil(work.delete_batch));
    }

    fn plan_page(&self, open: &mut Open, page: &Page, work: &mut Work) -> Result<(), Setback> {
        // An item that was made within the page needs no search in the target.
        for (change, made) in latest(&page.changes) {
            if change.kind == ChangeKind::Delete {
                if self.run.errs(Bug::KeepDeleted) {
                    continue;
                }
                self.unskip(&change.item);
                if let Some(target) = self.target_of(&change.item)? {
                    work.deletes.push((open.folder, target));
                    work.balance.push((open.folder, -1));
                }
                continue;
            }
            self.plan_item(open, change, made, work)?;
        }
        Ok(())
    }

    fn plan_item(&self, open: &mut Open, change: &ItemChange, made: bool, work: &mut Work) -> Result<(), Setback> {
        let folder = open.folder;
        let held = open.held.as_mut().and_then(|held| held.take(change.key));
        // Services may tell of an item again that they told of before.
        let mut paired = self.target_of(&change.item)?;
        if let Some((target, _)) = &held
            && paired.as_ref() != Some(target)
        {
            // Whatever becomes of its copy, what is there is this item: it is replaced or deleted when the source says so.
            work.pairs.push(Pair { source: change.item.clone(), target: target.clone() });
            work.balance.push((folder, i64::from(paired.is_none())));
            paired = Some(target.clone());
        }
        if change.size > self.run.plan.largest_item_bytes {
            return self.skip(folder, &change.item, change.size, SkipReason::TooLarge);
        }
        let restarting = self.progress.borrow().folders[folder as usize].restarting;
        if restarting && held.as_ref().is_some_and(|(_, size)| *size == change.size) {
            return Ok(());
        }
        // Where the target was listed, what is neither found there nor paired since is not there.
        let replace = paired.filter(|_| held.is_some() || !self.run.errs(Bug::NeverReplace));
        let unlisted = open.held.is_none() || change.key.is_none();
        let look = replace.is_none() && !made && unlisted && !self.run.errs(Bug::NeverReplace);
        let adds = replace.is_none();
        work.items.push(Item { folder, source: change.item.clone(), size: change.size, replace, look, adds });
        Ok(())
    }

    /// What a listing of the target showed and the source did not name: repeated items, and items that the source no
    /// longer holds. Deleted only where everything in the target folder was copied by us.
    fn plan_leftovers(&self, open: &mut Open, work: &mut Work) -> Result<(), Setback> {
        if open.gone {
            self.progress.borrow_mut().skipped.retain(|skipped| skipped.folder != open.folder);
        }
        let Some(held) = open.held.take() else { return Ok(()) };
        let (ours, restarting) = {
            let progress = self.progress.borrow();
            let folder = &progress.folders[open.folder as usize];
            (folder.ours, folder.restarting)
        };
        if !ours && !open.gone {
            return Ok(());
        }
        let left: Vec<Id> = held.items.into_values().map(|(id, _)| id).collect();
        let strange =
            self.run.checkpoint.unpaired(self.mailbox, left.clone()).map_err(|error| self.break_off(error))?;
        let unpaired: BTreeSet<Id> = strange.iter().cloned().collect();
        let gone = match (ours, restarting || open.gone) {
            (true, true) => left,
            (true, false) => strange,
            // What was there before the move stays.
            (false, _) => left.into_iter().filter(|target| !unpaired.contains(target)).collect(),
        };
        if !gone.is_empty() {
            self.mark(Mark::LeftoversDeleted);
        }
        let planned: BTreeSet<Id> = work.deletes.iter().map(|(_, target)| target.clone()).collect();
        for target in gone {
            // An item without a pair was never counted.
            if !unpaired.contains(&target) {
                work.balance.push((open.folder, -1));
            }
            if !planned.contains(&target) {
                work.deletes.push((open.folder, target));
            }
        }
        if ours {
            work.deletes.extend(held.repeated.into_iter().map(|target| (open.folder, target)));
        }
        Ok(())
    }

    fn target_of(&self, source: &Id) -> Result<Option<Id>, Setback> {
        self.run.checkpoint.target_of(self.mailbox, source).map_err(|error| self.break_off(error))
    }
}
